"""Limits a minute of each tenant: refused at once, with the time to stay away; in memory, and shared over Redis."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis_server import RedisServer, running_redis
from world import VirtualWorld

from reviewbot.domain.tenant import Tenant
from reviewbot.errors import ProviderError
from reviewbot.gateway.rates import Rates, TooFast, limits_of
from reviewbot.llm.limiting import MemoryLimiter
from reviewbot.llm.redis_limiting import RedisLimiter
from reviewbot.wiring.surroundings import real_world

SLOW = Tenant(name="slow", requests_per_minute=2)
WORDY = Tenant(name="wordy", tokens_per_minute=1_000)
BUSY = Tenant(name="busy", requests_per_minute=10)
FREE = Tenant(name="free")
TENANTS = {tenant.name: tenant for tenant in (SLOW, WORDY, BUSY, FREE)}


class Scene:
    """Rates in memory, under a clock of their own."""

    def __init__(self) -> None:
        self.tenants = dict(TENANTS)
        self.virtual = VirtualWorld()
        limiter = MemoryLimiter(None, None, self.virtual.surroundings, limits_of=limits_of(lambda: self.tenants))
        self.rates = Rates(limiter, self.virtual.monotonic)

    async def admitted(self, tenant: Tenant, tokens: int = 1) -> float:
        """Give 0 for a request that was let through, else the seconds to stay away."""
        try:
            await self.rates.admit(tenant, tokens)
        except TooFast as error:
            return error.retry_after_s
        return 0


def test_requests_beyond_the_limit_are_refused_at_once_with_the_time_until_there_is_room() -> None:
    scene = Scene()

    async def session() -> list[float]:
        first = [await scene.admitted(SLOW) for _ in range(3)]
        scene.virtual.advance(20)
        later = await scene.admitted(SLOW)
        scene.virtual.advance(later)
        return [*first, later, await scene.admitted(SLOW)]

    assert [0, 0, 62, 42, 0] == scene.virtual.run(session())
    assert scene.virtual.slept == []


def test_tokens_are_counted_as_they_were_used_in_the_end() -> None:
    scene = Scene()

    async def session() -> list[float]:
        said = [await scene.admitted(WORDY, 900), await scene.admitted(WORDY, 300)]
        await scene.rates.settle(WORDY, 900, 100)
        said += [await scene.admitted(WORDY, 300)]
        await scene.rates.settle(WORDY, 300, 900)
        return [*said, await scene.admitted(WORDY, 100)]

    first, refused, after_settling, in_debt = scene.virtual.run(session())
    assert (0, 0) == (first, after_settling)
    assert refused > 0
    assert in_debt > 0


def test_more_tokens_than_a_minutes_are_let_through_alone() -> None:
    scene = Scene()

    async def session() -> list[bool]:
        return [await scene.admitted(WORDY, tokens) > 0 for tokens in (5_000, 1)]

    assert [False, True] == scene.virtual.run(session())


def test_tenants_do_not_feel_each_others_limits_and_one_without_has_none() -> None:
    scene = Scene()

    async def session() -> list[float]:
        for _ in range(3):
            await scene.admitted(SLOW)
        return [await scene.admitted(WORDY), *[await scene.admitted(FREE, 10**9) for _ in range(500)]]

    assert [0] * 501 == scene.virtual.run(session())


def test_a_refusal_names_the_tenant_and_its_limits_and_is_never_of_0_seconds() -> None:
    both = replace(SLOW, tokens_per_minute=70)
    assert str(TooFast(both, 0.2)) == (
        "the limit of 'slow' (2 requests a minute, 70 tokens a minute) has no room for 1 s: ask again then, or have "
        "the limit raised in the gateway's configuration"
    )
    assert [1, 1, 3] == [TooFast(both, wait_s).retry_after_s for wait_s in (0, 0.2, 2.01)]


def test_a_limit_that_changes_holds_from_the_next_request_on() -> None:
    scene = Scene()

    async def session() -> list[float]:
        said = [await scene.admitted(SLOW) for _ in range(3)]
        raised = scene.tenants["slow"] = replace(SLOW, requests_per_minute=3)
        said += [await scene.admitted(raised), await scene.admitted(raised)]
        return said

    assert [0, 0, 62, 0, 62] == scene.virtual.run(session())


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from running_redis()


def on_redis(server: RedisServer) -> RedisLimiter:
    return RedisLimiter(
        server.url, None, None, real_world(), fail_open=False, limits_of=limits_of(lambda: TENANTS), timeout_s=5
    )


def test_two_replicas_share_a_tenants_limit_however_many_ask_at_once(server: RedisServer) -> None:
    async def session() -> list[float]:
        limiters = [on_redis(server) for _ in range(2)]
        replicas = [Rates(limiter, time.monotonic) for limiter in limiters]

        async def ask(number: int) -> float:
            try:
                await replicas[number % 2].admit(BUSY, 1)
            except TooFast as error:
                return error.retry_after_s
            return 0

        said = await asyncio.gather(*(ask(number) for number in range(40)))
        for limiter in limiters:
            await limiter.aclose()
        return said

    started_s = time.monotonic()
    said = asyncio.run(session())
    assert (10, 30) == (said.count(0), sum(0 < wait_s <= 62 for wait_s in said))
    assert time.monotonic() - started_s < 10


def test_tokens_are_settled_in_redis_too(server: RedisServer) -> None:
    async def session() -> bool:
        limiter = on_redis(server)
        rates = Rates(limiter, time.monotonic)
        await rates.admit(WORDY, 900)
        with pytest.raises(TooFast):
            await rates.admit(WORDY, 300)
        await rates.settle(WORDY, 900, 100)
        await rates.admit(WORDY, 300)
        await limiter.aclose()
        return True

    assert asyncio.run(session())


def test_without_redis_a_shared_limit_refuses_and_no_limit_is_not_even_asked(server: RedisServer) -> None:
    async def session() -> bool:
        limiter = on_redis(server)
        rates = Rates(limiter, time.monotonic)
        server.stop()
        with pytest.raises(ProviderError):
            await rates.admit(SLOW, 1)
        await rates.admit(FREE, 1)
        await rates.settle(FREE, 1, 1)
        await limiter.aclose()
        return True

    assert asyncio.run(session())
