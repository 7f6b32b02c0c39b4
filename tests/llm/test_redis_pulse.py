"""The background task of what processes share: it counts the living, and nothing that fails in it ends it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import pytest
from redis_server import RedisServer, running_redis

from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.redis_link import RedisLink
from reviewbot.llm.redis_pulse import Pulse

WORLD = Surroundings(now=lambda: datetime.now(UTC), monotonic=time.monotonic, sleep=asyncio.sleep, chance=lambda: 0.5)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from running_redis()


def over(server: RedisServer, session: Callable[[RedisLink], Awaitable[None]]) -> None:
    async def run() -> None:
        link = RedisLink.open(server.url, WORLD)
        try:
            await session(link)
        finally:
            await link.aclose()

    asyncio.run(run())


def test_processes_count_each_other_and_forget_those_that_end_or_show_no_life(server: RedisServer) -> None:
    async def session(link: RedisLink) -> None:
        one, other = Pulse(link, WORLD), Pulse(link, WORLD)
        assert one.replicas is None
        await other.beat()
        await one.beat()
        assert 2 == one.replicas
        server.command("ZADD reviewbot:alive 1 long-dead")
        await one.beat()
        assert 2 == one.replicas
        await other.aclose()
        await one.beat()
        assert 1 == one.replicas

    over(server, session)


def test_the_number_of_processes_stays_known_while_redis_is_away(server: RedisServer) -> None:
    async def session(link: RedisLink) -> None:
        one, other = Pulse(link, WORLD), Pulse(link, WORLD)
        await other.beat()
        await one.beat()
        server.stop()
        await one.beat()
        assert 2 == one.replicas

    over(server, session)


def test_what_stirs_it_is_looked_at_at_once(server: RedisServer) -> None:
    async def session(link: RedisLink) -> None:
        pulse, looked = Pulse(link, WORLD), asyncio.Event()

        async def look() -> None:
            looked.set()

        pulse.add(look)
        await pulse.start()
        looked.clear()
        await asyncio.sleep(0.05)
        started_s = time.monotonic()
        pulse.stir()
        await looked.wait()
        assert time.monotonic() < started_s + 0.4
        pulse.remove(look)
        looked.clear()
        await pulse.aclose()
        assert not looked.is_set()

    over(server, session)


def test_a_part_that_fails_is_told_of_and_ends_no_other(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    async def session(link: RedisLink) -> None:
        pulse, looked = Pulse(link, WORLD), list[str]()

        async def broken() -> None:
            message = "somebody else's bytes"
            raise ValueError(message)

        async def look() -> None:
            looked.append("looked")

        pulse.add(broken)
        pulse.add(look)
        await pulse.beat()
        assert ["looked"] == looked

    over(server, session)
    assert [logging.ERROR] == [record.levelno for record in caplog.records]


def test_a_cancellation_that_comes_with_the_answer_is_not_lost(server: RedisServer) -> None:
    """Before Python 3.12 asyncio.wait_for, in which redis-py sends, returns as if there had been none."""

    async def session(link: RedisLink) -> None:
        async def asking() -> str:
            task = asyncio.current_task()
            assert task is not None

            async def sent() -> None:
                task.cancel()

            async def call(_: object) -> None:
                await asyncio.wait_for(sent(), 1)

            await link.ask(call)
            return "never heard that it was cancelled"

        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(asking())

    over(server, session)


def test_it_ends_even_if_its_cancellation_is_swallowed(server: RedisServer) -> None:
    async def session(link: RedisLink) -> None:
        pulse, looking = Pulse(link, WORLD), asyncio.Event()

        async def deaf() -> None:
            looking.set()
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                looking.clear()

        pulse.add(deaf)
        await pulse.start()
        looking.clear()
        await looking.wait()
        async with asyncio.timeout(5):
            await pulse.aclose()

    over(server, session)
