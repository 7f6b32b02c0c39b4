"""Processes with the whole client, one Redis and the same keys: what one learnt of a key, all know."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fakes.model_server import ModelServer, findings, serving
from redis_server import RedisServer, running_redis
from talking import plan_for, prompt

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Event, KeyChanged
from reviewbot.llm.client import Client
from reviewbot.llm.keypool import key_id
from reviewbot.wiring.clients import open_client
from reviewbot.wiring.surroundings import real_world

MODEL = ModelOptions(name="m")
GOOD, BAD = "key-" + "good", "key-" + "bad"


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    yield from running_redis()


async def ask(client: Client, name: str) -> None:
    """Send some requests, each like no other."""
    for number in range(4):
        await client.complete(prompt(f"{name} {number}"), MODEL)


def run(server: ModelServer, redis: RedisServer, name: str) -> tuple[int, list[Event]]:
    """Ask as one process would; gives how often a key was refused, and what was told."""
    events: list[Event] = []
    before = server.hits - len(server.asked)

    async def session() -> None:
        plan = replace(plan_for(server, (BAD, GOOD)), redis_url=redis.url, cached=False)
        async with open_client(plan, real_world(), events.append) as client:
            await ask(client, name)

    asyncio.run(session())
    return server.hits - len(server.asked) - before, events


def test_a_process_that_begins_never_asks_under_a_key_that_another_saw_refused(redis: RedisServer) -> None:
    with serving(lambda _: findings(), keys=[GOOD]) as server:
        first, _ = run(server, redis, "first")
        second, told = run(server, redis, "second")
    assert (1, 0) == (first, second)
    (retired,) = (event for event in told if isinstance(event, KeyChanged))
    assert (key_id(BAD), "retired", "refused (401)") == (retired.key_id, retired.state, retired.reason)


def test_without_redis_each_process_finds_out_for_itself_and_ends_all_the_same(redis: RedisServer) -> None:
    redis.stop()
    with serving(lambda _: findings(), keys=[GOOD]) as server:
        assert (1, 1) == (run(server, redis, "first")[0], run(server, redis, "second")[0])
