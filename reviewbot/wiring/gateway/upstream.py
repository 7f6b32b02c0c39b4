"""Where a gateway's requests go: one endpoint with its fallbacks, under the keys of each pool."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reviewbot.domain.endpoint import Endpoint
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import UsageError
from reviewbot.settings import environment
from reviewbot.wiring import pools
from reviewbot.wiring.clients import ClientPlan
from reviewbot.wiring.engines import Engine
from reviewbot.wiring.gateway.tenants import GatewayPlan
from reviewbot.wiring.plans import client_plan
from reviewbot.wiring.pools import Chosen, Pool

_LEFT_ALONE_S = 10.0
"""For a provider that restarts; people wait in front of this, and clients that ask again by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What is asked under one pool of keys, None being the gateway's own."""

    pool: Pool | None
    plan: ClientPlan

    def same(self, other: "Upstream") -> bool:
        """Tell whether nothing has changed. A file of keys is read again by whoever uses it."""
        return self.pool == other.pool and replace(self.plan, keys_file=None) == replace(other.plan, keys_file=None)


def upstream(plan: GatewayPlan, name: str | None, environ: Mapping[str, str], world: Surroundings) -> Upstream:
    """Say where requests under a pool go. Raises UsageError where there is nowhere, or no key to go with."""
    pool = next((pool for pool in plan.operators.pools if pool.name == name), None) if name is not None else None
    endpoint = _endpoint(plan, pool, environ)
    chosen = None if pool is None else Chosen(pool=pool, reason="named by a tenant")
    engine = Engine(name="llm", endpoint=endpoint, operators=plan.operators, pool=chosen)
    found = client_plan(engine, plan.settings, environment.stores(environ), world)
    limits = {} if pool is None else pool.limits
    return Upstream(
        pool=pool,
        plan=replace(
            found,
            options=replace(found.options, left_alone_s=_LEFT_ALONE_S),
            requests_per_minute=limits.get("requests_per_minute", found.requests_per_minute),
            tokens_per_minute=limits.get("tokens_per_minute", found.tokens_per_minute),
        ),
    )


def _endpoint(plan: GatewayPlan, pool: Pool | None, environ: Mapping[str, str]) -> Endpoint:
    base_url = plan.operators.base_url
    if pool is not None:
        endpoint = Endpoint(base_url=environment.address(environ, base_url) or environment.DEEPSEEK_URL)
        return replace(endpoint, keys=pools.keys(pool, environ, endpoint.host))
    found = environment.endpoint(environ, base_url)
    if found is None:
        message = (
            "the gateway has nowhere to pass requests on to: set REVIEWBOT_API_KEY, or REVIEWBOT_BASE_URL for a "
            "server of your own, or give every tenant a pool of keys"
        )
        raise UsageError(message)
    return found
