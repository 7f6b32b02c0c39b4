"""Identical requests in flight cost one upstream call, within a process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True, eq=False)
class _Flight(Generic[_T]):
    """A shared call and how many wait for it."""

    task: "asyncio.Task[_T]"
    waiters: int = 0


class Coalescer(Generic[_T]):
    """Shares calls by key. Nothing is kept after a call is over, neither answers nor errors."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[_T]] = {}

    async def share(self, key: str, make: Callable[[], Awaitable[_T]]) -> tuple[_T, bool]:
        """Give the answer of ``make``, or of a call for the same key that is in flight; then True.

        Raises what the call raises. Whoever is cancelled leaves alone; the last to leave cancels the call, and
        waits until it has put its things in order.
        """
        flight = self._flights.get(key)
        joined = flight is not None
        if flight is None:
            flight = self._flights[key] = _Flight(task=asyncio.create_task(self._fly(key, make)))
            flight.task.add_done_callback(_heard)
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task), joined
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._forget(key, flight.task)
                flight.task.cancel()
                await asyncio.wait({flight.task})

    async def _fly(self, key: str, make: Callable[[], Awaitable[_T]]) -> _T:
        """Make the call, and forget it before anybody hears of its end: who comes then calls anew."""
        try:
            return await make()
        finally:
            self._forget(key, asyncio.current_task())

    def _forget(self, key: str, task: "asyncio.Task[_T] | None") -> None:
        if key in self._flights and self._flights[key].task is task:
            del self._flights[key]


def _heard(task: "asyncio.Task[_T]") -> None:
    """Take note of an error that nobody is left to hear, so that asyncio does not complain."""
    if not task.cancelled():
        task.exception()
