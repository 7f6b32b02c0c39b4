"""Submitted completions, through the real app, a real Redis and a model on loopback."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fakes.model_server import ModelServer, serving
from gateway_scene import MODEL, OTHER, TOKEN, Gateway, gateway, question, told
from redis_server import RedisServer, running_redis
from tasks_scene import GONE, Model, ended, on_keys, state, submit, until

from reviewbot.gateway.tasks import packed
from reviewbot.queue.connecting import QueueDownError


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture
def fresh() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture
def held(model: Model) -> Iterator[Model]:
    """Hold the model up until the test is over, or lets it go."""
    model.told.clear()
    model.asked.clear()
    yield model
    model.told.set()


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture(scope="module")
def upstream(model: Model) -> Iterator[ModelServer]:
    with serving(model) as server:
        yield server


@pytest.fixture(scope="module")
def team(upstream: ModelServer, redis: RedisServer) -> Iterator[Gateway]:
    with gateway(upstream, REVIEWBOT_REDIS_URL=redis.url) as running:
        yield running


def test_a_submitted_completion_is_answered_as_a_direct_one(team: Gateway) -> None:
    found = submit(team, "as a direct one")
    task_id = found.json()["id"]
    assert found.json()["status"] in {"queued", "running"}  # a free slot takes it at once
    assert (202, f"/v1/tasks/{task_id}", "1") == (
        found.status_code,
        found.headers["location"],
        found.headers["retry-after"],
    )
    done = ended(team, task_id)
    assert ("succeeded", 200, "task") == (done["status"], done["http_status"], done["object"])
    direct = team.ask(question("as a direct one"))
    assert ("hit", direct.json()) == (direct.headers["x-reviewbot-cache"], done["result"])
    assert "retry-after" not in team.get(f"/v1/tasks/{task_id}").headers


def test_what_the_provider_refuses_comes_as_its_error(team: Gateway) -> None:
    done = ended(team, submit(team, "refuse this").json()["id"])
    assert ("failed", 422) == (done["status"], done["http_status"])
    assert "this model has no eyes" in done["error"]["message"]
    assert "result" not in done


def test_a_task_is_its_tenants_alone(team: Gateway) -> None:
    task_id = submit(team, "mine").json()["id"]
    path = f"/v1/tasks/{task_id}"
    others = [
        team.get(path, token=OTHER),
        team.client.delete(path, headers=told(OTHER, {})),
        team.client.post(f"{path}/cancel", headers=told(OTHER, {})),
        team.get(f"/v1/tasks/{GONE}", token=OTHER),
        team.get("/v1/tasks/..%2f..%2fetc", token=OTHER),
        team.get("/v1/tasks/task_%00", token=OTHER),
    ]
    assert [404] * 6 == [found.status_code for found in others]
    assert 1 == len({found.json()["error"]["code"] for found in others[:4]})
    assert "succeeded" == ended(team, task_id)["status"]


@pytest.mark.parametrize("token", [None, "wrong"])
def test_nobodys_token_gets_nowhere(team: Gateway, token: str | None) -> None:
    path = f"/v1/tasks/{GONE}"
    found = [submit(team, token=token), team.get(path, token=token), team.client.delete(path, headers=told(token, {}))]
    assert [401] * 3 == [each.status_code for each in found]


@pytest.mark.parametrize("verb", ["DELETE", "POST"])
def test_a_task_that_is_cancelled_is_not_answered(team: Gateway, held: Model, verb: str) -> None:
    task_id = submit(team, f"never mind, by {verb}").json()["id"]
    assert held.asked.wait(20)
    assert "running" == state(team, task_id)["status"]
    path = f"/v1/tasks/{task_id}" + ("/cancel" if verb == "POST" else "")
    found = team.client.request(verb, path, headers=told(TOKEN, {}))
    assert (200, "cancelled") == (found.status_code, found.json()["status"])
    held.told.set()
    until(lambda: [line for line in team.lines if line.get("id") == task_id])  # it was told too late, and answered
    assert {"id", "object", "created", "status"} == state(team, task_id).keys()


def test_the_call_of_a_cancelled_task_is_left_soon(team: Gateway, held: Model) -> None:
    task_id = submit(team, "never mind, and let go").json()["id"]
    assert held.asked.wait(20)
    team.client.delete(f"/v1/tasks/{task_id}", headers=told(TOKEN, {}))
    opened = team.opened
    assert opened is not None
    until(lambda: not any(each.running for each in opened.inside.occupancy()))
    assert [] == [line for line in team.lines if line.get("id") == task_id]


def test_cancelling_what_is_over_changes_nothing(team: Gateway) -> None:
    task_id = submit(team, "over").json()["id"]
    done = ended(team, task_id)
    assert done == team.client.delete(f"/v1/tasks/{task_id}", headers=told(TOKEN, {})).json()


# Sent twice.


def test_the_same_key_is_one_task(team: Gateway, upstream: ModelServer) -> None:
    before = upstream.hits
    first, again = (submit(team, "once", idempotency_key="key-1").json()["id"] for _ in range(2))
    assert first == again
    ended(team, first)
    assert before + 1 == upstream.hits
    assert first == submit(team, "once", idempotency_key="key-1").json()["id"]


def test_the_same_key_with_another_body_is_refused(team: Gateway) -> None:
    submit(team, "one", idempotency_key="key-2")
    found = submit(team, "another", idempotency_key="key-2")
    assert (422, "key_reused") == (found.status_code, found.json()["error"]["code"])


def test_the_same_key_of_another_tenant_is_another_task(team: Gateway) -> None:
    first, other = (submit(team, "ours", token=token, idempotency_key="key-3") for token in (TOKEN, OTHER))
    assert first.json()["id"] != other.json()["id"]


def test_requests_with_one_key_at_once_make_one_task(team: Gateway) -> None:
    found: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: found.append(submit(team, "at once", idempotency_key="key-4")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = {each.json()["id"] for each in found if each.status_code == 202}
    assert 1 == len(taken)
    assert {202, 409} >= {each.status_code for each in found}


def test_a_key_whose_first_request_is_not_answered_yet_is_refused(team: Gateway, redis: RedisServer) -> None:
    on_keys(redis, lambda keys: keys.begin("team", "key-5", packed({}, json.dumps(question()).encode())))
    found = team.client.post(
        "/v1/tasks",
        content=json.dumps(question()),
        headers=told(TOKEN, {"idempotency_key": "key-5", "content_type": "application/json"}),
    )
    assert (409, "key_pending", "1") == (
        found.status_code,
        found.json()["error"]["code"],
        found.headers["retry-after"],
    )


def test_a_key_cannot_be_kept_where_redis_is_away(fresh: RedisServer) -> None:
    fresh.stop()
    with pytest.raises(QueueDownError):
        on_keys(fresh, lambda keys: keys.end("team", "key", b"x", GONE))


# What is refused at once.


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": MODEL, "prompt": "hello"}, 400, "prompt_instead_of_messages"),
        ({"messages": []}, 400, None),
        (question("hello", stream=True), 400, "stream_in_task"),
        (question("x" * 1_000_000), 413, "body_too_long"),
    ],
)
def test_what_is_no_completion_is_refused_at_once(team: Gateway, body: object, status: int, code: str | None) -> None:
    found = team.client.post("/v1/tasks", json=body, headers=told(TOKEN, {}))
    assert (status, code) == (found.status_code, found.json()["error"]["code"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"content_type": "text/plain"}, 415), ({"content_encoding": "gzip"}, 415), ({"idempotency_key": "x" * 256}, 400)],
)
def test_headers_that_cannot_be_are_refused(team: Gateway, headers: dict[str, str], status: int) -> None:
    body = json.dumps(question()).encode()
    known = {"content_type": "application/json"} | headers
    assert status == team.client.post("/v1/tasks", content=body, headers=told(TOKEN, known)).status_code


def test_a_key_that_comes_twice_is_refused(team: Gateway) -> None:
    headers = [*told(TOKEN, {}).items(), ("idempotency-key", "a"), ("idempotency-key", "b")]
    assert 400 == team.client.post("/v1/tasks", json=question(), headers=headers).status_code


def test_a_model_that_a_tenant_may_not_ask_for_is_not_found(
    upstream: ModelServer, redis: RedisServer, tmp_path: Path
) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[tenant.team]\nmodels = ["small-*"]\n')
    with gateway(upstream, config=config, REVIEWBOT_REDIS_URL=redis.url) as running:
        assert 404 == submit(running).status_code


def test_without_redis_there_are_no_tasks(upstream: ModelServer) -> None:
    with gateway(upstream) as running:
        found = submit(running)
        assert (404, "off") == (found.status_code, found.json()["error"]["code"])


def test_a_redis_that_is_away_is_told(upstream: ModelServer, fresh: RedisServer) -> None:
    with gateway(upstream, REVIEWBOT_REDIS_URL=fresh.url) as running:
        fresh.stop()
        found = [
            submit(running),
            submit(running, idempotency_key="k"),
            running.get(f"/v1/tasks/{GONE}"),
            running.client.delete(f"/v1/tasks/{GONE}", headers=told(TOKEN, {})),
        ]
        assert [(503, "5")] * 4 == [(each.status_code, each.headers["retry-after"]) for each in found]
        fresh.start()
        task_id = submit(running, "after all").json()["id"]
        assert "succeeded" == ended(running, task_id)["status"]


def test_a_tenant_has_100_open_tasks_at_most(upstream: ModelServer, fresh: RedisServer, held: Model) -> None:
    with gateway(upstream, REVIEWBOT_REDIS_URL=fresh.url) as running:
        assert {202} == {submit(running, f"one of many, {number}").status_code for number in range(100)}
        found = submit(running, "one too many", idempotency_key="k")
        assert (429, "too_many_tasks", "10") == (
            found.status_code,
            found.json()["error"]["code"],
            found.headers["retry-after"],
        )
        assert 202 == submit(running, "another's", token=OTHER).status_code
        held.told.set()
        until(lambda: 202 == submit(running, "one too many", idempotency_key="k").status_code)


def test_a_client_that_leaves_in_the_middle_does_no_harm(team: Gateway) -> None:
    address = urlsplit(team.base)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), 20) as connection:
        head = f"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 99\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
    assert 202 == submit(team, "after that").status_code


def test_the_journal_tells_of_a_task_as_of_a_request(team: Gateway) -> None:
    task_id = submit(team, "told", x_reviewbot_task="review").json()["id"]
    ended(team, task_id)
    until(lambda: [line for line in team.lines if line.get("id") == task_id])
    (line,) = [line for line in team.lines if line.get("id") == task_id]
    assert ("/v1/tasks", "team", MODEL, "review", 200, "miss") == (
        line["path"],
        line["tenant"],
        line["model"],
        line["task"],
        line["status"],
        line["cache"],
    )
