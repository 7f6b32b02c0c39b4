"""Metrics and status of a running gateway."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from exposition import every, one, samples
from fakes.answers import Answer, Asked, refusal
from fakes.model_server import ModelServer, serving
from gateway_scene import MODEL, OTHER, TOKEN, Gateway, gateway, question
from redis_server import RedisServer, running_redis
from review_queue import a_desk, a_push

from reviewbot import __version__

CONFIG = """
[gateway]
models = ["deepseek-flash", "small"]
[tenant.team]
budget_day_usd = 5
models = ["deepseek-flash"]
[tenant.other]
pool = "others"
[tenant.ops]
operator = true
[pool.others]
keys_env = "OTHERS_KEYS"
"""
OPS = "ops-token"
TOKENS = f"team={TOKEN},other={OTHER},ops={OPS}"
OTHERS_KEY = "key-" + "of-the-others"
TEAM = {"tenant": "team", "model": MODEL}


def answer(asked: Asked) -> Answer:
    if asked.user == "fail":
        return refusal(400, "no such thing")
    return Answer(text="fine")


@pytest.fixture(scope="module")
def upstream() -> Iterator[ModelServer]:
    with serving(answer) as server:
        yield server


@pytest.fixture
def running(upstream: ModelServer, tmp_path: Path) -> Iterator[Gateway]:
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG)
    environ: dict[str, Any] = {
        "REVIEWBOT_GATEWAY_TOKENS": TOKENS,
        "OTHERS_KEYS": OTHERS_KEY,
        "REVIEWBOT_CACHE_DIR": str(tmp_path),
    }
    with gateway(upstream, config=config, **environ) as found:
        yield found


def scrape(running: Gateway) -> str:
    found = running.get("/metrics", token=None)
    assert found.headers["content-type"].startswith("application/openmetrics-text")
    return found.text


def stand(running: Gateway, token: str = OPS) -> dict[str, Any]:
    found: dict[str, Any] = running.get("/status", token=token).json()
    return found


def test_answers_are_counted_by_tenant_model_status_and_source(running: Gateway) -> None:
    for text in ("a", "a", "b"):
        running.ask(question(text))
    text = scrape(running)
    name = "reviewbot_gateway_requests_total"
    assert {(("source", "hit"),): 1, (("source", "miss"),): 2} == samples(text, name, status="200", **TEAM)
    duration = "reviewbot_gateway_request_duration_seconds_count"
    assert {(("source", "hit"),): 1, (("source", "miss"),): 2} == samples(text, duration, **TEAM)


def test_the_first_byte_is_timed_for_streams_alone(running: Gateway) -> None:
    running.ask(question("plain"))
    running.ask(question("streamed", stream=True))
    assert 1 == one(scrape(running), "reviewbot_gateway_time_to_first_byte_seconds_count", **TEAM)


def test_refusals_are_counted_by_tenant_status_and_code(running: Gateway) -> None:
    running.ask(token="wrong")
    running.ask({"model": MODEL})
    running.ask({"model": "unheard of", "messages": [{"role": "user", "content": "x"}]})
    running.ask(question("fail"), token=OTHER)
    running.get("/v1/models", token="wrong")
    running.get("/nowhere")
    found = samples(scrape(running), "reviewbot_gateway_refusals_total")
    codes = ["invalid_api_key", "invalid_request", "model_not_found", "refused_by_provider"]
    assert codes == [line["error"] for line in running.lines if line["kind"] == "request"]
    assert {
        (("code", "invalid_api_key"), ("status", "401"), ("tenant", "")): 2,
        (("code", "invalid_request"), ("status", "400"), ("tenant", "team")): 1,
        (("code", "model_not_found"), ("status", "404"), ("tenant", "team")): 1,
        (("code", "refused_by_provider"), ("status", "400"), ("tenant", "other")): 1,
        (("code", "unknown_url"), ("status", "404"), ("tenant", "")): 1,
    } == found


def test_made_up_models_share_one_label(running: Gateway) -> None:
    for number in range(5):
        running.ask({**question("x"), "model": f"made-up-{number}"}, token=OTHER)
    running.ask({**question("x"), "model": "small"}, token=OTHER)
    text = scrape(running)
    models = {labels["model"] for _, labels, _ in every(text) if labels.get("tenant") == "other" and "model" in labels}
    assert {"other", "small"} == models
    assert 5 == one(text, "reviewbot_gateway_requests_total", tenant="other", model="other")
    assert "made-up" not in text


def test_what_calls_cost_is_told_by_tenant(running: Gateway) -> None:
    running.ask(question("paid"))
    text = scrape(running)
    assert one(text, "reviewbot_cost_usd_total", tenant="team") > 0
    assert one(text, "reviewbot_tokens_total", tenant="team", kind="prompt") > 0
    spent = one(text, "reviewbot_gateway_budget_spent_usd", tenant="team", period="day")
    assert spent == pytest.approx(one(text, "reviewbot_cost_usd_total", tenant="team"), abs=1e-6)
    assert 5 == one(text, "reviewbot_gateway_budget_limit_usd", tenant="team", period="day")
    assert 0 == one(text, "reviewbot_gateway_budget_held_usd", tenant="team", period="day")


def test_every_key_and_breaker_is_in_one_state_from_the_start(running: Gateway) -> None:
    text = scrape(running)
    keys = samples(text, "reviewbot_gateway_key_state", pool="others")
    assert [1] == [value for labels, value in keys.items() if ("state", "active") in labels]
    assert 1 == sum(keys.values())
    assert {(("endpoint", text_of(keys)), ("state", "closed")): 1} == {
        labels: value
        for labels, value in samples(text, "reviewbot_gateway_breaker_state", pool="others", model="").items()
        if value
    }
    assert 0 == one(text, "reviewbot_gateway_key_error_ratio", pool="others")


def text_of(keys: dict[tuple[tuple[str, str], ...], float]) -> str:
    return dict(next(iter(keys)))["endpoint"]


def test_a_key_that_is_refused_shows_as_retired_by_its_short_id_alone(tmp_path: Path) -> None:
    with serving(lambda _: refusal(401, f"no such key {OTHERS_KEY}")) as upstream:
        config = tmp_path / "gateway.toml"
        config.write_text(CONFIG)
        environ: dict[str, Any] = {
            "REVIEWBOT_GATEWAY_TOKENS": TOKENS,
            "OTHERS_KEYS": OTHERS_KEY,
            "REVIEWBOT_CACHE_DIR": str(tmp_path),
        }
        with gateway(upstream, config=config, **environ) as running:
            answered = running.ask(token=OTHER)
            text, told, team, lines = scrape(running), stand(running), stand(running, TOKEN), running.lines
            ready = running.get("/readyz", token=None)
    assert (503, "no_key") == (answered.status_code, answered.json()["error"]["code"])
    retired = samples(text, "reviewbot_gateway_key_state", pool="others", state="retired")
    ((labels, value),) = retired.items()
    (place,) = [each for each in told["endpoints"] if each["pool"] == "others" and each["keys"]]
    assert (1, dict(labels)["key_id"], "retired") == (value, place["keys"][0]["key"], place["keys"][0]["state"])
    key_id = dict(labels)["key_id"]
    assert [f"no key of the pool 'others' can be used at {place['endpoint']}: {key_id} retired"] == told["reasons"]
    assert (True, 200, []) == (told["ready"], ready.status_code, team["reasons"])
    (warned,) = [line for line in lines if line["kind"] == "log"]
    assert ("warning", f"key {key_id} is retired: ") == (warned["level"], warned["message"][:25])
    for said in (text, json.dumps(told), json.dumps(lines)):
        assert OTHERS_KEY not in said
        assert "upstream-key" not in said
        assert TOKEN not in said


def test_what_is_under_way_shows_while_it_is() -> None:
    asked, go_on = Event(), Event()

    def slowly(_: Asked) -> Answer:
        asked.set()
        assert go_on.wait(20)
        return Answer(text="late")

    with serving(slowly) as upstream, gateway(upstream) as running, ThreadPoolExecutor() as pool:
        waiting = pool.submit(running.ask, question("x", stream=True))
        assert asked.wait(20)
        during = scrape(running)
        go_on.set()
        waiting.result()
        after = scrape(running)
    names = ("requests_in_flight", "streams_open", "upstream_running")
    assert [1, 1, 1] == [one(during, f"reviewbot_gateway_{name}", tenant="team") for name in names]
    assert [0, 0, 0] == [one(after, f"reviewbot_gateway_{name}", tenant="team") for name in names]
    assert 0 == one(during, "reviewbot_gateway_waiting", tenant="team")


def test_a_gateway_says_what_it_is_and_whether_it_is_ready(running: Gateway) -> None:
    text = scrape(running)
    assert {(("version", __version__),): 1} == samples(text, "reviewbot_build_info")
    assert (1, 0) == (one(text, "reviewbot_gateway_ready"), one(text, "reviewbot_gateway_draining"))
    assert one(text, "reviewbot_gateway_uptime_seconds") > 0
    assert one(text, "process_resident_memory_bytes") > 0


def test_an_operator_sees_everybody(running: Gateway) -> None:
    running.ask(question("a"))
    running.ask(question("a"))
    running.ask(question("fail"))
    told = stand(running)
    assert (__version__, True, False, []) == (told["version"], told["ready"], told["draining"], told["reasons"])
    assert ["team", "other", "ops"] == [each["tenant"] for each in told["tenants"]]
    team = told["tenants"][0]
    assert (3, 1, 1, 0, 0.5) == tuple(team[name] for name in ("requests", "refused", "hits", "joined", "cache_rate"))
    assert float(team["cost_usd"]) > 0
    assert ("day", "5") == (team["budgets"][0]["period"], team["budgets"][0]["limit_usd"])
    assert [None, "others"] == [each["pool"] for each in told["endpoints"] if each["keys"]]
    assert told["queue"] is None


def test_a_tenant_sees_itself_and_its_own_pool_alone(running: Gateway) -> None:
    running.ask(question("a"))
    told = stand(running, OTHER)
    assert ["other"] == [each["tenant"] for each in told["tenants"]]
    assert ["others"] == [each["pool"] for each in told["endpoints"]]
    assert {"queue", "budgets", "dropped_lines"}.isdisjoint(told)
    assert "team" not in json.dumps(told)


def test_without_tokens_whoever_is_on_this_machine_sees_all(upstream: ModelServer) -> None:
    with gateway(upstream, REVIEWBOT_GATEWAY_TOKENS="") as running:
        told = running.get("/status", token=None).json()
    assert (["local"], None) == ([each["tenant"] for each in told["tenants"]], told["queue"])


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    yield from running_redis()


def test_the_queue_of_reviews_is_told_of_until_its_redis_is_gone(
    upstream: ModelServer, redis: RedisServer, tmp_path: Path
) -> None:
    redis.flush()
    with a_desk(redis.url) as desk:
        desk.enqueue(a_push(1, "a" * 40))
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG)
    environ: dict[str, Any] = {
        "REVIEWBOT_GATEWAY_TOKENS": TOKENS,
        "OTHERS_KEYS": OTHERS_KEY,
        "REVIEWBOT_REDIS_URL": redis.url,
    }
    with gateway(upstream, config=config, **environ) as running:
        text, told = scrape(running), stand(running)
        redis.stop()
        lost, told_then = scrape(running), stand(running)
        redis.start()
    assert [1] == list(samples(text, "reviewbot_queue_waiting").values())
    (project,) = told["queue"]["projects"]
    assert (1, "gitlab.example/group/app-7", 1) == (told["queue"]["waiting"], project["project"], project["waiting"])
    assert ({}, None) == (samples(lost, "reviewbot_queue_waiting"), told_then["queue"])
