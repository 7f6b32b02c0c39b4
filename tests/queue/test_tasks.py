"""Tasks: their tenant's alone, done by one replica after the other, and over at some time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import pytest
from redis_server import RedisServer, running_redis
from review_queue import START

from reviewbot.queue.connecting import QueueDownError, open_async
from reviewbot.queue.tasks import ClaimedTask, TaskRefusedError, TaskRules, TaskState, TaskStore

RULES = TaskRules(open=3, body_bytes=20, result_bytes=20, lease_s=30, attempts=2, patience_s=1_000, kept_s=100)
BODY = b'{"n": "\xc3\xa4"}'


class Scene:
    """A store with a clock that stands still."""

    def __init__(self, url: str) -> None:
        self.now = START
        self._url = url

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def run(self, session: Callable[[TaskStore], Awaitable[None]]) -> None:
        async def closing() -> None:
            redis = open_async(self._url)
            async with contextlib.aclosing(redis):
                await session(TaskStore(redis, lambda: self.now, RULES))

        asyncio.run(closing())


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture
def scene(server: RedisServer) -> Scene:
    server.flush()
    return Scene(server.url)


async def claimed(store: TaskStore) -> ClaimedTask:
    task = await store.claim()
    assert task is not None
    return task


def test_a_task_goes_from_submission_to_its_answer(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        task_id = await store.submit("team-a", BODY)
        seen = []
        task = await store.find(task_id, "team-a")
        assert task is not None
        assert (START, None, None) == (task.created, task.status, task.result)
        seen.append(task.state)
        claim = await claimed(store)
        assert (task_id, "team-a", BODY, 1) == (claim.id, claim.tenant, claim.body, claim.attempt)
        assert await store.claim() is None
        task = await store.find(task_id, "team-a")
        assert task is not None
        seen.append(task.state)
        assert await store.finish(claim, 200, b"\x00\xff")
        assert not await store.finish(claim, 200, b"again")
        task = await store.find(task_id, "team-a")
        assert task is not None
        seen.append(task.state)
        assert (200, b"\x00\xff") == (task.status, task.result)
        assert [TaskState.WAITING, TaskState.RUNNING, TaskState.DONE] == seen
        assert [True, True, False] == [state.open for state in seen]

    scene.run(session)


def test_another_tenant_sees_nothing_and_cancels_nothing(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        task_id = await store.submit("team-a", BODY)
        assert await store.find(task_id, "team-b") is None
        assert await store.cancel(task_id, "team-b") is None
        assert await store.cancel("task_unknown", "team-b") is None
        assert (await claimed(store)).id == task_id

    scene.run(session)


def test_a_cancelled_task_is_not_begun_and_frees_its_place(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        ids = [await store.submit("team-a", BODY) for _ in range(3)]
        with pytest.raises(TaskRefusedError, match="3 tasks are open"):
            await store.submit("team-a", BODY)
        for task_id in ids:
            task = await store.cancel(task_id, "team-a")
            assert task is not None
            assert task.state is TaskState.CANCELLED
        assert await store.claim() is None
        ids = [await store.submit("team-a", BODY) for _ in range(3)]
        assert ids == [(await claimed(store)).id for _ in range(3)]

    scene.run(session)


def test_a_task_that_is_cancelled_while_it_runs_is_told_to_its_replica(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        task_id = await store.submit("team-a", BODY)
        claim = await claimed(store)
        assert await store.renew(claim)
        await store.cancel(task_id, "team-a")
        assert not await store.renew(claim)
        assert not await store.finish(claim, 200, b"late")
        assert not await store.hand_back(claim)
        task = await store.find(task_id, "team-a")
        assert task is not None
        assert (TaskState.CANCELLED, None) == (task.state, task.result)

    scene.run(session)


def test_what_is_done_is_not_cancelled(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        task_id = await store.submit("team-a", BODY)
        await store.finish(await claimed(store), 502, b"no answer")
        task = await store.cancel(task_id, "team-a")
        assert task is not None
        assert (TaskState.DONE, 502) == (task.state, task.status)

    scene.run(session)


def test_tenants_take_turns(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        for tenant in ("a", "a", "a", "b", "c", "c"):
            await store.submit(tenant, BODY)
        assert ["a", "b", "c", "a", "c", "a"] == [(await claimed(store)).tenant for _ in range(6)]

    scene.run(session)


def test_a_tenant_that_cancels_all_it_has_still_takes_one_turn_a_round(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        await store.cancel(await store.submit("a", BODY), "a")
        for tenant in ("a", "a", "b"):
            await store.submit(tenant, BODY)
        assert ["a", "b", "a"] == [(await claimed(store)).tenant for _ in range(3)]

    scene.run(session)


def test_the_task_of_a_replica_that_died_is_the_next_of_its_tenant(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        first = await store.submit("team-a", BODY)
        await store.submit("team-a", BODY)
        dead = await claimed(store)
        scene.later(29)
        assert await store.renew(dead)
        scene.later(30)
        again = await claimed(store)
        assert (first, 2) == (again.id, again.attempt)
        assert not await store.renew(dead)
        assert not await store.finish(dead, 200, b"late")
        assert await store.finish(again, 200, b"fine")

    scene.run(session)


def test_a_task_that_takes_every_replica_along_has_failed(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        task_id = await store.submit("team-a", BODY)
        for _ in range(2):
            await claimed(store)
            scene.later(30)
        assert await store.claim() is None
        task = await store.find(task_id, "team-a")
        assert task is not None
        assert task.state is TaskState.FAILED

    scene.run(session)


def test_a_replica_that_stops_hands_its_task_back_at_the_same_attempt(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        first = await store.submit("team-a", BODY)
        await store.submit("team-a", BODY)
        assert await store.hand_back(await claimed(store))
        again = await claimed(store)
        assert (first, 1) == (again.id, again.attempt)

    scene.run(session)


def test_bodies_and_answers_have_a_limit(scene: Scene) -> None:
    async def session(store: TaskStore) -> None:
        with pytest.raises(TaskRefusedError, match="a task has 20 bytes at most, this one 21"):
            await store.submit("team-a", b"x" * 21)
        task_id = await store.submit("team-a", b"x" * 20)
        claim = await claimed(store)
        with pytest.raises(TaskRefusedError, match="an answer has 20 bytes at most"):
            await store.finish(claim, 200, b"x" * 21)
        task = await store.find(task_id, "team-a")
        assert task is not None
        assert task.state is TaskState.RUNNING

    scene.run(session)


def test_tasks_and_answers_are_forgotten_in_time_and_the_prompt_goes_with_the_end(
    scene: Scene, server: RedisServer
) -> None:
    async def session(store: TaskStore) -> None:
        waiting, done = await store.submit("team-a", BODY), await store.submit("team-b", BODY)
        await store.claim()
        await store.finish(await claimed(store), 200, b"fine")
        assert _seconds_left(server, waiting) == pytest.approx(1_000, abs=5)
        assert _seconds_left(server, done) == pytest.approx(100, abs=5)
        assert b":0\r\n" == server.command(f"HEXISTS reviewbot:tasks:task:{done} body")

    scene.run(session)


def test_a_forgotten_task_is_skipped_and_frees_its_place(scene: Scene, server: RedisServer) -> None:
    async def session(store: TaskStore) -> None:
        running = await store.submit("team-a", BODY)
        claim = await claimed(store)
        forgotten = await store.submit("team-a", BODY)
        for task_id in (running, forgotten):
            server.command(f"DEL reviewbot:tasks:task:{task_id}")
        scene.later(1_000)
        assert await store.claim() is None
        assert not await store.renew(claim)
        assert [await store.submit("team-a", BODY) for _ in range(3)]

    scene.run(session)


def test_a_redis_that_is_away_is_told(scene: Scene, server: RedisServer) -> None:
    async def session(store: TaskStore) -> None:
        with server.hanging(), pytest.raises(QueueDownError, match="the tasks' Redis gives no answer"):
            await store.submit("team-a", BODY)

    scene.run(session)


def _seconds_left(server: RedisServer, task_id: str) -> int:
    return int(server.command(f"TTL reviewbot:tasks:task:{task_id}")[1:])
