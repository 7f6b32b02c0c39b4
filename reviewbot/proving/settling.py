"""Proven tests → the files to suggest: minimised, merged, formatted, and borne by the whole suite.

The suite is run with the files as they would be committed, rather than with what they are made of.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from reviewbot.domain.candidate import Candidate, CandidateStatus, Filter, Judged, Point, SuggestedFile
from reviewbot.errors import SandboxError
from reviewbot.proving.judging import Court
from reviewbot.proving.pursuing import TIME_UP
from reviewbot.proving.suite import borne
from reviewbot.proving.workbench import TimeUp
from reviewbot.steps import assembling

_ROUNDS = 4
_UNSETTLED = "the suite does not pass with the new tests, and which are at fault could not be found out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What is suggested in the end."""

    judged: tuple[Judged, ...]
    files: tuple[SuggestedFile, ...] = ()
    covered: frozenset[Point] = frozenset()
    time_up: bool = False
    unsafe: str | None = None
    """Why the sandbox could not go on."""


async def settle(court: Court, judged: Sequence[Judged], name: Callable[[str, Collection[str]], str]) -> Settled:
    """Bring the proven tests into files that the suite bears; a file that it does not bear is taken apart, then out."""
    current, apart = list(judged), set[Candidate]()
    try:
        for _ in range(_ROUNDS):
            proven = [each for each in current if each.status is CandidateStatus.PROVEN]
            kept, dropped = assembling.minimised(proven)
            if not kept:
                return Settled(judged=tuple(current))
            files = await _formatted(court, assembling.merged(kept, name, apart))
            outcome = await borne(court.lanes, files, court.points, court.before)
            if not outcome.blamed:
                return Settled(judged=_replaced(current, dropped), files=files, covered=outcome.covered)
            singles = [file for file in files if file.path in outcome.blamed and len(file.made_of) == 1]
            for file in singles:
                current = _rejected(current, file.made_of, outcome.blamed[file.path])
            # Once the one at fault is out, the others may be merged again.
            apart = set() if singles else {one for file in files if file.path in outcome.blamed for one in file.made_of}
    except TimeUp:
        reason = f"{TIME_UP} before the whole suite had been run with it"
        return Settled(judged=tuple(_rejected(current, _proven(current), reason)), time_up=True)
    except SandboxError as error:
        return Settled(judged=tuple(_rejected(current, _proven(current), str(error))), unsafe=str(error))
    return Settled(judged=tuple(_rejected(current, _proven(current), _UNSETTLED)))


async def _formatted(court: Court, files: Sequence[SuggestedFile]) -> tuple[SuggestedFile, ...]:
    texts = await court.lanes.formatted({file.path: file.code for file in files})
    return tuple(replace(file, code=texts[file.path]) for file in files)


def _proven(judged: Sequence[Judged]) -> list[Candidate]:
    return [each.candidate for each in judged if each.status is CandidateStatus.PROVEN]


def _rejected(judged: Sequence[Judged], blamed: Collection[Candidate], reason: str) -> list[Judged]:
    return [
        replace(each, status=CandidateStatus.REJECTED, filter=Filter.SUITE, reason=reason)
        if each.candidate in blamed and each.status is CandidateStatus.PROVEN
        else each
        for each in judged
    ]


def _replaced(judged: Sequence[Judged], others: Sequence[Judged]) -> tuple[Judged, ...]:
    by_candidate = {each.candidate: each for each in others}
    return tuple(by_candidate.get(each.candidate, each) for each in judged)
