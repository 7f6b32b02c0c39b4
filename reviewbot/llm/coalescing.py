"""Identical requests in flight cost one upstream call, within a process.

Each call has a tape: where its answer is passed on while it comes, those who join it hear it from the start.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from reviewbot.llm.ports import Listen
from reviewbot.llm.tape import Tape

_T = TypeVar("_T")


class _Flight(Generic[_T]):
    """A shared call and those who wait for it, each with a future of its own: nobody's leaving harms the others."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[_T]] = []
        self.task: asyncio.Task[None] | None = None
        self.tape = Tape()


class Coalescer(Generic[_T]):
    """Shares calls by key. Nothing is kept after a call is over, neither answers nor errors."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[_T]] = {}

    async def share(
        self, key: str, make: Callable[[Tape], Awaitable[_T]], listen: Listen | None = None
    ) -> tuple[_T, bool]:
        """Give the answer of ``make``, or of a call for the same key that is in flight; then True.

        ``listen`` is given the call's tape at once, and whether somebody else's call writes it. Raises what the call
        raises. Whoever is cancelled leaves alone; the last to leave cancels the call, and waits until it has put its
        things in order.
        """
        flight = self._flights.get(key)
        joined = flight is not None
        if flight is None:
            flight = self._flights[key] = _Flight()
            flight.task = asyncio.create_task(self._fly(key, flight, make))
        if listen is not None:
            listen(flight.tape, joined)
        turn = asyncio.get_running_loop().create_future()
        flight.waiting.append(turn)
        try:
            return await turn, joined
        finally:
            flight.waiting.remove(turn)
            if not flight.waiting and flight.task is not None and not flight.task.done():
                await self._abandon(key, flight, flight.task)

    async def _abandon(self, key: str, flight: _Flight[_T], task: asyncio.Task[None]) -> None:
        """Cancel a call that nobody waits for; one that is over already has only its last step to make."""
        if self._flights.get(key) is flight:
            del self._flights[key]
            task.cancel()
            await asyncio.wait({task})

    async def _fly(self, key: str, flight: _Flight[_T], make: Callable[[Tape], Awaitable[_T]]) -> None:
        """Make the call, and tell all who wait how it ended."""
        try:
            answer = await make(flight.tape)
        except Exception as error:  # noqa: BLE001 - whatever it is, they are the ones to hear it
            for turn in self._ended(key, flight):
                turn.set_exception(error)
                turn.exception()  # who is cancelled in this moment will not ask for it, and asyncio would complain
        except BaseException:
            for turn in self._ended(key, flight):
                turn.cancel()
            raise
        else:
            for turn in self._ended(key, flight):
                turn.set_result(answer)

    def _ended(self, key: str, flight: _Flight[_T]) -> list[asyncio.Future[_T]]:
        """Forget a call before anybody hears of its end, so that who comes then calls anew; give who still waits."""
        flight.tape.close()
        if self._flights.get(key) is flight:
            del self._flights[key]
        return [turn for turn in flight.waiting if not turn.done()]
