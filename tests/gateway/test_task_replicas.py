"""Tasks while replicas end, die, or cannot reach Redis, and while there is no room."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.model_server import ModelServer, serving
from gateway_scene import gateway, question
from redis_server import RedisServer, running_redis
from tasks_scene import Model, ended, on_redis, state, submit, until

from reviewbot.gateway.tasks import packed
from reviewbot.queue.tasks import ClaimedTask, Task, TaskStore


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


def test_a_task_waits_for_room(upstream: ModelServer, fresh: RedisServer, held: Model, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("[tenant.team]\nconcurrency = 1\n[gateway]\nwaiting = 0\n")
    with gateway(upstream, config=config, REVIEWBOT_REDIS_URL=fresh.url) as running:
        first = submit(running, "the one that has the room").json()["id"]
        assert held.asked.wait(20)
        assert 429 == running.ask(question("directly")).status_code
        second = submit(running, "the one that waits").json()["id"]
        until(lambda: state(running, second)["status"] == "running")
        held.told.set()
        assert ["succeeded"] * 2 == [ended(running, task_id)["status"] for task_id in (first, second)]


def test_a_task_without_money_fails_at_once(upstream: ModelServer, fresh: RedisServer, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("[tenant.team]\nbudget_day_usd = 0\n")
    with gateway(upstream, config=config, REVIEWBOT_REDIS_URL=fresh.url) as running:
        done = ended(running, submit(running).json()["id"])
        assert ("failed", 429, "insufficient_quota") == (done["status"], done["http_status"], done["error"]["code"])


def test_a_task_of_a_replica_that_died_is_done_by_another(upstream: ModelServer, fresh: RedisServer) -> None:
    async def die(store: TaskStore) -> tuple[str, ClaimedTask | None]:
        body = b'{"model": "deepseek-flash", "messages": [{"role": "user", "content": "left behind"}]}'
        return await store.submit("team", packed({}, body)), await store.claim()

    task_id, claimed = on_redis(fresh, die, ago_s=60)
    assert claimed is not None
    with gateway(upstream, REVIEWBOT_REDIS_URL=fresh.url) as running:
        done = ended(running, task_id)
        assert "you said left behind" == done["result"]["choices"][0]["message"]["content"]


def test_a_task_whose_replicas_all_died_is_given_up(upstream: ModelServer, fresh: RedisServer) -> None:
    async def die(store: TaskStore) -> str:
        task_id = await store.submit("team", packed({}, b"{}"))
        assert await store.claim()
        return task_id

    async def die_again(store: TaskStore) -> None:
        assert await store.claim()

    task_id = on_redis(fresh, die, ago_s=600)
    for ago_s in (500, 400, 300, 200):
        on_redis(fresh, die_again, ago_s=ago_s)
    with gateway(upstream, REVIEWBOT_REDIS_URL=fresh.url) as running:
        assert ("failed", "given_up") == (
            ended(running, task_id)["status"],
            state(running, task_id)["error"]["code"],
        )


def test_a_task_of_a_tenant_that_is_gone_is_refused(upstream: ModelServer, fresh: RedisServer) -> None:
    async def leave(store: TaskStore) -> str:
        return await store.submit("former", packed({}, b"{}"))

    async def look(store: TaskStore) -> Task | None:
        return await store.find(task_id, "former")

    task_id = on_redis(fresh, leave)
    with gateway(upstream, REVIEWBOT_REDIS_URL=fresh.url):
        until(lambda: (found := on_redis(fresh, look)) is not None and found.status == 403)


def test_a_replica_that_stops_hands_its_tasks_back(upstream: ModelServer, held: Model, fresh: RedisServer) -> None:
    with gateway(upstream, REVIEWBOT_REDIS_URL=fresh.url) as running:
        task_id = submit(running, "to be handed back").json()["id"]
        assert held.asked.wait(20)
    held.told.set()
    with gateway(upstream, REVIEWBOT_REDIS_URL=fresh.url) as running:
        assert "succeeded" == ended(running, task_id)["status"]


def test_a_task_whose_lease_cannot_be_renewed_for_a_while_goes_on(
    upstream: ModelServer, held: Model, fresh: RedisServer
) -> None:
    with gateway(upstream, REVIEWBOT_REDIS_URL=fresh.url) as running:
        task_id = submit(running, "while Redis is slow").json()["id"]
        assert held.asked.wait(20)
        fresh.pause(8_000)  # longer than until the next renewal gives up
        until(lambda: fresh.command("PING").startswith(b"+PONG"))
        assert "running" == state(running, task_id)["status"]
        held.told.set()
        assert "succeeded" == ended(running, task_id)["status"]


def test_an_answer_that_nobody_kept_is_told_in_the_log(
    upstream: ModelServer, held: Model, fresh: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with gateway(upstream, REVIEWBOT_REDIS_URL=fresh.url) as running:
        task_id = submit(running, "while Redis is away").json()["id"]
        assert held.asked.wait(20)
        with fresh.hanging():
            held.told.set()
            until(lambda: any(f"the answer to task {task_id} is lost" in line for line in caplog.messages))
        # Redis may find what it was told in the meantime, or nothing; then its lease ends.
        assert state(running, task_id)["status"] in {"running", "succeeded"}


def test_a_task_that_breaks_is_told_in_the_log_and_others_go_on(
    upstream: ModelServer, fresh: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    on_redis(fresh, lambda store: store.submit("team", b"nothing that we put there"))
    with gateway(upstream, REVIEWBOT_REDIS_URL=fresh.url) as running:
        until(lambda: "a task failed" in caplog.messages)
        assert "succeeded" == ended(running, submit(running, "after that").json()["id"])["status"]
