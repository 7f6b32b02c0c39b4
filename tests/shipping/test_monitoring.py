"""Dashboard, alerts and scaling speak of metrics and labels that a gateway and a worker really have."""

import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from exposition import every
from fakes.answers import Answer, Asked, refusal
from fakes.model_server import serving
from gateway_scene import TOKEN, gateway, question
from prometheus_client.openmetrics.exposition import generate_latest
from redis_server import running_redis
from review_queue import Desk, Hand, a_desk, a_push
from shipping.conftest import Check
from shipping.deployed import ALERTS, DASHBOARD, DEPLOY, resource

from reviewbot.worker.measuring import Measures

PROMTOOL = shutil.which("promtool")
PROMETHEUS_OWN = {"instance", "job", "le", "alertstate", "alertname"}
"""Labels that Prometheus adds, and that of buckets."""
CONFIG = """
[gateway]
audit = "{folder}"
[tenant.team]
budget_day_usd = 5
models = ["deepseek-flash"]
"""
_NAME = re.compile(r"\b((?:reviewbot|process)_\w+)\b(?:\{([^}]*)\})?")
_GROUPS = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")

RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]


def answer(asked: Asked) -> Answer:
    return refusal(500, "broken") if asked.user == "fail" else Answer(text="fine")


@pytest.fixture(scope="module")
def exposed() -> Iterator[Mapping[str, frozenset[str]]]:
    """Scrape a gateway and a worker that have seen something of everything: labels by metric."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "gateway.toml"
        config.write_text(CONFIG.format(folder=folder))
        for redis in running_redis():
            with (
                a_desk(redis.url) as desk,
                serving(answer) as upstream,
                gateway(upstream, config=config, REVIEWBOT_REDIS_URL=redis.url) as running,
            ):
                reviewed(desk)
                running.ask(question("a", stream=True))
                running.ask(question("a"))
                running.ask(token="nobody's")
                running.get("/v1/models", token=TOKEN)
                texts = [running.get("/metrics").text, of_worker(desk)]
            yield labels_of(texts)


def reviewed(desk: Desk) -> None:
    hand = Hand(desk)
    desk.enqueue(a_push(1, "a" * 40))
    taken = hand.take()
    assert taken is not None
    hand.end(taken)


def of_worker(desk: Desk) -> str:
    measures = Measures(4, desk.queue.stats, lambda: 0.0)
    measures.ended("reviewed")
    with measures.busy(), measures.timed("review"):
        pass
    text: bytes = generate_latest(measures.registry)  # type: ignore[no-untyped-call]
    return text.decode()


def labels_of(texts: list[str]) -> Mapping[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for text in texts:
        for name, labels, _ in every(text):
            found[name] |= set(labels)
    return {name: frozenset(labels) for name, labels in found.items()}


def check_query(query: str, exposed: Mapping[str, frozenset[str]]) -> None:
    """See that all metrics and labels of a query exist."""
    known: set[str] = set(PROMETHEUS_OWN)
    selectors = _NAME.findall(query)
    assert selectors, "a query without a metric"
    for name, selector in selectors:
        assert name in exposed
        known |= exposed[name]
        asked = set(re.findall(r"(\w+)\s*[=!]~?", re.sub(r'"[^"]*"', '""', selector)))
        assert asked <= exposed[name] | PROMETHEUS_OWN
    for group in _GROUPS.findall(query):
        assert {label.strip() for label in group.split(",")} <= known


@pytest.mark.parametrize(("title", "target"), QUERIES, ids=[f"{title} {each['refId']}" for title, each in QUERIES])
def test_every_panel_asks_for_what_there_is(
    title: str, target: dict[str, Any], exposed: Mapping[str, frozenset[str]]
) -> None:
    check_query(target["expr"], exposed)
    shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    grouped = {label.strip() for group in _GROUPS.findall(target["expr"]) for label in group.split(",")}
    assert shown <= grouped, title


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_is_about_what_there_is(rule: dict[str, Any], exposed: Mapping[str, frozenset[str]]) -> None:
    check_query(rule["expr"], exposed)
    assert {"summary", "description"} == set(rule["annotations"])
    assert rule["labels"]["severity"] in {"page", "warn"}
    grouped = {label.strip() for group in _GROUPS.findall(rule["expr"]) for label in group.split(",")}
    assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= grouped


def test_a_query_about_what_there_is_not_would_be_found(exposed: Mapping[str, frozenset[str]]) -> None:
    for query in (
        "sum(reviewbot_gateway_nothing)",
        'reviewbot_gateway_ready{tenant="a"}',
        "sum by (nothing) (reviewbot_gateway_waiting)",
    ):
        with pytest.raises(AssertionError):
            check_query(query, exposed)


def test_workers_are_scaled_by_a_metric_that_there_is(exposed: Mapping[str, frozenset[str]]) -> None:
    (trigger,) = resource("ScaledObject", "reviewbot-worker")["spec"]["triggers"]
    check_query(trigger["metadata"]["query"], exposed)


def test_the_variable_of_the_dashboard_lists_tenants(exposed: Mapping[str, frozenset[str]]) -> None:
    (tenant,) = [each for each in DASHBOARD["templating"]["list"] if each["name"] == "tenant"]
    name, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", tenant["query"]["query"]).groups()  # type: ignore[union-attr]
    assert label in exposed[name]


def test_every_metric_of_ours_that_there_is_is_documented(exposed: Mapping[str, frozenset[str]]) -> None:
    pages = " ".join(path.read_text("utf-8") for path in (DEPLOY.parent / "docs").glob("*.md"))
    families = {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for name in exposed
        if re.fullmatch(r"reviewbot_\w+(?<!_created)", name)
    }
    short = {re.sub(r"^reviewbot_(gateway_|queue_|worker_)?", "", name) for name in families}
    assert [] == sorted(name for name in short if not re.search(rf"[`_]{name}[`{{]", pages))


def test_the_dashboard_fits_grafanas_schema_and_its_panels_do_not_overlap(check: Check) -> None:
    check("dashboard", DASHBOARD)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_the_alerts_fit_prometheus_schema_and_are_those_that_were_asked_for(check: Check) -> None:
    check("alerts", ALERTS)
    said = " ".join(rule["expr"] for rule in RULES)
    for part in (
        "> 0.05",
        "offline",
        ">= 0.8",
        'state="open"',
        "oldest_seconds",
        "queue_dead",
        "0.95",
        "gateway_ready",
    ):
        assert part in said


def test_the_alerts_tests_cover_every_alert() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus" / "alerts_test.yml").read_text("utf-8"))
    silent = {each["alertname"] for test in tests["tests"] for each in test.get("alert_rule_test", ())}
    assert {rule["alert"] for rule in RULES} == silent
    (firing,) = [
        each for test in tests["tests"] for each in test.get("promql_expr_test", ()) if "count(ALERTS" in each["expr"]
    ]
    assert [{"value": len(RULES)}] == firing["exp_samples"]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_the_alerts_fire_and_keep_silent_as_their_tests_say() -> None:
    assert PROMTOOL is not None
    for command in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")):
        ran = subprocess.run(
            [PROMTOOL, *command], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False, timeout=60
        )
        assert (0, "") == (ran.returncode, ran.stderr), ran.stdout
