"""Answers in a real Redis, and what happens when it is not there."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from redis_server import RedisServer, running_redis

from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import UsageError
from reviewbot.llm.caching import Seal, sealed_entry
from reviewbot.llm.redis_cache import RedisCache
from reviewbot.llm.redis_link import RedisDownError, RedisLink

T = TypeVar("T")
SEAL = Seal([b"secret"])
KEY = "ab" * 32
ANSWER = Completion(text="fine …", finish_reason="stop", model="m")


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    yield from running_redis()


class Clock:
    """Real time that can be put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(
            now=lambda: datetime.now(UTC), monotonic=self.monotonic, sleep=asyncio.sleep, chance=lambda: 0.5
        )


def use(url: str, work: Callable[[RedisCache, RedisLink], Awaitable[T]], clock: Clock | None = None) -> T:
    async def session() -> T:
        world = (clock or Clock()).surroundings
        link = RedisLink.open(url, world)
        cache = RedisCache(link, SEAL, world, ttl_s=60)
        try:
            return await work(cache, link)
        finally:
            await cache.aclose()
            await link.aclose()

    return asyncio.run(session())


def test_an_answer_is_found_again_by_another_process(redis_server: RedisServer) -> None:
    use(redis_server.url, lambda cache, _: cache.put(KEY, ANSWER))
    assert use(redis_server.url, lambda cache, _: cache.get(KEY)) == ANSWER
    assert use(redis_server.url, lambda cache, _: cache.get("cd" * 32)) is None


def test_redis_forgets_an_answer_after_its_time(redis_server: RedisServer) -> None:
    use(redis_server.url, lambda cache, _: cache.put(KEY, ANSWER))
    left_s = int(redis_server.command(f"TTL reviewbot:answer:{KEY}")[1:])
    assert 50 < left_s <= 60


def test_an_entry_whose_time_was_lengthened_in_redis_misses_all_the_same(redis_server: RedisServer) -> None:
    async def work(cache: RedisCache, link: RedisLink) -> Completion | None:
        entry = sealed_entry(SEAL, KEY, ANSWER, datetime(2020, 1, 1, tzinfo=UTC))
        await link.ask(lambda redis: redis.set(f"reviewbot:answer:{KEY}", entry))
        return await cache.get(KEY)

    assert use(redis_server.url, work) is None


@pytest.mark.parametrize("value", [b"\xff\xfe" * 99, b"", b"text", b"0" * 64 + b"{}"])
def test_somebody_elses_bytes_miss(redis_server: RedisServer, value: bytes) -> None:
    async def work(cache: RedisCache, link: RedisLink) -> Completion | None:
        await link.ask(lambda redis: redis.set(f"reviewbot:answer:{KEY}", value))
        return await cache.get(KEY)

    assert use(redis_server.url, work) is None


def test_a_value_that_is_no_text_at_all_is_a_miss(redis_server: RedisServer) -> None:
    redis_server.command(f"LPUSH reviewbot:answer:{KEY} x")
    assert use(redis_server.url, lambda cache, _: cache.get(KEY)) is None


def test_a_redis_that_goes_and_comes_back_is_said_twice_and_costs_no_answer(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()

    async def work(cache: RedisCache, _: RedisLink) -> list[Completion | None]:
        await cache.put(KEY, ANSWER)
        found = [await cache.get(KEY)]
        redis_server.stop()
        for _turn in range(5):
            await cache.put(KEY, ANSWER)
            found.append(await cache.get(KEY))
            clock.ahead_s += 6  # past its rest, so that it is asked again
        redis_server.start()
        await cache.put(KEY, replace(ANSWER, text="again"))
        return [*found, await cache.get(KEY)]

    assert use(redis_server.url, work, clock) == [ANSWER, *[None] * 5, replace(ANSWER, text="again")]
    assert len(caplog.messages) == 2
    assert "Going on without it" in caplog.messages[0]
    assert "answers again" in caplog.messages[1]


def test_a_redis_that_failed_is_left_alone_for_a_while(redis_server: RedisServer) -> None:
    redis_server.stop()
    asked: list[int] = []

    async def work(_: RedisCache, link: RedisLink) -> str:
        with pytest.raises(RedisDownError):
            await link.ask(lambda redis: redis.ping())

        async def again() -> None:
            asked.append(1)

        with pytest.raises(RedisDownError, match="a moment ago") as failed:
            await link.ask(lambda _: again())
        return str(failed.value)

    use(redis_server.url, work)
    assert asked == []


def test_a_slow_redis_is_a_miss(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reviewbot.llm.redis_link._ANSWER_S", 0.05)
    redis_server.pause(300)
    assert use(redis_server.url, lambda cache, _: cache.get(KEY)) is None


def test_many_at_once_share_few_connections(redis_server: RedisServer) -> None:
    async def work(cache: RedisCache, link: RedisLink) -> tuple[int, int]:
        await cache.put(KEY, ANSWER)
        found = await asyncio.gather(*(cache.get(KEY) for _ in range(400)))
        clients = await link.ask(lambda redis: redis.client_list())
        return sum(one == ANSWER for one in found), len(clients)

    found, clients = use(redis_server.url, work)
    assert found == 400
    assert clients <= 33


def test_the_password_is_never_said(caplog: pytest.LogCaptureFixture) -> None:
    assert use("redis://:hunter2@127.0.0.1:1/0", lambda cache, _: cache.get(KEY)) is None
    assert "127.0.0.1" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_url_that_is_none_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match="no Redis URL"):
        RedisLink.open("http://host", Clock().surroundings)


def test_a_missing_library_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "redis.asyncio", None)
    with pytest.raises(UsageError, match=r"reviewbot\[redis\]"):
        RedisLink.open("redis://host", Clock().surroundings)
