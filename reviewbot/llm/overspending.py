"""What is said where a request does not fit into a budget: how it stands, and what would help."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from reviewbot.domain.claim import Ruling, Standing
from reviewbot.errors import BudgetExceeded

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """What helps where a budget is too small: other things for a job than for who asks a gateway."""

    raising: tuple[tuple[str, str], ...]
    """How the budget of a period is raised."""
    sparing: str
    """How a request comes to cost less."""


JOB: Final = Remedies(
    raising=(
        ("run", "raise --budget, or review a smaller change"),
        ("day", "raise REVIEWBOT_BUDGET_DAY"),
        ("month", "raise REVIEWBOT_BUDGET_MONTH"),
    ),
    sparing="lower model.max_tokens",
)
_SPARING: Final = "ask with a smaller max_tokens"
GATEWAY: Final = Remedies(
    raising=tuple((period, f"have REVIEWBOT_BUDGET_{period.upper()} raised") for period in ("run", "day", "month")),
    sparing=_SPARING,
)
"""For tenants without a budget, who share the gateway's own."""


def of_tenant(name: str) -> Remedies:
    """Give what helps a tenant with a budget."""
    raising = tuple((period, f"have budget_{period}_usd of [tenant.{name}] raised") for period in ("day", "month"))
    return Remedies(raising=raising, sparing=_SPARING)


def exceeded(ruling: Ruling, micros: int, remedies: Remedies) -> BudgetExceeded:
    """Say which budget a request of so many micro-dollars does not fit into."""
    full = next(standing for standing in ruling.standings if not standing.may_fit(micros))
    period, limit = full.cap.period, full.cap.limit or 0
    state = "is used up" if full.spent >= limit else f"has ${_usd(limit - full.spent):.4f} left"
    helps = ", or ".join(_helping(full, micros, remedies))
    message = (
        f"the {period}'s budget of ${_usd(limit)} {state}: ${_usd(full.spent):.4f} spent, and the next request could "
        f"cost ${_usd(micros):.4f}. {helps[:1].upper()}{helps[1:]}"
    )
    return BudgetExceeded(message)


def _helping(full: Standing, micros: int, remedies: Remedies) -> Iterator[str]:
    period, limit = full.cap.period, full.cap.limit or 0
    yield dict(remedies.raising)[period]
    if period != "run" and micros <= limit:
        # What is dearer than the whole budget does not fit into the next day's either.
        yield f"wait for the next {period} (UTC)"
    if full.spent < limit:
        yield remedies.sparing


def _usd(micros: int) -> Decimal:
    return Decimal(micros) / _MILLION
