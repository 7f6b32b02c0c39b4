"""Limits while Redis is away: each process goes on within its slice, and together they keep the limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from redis_server import RedisServer, running_redis

from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import LimitLost
from reviewbot.llm.limiting import LimitWait
from reviewbot.llm.redis_limiting import RedisLimiter
from reviewbot.llm.redis_link import RedisLink
from reviewbot.llm.redis_pulse import SETTLING_S, Pulse

ACCOUNT, LIMIT = "team-a", 60
WORLD = Surroundings(now=lambda: datetime.now(UTC), monotonic=time.monotonic, sleep=asyncio.sleep, chance=lambda: 0.5)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from running_redis(lasting=True)


class Process:
    """A limiter with its pulse, as one process has them."""

    def __init__(self, url: str, requests: int | None, tokens: int | None, *, fail_open: bool) -> None:
        self.link = RedisLink.open(url, WORLD)
        self.pulse = Pulse(self.link, WORLD)
        self.limiter = RedisLimiter(
            url, requests, tokens, WORLD, fail_open=fail_open, pulse=self.pulse, window_s=60, timeout_s=0.5
        )

    async def send(self, count: int, tokens: int = 0) -> int:
        """Ask for so many without waiting, and tell how many may be sent."""
        sent = 0
        for _ in range(count):
            try:
                await self.limiter.acquire(ACCOUNT, tokens, time.monotonic())
            except LimitWait:
                break
            sent += 1
        return sent

    async def aclose(self) -> None:
        await self.limiter.aclose()
        await self.pulse.aclose()
        await self.link.aclose()


class Fleet:
    """Processes under one limit."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url, self._stack = url, stack
        self.processes: list[Process] = []

    def process(self, requests: int | None = LIMIT, tokens: int | None = None, *, fail_open: bool = True) -> Process:
        process = Process(self._url, requests, tokens, fail_open=fail_open)
        process.limiter.capacity(ACCOUNT)  # as the pool does, before it asks for a key
        self.processes.append(process)
        self._stack.push_async_callback(process.aclose)
        return process

    async def look(self, times: int = 4) -> None:
        """Let every pulse beat, until all know of each other and have given back what is too much."""
        for _ in range(times):
            for process in self.processes:
                await process.pulse.beat()


def share(server: RedisServer, session: Callable[[Fleet], Awaitable[None]]) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            await session(Fleet(server.url, stack))

    asyncio.run(run())


def test_replicas_that_sent_nothing_go_on_at_once_and_keep_the_limit_together(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        processes = [fleet.process() for _ in range(3)]
        await fleet.look()
        server.stop()
        sent = [await process.send(100) for process in processes]
        assert all(5 <= each <= LIMIT // 3 for each in sent)

    share(server, session)


def test_what_one_replica_used_up_the_others_do_not_have(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        busy, *idle = [fleet.process() for _ in range(3)]
        await fleet.look()
        used = await busy.send(100)
        while used < LIMIT:
            await asyncio.sleep(0.1)
            await fleet.look(1)  # the others give back what is lent to them, for somebody wants it
            used += await busy.send(100)
        await fleet.look(1)
        server.stop()
        assert [0, 0, 0] == [await process.send(10) for process in (busy, *idle)]

    share(server, session)


def test_what_is_lent_for_an_outage_is_no_room_for_others_and_never_more_than_the_limit(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        await fleet.look()
        used = await one.send(100)
        assert LIMIT // 2 <= used < LIMIT
        server.stop()
        assert used + await one.send(100) + await other.send(100) <= LIMIT

    share(server, session)


def test_tokens_that_are_lent_are_given_back_to_who_wants_them(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process(None, 1_000)
        fleet.process(None, 1_000)
        await fleet.look()
        assert 0 == await one.send(1, tokens=900)
        await fleet.look()
        assert 1 == await one.send(1, tokens=900)

    share(server, session)


def test_tokens_are_sliced_and_told_when_redis_is_back(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(None, 1_000), fleet.process(None, 1_000)
        await fleet.look()
        server.stop()
        assert 0 == await one.send(1, tokens=600)  # more than its slice
        assert 1 == await one.send(1, tokens=150)
        server.start()
        await asyncio.sleep(1.1)  # past the rest of a Redis that failed
        await fleet.look()
        await asyncio.sleep(SETTLING_S + 0.1)
        await fleet.look()
        assert 0 == await other.send(1, tokens=900)
        assert 1 == await other.send(1, tokens=300)

    share(server, session)


def test_when_redis_is_back_nobody_goes_on_until_all_have_told_it(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        processes = [fleet.process(LIMIT, 10**6) for _ in range(3)]
        await fleet.look()
        server.stop()
        first, *others = processes
        with pytest.raises(LimitWait):
            await first.limiter.acquire(ACCOUNT, 10**9, time.monotonic())  # it knows of the outage, and sends nothing
        alone = sum([await process.send(100) for process in others])
        server.start()
        await asyncio.sleep(1.1)
        assert 0 == await first.send(100)
        await fleet.look()
        await asyncio.sleep(SETTLING_S + 0.1)
        await fleet.look()
        used, rounds = alone, 0
        while used < LIMIT and rounds < 30:
            used += sum([await process.send(100) for process in processes])
            await asyncio.sleep(0.1)
            await fleet.look(1)
            rounds += 1
        assert LIMIT == used

    share(server, session)


def test_a_flush_makes_nobody_forget(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        sent = await one.send(20) + await other.send(25)
        server.flush()
        assert 0 == await one.send(60)
        await fleet.look()
        await asyncio.sleep(SETTLING_S + 0.1)
        assert sent + await one.send(60) + await other.send(60) <= LIMIT

    share(server, session)


def test_a_process_that_never_reached_redis_takes_a_tenth(server: RedisServer) -> None:
    server.stop()

    async def session(fleet: Fleet) -> None:
        assert LIMIT // 10 == await fleet.process().send(100)

    share(server, session)


def test_where_there_is_no_limit_everybody_is_served_without_redis(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        closed = fleet.process(None, None, fail_open=False)
        await closed.send(1)
        server.stop()
        assert 50 == await closed.send(50)

    share(server, session)


def test_a_full_slice_shows_as_no_capacity_so_that_another_key_is_taken(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await fleet.look()
        server.stop()
        await one.send(1)
        assert one.limiter.capacity(ACCOUNT) > 0
        await one.send(100)
        assert 0.0 == one.limiter.capacity(ACCOUNT)

    share(server, session)


def test_requests_that_a_hanging_redis_let_through_unheard_do_not_count(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process(10, fail_open=False)
        await one.send(1)
        with server.hanging():
            asked = [asyncio.create_task(one.send(1)) for _ in range(8)]
            failed = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(each, LimitLost) for each in failed)
        await asyncio.sleep(1.1)
        assert 9 == await one.send(20)

    share(server, session)


async def refused_after(process: Process) -> float:
    """Ask, and tell how long it took to be refused."""
    started_s = time.monotonic()
    with pytest.raises(LimitLost):
        await process.send(1)
    return time.monotonic() - started_s


def test_only_one_waits_for_a_redis_that_hangs(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process(fail_open=False)
        await one.send(1)
        with server.hanging():
            for _ in range(2):
                with pytest.raises(LimitLost):
                    await one.send(1)
                await asyncio.sleep(1.1)
            took_s = sorted(await asyncio.gather(*(refused_after(one) for _ in range(20))))
            assert took_s[-1] > 0.3  # the one that tries
            assert took_s[-2] < 0.3

    share(server, session)
