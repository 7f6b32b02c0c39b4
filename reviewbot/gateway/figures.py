"""The gateway's own metrics: answers as they are counted, and gauges of the moment in which somebody looks.

Labels are of what is configured: a model that is not, and that a client made up, counts as ``other``; a token that is
nobody's has no tenant. Names and units after Prometheus' practice.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from reviewbot.domain.events import BudgetMoved
from reviewbot.domain.served import UNCODED, Served
from reviewbot.gateway.status import error_rate
from reviewbot.gateway.view import EndpointView, View
from reviewbot.llm.breaker import BreakerState
from reviewbot.llm.keyhealth import KeyState
from reviewbot.queue import metrics as queue_metrics

OTHER: Final = "other"
_DURATION_S: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600)
_FIRST_BYTE_S: Final = (0.005, 0.025, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60)
_ROOM: Final = (
    ("open", "requests_in_flight", "Requests that are not answered to their end"),
    ("streams", "streams_open", "Of these, those that asked for a stream"),
    ("running", "upstream_running", "Calls upstream"),
    ("waiting", "waiting", "Requests that wait for room upstream"),
)


class Figures:
    """Counts answers."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        who = ("tenant", "model")
        self._requests = Counter(
            "reviewbot_gateway_requests",
            "Requests for completions by status and by where the answer is from: hit, joined, miss, or none",
            (*who, "status", "source"),
            registry=registry,
        )
        self._refusals = Counter(
            "reviewbot_gateway_refusals",
            "Requests that were refused or broke off, by the code of the error",
            ("tenant", "status", "code"),
            registry=registry,
        )
        self._duration = Histogram(
            "reviewbot_gateway_request_duration_seconds",
            "From request to the end of the answer, for answers that are whole",
            (*who, "source"),
            buckets=_DURATION_S,
            registry=registry,
        )
        self._first_byte = Histogram(
            "reviewbot_gateway_time_to_first_byte_seconds",
            "From request to the first byte of a stream's content",
            who,
            buckets=_FIRST_BYTE_S,
            registry=registry,
        )

    def served(self, served: Served, model: str) -> None:
        """Count an answer; ``model`` is what may stand in a label."""
        tenant, source = served.tenant or "", served.source or ""
        self._requests.labels(tenant, model, served.status, source).inc()
        if served.word is not None:
            self.refused(tenant, served.status, served.word)
        elif source:
            self._duration.labels(tenant, model, source).observe(served.latency_s)
            if served.streamed and served.ttft_s is not None:
                self._first_byte.labels(tenant, model).observe(served.ttft_s)

    def refused(self, tenant: str, status: int, code: str | None) -> None:
        """Count a refusal; codes are words of our own."""
        self._refusals.labels(tenant, status, code or UNCODED).inc()

    def families(self, view: View) -> Iterator[Metric]:
        """Give all of it, with the gauges of a moment."""
        yield from self._registry.collect()
        yield from _process(view)
        yield from _tenants(view)
        yield from _keys(view.endpoints)
        if view.queue is not None:
            yield from queue_metrics.families(view.queue)


def _process(view: View) -> Iterator[Metric]:
    info = GaugeMetricFamily("reviewbot_build_info", "1; what runs here", labels=["version"])
    info.add_metric([view.version], 1)
    yield info
    yield GaugeMetricFamily("reviewbot_gateway_uptime_seconds", "Since it began to serve", value=view.uptime_s)
    yield GaugeMetricFamily("reviewbot_gateway_ready", "Whether new work should be sent to it", value=view.ready)
    yield GaugeMetricFamily("reviewbot_gateway_draining", "Whether it is about to stop", value=view.draining)
    dropped = CounterMetricFamily(
        "reviewbot_gateway_dropped_lines", "Lines that a log was too slow to take", labels=["log"]
    )
    for log, count in view.dropped.items():
        dropped.add_metric([log], count)
    yield dropped


def _tenants(view: View) -> Iterator[Metric]:
    for field, name, text in _ROOM:
        gauge = GaugeMetricFamily(f"reviewbot_gateway_{name}", text, labels=["tenant"])
        for each in view.tenants:
            gauge.add_metric([each.tenant.name], getattr(each, field))
        yield gauge
    budgets = [*((each.tenant.name, each.budgets) for each in view.tenants), ("all", view.common)]
    amounts: tuple[tuple[str, str, Callable[[BudgetMoved], object]], ...] = (
        ("spent", "Spent of a budget, in USD", lambda budget: budget.spent_usd),
        ("held", "Set aside of a budget for requests in flight, in USD", lambda budget: budget.held_usd),
        ("limit", "Limit of a budget, in USD", lambda budget: budget.limit_usd),
    )
    for name, text, amount in amounts:
        gauge = GaugeMetricFamily(f"reviewbot_gateway_budget_{name}_usd", text, labels=["tenant", "period"])
        for tenant, moved in budgets:
            for budget in moved:
                if budget.limit_usd is not None:
                    gauge.add_metric([tenant, budget.period], float(str(amount(budget))))
        yield gauge


def _keys(endpoints: Iterable[EndpointView]) -> Iterator[Metric]:
    breakers = GaugeMetricFamily(
        "reviewbot_gateway_breaker_state",
        "1 for the state that a circuit breaker is in",
        labels=["pool", "endpoint", "model", "state"],
    )
    place = ["pool", "endpoint", "key_id"]
    states = GaugeMetricFamily(
        "reviewbot_gateway_key_state", "1 for the state that a key is in", labels=[*place, "state"]
    )
    calls = GaugeMetricFamily("reviewbot_gateway_key_recent_calls", "Calls of the last 5 minutes", labels=place)
    errors = GaugeMetricFamily(
        "reviewbot_gateway_key_error_ratio", "Share of a key's calls of the last 5 minutes that failed", labels=place
    )
    for each in endpoints:
        for breaker in BreakerState:
            breakers.add_metric([each.pool or "", each.endpoint, each.model or "", breaker], each.breaker == breaker)
        for key in each.keys:
            where = [each.pool or "", each.endpoint, key.key_id]
            for state in KeyState:
                states.add_metric([*where, state], key.state == state)
            calls.add_metric(where, key.calls)
            errors.add_metric(where, error_rate(key) or 0.0)
    yield from (breakers, states, calls, errors)
