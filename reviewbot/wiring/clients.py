"""Opens the model client with all its layers, in memory, on disk, or shared over Redis."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from reviewbot.domain.endpoint import ClientOptions, Endpoint, Fallback
from reviewbot.domain.events import Event
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.breaker import Breaker
from reviewbot.llm.budget import Limits
from reviewbot.llm.caching import Seal
from reviewbot.llm.calibration import Calibration
from reviewbot.llm.client import Client
from reviewbot.llm.exchange import Exchange
from reviewbot.llm.keyfile import KeysFile
from reviewbot.llm.keypool import KeyPool
from reviewbot.llm.parts import Parts
from reviewbot.llm.ports import KeyBoard, Limiter, Wire
from reviewbot.llm.prices import Prices
from reviewbot.llm.reaching import reachable
from reviewbot.llm.targets import Target
from reviewbot.wiring.sharing import Place, Sharing


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
    sliced: bool = False
    """Whether, without Redis, it keeps to a slice of what it shares, as one of several replicas."""
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
        place = Place(folder=plan.folder, redis_url=plan.redis_url, fail_open=plan.fail_open, sliced=plan.sliced)
        sharing = Sharing(place, world, stack)
        seal = Seal.of(plan.cache_secret, [key.value for key in plan.endpoint.keys])
        cache = sharing.cache(seal, plan.cache_ttl_s, plan.cache_bytes) if plan.cached else None
        limiter = sharing.limiter(plan.requests_per_minute, plan.tokens_per_minute)
        parts = Parts(
            targets=open_targets(plan, opened, limiter, world, observe, sharing.keys),
            options=plan.options,
            budget=await sharing.budget(plan.limits, observe, plan.tenant or "all", plan.options.deadline_s),
            coalescing=sharing.coalescing(cache, seal),
            prices=plan.prices,
            world=world,
            observe=observe,
            cache=cache,
            calibration=calibration or Calibration(),
            tenant=plan.tenant,
            scope=plan.tenant or "",
            reach=reachable,
        )
        await sharing.begin()
        yield Client(parts)


def open_targets(
    plan: ClientPlan,
    wire: Wire,
    limiter: Limiter,
    world: Surroundings,
    observe: Callable[[Event], None],
    board: KeyBoard | None,
) -> Sequence[Target]:
    """Make the endpoint and its fallbacks ready to be asked, each with its keys and its breaker."""
    places = [(plan.endpoint, None), *((fallback.endpoint, fallback.model) for fallback in plan.fallbacks)]
    targets = [
        Target(
            exchange=Exchange(endpoint, wire, plan.options, world.now),
            keys=KeyPool(endpoint.keys, world, limiter, observe, endpoint.host, board),
            breaker=Breaker(endpoint.host, model or "", world, observe),
            breaker_of=partial(Breaker, endpoint.host, world=world, observe=observe),
            model=model,
        )
        for endpoint, model in places
    ]
    targets[0].keys_file = plan.keys_file
    return targets


async def _wire(plan: ClientPlan, stack: AsyncExitStack) -> Wire:
    # Here, because a gateway has another one.
    from reviewbot.llm.wires.httpx_shards import HttpxWire

    return await stack.enter_async_context(HttpxWire(plan.options.concurrency))
