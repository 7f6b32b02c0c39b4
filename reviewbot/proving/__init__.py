"""The stretch of the journey that asks a model for tests and proves them: gaps in, proven test files out.

Nothing that a model writes is shown as a test before it has passed every filter; every rejection is counted with
its reason; what was not reached, and why, is said.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from reviewbot.domain.candidate import Gap, Judged, Point, Proved, Unreached
from reviewbot.errors import SandboxError
from reviewbot.proving.asking import Drafting
from reviewbot.proving.judging import Court
from reviewbot.proving.lanes import Lanes
from reviewbot.proving.pursuing import TIME_UP, Findings, Hunt, pursue_all
from reviewbot.proving.reading import context_of, import_roots, own_modules, reader
from reviewbot.proving.settling import Settled, settle
from reviewbot.proving.suite import baseline
from reviewbot.proving.workbench import TimeUp, Tree, Workbench, Yard
from reviewbot.steps import neighbouring
from reviewbot.steps.briefing import Briefs
from reviewbot.steps.gaining import reached

__all__ = ["Drafting", "Tree", "Workbench", "prove"]

_NOT_PYTHON = "tests are written for Python only"
_INTERRUPTED = "the run was interrupted"


async def prove(drafting: Drafting, gaps: Sequence[Gap], bench: Workbench, time_s: float) -> Proved:
    """Ask for tests of gaps and prove them, within ``time_s`` seconds in all.

    Failures are values of the result: of the model, of the sandbox, of the project's own Python. An interruption ends
    the search, and nothing is proven then.
    """
    testable = tuple(gap for gap in gaps if gap.testable)
    proved = Proved(unreached=_all(tuple(gap for gap in gaps if not gap.testable), _NOT_PYTHON))
    if not testable:
        return proved
    started = bench.clock()
    yard = Yard(bench, started + time_s, import_roots([gap.path for gap in testable], bench.head.names))
    with ThreadPoolExecutor(bench.workers) as executor:
        lanes = Lanes(yard, executor, bench.workers)
        try:
            found = await _proved(drafting, testable, bench, lanes, yard)
        except TimeUp:
            found = Proved(unreached=_all(testable, TIME_UP))
        except SandboxError as error:
            found = Proved(unreached=_all(testable, str(error)), notes=(f"no test could be run: {error}",))
        except asyncio.CancelledError:
            found = Proved(unreached=_all(testable, _INTERRUPTED), interrupted=True)
    return replace(
        found,
        unreached=(*found.unreached, *proved.unreached),
        processes=yard.processes,
        processes_s=yard.processes_s,
    )


async def _proved(drafting: Drafting, gaps: tuple[Gap, ...], bench: Workbench, lanes: Lanes, yard: Yard) -> Proved:
    environment = await lanes.inquire()
    if environment.missing:
        reason = f"{' and '.join(environment.missing)} is not installed in the project's Python, {bench.python}"
        return Proved(unreached=_all(gaps, reason), notes=(f"no test could be run: {reason}",))
    asked = frozenset[Point]().union(*(gap.points for gap in gaps))
    before = await baseline(lanes, asked)
    covered = reached(asked, before.measured)
    read = reader(bench.head)
    roots = import_roots([gap.path for gap in gaps], bench.head.names)
    court = Court(
        lanes=lanes,
        points=asked - covered,
        before=before,
        modules=environment.modules | own_modules(bench.head.names, roots),
        source=read,
        has_base=bench.base is not None,
    )
    hunt = Hunt(
        drafting=drafting,
        briefs=Briefs(drafting.templates, drafting.instructions, drafting.count),
        court=court,
        gaps=gaps,
        names=frozenset(bench.head.names),
        folders=_folders(gaps, bench.head.names),
        context=context_of(bench.head, read),
        found=Findings(),
    )
    interrupted = await _search(hunt, yard)
    settled = Settled(judged=tuple(hunt.found.judged))
    if not interrupted:
        settled = await settle(court, hunt.found.judged, _namer(bench.head.names))
    return _told(hunt, settled, covered, interrupted=interrupted)


async def _search(hunt: Hunt, yard: Yard) -> bool:
    """Pursue the gaps until all is done, or only the time for the whole suite is left; tell of an interruption."""
    limit_s = yard.left_s - hunt.court.before.reserve_s
    if limit_s <= 0:
        hunt.found.time_up = True
        return False
    with yard.sooner(hunt.court.before.reserve_s):
        try:
            async with asyncio.timeout(limit_s):
                await pursue_all(hunt)
        except TimeoutError:
            hunt.found.time_up = True
        except asyncio.CancelledError:
            return True
    return False


def _told(hunt: Hunt, settled: Settled, before: frozenset[Point], *, interrupted: bool) -> Proved:
    found = hunt.found
    notes = list(hunt.court.before.notes)
    asked = len(before) + len(hunt.court.points)
    if before:
        notes.append(f"{len(before)} of {asked} uncovered lines are run by the project's own suite after all")
    unsafe = found.unsafe or settled.unsafe
    if unsafe is not None:
        notes.append(f"no more tests could be run: {unsafe}")
    found.time_up = found.time_up or settled.time_up
    if found.time_up:
        notes.append(f"{TIME_UP}: what had been proven by then is shown")
    order = {f"{gap.path}: {gap.name}" if gap.name else gap.path: at for at, gap in enumerate(hunt.gaps)}
    judged = () if interrupted else settled.judged
    return Proved(
        tests=tuple(sorted(judged, key=lambda each: _rank(order, each))),
        files=settled.files,
        covered=tuple(sorted(settled.covered | before)),
        unreached=_unreached(hunt, settled.covered, _INTERRUPTED if interrupted else unsafe),
        notes=tuple(notes),
        redacted=hunt.briefs.redacted,
        budget_ended=found.budget_ended,
        failed=found.failed,
        bug=found.bug,
        interrupted=interrupted,
    )


def _rank(order: dict[str, int], judged: Judged) -> tuple[int, int, str]:
    candidate = judged.candidate
    return order[candidate.gap], candidate.attempt, candidate.path


def _unreached(hunt: Hunt, covered: frozenset[Point], stopped: str | None) -> tuple[Unreached, ...]:
    default = stopped or hunt.found.bug or (TIME_UP if hunt.found.time_up else "no test of it passed every filter")
    left = ((gap, tuple(sorted((gap.points & hunt.court.points) - covered))) for gap in hunt.gaps)
    return tuple(
        Unreached(gap=gap, points=points, reason=hunt.found.reasons.get(gap, default)) for gap, points in left if points
    )


def _all(gaps: Sequence[Gap], reason: str) -> tuple[Unreached, ...]:
    return tuple(Unreached(gap=gap, points=tuple(sorted(gap.points)), reason=reason) for gap in gaps)


def _folders(gaps: Sequence[Gap], names: Sequence[str]) -> frozenset[str]:
    known = neighbouring.tests(names)
    return neighbouring.folders_of(known) | {neighbouring.home(gap.path, known, names) for gap in gaps}


def _namer(names: Sequence[str]) -> Callable[[str, Collection[str]], str]:
    """Name new files by the project's own layout."""
    known = neighbouring.tests(names)

    def name(source: str, taken: Collection[str]) -> str:
        folder = neighbouring.home(source, known, names)
        return neighbouring.free(folder, neighbouring.stem_of(source), {*names, *taken})

    return name
