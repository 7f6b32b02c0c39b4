"""Processes that lost their Redis: what each lets through by itself is together never more than the limit."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.llm.rates import GUARD, Rates
from reviewbot.llm.slices import UNKNOWN_REPLICAS, Slice, SliceLease, sliced

WINDOW_S = 60.0
LOST_S = 1_000.0


@dataclass(slots=True)
class Process:
    """One of several under a limit, with what it leased."""

    rates: Rates
    lease: int
    slice: Slice | None = None
    sent: list[float] = field(default_factory=list)

    def send(self, now_s: float) -> bool:
        fits = self.slice is None or self.slice.fits(self.rates, 1, now_s)
        if fits:
            self.rates.admit(now_s, 1)
            self.sent.append(now_s)
        return fits


def fleet(limit: int, count: int, before: list[tuple[int, float]], leases: list[int]) -> list[Process]:
    """Make processes that sent what they did, as Redis let them, and then lose it."""
    processes = [Process(Rates(limit, None, WINDOW_S), lease) for lease in leases]
    room = limit - sum(leases)
    for who, age_s in sorted(before, key=lambda each: -each[1])[:room]:
        processes[who % count].send(LOST_S - age_s)
    for process in processes:
        lease = SliceLease(requests=process.lease)
        process.slice = sliced((limit, None), count, lease, process.rates, LOST_S)
    return processes


def most_in_a_window(times: list[float]) -> int:
    return max((sum(start <= each < start + WINDOW_S for each in times) for start in times), default=0)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_together_they_never_send_more_than_the_limit_in_any_window(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 5))
    limit = data.draw(st.integers(count, 40))
    leases = [data.draw(st.integers(0, limit // (2 * count))) for _ in range(count)]
    before = data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.floats(0.1, WINDOW_S)), max_size=60))
    processes = fleet(limit, count, before, leases)
    chance = random.Random(data.draw(st.integers(0, 99)))  # noqa: S311 - for tests
    now_s = LOST_S
    while now_s < LOST_S + 4 * WINDOW_S:
        now_s += chance.expovariate(limit / WINDOW_S)
        chance.choice(processes).send(now_s)
    times = [each for process in processes for each in process.sent]
    assert most_in_a_window(times) <= limit


def test_who_sent_nothing_before_goes_on_with_what_it_leased() -> None:
    (idle,) = fleet(60, 1, [], [10])
    assert 10 == sum(idle.send(LOST_S + 1) for _ in range(30))


def test_who_used_all_of_the_limit_goes_on_as_its_own_requests_no_longer_count() -> None:
    busy, idle = fleet(20, 2, [(0, float(age_s)) for age_s in range(1, 21)], [0, 0])
    assert not busy.send(LOST_S)
    assert not idle.send(LOST_S)
    later_s = LOST_S + WINDOW_S * (1 + GUARD) - 16  # when five of its own are past
    assert 5 == sum(busy.send(later_s) for _ in range(30))
    assert not idle.send(later_s)


def test_a_window_later_each_has_its_share() -> None:
    processes = fleet(20, 3, [(0, 1.0)] * 20, [0, 0, 0])
    later_s = LOST_S + WINDOW_S * (1 + GUARD) + 1
    assert [6, 6, 6] == [sum(process.send(later_s) for _ in range(30)) for process in processes]


def test_more_processes_than_requests_have_one_each() -> None:
    processes = fleet(2, 3, [], [0, 0, 0])
    later_s = LOST_S + 2 * WINDOW_S
    assert [1, 1, 1] == [sum(process.send(later_s) for _ in range(5)) for process in processes]


def test_who_never_reached_redis_assumes_that_many_others_share() -> None:
    rates = Rates(60, None, WINDOW_S)
    process = Process(rates, 0, sliced((60, None), None, SliceLease(), rates, LOST_S))
    assert 60 // UNKNOWN_REPLICAS == sum(process.send(LOST_S) for _ in range(30))


@pytest.mark.parametrize(("asked", "fits"), [(250, True), (251, False)])
def test_tokens_have_a_share_too(asked: int, *, fits: bool) -> None:
    rates = Rates(None, 1_000, WINDOW_S)
    own = sliced((None, 1_000), 4, SliceLease(tokens=400), rates, LOST_S)
    assert fits is own.fits(rates, asked, LOST_S + 3 * WINDOW_S)
    # The lease is more than the share: the share is the most that any process has.
    assert fits is own.fits(rates, asked, LOST_S)


def test_what_has_no_limit_always_fits() -> None:
    rates = Rates(None, None, WINDOW_S)
    assert sliced((None, None), 4, SliceLease(), rates, LOST_S).fits(rates, 10**9, LOST_S)
