"""Identical calls of several processes are one call, and a process that dies takes nobody along."""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from redis_server import RedisServer, running_redis

from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings
from reviewbot.domain.usage import TokenUsage
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.llm.caching import Seal
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.redis_cache import RedisCache
from reviewbot.llm.redis_coalescing import RedisCoalescer, _Call
from reviewbot.llm.redis_link import RedisLink
from reviewbot.llm.tape import Tape

T = TypeVar("T")
KEY = "ab" * 32
SEAL = Seal([b"secret"])
ANSWER = Completion(text="fine …", finish_reason="stop", model="m", usage=TokenUsage(prompt_tokens=3))
WORLD = Surroundings(
    now=lambda: datetime.now(UTC),
    monotonic=time.monotonic,
    sleep=asyncio.sleep,
    chance=random.random,  # noqa: TID251 - a real world for real processes
)
PROCESS = """
import asyncio, json, sys, time
from datetime import UTC, datetime
from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.caching import Seal
from reviewbot.llm.redis_coalescing import RedisCoalescer
from reviewbot.llm.redis_link import RedisLink

async def main(url: str, key: str, requests: int, takes_s: float) -> None:
    sleep, now = asyncio.sleep, lambda: datetime.now(UTC)
    world = Surroundings(now=now, monotonic=time.monotonic, sleep=sleep, chance=lambda: 0.5)
    link = RedisLink.open(url, world)
    coalescer = RedisCoalescer(link, None, Seal([b"secret"]), world, lock_s=1.0)

    async def upstream(_: object) -> Completion:
        await link.ask(lambda redis: redis.incr("calls"))
        print("calling", flush=True)
        await asyncio.sleep(takes_s)
        return Completion(text="fine", finish_reason="stop", model="m")

    await link.ask(lambda redis: redis.incr("ready"))
    while not await link.ask(lambda redis: redis.exists("go")):
        await asyncio.sleep(0.01)
    answers = await asyncio.gather(*(coalescer.share(key, upstream) for _ in range(requests)))
    print(json.dumps([[answer.text, joined] for answer, joined in answers]), flush=True)
    await link.aclose()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
"""


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    yield from running_redis()


def start(server: RedisServer, *, requests: int, takes_s: float) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-c", PROCESS, server.url, KEY, str(requests), str(takes_s)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def wait_until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.01)  # noqa: TID251 - real processes take real time


def use(
    server: RedisServer, work: Callable[[Callable[[], RedisCoalescer], RedisCache], Awaitable[T]], lock_s: float = 0.3
) -> T:
    """Do some work with coalescers, each as good as a process of its own."""

    async def session() -> T:
        link = RedisLink.open(server.url, WORLD)
        cache = RedisCache(link, SEAL, WORLD)
        try:
            return await work(lambda: RedisCoalescer(link, cache, SEAL, WORLD, lock_s=lock_s), cache)
        finally:
            await link.aclose()

    return asyncio.run(session())


class Upstream:
    """A call that takes a while and ends as it is told."""

    def __init__(self, end: Completion | Exception = ANSWER, takes_s: float = 0.05) -> None:
        self.calls = 0
        self.begun = asyncio.Event()
        self.end = end
        self.takes_s = takes_s

    async def __call__(self, _: Tape) -> Completion:
        self.calls += 1
        self.begun.set()
        await asyncio.sleep(self.takes_s)
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


def test_100_identical_requests_of_4_processes_are_1_upstream_call(redis_server: RedisServer) -> None:
    processes = [start(redis_server, requests=25, takes_s=0.3) for _ in range(4)]
    wait_until(lambda: redis_server.command("GET ready").endswith(b"\r\n4\r\n"))
    redis_server.command("SET go 1")
    said = [process.communicate(timeout=20)[0].splitlines()[-1] for process in processes]
    answers = [answer for one in said for answer in json.loads(one)]
    assert redis_server.command("GET calls").endswith(b"\r\n1\r\n")
    assert sorted(answers) == [["fine", False]] + [["fine", True]] * 99


def test_when_the_process_that_calls_is_killed_one_of_those_who_wait_takes_over(redis_server: RedisServer) -> None:
    redis_server.command("SET go 1")
    holder = start(redis_server, requests=1, takes_s=60)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "calling\n"
    waiters = [start(redis_server, requests=5, takes_s=0.2) for _ in range(3)]
    wait_until(lambda: redis_server.command("GET ready").endswith(b"\r\n4\r\n"))
    holder.kill()
    holder.communicate()
    said = [process.communicate(timeout=20)[0].splitlines()[-1] for process in waiters]
    answers = [answer for one in said for answer in json.loads(one)]
    assert redis_server.command("GET calls").endswith(b"\r\n2\r\n")
    assert sorted(answers) == [["fine", False]] + [["fine", True]] * 14


def test_a_call_that_takes_longer_than_the_lock_lives_keeps_it(redis_server: RedisServer) -> None:
    upstream = Upstream(takes_s=0.5)

    async def work(process: Callable[[], RedisCoalescer], _: RedisCache) -> list[tuple[Completion, bool]]:
        return list(await asyncio.gather(process().share(KEY, upstream), process().share(KEY, upstream)))

    ends = use(redis_server, work, lock_s=0.15)
    assert sorted(joined for _, joined in ends) == [False, True]
    assert [answer for answer, _ in ends] == [ANSWER] * 2
    assert upstream.calls == 1


def test_who_comes_just_too_late_finds_the_answer_in_the_cache(redis_server: RedisServer) -> None:
    upstream = Upstream()

    async def work(process: Callable[[], RedisCoalescer], cache: RedisCache) -> tuple[Completion, bool]:
        await cache.put(KEY, ANSWER)
        return await process().share(KEY, upstream)

    assert use(redis_server, work) == (ANSWER, True)
    assert upstream.calls == 0


def test_an_answer_that_is_not_in_the_cache_is_not_kept_for_those_who_come_later(redis_server: RedisServer) -> None:
    upstream = Upstream()

    async def work(process: Callable[[], RedisCoalescer], _: RedisCache) -> list[bool]:
        return [(await process().share(KEY, upstream))[1] for _turn in range(2)]

    assert use(redis_server, work) == [False, False]
    assert upstream.calls == 2


@pytest.mark.parametrize(
    "error",
    [
        ProviderError("no answer"),
        Fault(FaultKind.SERVER, "it said 500", status=500),
        Fault(FaultKind.RATE, "too many", wait_s=2.5, status=429),
    ],
)
def test_an_error_of_the_provider_is_heard_by_those_who_wait_and_kept_for_nobody(
    redis_server: RedisServer, error: ProviderError
) -> None:
    upstream = Upstream(error)

    async def work(process: Callable[[], RedisCoalescer], _: RedisCache) -> tuple[list[object], Completion]:
        shares = (process().share(KEY, upstream), process().share(KEY, upstream))
        ends = await asyncio.gather(*shares, return_exceptions=True)
        upstream.end = ANSWER
        return list(ends), (await process().share(KEY, upstream))[0]

    ends, later = use(redis_server, work)
    assert [type(error)] * 2 == [type(end) for end in ends]
    assert [str(error)] * 2 == [str(end) for end in ends]
    if isinstance(error, Fault):
        faults = [end for end in ends if isinstance(end, Fault)]
        assert [(error.kind, error.status, error.wait_s)] * 2 == [(f.kind, f.status, f.wait_s) for f in faults]
    assert later == ANSWER
    assert upstream.calls == 2


@pytest.mark.parametrize(
    "error", [BudgetExceeded("my run's"), Fault(FaultKind.KEY, "my key", status=401), ValueError("my bug")]
)
def test_what_concerns_one_process_alone_is_no_answer_for_another(redis_server: RedisServer, error: Exception) -> None:
    mine, theirs = Upstream(error), Upstream()

    async def work(process: Callable[[], RedisCoalescer], _: RedisCache) -> list[object]:
        first = asyncio.create_task(process().share(KEY, mine))
        await mine.begun.wait()
        return list(await asyncio.gather(first, process().share(KEY, theirs), return_exceptions=True))

    assert use(redis_server, work) == [error, (ANSWER, False)]


def test_a_process_that_is_cancelled_lets_go_of_the_call_at_once(redis_server: RedisServer) -> None:
    mine, theirs = Upstream(takes_s=60), Upstream()

    async def work(process: Callable[[], RedisCoalescer], _: RedisCache) -> tuple[tuple[Completion, bool], float]:
        first = asyncio.create_task(process().share(KEY, mine))
        await mine.begun.wait()
        second = asyncio.create_task(process().share(KEY, theirs))
        await asyncio.sleep(0.05)
        begun_s = time.monotonic()
        first.cancel()
        return await second, time.monotonic() - begun_s

    end, took_s = use(redis_server, work, lock_s=20)
    assert end == (ANSWER, False)
    assert took_s < 5


def test_processes_with_other_secrets_do_not_wait_for_each_other(redis_server: RedisServer) -> None:
    mine, theirs = Upstream(takes_s=0.5), Upstream(replace(ANSWER, text="theirs"))

    async def work(process: Callable[[], RedisCoalescer], _: RedisCache) -> list[tuple[Completion, bool]]:
        link = RedisLink.open(redis_server.url, WORLD)
        other = RedisCoalescer(link, None, Seal([b"other"]), WORLD)
        ends = await asyncio.gather(process().share(KEY, mine), other.share(KEY, theirs))
        await link.aclose()
        return list(ends)

    assert use(redis_server, work) == [(ANSWER, False), (replace(ANSWER, text="theirs"), False)]


def test_a_forged_outcome_is_not_believed(redis_server: RedisServer) -> None:
    mine, theirs = Upstream(takes_s=0.3), Upstream()

    async def work(process: Callable[[], RedisCoalescer], _: RedisCache) -> list[tuple[Completion, bool]]:
        first = asyncio.create_task(process().share(KEY, mine))
        await mine.begun.wait()
        lock = SEAL.sign("call", KEY)[:32]
        token = redis_server.command(f"GET reviewbot:call:{{{lock}}}").split(b"\r\n")[1].decode()
        redis_server.command(f"SET reviewbot:call:{{{lock}}}:{token} " + "0" * 64 + '"{}"')
        return list(await asyncio.gather(first, process().share(KEY, theirs)))

    assert use(redis_server, work) == [(ANSWER, False), (ANSWER, True)]


def test_without_redis_each_process_calls_for_itself(redis_server: RedisServer) -> None:
    upstream = Upstream()
    redis_server.stop()

    async def work(process: Callable[[], RedisCoalescer], _: RedisCache) -> list[tuple[Completion, bool]]:
        one, other = process(), process()
        shares = (one.share(KEY, upstream), one.share(KEY, upstream), other.share(KEY, upstream))
        return list(await asyncio.gather(*shares))

    assert use(redis_server, work) == [(ANSWER, False), (ANSWER, True), (ANSWER, False)]
    assert upstream.calls == 2


def test_a_redis_that_goes_while_a_call_is_made_costs_no_answer(redis_server: RedisServer) -> None:
    upstream = Upstream(takes_s=0.3)

    async def work(process: Callable[[], RedisCoalescer], _: RedisCache) -> list[Completion]:
        shares = asyncio.gather(process().share(KEY, upstream), process().share(KEY, upstream))
        await upstream.begun.wait()
        redis_server.stop()
        return [answer for answer, _ in await shares]

    assert use(redis_server, work) == [ANSWER] * 2
    assert upstream.calls == 2


def test_a_lock_that_is_let_go_between_two_looks_is_taken(redis_server: RedisServer) -> None:
    upstream = Upstream()

    class TooEarly(RedisCoalescer):
        """Finds the lock taken at first, and then nobody who has it."""

        looks = 0

        async def _locked(self, call: _Call) -> bool:
            self.looks += 1
            return self.looks > 1 and await super()._locked(call)

    async def work(_: Callable[[], RedisCoalescer], cache: RedisCache) -> tuple[Completion, bool]:
        return await TooEarly(cache._link, cache, SEAL, WORLD).share(KEY, upstream)

    assert use(redis_server, work) == (ANSWER, False)
