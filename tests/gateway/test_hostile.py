"""Strangers, tenants out of their bounds, and broken HTTP, against the real command: refused, and nothing leaks.

python -m reviewbot gateway --port N --config FILE   # a process of its own; everything goes over its sockets
"""

import json
import time
from collections.abc import Iterator

import pytest
from gateway import hostile_bodies, hostile_http
from gateway.hostile_bodies import GOOD, Case
from gateway.hostile_scene import (
    GIVEAWAYS,
    MODELS,
    PATIENCE_S,
    SECRETS,
    TOKENS,
    Gateway,
    Reply,
    post,
    replies,
    running,
    table,
)

CASES = [
    *hostile_http.strangers(),
    *hostile_http.headers(),
    *hostile_http.framing(),
    *hostile_http.protocols(),
    *hostile_http.slow(),
    *hostile_bodies.malformed(),
    *hostile_bodies.misshapen(),
    *hostile_bodies.oversized(),
    *hostile_bodies.crossing(),
]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


def served(gateway: Gateway, tenant: str, text: str) -> Reply:
    body = {"model": MODELS[tenant], "messages": [{"role": "user", "content": text}]}
    return gateway.ask(tenant, body)


def test_there_are_at_least_200_and_each_has_a_name() -> None:
    assert len(CASES) >= 200
    assert len(CASES) == len({case.name for case in CASES})


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_refused_and_nothing_leaks(gateway: Gateway, case: Case) -> None:
    before, started_s = gateway.upstream.hits, time.monotonic()
    received = gateway.tell(*case.sent, pause_s=case.pause_s)
    assert time.monotonic() - started_s < PATIENCE_S * 6, "it held the gateway up"
    text = received.decode("latin-1")
    assert [] == [giveaway for giveaway in GIVEAWAYS if giveaway in text and giveaway.encode() not in case.asked_for]
    assert "injected" not in text.lower().partition("\r\n\r\n")[0], "a header of the caller's making"
    assert gateway.upstream.hits == before, "the model was asked"
    answers = replies(received)
    if case.closed and not answers:
        return
    if len(answers) == 1:
        assert answers[0].status in case.statuses
    else:
        assert case.statuses == tuple(answer.status for answer in answers)
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        kind = "authentication_error" if answer.status == 401 else "invalid_request_error"
        assert answer.error["type"] == kind


def test_a_prompt_in_place_of_messages_is_named_as_such(gateway: Gateway) -> None:
    reply = gateway.ask("shop", {"model": MODELS["shop"], "prompt": "hello"})
    assert (400, "messages", "prompt_instead_of_messages") == (
        reply.status,
        reply.error["param"],
        reply.error["code"],
    )
    assert "'prompt'" in str(reply.error["message"])


def test_a_stranger_is_told_how_to_log_in(gateway: Gateway) -> None:
    (reply,) = replies(gateway.tell(post(b"{}", "Connection: close")))
    assert ("Bearer", "invalid_api_key") == (reply.headers["www-authenticate"], reply.error["code"])


def test_an_answer_that_one_tenant_paid_for_is_not_served_to_another(gateway: Gateway) -> None:
    before = gateway.upstream.hits
    # All ask for the same model, in the same words, under the same key.
    asked = [served(gateway, tenant, "who am I?") for tenant in ("shop", "boss", "shop", "boss")]
    assert [200] * 4 == [reply.status for reply in asked]
    assert ["miss", "miss", "hit", "hit"] == [reply.headers["x-reviewbot-cache"] for reply in asked]
    assert gateway.upstream.hits - before == 2


def test_status_and_models_show_a_tenant_nothing_of_another(gateway: Gateway) -> None:
    listed = gateway.get("/v1/models", "shop")
    assert ["deepseek-flash"] == [model["id"] for model in json.loads(listed.body)["data"]]
    status = gateway.get("/status", "shop")
    assert status.status == 200
    text = status.body.decode()
    assert [] == [name for name in ("bank", "boss", "gone", *SECRETS) if name in text]


def test_metrics_are_for_operators(gateway: Gateway) -> None:
    reply = gateway.get("/metrics", "boss")
    assert reply.status == 200
    assert [] == [secret for secret in SECRETS if secret.encode() in reply.body]
    assert 403 == gateway.get("/metrics", "shop").status


def test_a_token_that_is_taken_out_of_the_file_is_refused_soon_after(gateway: Gateway) -> None:
    assert served(gateway, "gone", "hello").status == 200
    text = gateway.config.read_text()
    gateway.config.write_text(text.replace(table("gone"), ""))
    assert gateway.within(5, lambda: served(gateway, "gone", "hello again").status == 401)
    assert served(gateway, "shop", "are you there?").status == 200


def test_after_all_that_it_still_answers_and_its_log_tells_no_secret(gateway: Gateway) -> None:
    for tenant in ("shop", "bank", "boss"):
        reply = served(gateway, tenant, f"hello from {tenant}")
        assert (200, "application/json") == (reply.status, reply.headers["content-type"])
    assert gateway.process.poll() is None
    log = gateway.log.read_text("utf-8", "replace")
    assert [] == [word for word in (*SECRETS, "Traceback") if word in log]


def test_a_good_request_is_what_the_hostile_ones_were_made_of(gateway: Gateway) -> None:
    """Otherwise they might all be refused for something else."""
    for body in (json.dumps(GOOD).encode(), json.dumps({**GOOD, "stream": True}).encode()):
        sent = post(body, f"Authorization: bearer  {TOKENS['shop']} ", "Connection: close")
        assert [200] == [reply.status for reply in replies(gateway.tell(sent))]
