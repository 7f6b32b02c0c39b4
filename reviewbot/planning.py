"""What a review would send and cost: the review's own cutting, without its journey.

How many claims a model will make is not known before it is asked. So verify requests are an assumption, and the plan
says which: `CLAIMS_PER_CHUNK`, each of the size that such requests have on average.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reviewbot.domain.chunk import Chunk
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.planned import CLAIMS_PER_CHUNK, Estimate, PlannedChunk, ReviewPlan
from reviewbot.domain.usage import TokenUsage
from reviewbot.llm.prices import Price
from reviewbot.pipeline import Change, Policy, chunks, fates
from reviewbot.steps import accounting
from reviewbot.steps.redacting import Redactions

_CLAIM_TOKENS = 200
"""Of an answer, for each claim in it."""
_VERIFY_TOKENS = 700
"""Of a request that verifies a claim; docs/measurements.md has the median."""
_VERDICT_TOKENS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What the two models of a review charge; None where that is not known."""

    review: Price | None
    verify: Price | None


def plan(
    change: Change,
    policy: Policy,
    options: ModelOptions,
    system: str,
    count: Callable[[str], int],
    rates: Rates,
) -> ReviewPlan:
    """Say what a review would send and cost, without sending anything."""
    known = fates(change, policy)
    planned = chunks(change, policy, known, count(system), count, Redactions().hide)
    return ReviewPlan(
        model=options.name,
        comparison=change.comparison,
        files=accounting.by_line(change.patch.files, known, planned.too_long, ()),
        chunks=tuple(
            PlannedChunk(
                id=chunk.id,
                paths=tuple(entry.file.path for entry in chunk.files),
                prompt_tokens=chunk.prompt_tokens,
            )
            for chunk in planned.chunks
        ),
        estimate=_estimate(planned.chunks, rates, verify=policy.standards.verify),
        exit_code=2 if any(file.defect for file in change.patch.files) else 0,
    )


def _estimate(planned: Sequence[Chunk], rates: Rates, *, verify: bool) -> Estimate:
    claims = CLAIMS_PER_CHUNK * len(planned)
    verdicts = claims if verify else 0
    reviews = TokenUsage(
        prompt_tokens=sum(chunk.prompt_tokens for chunk in planned), completion_tokens=_CLAIM_TOKENS * claims
    )
    verifies = TokenUsage(prompt_tokens=_VERIFY_TOKENS * verdicts, completion_tokens=_VERDICT_TOKENS * verdicts)
    return Estimate(
        requests=len(planned) + verdicts,
        verify_requests=verdicts,
        prompt_tokens=reviews.prompt_tokens + verifies.prompt_tokens,
        completion_tokens=reviews.completion_tokens + verifies.completion_tokens,
        cost_usd=_cost((rates.review, reviews), (rates.verify, verifies)),
    )


def _cost(*parts: tuple[Price | None, TokenUsage]) -> Decimal | None:
    """Add up; None where something is used whose price is not known."""
    total = Decimal(0)
    for price, used in parts:
        if price is not None:
            total += price.cost(used)
        elif used != TokenUsage():
            return None
    return total
