"""Limits in a real Redis: exact among processes, by one clock, and with an answer for a Redis that fails."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisServer, running_redis

import reviewbot
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import LimitLost, ProviderError, UsageError
from reviewbot.llm.limiting import LimitWait
from reviewbot.llm.redis_limiting import RedisLimiter

ACCOUNT = "team-a"
FAR = float("inf")
WORLD = Surroundings(now=lambda: datetime.now(UTC), monotonic=time.monotonic, sleep=asyncio.sleep, chance=lambda: 0.5)
TESTS = Path(__file__).parent.parent


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from running_redis()


class Fleet:
    """Limiters as several machines would have them, closed at the end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._limiters: list[RedisLimiter] = []

    def limiter(
        self,
        requests: int | None = None,
        tokens: int | None = None,
        *,
        window_s: float = 1.0,
        fail_open: bool = True,
        clock_ahead_s: float = 0.0,
    ) -> RedisLimiter:
        world = replace(WORLD, monotonic=lambda: time.monotonic() + clock_ahead_s)
        limiter = RedisLimiter(
            self._url, requests, tokens, world, fail_open=fail_open, window_s=window_s, timeout_s=0.3
        )
        self._limiters.append(limiter)
        return limiter

    def run(self, session: Coroutine[Any, Any, None]) -> None:
        async def closing() -> None:
            try:
                await session
            finally:
                for limiter in self._limiters:
                    await limiter.aclose()

        asyncio.run(closing())


@pytest.fixture
def fleet(server: RedisServer) -> Fleet:
    return Fleet(server.url)


async def admissions(limiter: RedisLimiter, count: int, tokens: int = 1) -> list[float]:
    """Ask for many at once and give the seconds after which each was let through."""
    start_s, times = time.monotonic(), list[float]()

    async def one() -> None:
        await limiter.acquire(ACCOUNT, tokens, FAR)
        times.append(time.monotonic() - start_s)

    await asyncio.gather(*(one() for _ in range(count)))
    return times


def test_machines_share_one_limit_whatever_their_clocks_say(fleet: Fleet) -> None:
    machines = [fleet.limiter(requests=4, clock_ahead_s=ahead_s) for ahead_s in (0, 5_000, -800)]

    async def session() -> None:
        times = sorted(chain(*await asyncio.gather(*(admissions(machine, 4) for machine in machines))))
        assert times[3] < 0.9
        assert 1.0 <= times[4] < 1.9
        assert 2.0 <= times[8] < 2.9

    fleet.run(session())


def test_each_account_has_limits_of_its_own_where_they_differ(server: RedisServer) -> None:
    limits: dict[str, tuple[int | None, int | None]] = {"small": (1, None), "large": (3, None)}
    limiter = RedisLimiter(
        server.url, None, None, WORLD, fail_open=False, limits_of=lambda account: limits.get(account, (None, None))
    )

    async def served(account: str) -> int:
        admitted = 0
        with suppress(LimitWait):
            for _ in range(5):
                await limiter.acquire(account, 1, time.monotonic())
                admitted += 1
        return admitted

    async def session() -> list[int]:
        counts = [await served(account) for account in ("small", "large", "unheard-of")]
        limits["small"] = (2, None)
        counts.append(await served("small"))
        await limiter.aclose()
        return counts

    assert [1, 3, 5, 1] == asyncio.run(session())


def test_tokens_are_shared_and_what_was_not_used_is_given_back(fleet: Fleet) -> None:
    one, other = fleet.limiter(tokens=1_000, window_s=30), fleet.limiter(tokens=1_000, window_s=30)

    async def session() -> None:
        await one.acquire(ACCOUNT, 900, FAR)
        waiting = asyncio.create_task(admissions(other, 1, tokens=700))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await one.settle(ACCOUNT, 900, 100)
        assert (await waiting)[0] < 10
        with pytest.raises(LimitWait):
            await one.acquire(ACCOUNT, 300, time.monotonic() + 0.1)

    fleet.run(session())


def test_more_than_was_reserved_is_a_debt_for_all(fleet: Fleet) -> None:
    one, other = fleet.limiter(tokens=1_000, window_s=30), fleet.limiter(tokens=1_000, window_s=30)

    async def session() -> None:
        await one.acquire(ACCOUNT, 100, FAR)
        await one.settle(ACCOUNT, 100, 1_900)
        with pytest.raises(LimitWait) as refusal:
            await other.acquire(ACCOUNT, 100, time.monotonic() + 1)
        assert 10 < refusal.value.wait_s < 60

    fleet.run(session())


def test_a_request_larger_than_the_limit_is_let_through_alone(fleet: Fleet) -> None:
    limiter = fleet.limiter(tokens=100, window_s=0.5)

    async def session() -> None:
        await limiter.acquire(ACCOUNT, 60, FAR)
        assert 0.3 < (await admissions(limiter, 1, tokens=5_000))[0] <= 1.3
        assert (await admissions(limiter, 1, tokens=60))[0] > 0.3

    fleet.run(session())


def test_tokens_wait_for_their_share_of_the_bucket_before(fleet: Fleet) -> None:
    limiter = fleet.limiter(tokens=1_000, window_s=0.5)

    async def session() -> None:
        times = sorted(await admissions(limiter, 6, tokens=500))
        assert times[1] < 0.45
        assert 1.0 < times[-1] < 3.5

    fleet.run(session())


def test_who_cannot_be_served_before_its_deadline_is_told_at_once(fleet: Fleet) -> None:
    limiter = fleet.limiter(requests=2, window_s=30)

    async def session() -> None:
        await admissions(limiter, 2)
        start_s = time.monotonic()
        waiting = [asyncio.create_task(limiter.acquire(ACCOUNT, 1, start_s + 40)) for _ in range(2)]
        await asyncio.sleep(0.2)
        with pytest.raises(LimitWait) as refusal:
            await limiter.acquire(ACCOUNT, 1, start_s + 40)  # the third would be served a window later
        assert 55 < refusal.value.wait_s < 62
        assert time.monotonic() < start_s + 10
        assert limiter.capacity(ACCOUNT) == 0.0
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    fleet.run(session())


def test_cancelled_waiters_leave_nothing_behind(fleet: Fleet) -> None:
    limiter = fleet.limiter(requests=3, tokens=3_000, window_s=30)

    async def session() -> None:
        await limiter.acquire(ACCOUNT, 0, FAR)
        started = asyncio.create_task(limiter.acquire(ACCOUNT, 2_000, FAR))
        for _ in range(3):
            await asyncio.sleep(0)
        started.cancel()  # while Redis is being asked
        await asyncio.gather(started, return_exceptions=True)
        await asyncio.sleep(0.1)
        times = await admissions(limiter, 2, tokens=1_400)
        assert max(times) < 10
        waiting = [asyncio.create_task(limiter.acquire(ACCOUNT, 1, FAR)) for _ in range(2)]
        await asyncio.sleep(0.1)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert limiter.capacity(ACCOUNT) < 0.1

    fleet.run(session())


def test_a_refusal_slows_all_machines_once_for_each_window(fleet: Fleet) -> None:
    one, other = fleet.limiter(requests=60, window_s=6), fleet.limiter(requests=60, window_s=6)

    async def session() -> None:
        await other.acquire(ACCOUNT, 1, FAR)
        for _ in range(5):
            one.slow_down(ACCOUNT, None)
        await one.acquire(ACCOUNT, 1, FAR)
        assert 0.4 < one.capacity(ACCOUNT) < 0.55
        times = await admissions(other, 4)
        gaps = [after - before for before, after in pairwise(times)]
        assert 0.19 < min(gaps) <= max(gaps) < 0.4  # 30 in 6 s

    fleet.run(session())


def test_without_a_configured_limit_the_observed_rate_is_halved_and_recovers(fleet: Fleet) -> None:
    limiter = fleet.limiter(window_s=0.6)

    async def session() -> None:
        limiter.slow_down(ACCOUNT, 0.1)  # before there is a rate to halve
        for _ in range(6):
            await limiter.acquire(ACCOUNT, 1, FAR)
            await asyncio.sleep(0.05)
        limiter.slow_down(ACCOUNT, 0.1)
        times = await admissions(limiter, 4)
        assert times[3] - times[2] > 0.06
        await asyncio.sleep(0.6 * 6)
        assert max(await admissions(limiter, 20)) < 0.5

    fleet.run(session())


def test_names_in_redis_are_ours_expire_and_tell_no_account(fleet: Fleet, server: RedisServer) -> None:
    limiter = fleet.limiter(requests=5, tokens=100)

    async def session() -> None:
        await limiter.acquire("sk-a-key-by-mistake", 1, FAR)

    fleet.run(session())
    names = [line for line in server.command("KEYS *").decode().split("\r\n") if line[:1].isalpha()]
    assert len(names) == 2
    for name in names:
        assert name.startswith("reviewbot:limit:")
        assert "sk-" not in name
        assert int(server.command(f"PTTL {name}")[1:]) > 0


def test_one_request_is_one_entry_and_tokens_are_none(fleet: Fleet, server: RedisServer) -> None:
    limiter = fleet.limiter(requests=50, tokens=1_000_000, window_s=60)

    async def session() -> None:
        await admissions(limiter, 20, tokens=2_000)

    fleet.run(session())
    names = [line for line in server.command("KEYS *requests").decode().split("\r\n") if line[:1].isalpha()]
    assert server.command(f"ZCARD {names[0]}") == b":20\r\n"


def test_fail_open_keeps_the_limit_alone_while_redis_is_down_and_says_so_once(
    fleet: Fleet, server: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reviewbot.llm.redis_limits._AWAY_S", 0.2)
    limiter = fleet.limiter(requests=4, window_s=2)

    async def session() -> None:
        await admissions(limiter, 2)
        server.stop()
        start_s = time.monotonic()
        await admissions(limiter, 2)
        await limiter.settle(ACCOUNT, 1, 5)
        assert limiter.capacity(ACCOUNT) == 0.0
        with pytest.raises(LimitWait):  # 2 with Redis and 2 without are 4
            await limiter.acquire(ACCOUNT, 1, start_s + 1)
        server.start()
        await asyncio.sleep(0.3)
        with pytest.raises(LimitWait):  # and Redis, empty as it is, is told
            await limiter.acquire(ACCOUNT, 1, start_s + 1)
        await limiter.acquire(ACCOUNT, 1, FAR)
        assert time.monotonic() > start_s + 1.5

    with caplog.at_level(logging.WARNING, "reviewbot"):
        fleet.run(session())
    assert len(caplog.messages) == 2
    assert "is down" in caplog.messages[0]
    assert "each process keeps the limits on its own" in caplog.messages[0]
    assert "is back" in caplog.messages[1]


def test_fail_closed_raises_what_to_do_while_redis_is_down(
    fleet: Fleet, server: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reviewbot.llm.redis_limits._AWAY_S", 0.2)
    limiter = fleet.limiter(requests=4, window_s=0.5, fail_open=False)

    async def session() -> None:
        await limiter.acquire(ACCOUNT, 1, FAR)
        server.stop()
        for _ in range(2):
            with pytest.raises(LimitLost, match=r"_REDIS_URL.* redis.fail_open = .* \[gateway\] fail_open = ") as lost:
                await limiter.acquire(ACCOUNT, 1, FAR)
            assert lost.value.wait_s > 0
        await limiter.settle(ACCOUNT, 1, 5)  # the answer is there: it is not thrown away
        server.start()
        await asyncio.sleep(0.25)
        await limiter.acquire(ACCOUNT, 1, FAR)

    with caplog.at_level(logging.WARNING, "reviewbot"):
        fleet.run(session())
    assert [" is down " in message for message in caplog.messages if "lost" not in message] == [True, False]
    assert caplog.messages[0].endswith("until it is back, requests under a limit fail")


def test_a_waiting_caller_is_told_when_redis_goes_down(fleet: Fleet, server: RedisServer) -> None:
    limiter = fleet.limiter(requests=1, window_s=5, fail_open=False)

    async def session() -> None:
        await limiter.acquire(ACCOUNT, 1, FAR)
        waiting = asyncio.create_task(limiter.acquire(ACCOUNT, 1, FAR))
        await asyncio.sleep(0.2)
        server.stop()
        with pytest.raises(ProviderError, match="cannot be reached"):
            await waiting

    fleet.run(session())


def test_a_redis_that_does_not_answer_holds_nobody_up(fleet: Fleet, server: RedisServer) -> None:
    limiter = fleet.limiter(requests=100)

    async def session() -> None:
        await limiter.acquire(ACCOUNT, 1, FAR)
        server.pause(3_000)
        first = await admissions(limiter, 10)
        assert 0.2 < max(first) < 2.5  # once the time that Redis may take
        assert max(await admissions(limiter, 50)) < 0.25  # and then not even that

    fleet.run(session())


def test_a_flushed_redis_is_told_again_by_each_process(
    fleet: Fleet, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = fleet.limiter(requests=6, window_s=3), fleet.limiter(requests=6, window_s=3)

    async def session() -> None:
        start_s = time.monotonic()
        await admissions(one, 2)
        await admissions(other, 2)
        server.flush()
        await admissions(one, 1)
        await admissions(other, 1)
        with pytest.raises(LimitWait):
            await one.acquire(ACCOUNT, 1, start_s + 2)

    with caplog.at_level(logging.WARNING, "reviewbot"):
        fleet.run(session())
    assert len(caplog.messages) == 2  # one from each process
    assert all("has lost the last requests" in message for message in caplog.messages)


def test_without_fail_open_all_wait_a_window_after_a_flush(fleet: Fleet, server: RedisServer) -> None:
    one = fleet.limiter(requests=6, window_s=1, fail_open=False)
    other = fleet.limiter(requests=6, window_s=1, fail_open=False)

    async def session() -> None:
        await admissions(other, 5)
        await admissions(one, 1)
        start_s = time.monotonic()
        server.flush()
        await asyncio.gather(admissions(one, 1), admissions(other, 1))
        assert time.monotonic() >= start_s + 0.9

    fleet.run(session())


def test_nobody_waits_after_a_flush_where_there_is_no_limit_to_exceed(fleet: Fleet, server: RedisServer) -> None:
    limiter = fleet.limiter(fail_open=False, window_s=30)

    async def session() -> None:
        await admissions(limiter, 5)
        server.flush()
        assert max(await admissions(limiter, 5)) < 10

    fleet.run(session())


def test_a_redis_that_loses_everything_all_the_time_is_asked_again_later(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = fleet.limiter(requests=6, window_s=1)

    async def session() -> None:
        await limiter.acquire(ACCOUNT, 1, FAR)
        limiter._account(ACCOUNT).remember(time.monotonic(), "never told")
        run = limiter._redis._script.run

        async def lossy(keys: list[str], limits: tuple[int | None, int | None], **what: object) -> object:
            return await run(keys, limits, **{**what, "entries": []} if "entries" in what else what)

        monkeypatch.setattr(limiter._redis._script, "run", lossy)
        waiting = asyncio.create_task(limiter.acquire(ACCOUNT, 1, FAR))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await waiting  # once it is too old to be missed

    fleet.run(session())


def test_capacity_is_what_redis_said_last_and_fills_up_since(fleet: Fleet) -> None:
    limiter = fleet.limiter(requests=4, tokens=100)

    async def session() -> None:
        assert limiter.capacity(ACCOUNT) == 1.0
        await limiter.acquire(ACCOUNT, 75, FAR)
        assert 0.2 < limiter.capacity(ACCOUNT) < 0.5
        await asyncio.sleep(1)
        assert limiter.capacity(ACCOUNT) == 1.0

    fleet.run(session())


def test_a_url_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no Redis URL"):
        RedisLimiter("http://localhost", 1, None, WORLD, fail_open=True)


def test_a_missing_package_is_a_usage_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(UsageError, match=r"pip install 'reviewbot\[redis\]'"):
        RedisLimiter("redis://localhost", 1, None, WORLD, fail_open=True)


def test_its_repr_shows_no_password() -> None:
    limiter = RedisLimiter("redis://user:secret@cache.example:7000/2", 1, None, WORLD, fail_open=True)
    assert repr(limiter) == "RedisLimiter(cache.example:7000)"


def test_importing_it_imports_no_redis() -> None:
    code = "import sys, reviewbot.llm.redis_limiting; sys.exit('redis' in sys.modules)"
    root = Path(reviewbot.__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_four_processes_together_are_never_refused_and_use_the_limit(server: RedisServer) -> None:
    requests, window_s, duration_s = 60, 5.0, 11.5
    root = str(Path(reviewbot.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}  # noqa: TID251 - passed on
    argv = [sys.executable, str(TESTS / "limited_process.py"), server.url, str(requests), str(window_s)]
    processes = [subprocess.Popen([*argv, str(duration_s)], stdout=subprocess.PIPE, env=environment) for _ in range(4)]
    answers = [json.loads(process.communicate()[0]) for process in processes]
    sent_s = sorted(at_s for answer in answers for at_s in answer["sent_s"])
    rate = 2 * requests / (sent_s[2 * requests] - sent_s[0]) * window_s
    assert [answer["refused"] for answer in answers] == [0] * 4
    assert 0.95 * requests <= rate <= requests
