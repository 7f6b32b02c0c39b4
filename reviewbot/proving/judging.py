"""One candidate through the filters that it has to pass alone; the first that stops it gives the reason."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from reviewbot.domain.candidate import Candidate, CandidateStatus, Filter, Judged, Kind, Point
from reviewbot.domain.trial import Attested, Ran, Trial
from reviewbot.proving.lanes import Lanes
from reviewbot.proving.suite import Baseline
from reviewbot.steps import mutating, vetting
from reviewbot.steps.gaining import gained
from reviewbot.steps.gapping import enclosing

SEEDS = (1, 2, 3, 4, 5)
_LEAST_MUTANT_S = 10.0
_SLACK = 5
"""How many times longer than the test itself a mutant may run: one that loops for ever is noticed thereby."""
_SHOWN = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Court:
    """What all candidates of a run are judged by."""

    lanes: Lanes
    points: frozenset[Point]
    """All that is asked for."""
    before: Baseline
    modules: frozenset[str]
    """Top-level names that a test may import."""
    source: Callable[[str], str | None]
    """Gives the new text of a source."""
    has_base: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A candidate that failed by its own assertions, which may be the code's fault."""

    candidate: Candidate
    said: Attested
    covers: frozenset[Point]


async def judge(court: Court, candidate: Candidate) -> Judged | Failing:
    """Put a candidate through the filters. Raises SandboxError or TimeUp."""
    vetted = vetting.vet(candidate.code, court.modules)
    if vetted.reasons:
        return _rejected(candidate, Filter.STATIC, "; ".join(vetted.reasons))
    measured = tuple(sorted({point.path for point in court.points}))
    ran = await court.lanes.run(replace(alone(candidate), measured=measured))
    ran = replace(ran, left=tuple(name for name in ran.left if name not in court.before.left))
    covers = frozenset[Point]()
    if ran.attested is not None:
        covers = gained(court.points, ran.attested.measured, court.before.measured)
    stopped = _first_run(candidate, ran, covers, vetted.tests)
    if stopped is not None:
        return stopped
    judged = Judged(candidate=candidate, status=CandidateStatus.PROVEN, covers=tuple(sorted(covers)))
    stopped = await _repeats(court, judged) or await _mutants(court, judged, ran.wall_s)
    if stopped is not None:
        return stopped
    return replace(judged, kind=await _kind(court, candidate))


def alone(candidate: Candidate) -> Trial:
    """Make the trial of a candidate by itself."""
    return Trial(files={candidate.path: candidate.code}, select=(candidate.path,))


def _rejected(candidate: Candidate, stopped_by: Filter, reason: str) -> Judged:
    return Judged(candidate=candidate, status=CandidateStatus.REJECTED, filter=stopped_by, reason=reason)


def _first_run(candidate: Candidate, ran: Ran, covers: frozenset[Point], tests: int) -> Judged | Failing | None:
    """Judge the first run: collected, passed, nothing left behind, something newly covered."""
    said = ran.attested
    own = said is not None and bool(said.failures) and all(failure.own for failure in said.failures)
    if said is not None and own and covers and not (ran.left or said.errors):
        return Failing(candidate=candidate, said=said, covers=covers)
    not_collected, not_passed = _not_collected(ran, tests), _not_passed(ran)
    if not_collected is not None:
        return _rejected(candidate, Filter.COLLECTED, not_collected)
    if not_passed is not None:
        return _rejected(candidate, Filter.PASSES, not_passed)
    if not covers:
        return _rejected(candidate, Filter.COVERS, "it reaches none of the lines and branches that were asked for")
    return None


def _not_collected(ran: Ran, tests: int) -> str | None:
    said = ran.attested
    if said is None:
        return None
    if said.errors:
        return f"it cannot be collected: {said.errors[0].text[-_SHOWN:]}"
    return "not all of its tests are collected" if said.collected < tests else None


def _not_passed(ran: Ran) -> str | None:
    said = ran.attested
    if ran.timed_out:
        return f"it was still running after {ran.wall_s:.0f} s"
    if said is None:
        return f"its process ended before pytest did: {ran.said[-_SHOWN:]}"
    if said.failures:
        failure = said.failures[0]
        return f"{failure.id.rpartition('::')[2]} fails: {failure.text[-_SHOWN:]}"
    if ran.left:
        return f"it leaves the project altered: {', '.join(ran.left[:5])}"
    return None if ran.passes else "a test of it is skipped, or does not run"


async def _repeats(court: Court, judged: Judged) -> Judged | None:
    """Run it in fresh processes with other hash seeds and orders; those not yet begun are left out after a failure."""
    faults: list[str] = []

    async def once(seed: int) -> None:
        if not faults:
            ran = await court.lanes.run(replace(alone(judged.candidate), seed=seed))
            if not ran.passes:
                faults.append(_not_passed(ran) or "")

    await asyncio.gather(*(once(seed) for seed in SEEDS))
    if not faults:
        return None
    reason = f"it passed once, and not in another process with another hash seed and order: {faults[0]}"
    return _rejected(judged.candidate, Filter.REPEATS, reason)


async def _mutants(court: Court, judged: Judged, wall_s: float) -> Judged | None:
    """See that it fails where its target returns None, and where one of the lines that it newly runs is altered."""
    path, lines = _target(judged.covers)
    source = court.source(path) or ""
    timeout_s = max(_LEAST_MUTANT_S, _SLACK * wall_s)

    async def kills(mutant: mutating.Mutant) -> bool | None:
        files = {judged.candidate.path: judged.candidate.code, path: mutant.code}
        return _killed(await court.lanes.run(replace(alone(judged.candidate), files=files, timeout_s=timeout_s)))

    empty = _emptied(source, lines)
    killed_empty = None if empty is None else await kills(empty)
    if empty is not None and killed_empty is False:
        return _rejected(judged.candidate, Filter.MUTANTS, f"it still passes when {empty.what}")
    survived: list[str] = []
    for mutant in mutating.altered(source, lines):
        killed = await kills(mutant)
        if killed:
            return None
        if killed is False:
            survived.append(mutant.what)
    if survived:
        return _rejected(judged.candidate, Filter.MUTANTS, f"it still passes when {survived[0]}")
    reason = "nothing of what it runs could be altered to see whether it notices"
    return None if killed_empty else _rejected(judged.candidate, Filter.MUTANTS, reason)


def _target(covers: Collection[Point]) -> tuple[str, tuple[int, ...]]:
    """Give the source that most of its points are in, and their lines there."""
    by_path: dict[str, set[int]] = {}
    for point in sorted(covers):
        by_path.setdefault(point.path, set()).add(point.line)
    path = max(by_path, key=lambda name: len(by_path[name]))
    return path, tuple(sorted(by_path[path]))


def _emptied(source: str, lines: Collection[int]) -> mutating.Mutant | None:
    """Empty the function in which most of the lines are."""
    counted: dict[str, list[int]] = {}
    for line in sorted(lines):
        place = enclosing(source, line)
        if place is not None:
            counted.setdefault(place.name, []).append(line)
    if not counted:
        return None
    most = max(counted.values(), key=len)
    return mutating.emptied(source, most[0])


def _killed(ran: Ran) -> bool | None:
    """Tell whether a test failed; None where it never ran, since a source that cannot be imported tells nothing."""
    if ran.timed_out:
        return True
    if ran.attested is None or not ran.attested.collected:
        return None
    return bool(ran.attested.failures)


async def _kind(court: Court, candidate: Candidate) -> Kind:
    """Run it on the base, to see whether it holds what the change brought, or what was so before."""
    if not court.has_base:
        return Kind.UNKNOWN
    ran = await court.lanes.run(replace(alone(candidate), on_base=True))
    return Kind.CHARACTERISATION if ran.passes else Kind.SPECIFIC
