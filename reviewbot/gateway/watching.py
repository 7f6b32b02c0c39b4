"""Watches a gateway: hears what happens in it, and looks at it when somebody asks for metrics or its status."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reviewbot import __version__
from reviewbot.domain.events import AttemptEnded, BudgetMoved, Event, RequestEnded
from reviewbot.domain.served import Served
from reviewbot.domain.surroundings import Surroundings
from reviewbot.domain.tenant import Tenant
from reviewbot.gateway.fairness import Occupancy
from reviewbot.gateway.figures import OTHER, Figures
from reviewbot.gateway.house import House
from reviewbot.gateway.status import Json, status
from reviewbot.gateway.tally import Tally
from reviewbot.gateway.view import TenantView, View, endpoints_of, room_of
from reviewbot.llm.targets import Target
from reviewbot.observers.metrics import Metrics
from reviewbot.queue.connecting import QueueDownError
from reviewbot.queue.outcomes import QueueStats

_COMMON = "all"
"""Whose budget it is that belongs to no single tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Where to look. Each is asked when it is needed, since a configuration may change."""

    house: House
    tenants: Callable[[], Iterable[Tenant]]
    pools: Callable[[], Mapping[str | None, Sequence[Target]]]
    occupancy: Callable[[], Sequence[Occupancy]]
    models: Callable[[], frozenset[str]]
    """Those that are configured, and may stand in labels."""


class Watch:
    """All that is told of a gateway. For one event loop."""

    content_type = Metrics.content_type
    """Of the metrics."""

    def __init__(
        self,
        world: Surroundings,
        queue: Callable[[], Awaitable[QueueStats]] | None = None,
        dropped: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """Take how to ask how the queue stands, which may raise QueueDownError; and what the logs have dropped."""
        self._world = world
        self._queue = queue
        self._dropped = dropped
        self._calls = Metrics()
        self._figures = Figures()
        self._tally = Tally()
        self._inside: Inside | None = None
        self._began_s = world.monotonic()

    def look_into(self, inside: Inside) -> None:
        """Begin to look there; before that nothing is told."""
        self._inside = inside

    def observe(self, event: Event) -> None:
        """Take an event of the client; does not raise.

        Keys, breakers and budgets are looked at instead: an event tells only of those that have changed.
        """
        match event:
            case RequestEnded():
                self._tally.ended(event)
                self._calls(replace(event, model=self._label(event.model)))
            case AttemptEnded():
                self._calls(replace(event, model=self._label(event.model)))
            case BudgetMoved():
                self._tally.moved(event, self._world.now())
            case _:
                pass

    def served(self, served: Served) -> None:
        """Take a request that is over; does not raise."""
        self._tally.served(served)
        self._figures.served(served, "" if served.model is None else self._label(served.model))

    def refused(self, code: int, word: str | None) -> None:
        """Take a refusal by any other address; does not raise."""
        self._figures.refused("", code, word)

    async def metrics(self) -> bytes:
        """Give all metrics, as text for a scrape."""
        view = await self._view()
        families = () if view is None else self._figures.families(view)
        # Some thousands of lines take tens of milliseconds, in which streams would stand still.
        text = await asyncio.to_thread(self._calls.render, families)
        return text.encode()

    async def status(self, asker: Tenant) -> Json:
        """Tell how the gateway stands, as far as a tenant may know."""
        view = await self._view(queue=asker.operator)
        return {} if view is None else status(view, self._tally, asker)

    def _label(self, model: str) -> str:
        known = self._inside is not None and model in self._inside.models()
        return model if known else OTHER

    async def _view(self, *, queue: bool = True) -> View | None:
        inside = self._inside
        if inside is None:
            return None
        stats = await self._stats() if queue else None
        now = self._world.now()
        house = inside.house
        return View(
            version=__version__,
            uptime_s=self._world.monotonic() - self._began_s,
            draining=house.draining,
            troubles=house.told.troubles(),
            tenants=tuple(self._tenants(inside)),
            endpoints=tuple(endpoints_of(inside.pools(), inside.models())),
            common=tuple(self._tally.budgets(_COMMON, now)),
            queue=stats,
            dropped=self._dropped(),
        )

    def _tenants(self, inside: Inside) -> Iterable[TenantView]:
        now, room = self._world.now(), room_of(inside.occupancy())
        visits = tuple(inside.house.visits)
        opened = Counter(visit.tenant for visit in visits)
        streams = Counter(visit.tenant for visit in visits if visit.streaming)
        for tenant in inside.tenants():
            has = room.get(tenant.name, Occupancy(tenant=tenant.name, running=0, waiting=0))
            yield TenantView(
                tenant=tenant,
                open=opened[tenant.name],
                streams=streams[tenant.name],
                running=has.running,
                waiting=has.waiting,
                budgets=tuple(self._tally.budgets(tenant.name, now)),
            )

    async def _stats(self) -> QueueStats | None:
        if self._queue is None:
            return None
        try:
            return await self._queue()
        except QueueDownError:
            return None
