"""Opens the model client with all its layers, in memory, on disk, or shared over Redis."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reviewbot.domain.endpoint import ClientOptions, Endpoint, Fallback
from reviewbot.domain.events import Event
from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.breaker import Breaker
from reviewbot.llm.budget import Budget, Limits
from reviewbot.llm.budget_store import MemoryBudgetStore
from reviewbot.llm.caching import Seal
from reviewbot.llm.calibration import Calibration
from reviewbot.llm.client import Client, Parts
from reviewbot.llm.coalescing import Coalescer
from reviewbot.llm.exchange import Exchange
from reviewbot.llm.keyfile import KeysFile
from reviewbot.llm.keypool import KeyPool
from reviewbot.llm.limiting import MemoryLimiter
from reviewbot.llm.prices import Prices
from reviewbot.llm.targets import Target
from reviewbot.llm.wires.httpx_shards import HttpxWire
from reviewbot.ports import BudgetStore, Cache, Coalescing, Limiter, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPlan:
    """What a client is to be, before anything is open."""

    endpoint: Endpoint
    model: str
    options: ClientOptions
    fallbacks: Sequence[Fallback] = ()
    limits: Limits = field(default_factory=Limits)
    prices: Prices = field(default_factory=Prices.load)
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    keys_file: KeysFile | None = None
    """Where the endpoint's keys come from, if they may change while the program runs."""
    folder: Path | None = None
    """For the cache and lasting budgets on disk."""
    redis_url: str | None = field(default=None, repr=False)
    fail_open: bool = False
    cached: bool = True
    cache_ttl_s: float = 3_600.0
    cache_bytes: int = 200_000_000
    cache_secret: str | None = field(default=None, repr=False)
    tenant: str | None = None


@asynccontextmanager
async def open_client(
    plan: ClientPlan,
    world: Surroundings,
    observe: Callable[[Event], None],
    *,
    calibration: Calibration | None = None,
    wire: Wire | None = None,
) -> AsyncIterator[Client]:
    """Open a client for the length of a block. Raises UsageError where what it is to use cannot be used."""
    async with AsyncExitStack() as stack:
        opened: Wire = wire if wire is not None else await _wire(plan, stack)
        shared = _Shared(plan, world, stack)
        seal = Seal.of(plan.cache_secret, [key.value for key in plan.endpoint.keys])
        cache = shared.cache(seal)
        limiter = shared.limiter()
        parts = Parts(
            targets=[
                _target(endpoint, model, plan.options, opened, limiter, world, observe)
                for endpoint, model in _places(plan)
            ],
            options=plan.options,
            budget=await shared.budget(observe),
            coalescing=shared.coalescing(cache, seal),
            prices=plan.prices,
            world=world,
            observe=observe,
            cache=cache,
            calibration=calibration or Calibration(),
            tenant=plan.tenant,
        )
        parts.targets[0].keys_file = plan.keys_file
        yield Client(parts)


async def _wire(plan: ClientPlan, stack: AsyncExitStack) -> Wire:
    return await stack.enter_async_context(HttpxWire(plan.options.concurrency))


def _places(plan: ClientPlan) -> list[tuple[Endpoint, str | None]]:
    return [(plan.endpoint, None), *((fallback.endpoint, fallback.model) for fallback in plan.fallbacks)]


def _target(  # noqa: PLR0913, PLR0917 - what a target is made of
    endpoint: Endpoint,
    model: str | None,
    options: ClientOptions,
    wire: Wire,
    limiter: Limiter,
    world: Surroundings,
    observe: Callable[[Event], None],
) -> Target:
    return Target(
        exchange=Exchange(endpoint, wire, options, world.now),
        keys=KeyPool(endpoint.keys, world, limiter, observe, name=endpoint.host),
        breaker=Breaker(endpoint.host, model or "", world, observe),
        model=model,
    )


class _Shared:
    """The layers that may be in memory, on disk, or shared over Redis."""

    def __init__(self, plan: ClientPlan, world: Surroundings, stack: AsyncExitStack) -> None:
        self._plan = plan
        self._world = world
        self._stack = stack
        self._link = None
        if plan.redis_url is not None:
            from reviewbot.llm.redis_link import RedisLink

            self._link = RedisLink.open(plan.redis_url, world)
            stack.push_async_callback(self._link.aclose)

    def limiter(self) -> Limiter:
        plan = self._plan
        if plan.redis_url is None:
            return MemoryLimiter(plan.requests_per_minute, plan.tokens_per_minute, self._world)
        from reviewbot.llm.redis_limiting import RedisLimiter

        limiter = RedisLimiter(
            plan.redis_url,
            plan.requests_per_minute,
            plan.tokens_per_minute,
            self._world,
            fail_open=plan.fail_open,
        )
        self._stack.push_async_callback(limiter.aclose)
        return limiter

    def cache(self, seal: Seal | None) -> Cache | None:
        plan = self._plan
        if not plan.cached or seal is None:
            return None
        cache: Cache
        if self._link is not None:
            from reviewbot.llm.redis_cache import RedisCache

            cache = RedisCache(self._link, seal, self._world, ttl_s=plan.cache_ttl_s)
        elif plan.folder is not None:
            from reviewbot.llm.sqlite_cache import SqliteCache

            cache = SqliteCache(plan.folder, seal, self._world, ttl_s=plan.cache_ttl_s, max_bytes=plan.cache_bytes)
        else:
            return None
        self._stack.push_async_callback(cache.aclose)
        return cache

    def coalescing(self, cache: Cache | None, seal: Seal | None) -> Coalescing:
        if self._link is None or seal is None:
            local: Coalescer[Completion] = Coalescer()
            return local
        from reviewbot.llm.redis_coalescing import RedisCoalescer

        return RedisCoalescer(self._link, cache, seal, self._world)

    async def budget(self, observe: Callable[[Event], None]) -> Budget:
        plan, store = self._plan, None
        if plan.limits.lasting:
            store = await self._lasting()
        budget = Budget(
            plan.limits,
            self._world,
            store=store,
            observe=observe,
            scope=plan.tenant or "all",
            hold_s=plan.options.deadline_s,
        )
        self._stack.push_async_callback(budget.aclose)
        return budget

    async def _lasting(self) -> BudgetStore | None:
        if self._link is not None:
            from reviewbot.llm.redis_budget import RedisBudgetStore

            return RedisBudgetStore(self._link, fallback=MemoryBudgetStore() if self._plan.fail_open else None)
        if self._plan.folder is None:
            return None
        from reviewbot.llm.sqlite_budget import SqliteBudgetStore

        store = SqliteBudgetStore(self._plan.folder, self._world)
        await store.check()
        return store
