"""A gateway at one moment, as a value: what its status and its gauges are made of."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reviewbot.domain.events import BudgetMoved
from reviewbot.domain.tenant import Tenant
from reviewbot.gateway.fairness import Occupancy
from reviewbot.llm.breaker import BreakerState
from reviewbot.llm.keyhealth import KeyStatus
from reviewbot.llm.targets import Target
from reviewbot.queue.outcomes import QueueStats


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """One place that a pool's requests may go to."""

    pool: str | None
    """None for the gateway's own keys."""
    endpoint: str
    """Host and port."""
    model: str | None
    """Of a fallback; None where it is asked for whatever the request names."""
    breaker: str
    """``closed``, ``open`` or ``half-open``."""
    keys: tuple[KeyStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantView:
    """What a tenant has under way."""

    tenant: Tenant
    open: int = 0
    """Requests that are not answered to their end."""
    streams: int = 0
    """Of these, those that asked for a stream."""
    running: int = 0
    """Calls upstream."""
    waiting: int = 0
    """Requests that wait for room upstream."""
    budgets: tuple[BudgetMoved, ...] = ()
    """As they stood when they last moved, those of past days and months left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All of it."""

    version: str
    uptime_s: float
    draining: bool
    troubles: tuple[str, ...]
    """Why it cannot serve everybody right now."""
    tenants: tuple[TenantView, ...]
    endpoints: tuple[EndpointView, ...]
    common: tuple[BudgetMoved, ...] = ()
    """The budget of tenants that have none of their own."""
    queue: QueueStats | None = None
    """None where there is no queue, or it cannot be asked."""
    dropped: Mapping[str, int]
    """Lines that could not be written in time, by log."""

    @property
    def ready(self) -> bool:
        """Whether new work should be sent to it."""
        return not self.draining and not self.troubles


def endpoints_of(pools: Mapping[str | None, Sequence[Target]], models: Collection[str]) -> Iterator[EndpointView]:
    """Look at the keys and breakers of pools; those of single models only of ``models``, or not closed."""
    for pool, targets in sorted(pools.items(), key=lambda item: item[0] or ""):
        for target in targets:
            # Keys are the endpoint's, whatever model is asked for under them: they are listed once.
            known = (
                (model, each)
                for model, each in target.by_model.items()
                if model in models or each.breaker.state is not BreakerState.CLOSED
            )
            for model, each in ((target.model, target), *known):
                yield EndpointView(
                    pool=pool,
                    endpoint=target.exchange.endpoint.host,
                    model=model,
                    breaker=each.breaker.state.value,
                    keys=target.keys.status() if each is target else (),
                )


def room_of(occupancy: Sequence[Occupancy]) -> Mapping[str, Occupancy]:
    """Give who has how much of the room, by tenant."""
    return {each.tenant: each for each in occupancy}
