"""What each tenant has used since the gateway started, and how its budgets stand."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from reviewbot.domain.events import BudgetMoved, RequestEnded
from reviewbot.domain.served import Served

_ERROR: Final = 400
_STAMPS: Final = {"day": "%Y-%m-%d", "month": "%Y-%m"}
"""What tells one period from the next; a run has none."""


@dataclass(slots=True)
class Used:
    """By one tenant."""

    requests: int = 0
    refused: int = 0
    """Answered with a 4xx or 5xx status."""
    hits: int = 0
    """Answered from the cache."""
    joined: int = 0
    """Answered by the call of somebody else."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    """Calls whose price is not known, which the cost leaves out."""

    @property
    def cache_rate(self) -> float | None:
        """Share of the answers that needed no call of their own; None before there was any."""
        answered = self.requests - self.refused
        return round((self.hits + self.joined) / answered, 4) if answered > 0 else None


class Tally:
    """Adds up what it hears. For one event loop."""

    def __init__(self) -> None:
        self._used: defaultdict[str, Used] = defaultdict(Used)
        self._budgets: dict[tuple[str, str], tuple[BudgetMoved, datetime]] = {}

    def used(self, tenant: str) -> Used:
        """Give what a tenant has used."""
        return self._used[tenant] if tenant in self._used else Used()

    def served(self, served: Served) -> None:
        """Count an answer; those to nobody's token are nobody's."""
        if served.tenant is None:
            return
        used = self._used[served.tenant]
        used.requests += 1
        used.refused += served.status >= _ERROR
        used.hits += served.source == "hit"
        used.joined += served.source == "joined"

    def ended(self, event: RequestEnded) -> None:
        """Count what a call took."""
        if event.tenant is None:
            return
        used = self._used[event.tenant]
        used.prompt_tokens += event.usage.prompt_tokens
        used.completion_tokens += event.usage.completion_tokens
        if event.cost_usd is None:
            used.unpriced += event.outcome == "ok"
        else:
            used.cost_usd += event.cost_usd

    def moved(self, event: BudgetMoved, now: datetime) -> None:
        """Take how a budget stands."""
        self._budgets[event.scope, event.period] = event, now

    def budgets(self, scope: str, now: datetime) -> Iterator[BudgetMoved]:
        """Give how the budgets of a scope stand. What was spent yesterday says nothing of today."""
        for (whose, period), (event, at) in sorted(self._budgets.items()):
            stamp = _STAMPS.get(period, "")
            if whose == scope and at.strftime(stamp) == now.strftime(stamp):
                yield event
