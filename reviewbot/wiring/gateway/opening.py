"""Opens a gateway: one wire and one Redis for all, targets for each pool of keys, a client for each tenant."""

import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from reviewbot.domain.events import Event
from reviewbot.domain.served import Served
from reviewbot.domain.surroundings import Surroundings
from reviewbot.domain.tenant import Tenant
from reviewbot.gateway import rates
from reviewbot.gateway.fairness import FairGate
from reviewbot.gateway.house import House, Tenancy, Told
from reviewbot.gateway.rates import Rates
from reviewbot.gateway.tokens import Directory
from reviewbot.gateway.watching import Inside
from reviewbot.llm.budget import Budget, Limits
from reviewbot.llm.caching import Seal
from reviewbot.llm.calibration import Calibration
from reviewbot.llm.client import Client
from reviewbot.llm.memory_cache import MemoryCache
from reviewbot.llm.overspending import GATEWAY, of_tenant
from reviewbot.llm.parts import Parts
from reviewbot.llm.ports import Cache, Coalescing, Wire
from reviewbot.llm.reaching import reachable
from reviewbot.llm.targets import Target
from reviewbot.llm.wires.aiohttp_pool import AiohttpWire
from reviewbot.settings import environment
from reviewbot.steps.counting import tokens
from reviewbot.wiring.clients import open_targets
from reviewbot.wiring.gateway.tenants import GatewayPlan
from reviewbot.wiring.gateway.upstream import Upstream, upstream
from reviewbot.wiring.sharing import Place, Sharing

_UNBOUNDED: Final = 0
"""Connections: the gate lets no more through than there is room for."""
_ALL: Final = "all"
"""Whose budget it is that belongs to no single tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Who hears what of a gateway."""

    observe: Callable[[Event], None]
    served: Callable[[Served], None]
    told: Told
    """What is told of what they heard."""


@asynccontextmanager
async def open_gateway(
    plan: GatewayPlan,
    environ: Mapping[str, str],
    world: Surroundings,
    hearing: Hearing,
    *,
    wire: Wire | None = None,
) -> AsyncIterator["Opened"]:
    """Open a gateway for the length of a block. Raises UsageError where what it is to use cannot be used."""
    async with AsyncExitStack() as stack:
        over = wire if wire is not None else await stack.enter_async_context(AiohttpWire(_UNBOUNDED))
        stores = environment.stores(environ)
        place = Place(
            folder=stores.folder, redis_url=stores.redis_url, fail_open=plan.config.rules.fail_open, sliced=True
        )
        sharing = Sharing(place, world, stack)
        opened = Opened(plan, environ, world, hearing, sharing, over)
        await opened.apply(plan)
        await sharing.begin()
        yield opened


class Opened:
    """An open gateway, whose configuration may change while it runs.

    What a change keeps: requests under way, the states of keys, budgets, limits, cached answers. What it cannot
    change: where things are kept, and the secret that signs them.
    """

    def __init__(
        self,
        plan: GatewayPlan,
        environ: Mapping[str, str],
        world: Surroundings,
        hearing: Hearing,
        sharing: Sharing,
        wire: Wire,
    ) -> None:
        rules = plan.config.rules
        self._environ, self._world, self._hearing, self._sharing, self._wire = environ, world, hearing, sharing, wire
        self._fail_open = rules.fail_open
        self._gate = FairGate(rules.concurrency, rules.waiting, world.monotonic)
        self._tenants: Mapping[str, Tenant] = {}
        self._models: frozenset[str] = frozenset()
        self._upstreams: dict[str | None, tuple[Upstream, Sequence[Target]]] = {}
        self._budgets: dict[str, tuple[Limits, Budget]] = {}
        self._shared: tuple[Cache | None, Coalescing] | None = None
        self.house = House(
            tenancy=Tenancy(directory=Directory(()), clients={}, rules=rules, models=()),
            rates=Rates(sharing.limiter(limits_of=rates.limits_of(lambda: self._tenants)), world.monotonic),
            count=tokens,
            heard=hearing.served,
            world=world,
            new_id=_ids(),
            told=replace(hearing.told, troubles=self._troubles),
        )

    async def apply(self, plan: GatewayPlan) -> None:
        """Put a configuration in force, as a whole. Raises UsageError, and then nothing has changed."""
        config = plan.config
        upstreams = {name: self._upstream(plan, name) for name in {tenant.pool for tenant in config.tenants}}
        shared = self._shared or self._share(plan, upstreams)
        budgets: dict[str, tuple[Limits, Budget]] = {}
        clients = {}
        for tenant in config.tenants:
            wanted, targets = upstreams[tenant.pool]
            budget = await self._budget(tenant, wanted, budgets)
            clients[tenant.name] = self._client(tenant, wanted, targets, budget, shared)
        # From here on nothing fails, and nothing waits.
        self._gate.resize(config.rules.concurrency, config.rules.waiting)
        self._tenants = {tenant.name: tenant for tenant in config.tenants}
        self._models = frozenset(_models(plan))
        self._upstreams, self._budgets, self._shared = upstreams, budgets, shared
        self.house.tenancy = Tenancy(
            directory=Directory(config.tenants),
            clients=clients,
            rules=config.rules,
            models=config.rules.models,
            anybody=config.tenants[0] if config.open_loopback else None,
        )

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where requests go, for people."""
        found = (target.exchange.endpoint.host for _, targets in self._upstreams.values() for target in targets)
        return tuple(dict.fromkeys(found))

    @property
    def inside(self) -> Inside:
        """Where to look to see how it stands."""
        return Inside(
            house=self.house,
            tenants=lambda: tuple(self._tenants.values()),
            pools=lambda: {name: targets for name, (_, targets) in self._upstreams.items()},
            occupancy=self._gate.occupancy,
            models=lambda: self._models,
        )

    def _upstream(self, plan: GatewayPlan, name: str | None) -> tuple[Upstream, Sequence[Target]]:
        wanted = upstream(plan, name, self._environ, self._world)
        known = self._upstreams.get(name)
        if known is not None and wanted.same(known[0]):
            return known  # with what its keys and its breaker have been through
        limiter = self._sharing.limiter(wanted.plan.requests_per_minute, wanted.plan.tokens_per_minute)
        observe = self._hearing.observe
        return wanted, open_targets(wanted.plan, self._wire, limiter, self._world, observe, self._sharing.keys)

    def _share(
        self, plan: GatewayPlan, upstreams: Mapping[str | None, tuple[Upstream, Sequence[Target]]]
    ) -> tuple[Cache | None, Coalescing]:
        """Open what all tenants share; who may see which answer is told by the keys of answers."""
        rules, settings = plan.config.rules, plan.settings
        secret = environment.stores(self._environ).cache_secret
        keys = [key.value for each, _ in upstreams.values() for key in each.plan.endpoint.keys]
        seal = Seal.of(secret, sorted(keys))
        cache = None
        if rules.cache:
            cache = self._sharing.cache(seal, rules.cache_ttl_s, settings.cache.max_bytes)
            cache = cache or MemoryCache(self._world, ttl_s=rules.cache_ttl_s)
        return cache, self._sharing.coalescing(cache, seal)

    async def _budget(self, tenant: Tenant, wanted: Upstream, opened: dict[str, tuple[Limits, Budget]]) -> Budget:
        """Open a tenant's budget, or keep the one that it has. Those without one share the gateway's own."""
        day_usd, month_usd = tenant.budget_day_usd, tenant.budget_month_usd
        limits, scope = Limits(day_usd=day_usd, month_usd=month_usd, remedies=of_tenant(tenant.name)), tenant.name
        if not limits.lasting:
            limits, scope = replace(wanted.plan.limits, remedies=GATEWAY), _ALL
        known = opened.get(scope) or self._budgets.get(scope)
        if known is None or known[0] != limits:
            observe, hold_s = self._hearing.observe, wanted.plan.options.deadline_s
            known = limits, await self._sharing.budget(limits, observe, scope, hold_s)
        opened[scope] = known
        return known[1]

    def _client(
        self,
        tenant: Tenant,
        wanted: Upstream,
        targets: Sequence[Target],
        budget: Budget,
        shared: tuple[Cache | None, Coalescing],
    ) -> Client:
        cache, coalescing = shared
        return Client(
            Parts(
                targets=targets,
                options=wanted.plan.options,
                budget=budget,
                coalescing=coalescing,
                prices=wanted.plan.prices,
                world=self._world,
                observe=self._hearing.observe,
                cache=cache,
                calibration=Calibration(),
                tenant=tenant.name,
                scope=tenant.scope,
                reach=reachable,
                gate=self._gate.entrance(tenant),
            )
        )

    def _troubles(self) -> tuple[str, ...]:
        lost = self._sharing.redis_down and not self._fail_open
        return ("Redis does not answer",) if lost else ()


def _models(plan: GatewayPlan) -> Iterator[str]:
    """Name the models that are configured."""
    yield from plan.config.rules.models
    yield from (fallback.model for fallback in plan.operators.fallbacks)
    for tenant in plan.config.tenants:
        yield from (glob for glob in tenant.models if not set(glob) & set("*?["))


def _ids() -> Callable[[], str]:
    """Make ids that no other process makes, without asking the system for randomness each time."""
    process, numbers = uuid.uuid4().hex[:16], itertools.count(1)
    return lambda: f"req-{process}-{next(numbers):x}"
