"""A test that fails by its own assertion → a suspected bug of the code, or a test that is wrong."""

from collections.abc import Sequence
from dataclasses import replace

from reviewbot.domain.candidate import CandidateStatus, Filter, Gap, Judged, Kind
from reviewbot.domain.trial import Attested
from reviewbot.proving.asking import Drafting, Refused, answered
from reviewbot.proving.judging import Court, Failing, alone
from reviewbot.steps import extracting
from reviewbot.steps.briefing import Briefs, shown

_SHOWN = 600


async def suspect(court: Court, drafting: Drafting, briefs: Briefs, gaps: Sequence[Gap], failing: Failing) -> Judged:
    """Report a bug where the test fails twice alike, and passes on the base or is upheld by the model's second look.

    Otherwise the test is rejected. Raises SandboxError or TimeUp.
    """
    first = failing.said.failures[0]
    what = f"{first.id.rpartition('::')[2]} fails: {first.text[-_SHOWN:]}"
    rejected = Judged(
        candidate=failing.candidate, status=CandidateStatus.REJECTED, filter=Filter.PASSES, reason=what
    )  # fmt: skip
    again = (await court.lanes.run(replace(alone(failing.candidate), seed=1))).attested
    if again is None or _messages(again) != _messages(failing.said):
        return replace(rejected, filter=Filter.REPEATS, reason=f"it fails, and not alike in another process: {what}")
    suspected = replace(rejected, status=CandidateStatus.SUSPECTED, covers=tuple(sorted(failing.covers)))
    if await _passes_on_base(court, failing):
        reason = f"it passes on the base, and fails with the change: {what}"
        return replace(suspected, reason=reason, kind=Kind.CHARACTERISATION)
    upheld = await _upheld(drafting, briefs, _gap(gaps, failing), failing)
    return rejected if upheld is None else replace(suspected, reason=f"{upheld}: {what}", kind=Kind.SPECIFIC)


def _messages(said: Attested) -> dict[str, str]:
    return {failure.id: failure.message for failure in (*said.failures, *said.errors)}


async def _passes_on_base(court: Court, failing: Failing) -> bool:
    """Tell whether the tests that fail run on the base, and pass there."""
    if not court.has_base:
        return False
    said = (await court.lanes.run(replace(alone(failing.candidate), on_base=True))).attested
    return (
        said is not None
        and said.collected == failing.said.collected
        and not said.skipped
        and not said.failing & failing.said.failing
    )


def _gap(gaps: Sequence[Gap], failing: Failing) -> Gap:
    return max(gaps, key=lambda gap: len(gap.points & failing.covers))


async def _upheld(drafting: Drafting, briefs: Briefs, gap: Gap, failing: Failing) -> str | None:
    """Ask whether the code breaks its promise; a yes counts only with evidence that stands in the code."""
    prompt = briefs.suspicion(gap, failing.candidate, failing.said.failures[0])
    answer = await answered(drafting, drafting.verify, briefs, prompt, extracting.opinion)
    if isinstance(answer, Refused) or not answer.value.accept:
        return None
    evidence = (answer.value.evidence or "").strip()
    return answer.value.reason if evidence and evidence in shown(gap) else None
