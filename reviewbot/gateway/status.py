"""``/status``: how the gateway stands, as JSON, as far as a tenant may know.

A tenant sees itself and the keys that it asks under. An operator sees all, and the queue, in which the names of
projects stand.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

from reviewbot.domain.events import BudgetMoved
from reviewbot.domain.secret import mask
from reviewbot.domain.tenant import Tenant
from reviewbot.gateway.tally import Tally
from reviewbot.gateway.view import EndpointView, TenantView, View
from reviewbot.llm.keyhealth import USABLE, KeyStatus
from reviewbot.queue.outcomes import QueueStats

Json = Mapping[str, object]
"""On its way into an answer."""


def status(view: View, tally: Tally, asker: Tenant) -> Json:
    """Spell what a tenant may know."""
    shown = [each for each in view.tenants if asker.operator or each.tenant.name == asker.name]
    pools = {each.tenant.pool for each in shown}
    endpoints = [each for each in view.endpoints if asker.operator or each.pool in pools]
    told: dict[str, object] = {
        "version": view.version,
        "uptime_s": round(view.uptime_s, 1),
        "ready": view.ready,
        "draining": view.draining,
        "reasons": [*view.troubles, *_keyless(endpoints)],
        "tenants": [_tenant(each, tally) for each in shown],
        "endpoints": [_endpoint(each) for each in endpoints],
    }
    if asker.operator:
        told |= {"budgets": _budgets(view.common), "queue": _queue(view.queue), "dropped_lines": dict(view.dropped)}
    return told


def _keyless(endpoints: Iterable[EndpointView]) -> Iterator[str]:
    """Name the pools whose requests fail because none of their keys can be used.

    It is no reason to be sent no work: who asks is told why by the answer, and no replica is better off.
    """
    for each in endpoints:
        if each.keys and not any(key.state in USABLE for key in each.keys):
            whose = "the gateway's own pool" if each.pool is None else f"the pool '{each.pool}'"
            states = ", ".join(f"{key.key_id} {key.state}" for key in each.keys)
            yield f"no key of {whose} can be used at {each.endpoint}: {states}"


def _tenant(view: TenantView, tally: Tally) -> Json:
    used = tally.used(view.tenant.name)
    return {
        "tenant": view.tenant.name,
        "pool": view.tenant.pool,
        "open": view.open,
        "streams": view.streams,
        "running": view.running,
        "waiting": view.waiting,
        **asdict(used),
        "cost_usd": format(used.cost_usd, "f"),
        "cache_rate": used.cache_rate,
        "budgets": _budgets(view.budgets),
    }


def _budgets(budgets: Iterable[BudgetMoved]) -> list[Json]:
    return [
        {
            "period": budget.period,
            "spent_usd": format(budget.spent_usd, "f"),
            "held_usd": format(budget.held_usd, "f"),
            "limit_usd": format(budget.limit_usd, "f"),
        }
        for budget in budgets
        if budget.limit_usd is not None
    ]


def _endpoint(view: EndpointView) -> Json:
    return {
        "pool": view.pool,
        "endpoint": view.endpoint,
        "model": view.model,
        "breaker": view.breaker,
        "keys": [_key(key) for key in view.keys],
    }


def _key(key: KeyStatus) -> Json:
    return {
        "key": key.key_id,
        "account": key.account,
        "state": key.state,
        # It holds the provider's words, and some providers echo the key that they refuse.
        "reason": mask(key.reason),
        "back_in_s": None if key.wait_s is None else round(key.wait_s, 1),
        "calls": key.calls,
        "failures": key.failures,
        "error_rate": error_rate(key),
    }


def error_rate(key: KeyStatus) -> float | None:
    """Give the share of a key's calls of the last five minutes that failed; None where there was none."""
    return round(key.failures / key.calls, 4) if key.calls else None


def _queue(stats: QueueStats | None) -> Json | None:
    if stats is None:
        return None
    names = ("waiting", "oldest_s", "running", "retrying", "dead")
    projects = [
        {"project": each.place, **{name: getattr(each, name) for name in names}, "ended": dict(each.ended)}
        for each in stats.projects
    ]
    return {name: getattr(stats, name) for name in names} | {"projects": projects}
