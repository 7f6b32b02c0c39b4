"""Metrics of requests, keys, breakers and budgets, as text for a CI job or a scrape, or pushed to a Pushgateway.

Each instance has a registry of its own: nothing here is global. Looking a child up by its labels costs more than
counting (3.8 against 1.4 microseconds), so children are kept. Keys show by their short id alone.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Thread
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, push_to_gateway
from prometheus_client.openmetrics.exposition import generate_latest

from reviewbot.domain.events import (
    AttemptEnded,
    BreakerChanged,
    BudgetMoved,
    BudgetWarned,
    Event,
    KeyChanged,
    RequestEnded,
)
from reviewbot.domain.uptake import CommentTold
from reviewbot.domain.usage import TokenUsage
from reviewbot.observers.collecting import Together, WithoutCreated

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_LATENCY_S = (0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600)
_TTFT_S = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60, 120)
_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Metrics:
    """Counts what it hears."""

    content_type = _CONTENT_TYPE
    """Of what `render` gives, for a scrape."""

    def __init__(self) -> None:
        registry = CollectorRegistry(auto_describe=True)
        self._requests = _Kept(_request_families(registry))
        self._attempts = _Kept(_attempt_families(registry))
        self._tokens_of_key = _Kept(_token_family(registry, "key_tokens", "Tokens by key", "key_id"))
        self._keys = _States(_gauge(registry, "key_state", "1 for the state a key is in", "key_id", "account", "state"))
        self._breakers = _States(
            _gauge(registry, "breaker_state", "1 for the state a circuit breaker is in", "endpoint", "model", "state")
        )
        self._budgets = _Kept(_budget_families(registry))
        self._warnings = _counter(registry, "budget_warnings", "Times that a budget passed its warning line", "period")
        names = ("source", "category", "severity", "outcome")
        self._comments = _counter(registry, "comments", "Comments by what was found to have become of them", *names)
        self._shown = CollectorRegistry()
        self._shown.register(WithoutCreated(registry))

    def __call__(self, event: Event, /) -> None:
        """Count an event; does not raise."""
        match event:
            case RequestEnded():
                labels = (event.task, event.model, event.endpoint, event.tenant or "")
                self._requests.of(labels).count(event)
                if event.key_id is not None:
                    _add(self._tokens_of_key.of((event.key_id,)), event.usage)
            case AttemptEnded():
                self._attempts.of((event.endpoint, event.model, event.key_id or "")).count(event)
            case KeyChanged():
                self._keys.enter((event.key_id, event.account), event.state)
            case BreakerChanged():
                self._breakers.enter((event.endpoint, event.model), event.state)
            case BudgetWarned():
                self._warnings.labels(event.period).inc()
            case CommentTold():
                self._comments.labels(event.source, event.category, event.severity, event.uptake.value).inc()
            case BudgetMoved():
                self._budgets.of((event.period,)).stand(event)

    def render(self, more: Iterable[Metric] = ()) -> str:
        """Give all metrics as OpenMetrics text, and ``more``: GitLab's metrics report, or the answer to a scrape."""
        shown = Together(self._shown, more)
        text: bytes = generate_latest(shown)  # type: ignore[no-untyped-call]  # prometheus_client's own gap
        return text.decode()

    def push(self, url: str, job: str, timeout_s: float = 5.0) -> bool:
        """Replace the job's metrics on a Pushgateway, and tell whether that worked.

        Waits for ``timeout_s`` at most, in a thread because looking up a name knows no timeout. Does not raise: a
        gateway that is down costs a line in the log.
        """
        faults = ["it gave no answer in time"]

        def send() -> None:
            try:
                push_to_gateway(url, job, self._shown, timeout=timeout_s)
                faults.clear()
            except Exception as error:  # noqa: BLE001 - whatever a URL, a network or a server may do
                faults[:] = [str(error) or type(error).__name__]

        thread = Thread(target=send, daemon=True, name="push metrics")
        thread.start()
        thread.join(timeout_s)
        for fault in faults[:1]:
            # The host alone: a URL may hold a password.
            _LOG.warning("metrics cannot be pushed to %s: %s", urlsplit(url).hostname or "the Pushgateway", fault)
        return not faults


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """Children for requests of one task, model, endpoint and tenant."""

    outcomes: Callable[[str], Counter]
    latency: Histogram
    ttft: Histogram
    tokens: "_Tokens"
    cost: Counter
    retries: Counter
    cached: Counter
    coalesced: Counter

    def count(self, event: RequestEnded) -> None:
        self.outcomes(event.outcome).inc()
        self.retries.inc(max(event.attempts - 1, 0))
        if event.outcome == "cached":
            self.cached.inc()
        elif event.outcome == "coalesced":
            self.coalesced.inc()
        elif event.outcome == "ok":
            # Answers that nobody waited for, and those that never came, would blur how fast the provider is.
            self.latency.observe(event.latency_s)
            if event.ttft_s is not None:
                self.ttft.observe(event.ttft_s)
        _add(self.tokens, event.usage)
        if event.cost_usd is not None:
            self.cost.inc(float(event.cost_usd))


def _request_families(registry: CollectorRegistry) -> Callable[[tuple[str, ...]], _Request]:
    names = ("task", "model", "endpoint", "tenant")
    requests = _counter(registry, "requests", "Requests by outcome", *names, "outcome")
    latency = _histogram(registry, "request_latency_seconds", "From request to whole answer", _LATENCY_S, *names)
    ttft = _histogram(registry, "request_ttft_seconds", "From request to first content", _TTFT_S, *names)
    tokens = _token_family(registry, "tokens", "Tokens; cached ones are part of the prompt's", *names)
    cost = _counter(registry, "cost_usd", "Cost in USD, where the price is known", *names)
    retries = _counter(registry, "retries", "Attempts after a request's first", *names)
    cached = _counter(registry, "cache_hits", "Requests that the cache answered", *names)
    coalesced = _counter(registry, "coalesced", "Requests that shared another one's answer", *names)

    def make(labels: tuple[str, ...]) -> _Request:
        return _Request(
            outcomes=_Kept(lambda outcome: requests.labels(*labels, *outcome)).text,
            latency=latency.labels(*labels),
            ttft=ttft.labels(*labels),
            tokens=tokens(labels),
            cost=cost.labels(*labels),
            retries=retries.labels(*labels),
            cached=cached.labels(*labels),
            coalesced=coalesced.labels(*labels),
        )

    return make


_Tokens = tuple[Counter, Counter, Counter]
"""Of the prompt, of these the ones from the provider's cache, and of the answer."""


def _token_family(
    registry: CollectorRegistry, name: str, text: str, *labels: str
) -> Callable[[tuple[str, ...]], _Tokens]:
    family = _counter(registry, name, text, *labels, "kind")
    return lambda values: (
        family.labels(*values, "prompt"),
        family.labels(*values, "cached"),
        family.labels(*values, "completion"),
    )


def _add(tokens: _Tokens, usage: TokenUsage) -> None:
    prompt, cached, completion = tokens
    prompt.inc(usage.prompt_tokens)
    cached.inc(usage.cached_tokens)
    completion.inc(usage.completion_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """Children for attempts at one endpoint and model under one key."""

    outcomes: Callable[[str], Counter]
    latency: Histogram

    def count(self, event: AttemptEnded) -> None:
        self.outcomes(event.fault or "ok").inc()
        self.latency.observe(event.latency_s)


def _attempt_families(registry: CollectorRegistry) -> Callable[[tuple[str, ...]], _Attempt]:
    names = ("endpoint", "model", "key_id")
    attempts = _counter(registry, "attempts", "Upstream attempts by outcome", *names, "outcome")
    latency = _histogram(registry, "attempt_latency_seconds", "From sending to the end", _LATENCY_S, *names)

    def make(labels: tuple[str, ...]) -> _Attempt:
        outcomes = _Kept(lambda outcome: attempts.labels(*labels, *outcome))
        return _Attempt(outcomes=outcomes.text, latency=latency.labels(*labels))

    return make


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """Children for the budget of one period."""

    spent: Gauge
    reserved: Gauge
    limit: Callable[[], Gauge]
    """Made when there is a limit: a gauge of 0 would look like one."""

    def stand(self, event: BudgetMoved) -> None:
        self.spent.set(float(event.spent_usd))
        self.reserved.set(float(event.held_usd))
        if event.limit_usd is not None:
            self.limit().set(float(event.limit_usd))


def _budget_families(registry: CollectorRegistry) -> Callable[[tuple[str, ...]], _Standing]:
    spent = _gauge(registry, "budget_spent_usd", "Spent of a budget, in USD", "period")
    reserved = _gauge(registry, "budget_reserved_usd", "Set aside for requests in flight, in USD", "period")
    limit = _gauge(registry, "budget_limit_usd", "Limit of a budget, in USD", "period")

    def make(labels: tuple[str, ...]) -> _Standing:
        return _Standing(
            spent=spent.labels(*labels), reserved=reserved.labels(*labels), limit=lambda: limit.labels(*labels)
        )

    return make


class _Kept(Generic[_T]):
    """Children by their labels, made once."""

    def __init__(self, make: Callable[[tuple[str, ...]], _T]) -> None:
        self._make = make
        self._children: dict[tuple[str, ...], _T] = {}

    def of(self, labels: tuple[str, ...]) -> _T:
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._make(labels)
        return child

    def text(self, label: str) -> _T:
        return self.of((label,))


class _States:
    """A gauge that is 1 for the state in force and 0 for those that were."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._now: dict[tuple[str, ...], str] = {}

    def enter(self, labels: tuple[str, ...], state: str) -> None:
        before = self._now.get(labels)
        if before is not None:
            self._gauge.labels(*labels, before).set(0)
        self._now[labels] = state
        self._gauge.labels(*labels, state).set(1)


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(f"reviewbot_{name}", text, labels, registry=registry)


def _gauge(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"reviewbot_{name}", text, labels, registry=registry)


def _histogram(
    registry: CollectorRegistry, name: str, text: str, buckets: tuple[float, ...], *labels: str
) -> Histogram:
    return Histogram(f"reviewbot_{name}", text, labels, registry=registry, buckets=buckets)
