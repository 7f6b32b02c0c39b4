"""A pool of keys in a virtual world, with everything that its observers hear."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from world import VirtualWorld

from reviewbot.domain.endpoint import ApiKey
from reviewbot.domain.events import Event, KeyChanged
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.keypool import KeyPool, Lease
from reviewbot.llm.limiting import MemoryLimiter

FAR = 1e9
T = TypeVar("T")


class Scene:
    """A pool in a virtual world, with its events."""

    def __init__(self, *keys: ApiKey | str, requests: int | None = None, tokens: int | None = None) -> None:
        self.virtual = VirtualWorld()
        self.events: list[KeyChanged] = []
        self.limiter = MemoryLimiter(requests, tokens, self.virtual.surroundings)
        self.pool = KeyPool([as_key(key) for key in keys], self.virtual.surroundings, self.limiter, self._observe)

    def _observe(self, event: Event) -> None:
        assert isinstance(event, KeyChanged)
        self.events.append(event)

    def run(self, session: Coroutine[Any, Any, T]) -> T:
        return self.virtual.run(session)

    @property
    def states(self) -> list[str]:
        return [status.state for status in self.pool.status()]

    @property
    def told(self) -> list[str]:
        """Which states observers heard of."""
        return [event.state for event in self.events]

    async def lease(self, tokens: int = 1) -> Lease:
        return await self.pool.lease(tokens, FAR)

    async def fail(self, kind: FaultKind, *, wait_s: float | None = None, status: int | None = None) -> None:
        await (await self.lease()).failed(Fault(kind, "no", wait_s=wait_s, status=status))

    async def succeed(self, times: int = 1) -> None:
        for _ in range(times):
            await (await self.lease()).succeeded(1)

    async def keys(self, count: int) -> list[str | None]:
        leases = [await self.lease() for _ in range(count)]
        return [lease.key for lease in leases]


def as_key(key: ApiKey | str) -> ApiKey:
    return ApiKey(value=key) if isinstance(key, str) else key
