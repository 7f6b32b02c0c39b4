"""A world whose clock moves only while everybody sleeps: tests of waits, windows and rests take no time.

    virtual = VirtualWorld()
    virtual.run(session(virtual.surroundings))   # or asyncio.run, or inside any running loop

Sleepers wake one at a time, in the order of their deadlines (first come, first served among equals), and only
when nothing else in the loop can go on. Real input and output (sockets, threads) is not waited for: the clock
runs ahead of it.
"""

import asyncio
import heapq
import itertools
import random
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from reviewbot.domain.surroundings import Surroundings

_T = TypeVar("_T")
_START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_QUIET_ROUNDS = 3  # of the loop without anything to do but look at the clock


class VirtualWorld:
    """Clock, sleep and chance of a test."""

    def __init__(self, *, start_s: float = 1_000.0, seed: int = 1) -> None:
        self._start_s = start_s
        self.time_s = start_s
        """What ``monotonic`` tells; may be set by hand, or moved with `advance`."""
        self.slept: list[float] = []
        """Every sleep that was asked for, in seconds, in order."""
        self.random = random.Random(seed)  # noqa: S311 - chance for tests
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._counter = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticking = False
        self._quiet = 0
        self.surroundings = Surroundings(
            now=self.now, monotonic=self.monotonic, sleep=self.sleep, chance=self.random.random
        )

    def now(self) -> datetime:
        """Give the time of day, UTC."""
        return _START + timedelta(seconds=self.time_s - self._start_s)

    def monotonic(self) -> float:
        """Give the virtual clock, in seconds."""
        return self.time_s

    def advance(self, seconds: float) -> None:
        """Move the clock by hand; sleepers whose time has passed wake in the loop's next quiet moment."""
        self.time_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Sleep in virtual time."""
        self.slept.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._sleepers, self._ticking = loop, [], False
        woken: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self.time_s + seconds, next(self._counter), woken))
        if not self._ticking:
            self._ticking, self._quiet = True, 0
            loop.call_soon(self._tick, loop)
        await woken

    def run(self, session: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine to its end in a loop of its own."""
        return asyncio.run(session)

    @property
    def sleepers(self) -> int:
        """How many sleep right now."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake the next sleeper when nobody else has anything to do; look again otherwise."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if loop is not self._loop or not self._sleepers:
            self._ticking = loop is not self._loop and self._ticking
            return
        self._quiet = 0 if vars(loop)["_ready"] else self._quiet + 1
        if self._quiet >= _QUIET_ROUNDS:
            self._quiet = 0
            deadline_s, _, woken = heapq.heappop(self._sleepers)
            self.time_s = max(self.time_s, deadline_s)
            woken.set_result(None)
        loop.call_soon(self._tick, loop)
