"""Suggestions are taken in a sandboxed copy of the project, one by one, and the tests that they touch run there.

Nobody is asked for anything: the tests are the project's own. A suggestion with which a test fails that passes
without it is shown as text; one whose lines those tests run, and with which all pass that passed, is labelled so.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Final

from reviewbot.domain.finding import Finding, Suggestion
from reviewbot.domain.trial import Attested, Rehearsed, Trial
from reviewbot.errors import SandboxError
from reviewbot.proving.lanes import Lanes
from reviewbot.proving.reading import import_roots, module_of, reader
from reviewbot.proving.workbench import TimeUp, Workbench, Yard
from reviewbot.steps import affecting, neighbouring, suggesting

MOST_TRIED: Final = 10
"""Suggestions that are tried, those of the most severe findings."""
TIME_UP: Final = "the time for it was up"
NOT_PYTHON: Final = "tests are run for Python only"
NO_TEST: Final = "no test of the file was found"
UNREACHED: Final = "no test that was found runs its lines"
UNUSABLE: Final = "its tests do not run, or none passes, without it"
FAILING: Final = "its tests fail with it as they do without it"
FLAKY: Final = "its tests fail now and then"
INTERRUPTED: Final = "the run was interrupted"
_TOO_MANY: Final = f"only {MOST_TRIED} are tried"
_NO_END: Final = "its tests do not come to an end with it, and do without it"
_FEWER: Final = "fewer tests pass with it than without it"
_LONGEST_S: Final = 120.0
"""Of the tests of one file."""
_SLACK: Final = 5
"""How many times longer than without it tests may take with a suggestion."""
_LEAST_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """The tests of one source, as they go without any suggestion."""

    text: str
    """Of the source."""
    tests: tuple[str, ...]
    said: Attested
    limit_s: float
    """For the same tests with a suggestion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passed:
    tests: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Broken:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Untried:
    reason: str
    bug: bool = False


_Result = _Passed | _Broken | _Untried


async def take(findings: Sequence[Finding], bench: Workbench, time_s: float) -> Rehearsed:
    """Try the suggestions of findings, within ``time_s`` seconds in all.

    Failures are values of the result: of the sandbox, and of the project's own Python. An interruption ends it, and
    what was known by then is told.
    """
    results: dict[int, _Result] = {at: _Untried(reason=NOT_PYTHON) for at in _suggested(findings)}
    python = [at for at in results if findings[at].path.endswith(".py")]
    ranked = sorted(python, key=lambda at: -findings[at].severity.rank)
    results |= dict.fromkeys(ranked, _Untried(reason=_TOO_MANY))
    chosen = ranked[:MOST_TRIED]
    if not chosen:
        return _told(findings, results)
    results |= dict.fromkeys(chosen, _Untried(reason=INTERRUPTED))
    try:
        await _try_all({at: findings[at] for at in chosen}, bench, time_s, results)
    except asyncio.CancelledError:
        return _told(findings, results, interrupted=True)
    return _told(findings, results)


def untaken(findings: Sequence[Finding], reason: str) -> Rehearsed:
    """Say why no suggestion is tried; where there is none, nothing."""
    return _told(findings, {at: _Untried(reason=reason) for at in _suggested(findings)})


def _suggested(findings: Sequence[Finding]) -> list[int]:
    return [at for at, finding in enumerate(findings) if finding.suggestion is not None]


async def _try_all(chosen: Mapping[int, Finding], bench: Workbench, time_s: float, results: dict[int, _Result]) -> None:
    """Write down what becomes of each suggestion as soon as that is known."""
    paths = {finding.path for finding in chosen.values()}
    yard = Yard(bench, bench.clock() + time_s, import_roots(sorted(paths), bench.head.names))

    async def settle(stage: _Stage, at: int) -> None:
        results[at] = await stage.settled(chosen[at])

    with ThreadPoolExecutor(bench.workers) as executor:
        stage = _Stage(Lanes(yard, executor, bench.workers), bench)
        trouble = await stage.trouble()
        if trouble is not None:
            results |= dict.fromkeys(chosen, trouble)
            return
        await asyncio.gather(*(settle(stage, at) for at in chosen))


class _Stage:
    """Where suggestions are tried; what is known of a file's tests is found out once."""

    def __init__(self, lanes: Lanes, bench: Workbench) -> None:
        self._lanes = lanes
        self._bench = bench
        self._read = reader(bench.head)
        self._tests = neighbouring.tests(bench.head.names)
        self._imported = cache(lambda test: affecting.imported(self._read(test)))
        self._known: dict[str, asyncio.Task[_Before | _Untried]] = {}

    async def trouble(self) -> _Untried | None:
        """Say why no test can be run at all, or None."""
        try:
            missing = (await self._lanes.inquire()).missing
        except (TimeUp, SandboxError) as error:
            return _failed(error)
        if not missing:
            return None
        return _Untried(
            reason=f"{' and '.join(missing)} is not installed in the project's Python, {self._bench.python}"
        )

    async def settled(self, finding: Finding) -> _Result:
        """Try the suggestion of a finding. Never raises but when cancelled: a review must not be lost for it."""
        try:
            if finding.path not in self._known:
                self._known[finding.path] = asyncio.create_task(self._before(finding.path))
            before = await self._known[finding.path]
            if isinstance(before, _Untried):
                return before
            return await self._tried(finding, before)
        except Exception as error:  # noqa: BLE001 - see above
            return _failed(error)

    async def _before(self, path: str) -> _Before | _Untried:
        text = self._read(path)
        module = module_of(path, self._bench.head.names)
        tests = affecting.affected(path, module, self._tests, self._imported)
        if text is None or not tests:
            return _Untried(reason=NO_TEST)
        ran = await self._lanes.run(Trial(files={}, select=tests, measured=(path,), timeout_s=_LONGEST_S))
        if ran.attested is None or not ran.attested.passed:
            return _Untried(reason=UNUSABLE)
        limit_s = min(_LONGEST_S, max(_LEAST_S, _SLACK * ran.wall_s))
        return _Before(text=text, tests=tests, said=ran.attested, limit_s=limit_s)

    async def _tried(self, finding: Finding, before: _Before) -> _Result:
        change = finding.suggestion
        after = None if change is None else suggesting.taken(before.text, change)
        if change is None or after is None or not _reached(before, finding.path, change):
            return _Untried(reason=UNREACHED)
        trial = Trial(files={finding.path: after}, select=before.tests, timeout_s=before.limit_s)
        said = (await self._lanes.run(trial)).attested
        fault = self._fault(before.said, said)
        if said is None or fault is not None:
            # A second time, since it may be a flaky test that is to blame.
            again = self._fault(before.said, (await self._lanes.run(trial)).attested)
            return _Untried(reason=FLAKY) if again is None else _Broken(reason=fault or again)
        return _Untried(reason=FAILING) if said.failing else _Passed(tests=before.tests, count=said.passed)

    def _fault(self, before: Attested, said: Attested | None) -> str | None:
        """Say what goes wrong that did not before, or None."""
        if said is None:
            return _NO_END
        new = [failure for failure in (*said.failures, *said.errors) if failure.id not in before.failing]
        if not new:
            return _FEWER if said.passed < before.passed else None
        # The copy's folder is no business of the reader's.
        said_so = re.sub(rf"^E\s+|{re.escape(str(self._bench.scratch))}/\w+/", "", new[0].message)
        name, message = suggesting.plain(new[0].id), suggesting.plain(said_so)
        more = f", as {len(new) - 1} more do" if len(new) > 1 else ""
        return f"`{name}` fails with it and not without it{more} (`{message}`)"


def _reached(before: _Before, path: str, change: Suggestion) -> bool:
    measured = before.said.measured.get(path)
    lines = affecting.statements(before.text, change.start_line, change.line)
    return measured is not None and bool(lines & measured.lines)


def _failed(error: Exception) -> _Untried:
    if isinstance(error, TimeUp):
        return _Untried(reason=TIME_UP)
    if isinstance(error, SandboxError):
        return _Untried(reason=str(error))
    return _Untried(reason=f"a bug in reviewbot, please report it: {type(error).__name__}: {error}", bug=True)


def _told(findings: Sequence[Finding], results: Mapping[int, _Result], *, interrupted: bool = False) -> Rehearsed:
    bugs = [result.reason for result in results.values() if isinstance(result, _Untried) and result.bug]
    return Rehearsed(
        findings=tuple(_shown(finding, results.get(at)) for at, finding in enumerate(findings)),
        notes=_notes(results.values()),
        bug=bugs[0] if bugs else None,
        interrupted=interrupted,
    )


def _shown(finding: Finding, result: _Result | None) -> Finding:
    match result:
        case _Passed():
            return suggesting.labelled(finding, result.count, result.tests)
        case _Broken():
            return suggesting.as_text(finding, result.reason)
        case _:
            return finding


def _notes(results: Collection[_Result]) -> tuple[str, ...]:
    """Sum up in a sentence."""
    if not results:
        return ()
    passed = sum(isinstance(result, _Passed) for result in results)
    broken = sum(isinstance(result, _Broken) for result in results)
    reasons = Counter(result.reason for result in results if isinstance(result, _Untried))
    parts = [
        *([f"tests pass with {passed}"] if passed else []),
        *([f"tests fail with {broken}, shown as text"] if broken else []),
        *_counted(reasons.items()),
    ]
    noun = "suggestion" if len(results) == 1 else "suggestions"
    return (f"of {len(results)} {noun} of the model {'; '.join(parts)}",)


def _counted(reasons: Iterable[tuple[str, int]]) -> list[str]:
    return [f"{count} not tried by tests: {reason}" for reason, count in reasons]
