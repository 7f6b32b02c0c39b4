"""Everything pluggable below the request client, on one page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from reviewbot.domain.claim import Claim, Ruling, Standing
from reviewbot.domain.prompt import Completion
from reviewbot.domain.wire import WireRequest
from reviewbot.llm.keynews import PoolLore, PoolNews
from reviewbot.llm.tape import Tape

Listen = Callable[[Tape, bool], None]
"""Takes the tape of a call, and whether it is somebody else's."""


class WireResponse(Protocol):
    """An answer whose body is still coming."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers; look-ups take names in any case."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives. Raises WireError where it breaks off."""
        ...


class Wire(Protocol):
    """A way to send bytes: an open `reviewbot.llm.wires` pool."""

    def send(self, request: WireRequest) -> AbstractAsyncContextManager[WireResponse]:
        """Send a request; the answer may be read until the end of the block. Raises WireError."""
        ...


class Limiter(Protocol):
    """Limits of accounts: `reviewbot.llm.limiting.MemoryLimiter`, or `reviewbot.llm.redis_limiting.RedisLimiter`."""

    def admit(self, account: str, tokens: int) -> bool:
        """Let a request through if that takes no waiting at all; False where only `acquire` can tell.

        Most requests need no more, and one that never waits needs no task that can be cancelled while it does.
        """
        ...

    async def acquire(self, account: str, tokens: int, deadline_at: float) -> None:
        """Wait until a request with so many tokens may be sent, at the latest by ``deadline_at`` (monotonic seconds).

        Raises `reviewbot.llm.limiting.LimitWait`.
        """
        ...

    async def settle(self, account: str, reserved: int, used: int) -> None:
        """Replace the estimate of an acquired request by what it used."""
        ...

    def slow_down(self, account: str, wait_s: float | None) -> None:
        """Take note that the provider refused a request for its rate, and what Retry-After said (seconds)."""
        ...

    def capacity(self, account: str) -> float:
        """Give the share of the limits that is left right now, 0 to 1."""
        ...


class Cache(Protocol):
    """A store of answers: `SqliteCache` on disk, `RedisCache` shared. Never raises for its store's sake."""

    async def get(self, key: str) -> Completion | None:
        """Give a stored answer that is fresh and authentic, or None."""
        ...

    async def put(self, key: str, completion: Completion) -> None:
        """Store an answer. Only complete and valid ones are given to it."""
        ...

    async def aclose(self) -> None:
        """Let go of the store."""
        ...


class Coalescing(Protocol):
    """Shares calls for the same key: among tasks, or with Redis among processes."""

    async def share(
        self, key: str, make: Callable[[Tape], Awaitable[Completion]], listen: Listen | None = None
    ) -> tuple[Completion, bool]:
        """Give the answer, and whether somebody else's call brought it.

        ``listen`` is given the tape of a call in this process at once, to hear the answer while it comes.
        """
        ...


class BudgetStore(Protocol):
    """A place for accounts. Each call is atomic, among all that use the same place."""

    async def reserve(self, claim: Claim) -> Ruling:
        """Set money aside if it fits into every account. Raises BudgetExceeded where the store fails."""
        ...

    async def settle(self, claim: Claim, micros: int) -> tuple[Standing, ...]:
        """Book what a request did cost, and free what was set aside for it.

        An unknown claim is booked all the same. Where the store fails, the claim stays: it counts as spent.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the store."""
        ...


class KeyBoard(Protocol):
    """Where the pools of several processes tell each other of their keys: `RedisKeyBoard`. Nothing of it waits."""

    @property
    def current(self) -> bool:
        """Whether what was heard last still is the word of all: then nobody judges by its own calls alone."""
        ...

    def join(self, place: str, news: Callable[[], PoolNews], hear: Callable[[PoolLore], None]) -> None:
        """Let a pool share what it knows with those of the same place, such as an endpoint."""
        ...

    def stir(self) -> None:
        """Tell the others soon: a state changed."""
        ...
