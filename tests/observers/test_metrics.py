"""Metrics as text and over HTTP, read back with prometheus_client's own parser."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from telling_events import ATTEMPT, BREAKER, BUDGET, COMMENT, KEY, comment, request

from reviewbot.domain.events import BreakerChanged, BudgetMoved, Event, KeyChanged
from reviewbot.domain.usage import TokenUsage
from reviewbot.observers.metrics import Metrics


def told(*events: Event) -> Metrics:
    metrics = Metrics()
    for event in events:
        metrics(event)
    return metrics


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """Give a metric's values by its labels' values, the labels in alphabetical order."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.render())  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.name == f"reviewbot_{name}"
    }


def test_requests_are_counted_by_task_model_endpoint_tenant_and_outcome() -> None:
    metrics = told(request(), request(), request(outcome="timeout", tenant="team a"))
    assert samples(metrics, "requests_total") == {
        ("api.example:443", "deepseek-flash", "ok", "review", ""): 2,
        ("api.example:443", "deepseek-flash", "timeout", "review", "team a"): 1,
    }


def test_comments_are_counted_by_what_became_of_them() -> None:
    metrics = told(COMMENT, COMMENT, comment(source="llm", category="security"))
    assert samples(metrics, "comments_total") == {
        ("bug", "changed", "high", "ruff"): 2,
        ("security", "changed", "high", "llm"): 1,
    }


def test_tokens_cost_and_retries_add_up() -> None:
    metrics = told(request(attempts=3), request(cost_usd=None, attempts=0))
    place = ("api.example:443",)
    rest = ("deepseek-flash", "review", "")
    assert samples(metrics, "tokens_total") == {
        (*place, "prompt", *rest): 2_000,
        (*place, "cached", *rest): 800,
        (*place, "completion", *rest): 400,
    }
    assert samples(metrics, "cost_usd_total") == {(*place, *rest): pytest.approx(0.000211)}
    assert samples(metrics, "retries_total") == {(*place, *rest): 2}


def test_tokens_are_counted_by_key_too_where_there_is_one() -> None:
    metrics = told(request(), request(key_id=None, usage=TokenUsage(prompt_tokens=5)))
    assert samples(metrics, "key_tokens_total") == {
        ("3f2a9c01", "prompt"): 1_000,
        ("3f2a9c01", "cached"): 400,
        ("3f2a9c01", "completion"): 200,
    }


def test_latency_is_that_of_answers_and_not_of_hits_and_failures() -> None:
    events = [request(outcome=outcome) for outcome in ("ok", "cached", "coalesced", "timeout", "budget")]
    metrics = told(*events, request(ttft_s=None, latency_s=4.0))
    assert list(samples(metrics, "request_latency_seconds_count").values()) == [2]
    assert list(samples(metrics, "request_latency_seconds_sum").values()) == [6.0]
    assert list(samples(metrics, "request_ttft_seconds_count").values()) == [1]
    assert list(samples(metrics, "cache_hits_total").values()) == [1]
    assert list(samples(metrics, "coalesced_total").values()) == [1]


def test_attempts_are_counted_by_key_and_outcome() -> None:
    metrics = told(ATTEMPT, replace(ATTEMPT, fault="rate", status=429), replace(ATTEMPT, key_id=None))
    assert samples(metrics, "attempts_total") == {
        ("api.example:443", "3f2a9c01", "deepseek-flash", "ok"): 1,
        ("api.example:443", "3f2a9c01", "deepseek-flash", "rate"): 1,
        ("api.example:443", "", "deepseek-flash", "ok"): 1,
    }


def test_a_key_and_a_breaker_are_in_one_state_at_a_time() -> None:
    back = KeyChanged(key_id=KEY.key_id, account="main", state="active", reason="")
    metrics = told(BREAKER, KEY, back, BreakerChanged(endpoint="other", model="m", state="closed"))
    assert samples(metrics, "key_state") == {("main", "3f2a9c01", "retired"): 0, ("main", "3f2a9c01", "active"): 1}
    assert samples(metrics, "breaker_state") == {
        ("api.example:443", "deepseek-flash", "open"): 1,
        ("other", "m", "closed"): 1,
    }


def moved(period: str, spent: str, held: str, limit: str | None) -> BudgetMoved:
    limit_usd = None if limit is None else Decimal(limit)
    return BudgetMoved(period=period, spent_usd=Decimal(spent), held_usd=Decimal(held), limit_usd=limit_usd)


def test_a_budget_shows_what_is_spent_and_set_aside_and_its_limit_if_it_has_one() -> None:
    metrics = told(
        BUDGET, moved("day", "4.25", "0.5", "5"), moved("day", "4.50", "0", "5"), moved("run", "0.1", "1", None)
    )
    assert {("day",): 4.5, ("run",): 0.1} == samples(metrics, "budget_spent_usd")
    assert {("day",): 0.0, ("run",): 1.0} == samples(metrics, "budget_reserved_usd")
    assert {("day",): 5.0} == samples(metrics, "budget_limit_usd")
    assert {("day",): 1} == samples(metrics, "budget_warnings_total")


def test_instances_share_nothing() -> None:
    told(request())
    assert samples(Metrics(), "requests_total") == {}


def test_the_text_ends_as_openmetrics_has_it_and_tells_no_moment_of_creation() -> None:
    text = told(request(), ATTEMPT, KEY, BUDGET).render()
    assert text.endswith("# EOF\n")
    assert "_created" not in text


def test_no_name_can_forge_a_sample() -> None:
    metrics = told(request(model='m"} 1\nreviewbot_requests_total{x="\\'))
    assert [name for _, name, *_ in samples(metrics, "requests_total")] == ['m"} 1\nreviewbot_requests_total{x="\\']


@contextmanager
def pushgateway(status: int = 200, delay_s: float = 0.0) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    got: list[tuple[str, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            got.append((self.command, self.path, body))
            time.sleep(delay_s)  # noqa: TID251 - a real server takes real time
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", got
        server.shutdown()
        thread.join()


def test_metrics_are_pushed_to_a_pushgateway() -> None:
    with pushgateway() as (url, got):
        assert told(request()).push(url, "reviewbot")
    command, path, body = got[0]
    assert (command, path) == ("PUT", "/metrics/job/reviewbot")
    assert 'reviewbot_requests_total{endpoint="api.example:443",model="deepseek-flash"' in body


def test_a_pushgateway_that_refuses_is_told_without_its_password(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pushgateway(status=500) as (url, _):
        assert not told(request()).push(url.replace("//", "//user:hunter2@"), "reviewbot")
    assert len(caplog.records) == 1
    assert "hunter2" not in caplog.text


def test_a_pushgateway_that_is_slow_or_gone_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    with pushgateway(delay_s=2.0) as (url, _):
        began = time.perf_counter()
        assert not Metrics().push(url, "reviewbot", timeout_s=0.1)
        assert time.perf_counter() - began < 1.9
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert not Metrics().push(f"http://127.0.0.1:{free.getsockname()[1]}", "reviewbot")
    assert not Metrics().push("nonsense://", "reviewbot")
    assert len(caplog.records) == 3
