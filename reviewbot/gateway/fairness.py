"""Room for requests upstream, shared fairly between tenants.

Start-time fair queueing with as many servers as there are slots: SFQ(D) of Jin, Chase and Kaur, "Interposed
proportional sharing for a storage service utility" (SIGMETRICS 2004). Each turn moves its tenant's tag on by what the
turn costs over the tenant's weight, and a free slot goes to the lowest tag. A turn costs the time that the tenant's
turns took of late, so that shares are of slots and not of requests: long answers would else crowd out short ones.

Whoever comes after a pause starts from the tag of the last turn. So nobody saves turns up, and a flood of others'
requests delays the first of a tenant by one turn at most.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from types import TracebackType
from typing import Final

from reviewbot.domain.tenant import Tenant
from reviewbot.errors import ReviewbotError

_FIRST_COST_S: Final = 1.0
"""Of a tenant's turn before any has ended."""
_LEAST_COST_S: Final = 0.001
"""A turn that took no time on the clock was one all the same."""
_NEW: Final = 0.2
"""Share of the newest turn in the mean."""
_LONGEST_RETRY_S: Final = 60.0


class Full(ReviewbotError):  # noqa: N818 - a state, and no fault
    """As many of a tenant's requests wait for room as may."""

    def __init__(self, tenant: str, waiting: int, retry_after_s: float) -> None:
        super().__init__(
            f"{waiting} requests of '{tenant}' wait for room already: ask again in {retry_after_s:.0f} s, and send "
            "fewer at once"
        )
        self.retry_after_s = retry_after_s
        """When so many as wait now may have had their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """How much of the room a tenant has."""

    tenant: str
    running: int
    waiting: int


class _Line:
    """One tenant's requests: those that run, and those that wait, first come first served."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.started: deque[float] = deque()
        """When each turn began that runs. Which of them ends is not told; their sum is right whichever it was."""
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.tag = 0.0
        """Virtual time at which its next turn is due."""
        self.place = 0
        """Who of those with equal tags has waited longest has the lowest."""
        self.cost_s = _FIRST_COST_S
        """Mean time that its turns took of late."""

    @property
    def capped(self) -> bool:
        """Whether it may run no more at once, however much room there is."""
        return self.tenant.concurrency is not None and len(self.started) >= self.tenant.concurrency

    def learn(self, took_s: float) -> None:
        """Take note of how long a turn took."""
        self.cost_s += _NEW * (max(took_s, _LEAST_COST_S) - self.cost_s)

    def wanted(self) -> bool:
        """Tell whether somebody waits; those that left are forgotten."""
        while self.waiting and self.waiting[0].done():
            del self.waiting[0]
        return bool(self.waiting)


class FairGate:
    """The room of a gateway. For one event loop."""

    def __init__(self, total: int, waiting: int, monotonic: Callable[[], float]) -> None:
        """Take the slots of all tenants together, how many of each may wait, and the clock, in seconds."""
        self._total = total
        self._most_waiting = waiting
        self._monotonic = monotonic
        self._lines: dict[str, _Line] = {}
        self._waiting: list[_Line] = []
        """Lines in which somebody waits, and maybe some in which nobody does any more."""
        self._places = itertools.count()
        self._running = 0
        self._now = 0.0
        """Virtual time: the tag of the last turn."""

    def entrance(self, tenant: Tenant) -> "Entrance":
        """Give a tenant's way in, for any number of requests at once. What it says of the tenant holds from now on."""
        line = self._lines.get(tenant.name)
        if line is None:
            line = self._lines[tenant.name] = _Line(tenant)
        line.tenant = tenant
        self._fill()
        return Entrance(self, line)

    def resize(self, total: int, waiting: int) -> None:
        """Change how much room there is. Who runs or waits already is not disturbed."""
        self._total, self._most_waiting = total, waiting
        self._fill()

    def occupancy(self) -> tuple[Occupancy, ...]:
        """Give how much of the room each tenant has that ever asked, by name."""
        return tuple(
            Occupancy(tenant=name, running=len(line.started), waiting=len(line.waiting))
            for name, line in sorted(self._lines.items())
        )

    async def _enter(self, line: _Line) -> None:
        """Wait for a turn. Raises Full."""
        if not line.wanted():
            line.tag, line.place = max(line.tag, self._now), next(self._places)
        if self._running < self._total and not line.capped:
            # Nobody else waits who could have this slot: it would have been given away already.
            self._begin(line)
            return
        if len(line.waiting) >= self._most_waiting:
            raise Full(line.tenant.name, len(line.waiting), _retry_after_s(line))
        turn = asyncio.get_running_loop().create_future()
        line.waiting.append(turn)
        if line not in self._waiting:
            self._waiting.append(line)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._leave(line)  # the turn came in the moment in which nobody wanted it any more
            elif turn in line.waiting:
                line.waiting.remove(turn)
            raise

    def _leave(self, line: _Line) -> None:
        was_capped = line.capped
        line.learn(self._monotonic() - line.started.popleft())
        self._running -= 1
        if was_capped:
            line.tag = max(line.tag, self._now)  # its own limit held it back: no reason to go before others now
        self._fill()

    def _fill(self) -> None:
        """Give free slots to those that wait."""
        while self._waiting and self._running < self._total:
            self._waiting = [line for line in self._waiting if line.wanted()]
            ready = [line for line in self._waiting if not line.capped]
            if not ready:
                return
            line = min(ready, key=lambda line: (line.tag, line.place))
            self._begin(line)
            line.waiting.popleft().set_result(None)

    def _begin(self, line: _Line) -> None:
        self._now = max(self._now, line.tag)
        line.tag, line.place = line.tag + line.cost_s / line.tenant.weight, next(self._places)
        line.started.append(self._monotonic())
        self._running += 1


class Entrance:
    """A tenant's way into the room: ``async with entrance:`` holds a slot for the length of the block.

    Raises Full where too many wait. Reusable, and by many at once.
    """

    def __init__(self, gate: FairGate, line: _Line) -> None:
        self._gate = gate
        self._line = line

    async def __aenter__(self) -> None:
        await self._gate._enter(self._line)  # noqa: SLF001 - the two are one thing, seen from two sides

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate._leave(self._line)  # noqa: SLF001 - likewise


def _retry_after_s(line: _Line) -> float:
    """Guess when so many as wait now will have had their turn, at the tenant's present share of the room."""
    wait_s = ceil(len(line.waiting) * line.cost_s / max(len(line.started), 1))
    return min(max(float(wait_s), 1.0), _LONGEST_RETRY_S)
