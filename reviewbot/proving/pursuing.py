"""One gap after another, all at once: ask for tests, judge them, and ask again with what was wrong."""

import ast
import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from reviewbot.domain.candidate import Candidate, CandidateStatus, Filter, Gap, Judged, Point
from reviewbot.domain.events import Progress
from reviewbot.errors import SandboxError
from reviewbot.proving.asking import Drafting, Refused, answered
from reviewbot.proving.judging import Court, Failing, judge
from reviewbot.proving.suspecting import suspect
from reviewbot.proving.workbench import TimeUp
from reviewbot.steps import extracting, neighbouring
from reviewbot.steps.briefing import Briefs, Context, Feedback

TIME_UP = "the time for proving tests was up"
_SHOWN_BACK = 4
"""Rejected tests that the next request shows, at most."""


@dataclass(slots=True, kw_only=True)
class Findings:
    """What has come out so far; several gaps write into it in turn."""

    judged: list[Judged] = field(default_factory=list)
    reached: set[Point] = field(default_factory=set)
    """What tests reach that passed every filter up to now."""
    reasons: dict[Gap, str] = field(default_factory=dict)
    """Why nothing more came of a gap."""
    seen: set[str] = field(default_factory=set)
    time_up: bool = False
    unsafe: str | None = None
    """Why the sandbox could not go on."""
    bug: str | None = None
    budget_ended: str | None = None
    failed: str | None = None

    @property
    def over(self) -> bool:
        """Whether there is no point in going on."""
        return self.time_up or self.unsafe is not None or self.bug is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunt:
    """All that the search for tests needs."""

    drafting: Drafting
    briefs: Briefs
    court: Court
    gaps: tuple[Gap, ...]
    names: frozenset[str]
    """All files of the project."""
    folders: frozenset[str]
    """Where tests may stand."""
    context: Callable[[Gap], Context]
    found: Findings


async def pursue_all(hunt: Hunt) -> None:
    """Pursue all gaps at once; what fails of one is a value, and never loses the others."""
    done = 0

    async def one(gap: Gap) -> None:
        nonlocal done
        try:
            await _pursue(hunt, gap)
        except Exception as error:  # noqa: BLE001 - a bug that one gap brings to light must not cost the others
            _note_bug(hunt.found, error)
        done += 1
        failed = sum(1 for other in hunt.gaps if other in hunt.found.reasons)
        hunt.drafting.observe(Progress(done=done, total=len(hunt.gaps), failed=failed))

    hunt.drafting.observe(Progress(done=0, total=len(hunt.gaps)))
    await asyncio.gather(*(one(gap) for gap in hunt.gaps))


async def _pursue(hunt: Hunt, gap: Gap) -> None:
    feedback: list[Feedback] = []
    for attempt in range(1, hunt.drafting.attempts + 1):
        points = (gap.points & hunt.court.points) - hunt.found.reached
        if not points or hunt.found.over:
            return
        prompt = hunt.briefs.tests(gap, points, hunt.context(gap), feedback[-_SHOWN_BACK:])
        answer = await answered(hunt.drafting, hunt.drafting.options, hunt.briefs, prompt, extracting.tests)
        if isinstance(answer, Refused):
            _give_up(hunt.found, gap, answer)
            return
        if not answer.value.drafts:
            hunt.found.reasons[gap] = "the model gave no test for it"
            return
        candidates = [_candidate(hunt, gap, draft, attempt) for draft in answer.value.drafts]
        judged = await asyncio.gather(*(_one(hunt, candidate) for candidate in candidates))
        feedback += [_feedback(each) for each in judged if each is not None]
    hunt.found.reasons.setdefault(gap, f"no test passed every filter in {hunt.drafting.attempts} attempts")


def _note_bug(found: Findings, error: Exception) -> None:
    found.bug = found.bug or f"a bug in reviewbot, please report it: {type(error).__name__}: {error}"


def _give_up(found: Findings, gap: Gap, refused: Refused) -> None:
    found.reasons[gap] = refused.reason
    if refused.budget:
        found.budget_ended = found.budget_ended or refused.reason
    else:
        found.failed = found.failed or refused.reason


def _candidate(hunt: Hunt, gap: Gap, draft: extracting.Draft, attempt: int) -> Candidate:
    """Take a draft under a path that is free: a file that there is already is never overwritten."""
    path = draft.path.removeprefix("./")
    if neighbouring.is_taken(path, hunt.names):
        path = neighbouring.free(path.rpartition("/")[0], neighbouring.stem_of(path), hunt.names)
    gap_name = f"{gap.path}: {gap.name}" if gap.name else gap.path
    return Candidate(path=path, code=draft.code, why=draft.why, gap=gap_name, attempt=attempt)


async def _one(hunt: Hunt, candidate: Candidate) -> Judged | None:
    """Judge one candidate; None where that did not come to its end."""
    found = hunt.found
    try:
        judged = _refused(hunt, candidate)
        if judged is None:
            async with hunt.court.lanes.candidates:
                judged = None if found.over else await _judged(hunt, candidate)
    except TimeUp:
        found.time_up = True
    except SandboxError as error:
        found.unsafe = found.unsafe or str(error)
    except Exception as error:  # noqa: BLE001 - a bug that one test brings to light must not cost the others
        _note_bug(found, error)
    else:
        if judged is not None:
            found.judged.append(judged)
            if judged.status is CandidateStatus.PROVEN:
                found.reached |= set(judged.covers)
        return judged
    return None


async def _judged(hunt: Hunt, candidate: Candidate) -> Judged:
    judged = await judge(hunt.court, candidate)
    if isinstance(judged, Failing):
        return await suspect(hunt.court, hunt.drafting, hunt.briefs, hunt.gaps, judged)
    return judged


def _refused(hunt: Hunt, candidate: Candidate) -> Judged | None:
    """Refuse a path outside of the folders of tests, and a test that was given before."""
    reason = neighbouring.fault(candidate.path, hunt.folders)
    meaning = _meaning(candidate.code)
    if reason is None and meaning in hunt.found.seen:
        reason = "the same test was given before"
    hunt.found.seen.add(meaning)
    if reason is None:
        return None
    return Judged(
        candidate=candidate, status=CandidateStatus.REJECTED, filter=Filter.STATIC, reason=reason
    )  # fmt: skip


def _meaning(code: str) -> str:
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError):
        return code


def _feedback(judged: Judged) -> Feedback:
    candidate = judged.candidate
    if judged.status is CandidateStatus.PROVEN:
        return Feedback(path=candidate.path, reason="kept; the lines that are still asked for are others")
    if judged.status is CandidateStatus.SUSPECTED:
        return Feedback(path=candidate.path, reason="shown to people as a suspected bug; now test what works")
    return Feedback(path=candidate.path, reason=judged.reason or "", code=candidate.code)
