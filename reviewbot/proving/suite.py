"""The project's whole suite: how it fares without new tests, and whether it bears them."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reviewbot.domain.candidate import Point, SuggestedFile
from reviewbot.domain.trial import Attested, Measured, Ran, Trial
from reviewbot.proving.lanes import Lanes
from reviewbot.steps.gaining import reached

_SHARE = 3
"""Part of the time for proving that the suite may take at first: it has to run twice more at the end."""
_MARGIN_S = 5.0
_SLACK = 3
_HANGING_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The suite as it is."""

    runs: bool
    """Whether it came to an end in time; where not, tests are proven alone."""
    failing: frozenset[str] = frozenset()
    """Ids of what fails without any new test."""
    measured: Mapping[str, Measured] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    """Files that the suite itself makes, alters or removes."""
    wall_s: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def reserve_s(self) -> float:
        """Time to keep for running the suite with the new tests, first and last."""
        return 2 * self.wall_s + _MARGIN_S if self.runs else _MARGIN_S

    @property
    def limit_s(self) -> float:
        """Longest run of the suite with new tests: one that hangs among the others must not take all the time."""
        return _SLACK * self.wall_s + _HANGING_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Borne:
    """The suite with new files in it."""

    blamed: Mapping[str, str]
    """Why a new file cannot be kept, by path; empty where the suite bears them all."""
    covered: frozenset[Point] = frozenset()


async def baseline(lanes: Lanes, points: Collection[Point]) -> Baseline:
    """Run the suite without any new test. Raises SandboxError or TimeUp."""
    files = tuple(sorted({point.path for point in points}))
    ran = await lanes.run(Trial(files={}, measured=files, timeout_s=lanes.left_s / _SHARE))
    said = ran.attested
    if said is None or not said.collected:
        return Baseline(runs=False, notes=(_unusable(ran),))
    notes = []
    if said.failing:
        noun = "test fails" if len(said.failing) == 1 else "tests fail or cannot be collected"
        notes.append(f"{len(said.failing)} {noun} without any new test: new ones have to leave the others as they are")
    return Baseline(
        runs=True,
        failing=said.failing,
        measured=said.measured,
        left=frozenset(ran.left),
        wall_s=ran.wall_s,
        notes=tuple(notes),
    )


async def borne(lanes: Lanes, files: Sequence[SuggestedFile], points: Collection[Point], before: Baseline) -> Borne:
    """Run the suite with new files first and last: it has to fare as before, and the new tests have to pass.

    Where the suite itself does not run, the new files are run together.
    """
    texts = {file.path: file.code for file in files}
    paths = tuple(texts)
    sources = tuple(sorted({point.path for point in points}))
    select = () if before.runs else paths
    first = Trial(files=texts, select=select, measured=sources, first=paths, timeout_s=before.limit_s)
    last = Trial(files=texts, select=select, last=paths, timeout_s=before.limit_s)
    runs = await asyncio.gather(lanes.run(first), lanes.run(last))
    blamed: dict[str, str] = {}
    for trial, ran in zip((first, last), runs, strict=True):
        blamed |= await _blamed(lanes, trial, ran, before)
    said = runs[0].attested
    if blamed or said is None:
        return Borne(blamed=blamed)
    covered = reached(points, said.measured)
    return Borne(blamed=_unheard(files, covered), covered=covered)


def _unheard(files: Sequence[SuggestedFile], covered: frozenset[Point]) -> dict[str, str]:
    """Find new files that the suite passes over, as for a setting that names the folders with tests."""
    reason = "the project's own suite does not run it there, or not with the same effect"
    return {file.path: reason for file in files if any(not p.branch and p not in covered for p in file.covers)}


async def _blamed(lanes: Lanes, trial: Trial, ran: Ran, before: Baseline) -> dict[str, str]:
    """Find the new files for which a run did not go as before; all of them where none can be singled out."""
    texts = trial.files
    if ran.attested is None:
        return dict.fromkeys(texts, f"the suite does not come to its end with the new tests: {ran.said[-300:]}")
    own, victims = _new_failures(ran.attested, texts, before)
    if own or not victims:
        return own
    found = await asyncio.gather(
        *(_hurts(lanes, Trial(files={path: text}, timeout_s=before.limit_s), victims) for path, text in texts.items())
    )
    reason = f"with it in the suite other tests fail: {', '.join(victims[:3])}"
    hurting = {path: reason for path, hurts in zip(texts, found, strict=True) if hurts}
    if hurting or await _passes_now(lanes, trial, before):
        return hurting
    return dict.fromkeys(texts, f"{reason}; which of the new tests is at fault could not be found out")


def _new_failures(said: Attested, texts: Collection[str], before: Baseline) -> tuple[dict[str, str], list[str]]:
    """Give the new files that fail, with reasons, and the ids of other tests that did not fail before."""
    failures = [failure for failure in (*said.failures, *said.errors) if failure.id not in before.failing]
    own = {
        _file(failure.id): f"it fails among the other tests: {failure.message.partition(chr(10))[0]}"
        for failure in failures
        if _file(failure.id) in texts
    }
    return own, sorted(failure.id for failure in failures if _file(failure.id) not in texts)


async def _passes_now(lanes: Lanes, trial: Trial, before: Baseline) -> bool:
    """Tell whether the same run goes well a second time: then it was a flaky test of the project's own."""
    said = (await lanes.run(trial)).attested
    return said is not None and said.failing <= before.failing


async def _hurts(lanes: Lanes, trial: Trial, victims: Sequence[str]) -> bool:
    """Tell whether other tests fail when they run after a single new file."""
    paths = tuple(trial.files)
    said = (await lanes.run(replace(trial, select=(*paths, *victims), first=paths))).attested
    return said is None or bool(said.failing & set(victims))


def _unusable(ran: Ran) -> str:
    if ran.timed_out:
        why = f"it takes longer than {ran.wall_s:.0f} s"
    elif ran.attested is not None:
        why = "it holds no test that can be collected"
    else:
        why = f"it does not come to its end: {ran.said[-300:]}"
    return f"the project's suite cannot be run, so new tests are proven without it: {why}"


def _file(name: str) -> str:
    return name.partition("::")[0]
