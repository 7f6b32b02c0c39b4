"""Limits in memory: exact, fair, adaptive, and never a lasting loss."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import VirtualWorld

from reviewbot.llm.limiting import Ask, LimitWait, MemoryLimiter
from reviewbot.llm.rates import GUARD

ACCOUNT = "a1b2c3d4"
FAR = 1e9
KEPT_S = 60 * (1 + GUARD)


def limiter(virtual: VirtualWorld, requests: int | None = None, tokens: int | None = None) -> MemoryLimiter:
    return MemoryLimiter(requests, tokens, virtual.surroundings)


async def admissions(virtual: VirtualWorld, limits: MemoryLimiter, count: int, tokens: int = 0) -> list[float]:
    """Ask for many at once and give the seconds after which each was let through."""
    start_s, times = virtual.time_s, list[float]()

    async def one() -> None:
        await limits.acquire(ACCOUNT, tokens, FAR)
        times.append(round(virtual.time_s - start_s, 3))

    await asyncio.gather(*(one() for _ in range(count)))
    return times


def most_in_a_window(times: Sequence[float], window_s: float = 60.0) -> int:
    return max(sum(start <= at < start + window_s for at in times) for start in times)


def test_who_need_not_wait_is_let_through_at_once_but_never_before_those_who_wait() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=2)

    async def session() -> list[bool]:
        admitted = [limits.admit(ACCOUNT, 1) for _ in range(3)]
        waiting = asyncio.ensure_future(limits.acquire(ACCOUNT, 1, FAR))
        await asyncio.sleep(0)
        await virtual.surroundings.sleep(KEPT_S)
        admitted.append(limits.admit(ACCOUNT, 1))
        await waiting
        admitted.append(limits.admit(ACCOUNT, 1))
        return admitted

    first, second, third, before_who_waits, after = virtual.run(session())
    assert (first, second, third, before_who_waits, after) == (True, True, False, False, True)


def test_without_limits_nobody_waits() -> None:
    virtual = VirtualWorld()
    assert virtual.run(admissions(virtual, limiter(virtual), 500, tokens=10_000)) == [0.0] * 500
    assert virtual.slept == []


def test_each_account_has_limits_of_its_own_where_they_differ_and_they_may_change() -> None:
    virtual = VirtualWorld()
    limits: dict[str, tuple[int | None, int | None]] = {"small": (1, None), "large": (3, None), "tokens": (None, 10)}
    limiter = MemoryLimiter(
        None, None, virtual.surroundings, limits_of=lambda account: limits.get(account, (None, None))
    )

    def served(account: str) -> int:
        return sum(limiter.admit(account, 5) for _ in range(5))

    assert [1, 3, 2, 5] == [served(account) for account in ("small", "large", "tokens", "unheard-of")]
    limits["small"] = (2, None)
    limits["large"] = (2, None)
    assert [1, 0] == [served(account) for account in ("small", "large")]


def test_a_full_log_makes_wait_until_the_oldest_request_is_out_of_it() -> None:
    virtual = VirtualWorld()
    times = virtual.run(admissions(virtual, limiter(virtual, requests=3), 7))
    assert times == [0.0, 0.0, 0.0, KEPT_S, KEPT_S, KEPT_S, 2 * KEPT_S]


@given(
    gaps=st.lists(st.floats(0, 40).map(lambda gap: round(gap, 3)), min_size=1, max_size=60),
    limit=st.integers(1, 12),
)
def test_no_window_of_60_s_ever_has_more_requests_than_the_limit(gaps: list[float], limit: int) -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=limit)
    times: list[float] = []

    async def one(after_s: float) -> None:
        await virtual.sleep(after_s)
        await limits.acquire(ACCOUNT, 1, FAR)
        times.append(virtual.time_s)

    async def session() -> None:
        await asyncio.gather(*(one(sum(gaps[: at + 1]) * (at % 3 != 0)) for at in range(len(gaps))))

    virtual.run(session())
    assert len(gaps) == len(times)
    assert limit >= most_in_a_window(times)


def test_a_busy_limiter_uses_at_least_95_percent_of_the_limit() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=60)

    async def session() -> int:
        times = await admissions(virtual, limits, 700)
        return sum(at < 600 for at in times)

    assert 0.95 * 600 <= virtual.run(session()) <= 660


def test_callers_are_served_in_the_order_in_which_they_came() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=1, tokens=1_000)
    served: list[int] = []

    async def one(number: int) -> None:
        # A small request must not overtake a large one for ever.
        await limits.acquire(ACCOUNT, 900 if number % 2 else 1, FAR)
        served.append(number)

    async def session() -> None:
        await asyncio.gather(*(one(number) for number in range(9)))

    virtual.run(session())
    assert list(range(9)) == served


def test_who_cannot_be_served_before_its_deadline_is_told_at_once() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=2)

    async def session() -> None:
        start_s = virtual.time_s
        await admissions(virtual, limits, 2)
        waiting = [asyncio.create_task(limits.acquire(ACCOUNT, 1, start_s + 100)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(LimitWait, match="no room for 122 s") as refusal:
            # Alone it would be served after 61 s; but two stand before it.
            await limits.acquire(ACCOUNT, 1, start_s + 100)
        assert start_s == virtual.time_s
        assert pytest.approx(refusal.value.wait_s) == 2 * KEPT_S
        await asyncio.gather(*waiting)

    virtual.run(session())


def test_a_refused_caller_makes_nobody_behind_it_wait_longer() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, tokens=1_000)

    async def session() -> float:
        start_s = virtual.time_s
        await limits.acquire(ACCOUNT, 600, FAR)
        with pytest.raises(LimitWait):
            await limits.acquire(ACCOUNT, 900, start_s + 1)
        await limits.acquire(ACCOUNT, 400, FAR)
        return virtual.time_s - start_s

    assert virtual.run(session()) == 0.0


def test_a_cancelled_waiter_leaves_nothing_behind() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=1)

    async def session() -> None:
        start_s = virtual.time_s
        await limits.acquire(ACCOUNT, 1, FAR)
        waiting = [asyncio.create_task(limits.acquire(ACCOUNT, 1, FAR)) for _ in range(3)]
        await virtual.sleep(1)
        for task in waiting[:2]:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert pytest.approx(virtual.time_s - start_s) == KEPT_S
        assert {None} == {task.exception() for task in waiting[2:]}
        assert all(task.cancelled() for task in waiting[:2])

    virtual.run(session())


def test_a_waiter_that_is_cancelled_in_its_very_moment_gives_its_place_back() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=1, tokens=1_000)

    async def session() -> None:
        await limits.acquire(ACCOUNT, 10, FAR)
        unlucky = asyncio.create_task(limits.acquire(ACCOUNT, 700, FAR))
        attempt = limits.attempt

        def admitted(account: str, ask: Ask) -> float:
            wait_s = attempt(account, ask)
            if wait_s <= 0:
                asyncio.get_running_loop().call_soon(unlucky.cancel)
            return wait_s

        limits.attempt = admitted  # type: ignore[method-assign]
        with pytest.raises(asyncio.CancelledError):
            await unlucky
        assert pytest.approx(virtual.time_s - 1_000) == KEPT_S
        assert limits.capacity(ACCOUNT) > 0.99

    virtual.run(session())


def test_tokens_of_the_last_minute_stay_within_the_limit() -> None:
    virtual = VirtualWorld(start_s=1_200)
    # Three at once; the fourth when a third of the bucket before has been left behind, and so on.
    times = virtual.run(admissions(virtual, limiter(virtual, tokens=3_000), 6, tokens=1_000))
    assert times == [0.0, 0.0, 0.0, 80.0, 100.0, 120.0]


def test_a_request_larger_than_the_limit_is_let_through_alone() -> None:
    virtual = VirtualWorld(start_s=1_200)
    limits = limiter(virtual, tokens=1_000)

    async def session() -> None:
        await limits.acquire(ACCOUNT, 500, FAR)
        await limits.acquire(ACCOUNT, 5_000, FAR)
        assert virtual.time_s - 1_200 == 120.0
        await limits.acquire(ACCOUNT, 500, FAR)
        assert 200.0 < virtual.time_s - 1_200 <= 240.0

    virtual.run(session())


def test_what_was_reserved_too_much_is_given_back_and_wakes_who_waits() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, tokens=1_000)

    async def session() -> None:
        await limits.acquire(ACCOUNT, 1_000, FAR)
        waiting = asyncio.create_task(limits.acquire(ACCOUNT, 800, FAR))
        await virtual.sleep(2)
        assert limits.capacity(ACCOUNT) == 0.0
        await limits.settle(ACCOUNT, 1_000, 150)
        await waiting
        assert virtual.time_s == 1_002.0
        assert limits.capacity(ACCOUNT) == pytest.approx(0.05)

    virtual.run(session())


def test_more_than_was_reserved_is_a_debt_that_others_wait_for() -> None:
    virtual = VirtualWorld(start_s=1_200)
    limits = limiter(virtual, tokens=1_000)

    async def session() -> None:
        await limits.acquire(ACCOUNT, 100, FAR)
        await limits.settle(ACCOUNT, 100, 2_000)
        await limits.acquire(ACCOUNT, 500, FAR)
        assert virtual.time_s - 1_200 == pytest.approx(105.0)

    virtual.run(session())


def test_what_is_settled_late_is_given_back_where_it_was_counted() -> None:
    virtual = VirtualWorld(start_s=1_200)
    limits = limiter(virtual, tokens=1_000)

    async def session() -> None:
        await limits.acquire(ACCOUNT, 900, FAR)
        await virtual.sleep(90)
        await limits.acquire(ACCOUNT, 500, FAR)
        await limits.settle(ACCOUNT, 900, 0)  # in the last bucket: the 500 of this one stay
        assert limits.rates(ACCOUNT).tokens.used(virtual.time_s) == 500
        await virtual.sleep(300)
        await limits.acquire(ACCOUNT, 700, FAR)
        await limits.settle(ACCOUNT, 500, 0)  # counts no longer: nothing to give back
        assert limits.rates(ACCOUNT).tokens.used(virtual.time_s) == 700

    virtual.run(session())


@given(
    uses=st.lists(st.tuples(st.integers(1, 3_000), st.integers(0, 6_000), st.floats(0, 90)), max_size=25),
    cancelled=st.integers(0, 4),
)
def test_a_limiter_never_loses_capacity_for_ever(uses: list[tuple[int, int, float]], cancelled: int) -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=5, tokens=2_000)

    async def one(reserved: int, used: int, pause_s: float) -> None:
        await limits.acquire(ACCOUNT, reserved, FAR)
        await virtual.sleep(pause_s)
        await limits.settle(ACCOUNT, reserved, used)

    async def session() -> None:
        tasks = [asyncio.create_task(one(*use)) for use in uses]
        await virtual.sleep(7)
        for task in tasks[-cancelled:] if cancelled else []:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await virtual.sleep(121)
        assert pytest.approx(limits.capacity(ACCOUNT)) == 1.0
        assert await admissions(virtual, limits, 5, tokens=400) == [0.0] * 5

    virtual.run(session())


def test_accounts_do_not_wait_for_each_other() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=1)

    async def session() -> None:
        await limits.acquire("one", 1, FAR)
        await limits.acquire("two", 1, FAR)

    virtual.run(session())
    assert virtual.slept == []


def test_a_refusal_halves_the_rate_once_for_each_retry_after_window() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=60)
    limits.slow_down(ACCOUNT, 30)
    for _ in range(20):
        limits.slow_down(ACCOUNT, 30)  # the crowd that was sent before
    assert limits.capacity(ACCOUNT) == 0.5
    virtual.advance(30)
    limits.slow_down(ACCOUNT, 30)
    assert limits.capacity(ACCOUNT) == 0.25


def test_a_refusal_without_a_hint_counts_for_a_minute() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=60)
    limits.slow_down(ACCOUNT, None)
    virtual.advance(59)
    limits.slow_down(ACCOUNT, None)
    assert limits.capacity(ACCOUNT) == 0.5


def test_a_slowed_account_sends_evenly_spaced() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=60)
    limits.slow_down(ACCOUNT, 1)
    assert virtual.run(admissions(virtual, limits, 4)) == [0.0, 2.0, 4.0, 6.0]


def test_quiet_minutes_bring_the_rate_back_step_by_step() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=100)
    limits.slow_down(ACCOUNT, 1)
    shares = []
    for _ in range(6):
        shares.append(round(limits.capacity(ACCOUNT), 6))
        virtual.advance(60)
    assert shares == [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    limits.slow_down(ACCOUNT, 1)
    assert limits.capacity(ACCOUNT) == 0.5


def test_a_provider_that_refuses_a_tenth_at_any_rate_is_slowed_once() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=6_000)

    async def session() -> list[float]:
        shares = []
        for call in range(2_000):
            await limits.acquire(ACCOUNT, 1, FAR)
            if call % 10 == 0:
                limits.slow_down(ACCOUNT, 1)
            await virtual.sleep(0.2)
            shares.append(limits.rates(ACCOUNT).pace.share(virtual.time_s))
        return shares

    shares = virtual.run(session())
    assert min(shares) == 0.5
    assert shares[-1] == 1.0


def test_a_provider_that_refuses_half_is_slowed_again_and_again() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=600)

    async def session() -> None:
        for call in range(100):
            await limits.acquire(ACCOUNT, 1, FAR)
            if call % 2 == 0:
                limits.slow_down(ACCOUNT, 1)
            await virtual.sleep(1)

    virtual.run(session())
    assert limits.rates(ACCOUNT).pace.share(virtual.time_s) == 1 / 16


def test_the_rate_never_falls_below_a_sixteenth_so_that_it_can_recover() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=160)
    for _ in range(12):
        limits.slow_down(ACCOUNT, 1)
        virtual.advance(10)
    assert limits.capacity(ACCOUNT) == 1 / 16


def test_without_a_configured_limit_the_observed_rate_is_halved() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual)

    async def session() -> list[float]:
        for _ in range(11):
            await limits.acquire(ACCOUNT, 1, FAR)
            await virtual.sleep(1)
        limits.slow_down(ACCOUNT, 1)  # 11 in 11 s
        return await admissions(virtual, limits, 4)

    assert virtual.run(session()) == [1.0, 3.0, 5.0, 7.0]


def test_a_refusal_before_the_first_request_says_nothing_about_a_rate() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual)
    limits.slow_down(ACCOUNT, 1)
    assert limits.capacity(ACCOUNT) == 1.0


def test_a_refusal_tells_waiters_whose_deadline_cannot_be_met_any_more() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=60)

    async def session() -> None:
        limits.slow_down(ACCOUNT, 1)
        await limits.acquire(ACCOUNT, 1, FAR)
        tasks = [asyncio.create_task(limits.acquire(ACCOUNT, 1, 1_025)) for _ in range(10)]
        await virtual.sleep(11)
        for _ in range(3):  # of the 6 that were sent since: no chance refusals
            limits.slow_down(ACCOUNT, 1)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        # Served at 2, 4, 6, 8, 10, then every 4 s: 14, 18, 22; the last two would be after 25.
        assert [None] * 8 + [LimitWait] * 2 == [end and type(end) for end in ended]

    virtual.run(session())


def test_capacity_is_the_smaller_share_of_requests_and_tokens() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=10, tokens=1_000)

    async def session() -> list[float]:
        shares = [limits.capacity(ACCOUNT)]
        for tokens in (0, 500):
            await limits.acquire(ACCOUNT, tokens, FAR)
            shares.append(limits.capacity(ACCOUNT))
        return shares

    assert virtual.run(session()) == [1.0, 0.9, 0.5]


def test_a_fault_of_the_attempt_itself_reaches_the_waiting_caller() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=1)

    async def session() -> None:
        await limits.acquire(ACCOUNT, 1, FAR)
        waiting = asyncio.create_task(limits.acquire(ACCOUNT, 1, FAR))
        await virtual.sleep(1)
        limits.attempt = broken  # type: ignore[method-assign]
        with pytest.raises(ZeroDivisionError):
            await waiting

    def broken(account: str, ask: Ask) -> float:
        raise ZeroDivisionError(account, ask)

    virtual.run(session())


def test_one_limiter_works_in_one_loop_after_another() -> None:
    virtual = VirtualWorld()
    limits = limiter(virtual, requests=1)
    assert virtual.run(admissions(virtual, limits, 2)) == [0.0, KEPT_S]
    assert virtual.run(admissions(virtual, limits, 1)) == [KEPT_S]
