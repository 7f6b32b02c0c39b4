"""The layers of a client that may be in memory, on disk, or shared over Redis: for a job's client and a gateway's."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from reviewbot.domain.events import Event
from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.budget import Budget, Limits
from reviewbot.llm.caching import Seal
from reviewbot.llm.coalescing import Coalescer
from reviewbot.llm.limiting import LimitsOf, MemoryLimiter
from reviewbot.llm.ports import BudgetStore, Cache, Coalescing, KeyBoard, Limiter


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where what outlives a request is kept: in Redis, else in a folder, else nowhere."""

    folder: Path | None = None
    redis_url: str | None = field(default=None, repr=False)
    fail_open: bool = False
    """Whether requests go on while Redis is away."""
    sliced: bool = False
    """Whether they then go on within a slice of limits and budgets, as among replicas of a gateway, or as if this
    process were alone, as in a job."""


class Sharing:
    """Opens the layers of one process. What it opens is closed by its stack."""

    def __init__(self, place: Place, world: Surroundings, stack: AsyncExitStack) -> None:
        self._place = place
        self._world = world
        self._stack = stack
        self._store: BudgetStore | None = None
        self._link, self._pulse = None, None
        self.keys: KeyBoard | None = None
        """Where pools of keys tell other processes what happens to them."""
        if place.redis_url is not None:
            from reviewbot.llm.redis_keys import RedisKeyBoard
            from reviewbot.llm.redis_link import RedisLink
            from reviewbot.llm.redis_pulse import Pulse

            self._link = RedisLink.open(place.redis_url, world)
            stack.push_async_callback(self._link.aclose)
            self._pulse = Pulse(self._link, world)
            self.keys = RedisKeyBoard(self._link, world, self._pulse)

    async def begin(self) -> None:
        """Take over what other processes know, once all layers are open, and go on doing so in the background."""
        if self._pulse is not None:
            self._stack.push_async_callback(self._pulse.aclose)
            await self._pulse.start()

    @property
    def redis_down(self) -> bool:
        """Whether there is a Redis, and it failed when it was last asked."""
        return self._link is not None and self._link.down

    def limiter(
        self,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        limits_of: LimitsOf | None = None,
    ) -> Limiter:
        """Open limits: the same for all accounts, or as ``limits_of`` tells them."""
        place = self._place
        if place.redis_url is None:
            return MemoryLimiter(requests_per_minute, tokens_per_minute, self._world, limits_of=limits_of)
        from reviewbot.llm.redis_limiting import RedisLimiter

        limiter = RedisLimiter(
            place.redis_url,
            requests_per_minute,
            tokens_per_minute,
            self._world,
            fail_open=place.fail_open,
            limits_of=limits_of,
            pulse=self._pulse if place.sliced else None,
        )
        self._stack.push_async_callback(limiter.aclose)
        return limiter

    def cache(self, seal: Seal | None, ttl_s: float, max_bytes: int) -> Cache | None:
        """Open a cache; None where there is no place for one, or no secret to sign its entries with."""
        if seal is None:
            return None
        cache: Cache
        if self._link is not None:
            from reviewbot.llm.redis_cache import RedisCache

            cache = RedisCache(self._link, seal, self._world, ttl_s=ttl_s)
        elif self._place.folder is not None:
            from reviewbot.llm.sqlite_cache import SqliteCache

            cache = SqliteCache(self._place.folder, seal, self._world, ttl_s=ttl_s, max_bytes=max_bytes)
        else:
            return None
        self._stack.push_async_callback(cache.aclose)
        return cache

    def coalescing(self, cache: Cache | None, seal: Seal | None) -> Coalescing:
        """Open what makes identical requests in flight one."""
        if self._link is None or seal is None:
            local: Coalescer[Completion] = Coalescer()
            return local
        from reviewbot.llm.redis_coalescing import RedisCoalescer

        return RedisCoalescer(self._link, cache, seal, self._world)

    async def budget(self, limits: Limits, observe: Callable[[Event], None], scope: str, hold_s: float) -> Budget:
        """Open a budget; those of several scopes have one store."""
        if limits.lasting and self._store is None:
            self._store = await self._lasting()
        store = self._store if limits.lasting else None
        return Budget(limits, self._world, store=store, observe=observe, scope=scope, hold_s=hold_s)

    async def _lasting(self) -> BudgetStore | None:
        store: BudgetStore
        if self._link is not None:
            from reviewbot.llm.redis_budget import RedisBudgetStore

            place = self._place
            store = RedisBudgetStore(
                self._link, self._world, fail_open=place.fail_open, sliced=place.sliced, pulse=self._pulse
            )
        elif self._place.folder is not None:
            from reviewbot.llm.sqlite_budget import SqliteBudgetStore

            store = SqliteBudgetStore(self._place.folder, self._world)
            await store.check()
        else:
            return None
        self._stack.push_async_callback(store.aclose)
        return store
