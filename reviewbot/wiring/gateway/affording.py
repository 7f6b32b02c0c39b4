"""Budgets of tenants that can be kept: with a store that lasts, and for models whose prices are known.

What a request for a model without a price costs is not known, so no budget would ever stop it. Tenants with a budget
may ask for priced models alone, whatever the globs of theirs take in besides.
"""

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reviewbot.domain.tenant import Tenant
from reviewbot.errors import UsageError
from reviewbot.llm.prices import Prices
from reviewbot.settings.environment import Stores
from reviewbot.settings.schema_requests import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What budgets are kept with."""

    prices: Prices
    now: datetime
    offered: tuple[str, ...]
    """Models that the gateway lists."""
    fallbacks: tuple[str, ...]
    """Models that may answer for another one, whether or not a tenant may ask for them."""
    stores: Stores
    own: Budget
    """The gateway's own budget, that of tenants without one."""


def affordable(tenants: Iterable[Tenant], means: Means) -> tuple[Tenant, ...]:
    """Check budgets, and take models without a price from those that have one. Raises UsageError."""
    return tuple(_checked(tenant, means) for tenant in tenants)


def _checked(tenant: Tenant, means: Means) -> Tenant:
    lasting = tenant.budget_day_usd is not None or tenant.budget_month_usd is not None
    own = means.own
    if not lasting and own.run_usd is own.day_usd is own.month_usd is None:
        return tenant
    priced = [name for name in _priced(means) if tenant.may_ask(name)]
    unknown = [
        name for name in (*filter(tenant.may_ask, means.offered), *means.fallbacks) if name not in _priced(means)
    ]
    if unknown or not priced:
        which = f"'{unknown[0]}'" if unknown else f"none but such as {', '.join(tenant.models)}"
        message = (
            f"[tenant.{tenant.name}] has a budget, and could be answered by {which}, whose price is not known, so it "
            "could not be kept: add a [[price]] row, take the model out, or drop the budget"
        )
        raise UsageError(message)
    if lasting and means.stores.folder is None and means.stores.redis_url is None:
        message = (
            f"[tenant.{tenant.name}] has a budget for a day or month, which needs a store that outlives the gateway: "
            "set REVIEWBOT_REDIS_URL, or REVIEWBOT_CACHE_DIR to a folder that is kept"
        )
        raise UsageError(message)
    return replace(tenant, models=tuple(map(glob.escape, priced)))


def _priced(means: Means) -> Sequence[str]:
    names = dict.fromkeys(row.model for layer in means.prices.layers for row in layer)
    return [name for name in names if means.prices.at(name, means.now) is not None]
