"""Room shared between tenants: no slot lost, none idle while somebody waits, and shares by weight."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import VirtualWorld

from reviewbot.domain.tenant import Tenant
from reviewbot.gateway.fairness import Entrance, FairGate, Full, Occupancy

A, B, C = (Tenant(name=name) for name in "abc")
EMPTY = Occupancy(tenant="a", running=0, waiting=0)


def gate(total: int, waiting: int = 1_000, monotonic: Callable[[], float] = lambda: 0.0) -> FairGate:
    return FairGate(total, waiting, monotonic)


async def breath() -> None:
    """Let everybody do what can be done."""
    for _ in range(5):
        await asyncio.sleep(0)


@dataclass
class Visit:
    """A request in the room, or before it, which leaves when it is told to."""

    tenant: str
    number: int
    done: asyncio.Event = field(default_factory=asyncio.Event)
    inside: bool = False
    task: "asyncio.Task[None] | None" = None

    def begin(self, entrance: Entrance) -> None:
        self.task = asyncio.create_task(self._stay(entrance))

    async def _stay(self, entrance: Entrance) -> None:
        async with entrance:
            self.inside = True
            try:
                await self.done.wait()
            finally:
                self.inside = False


TENANTS = (A, replace(B, weight=3, concurrency=2), replace(C, weight=0.5))
Step = tuple[str, int]
moments = st.lists(
    st.lists(st.tuples(st.sampled_from(["enter", "enter", "leave", "cancel"]), st.integers(0, 50)), max_size=4),
    max_size=30,
)
"""What happens in the same moment, before anybody who is concerned has heard of it."""


class Hall:
    """Plays steps against a real gate, and looks after each whether all is in order."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.gate = gate(total)
        self.visits: list[Visit] = []

    def alive(self, *, inside: bool | None = None) -> list[Visit]:
        return [
            visit
            for visit in self.visits
            if visit.task is not None and not visit.task.done() and inside in (None, visit.inside)
        ]

    def play(self, step: Step) -> None:
        kind, chance = step
        if kind == "enter":
            tenant = TENANTS[chance % 3]
            visit = Visit(tenant.name, len(self.visits))
            visit.begin(self.gate.entrance(tenant))
            self.visits.append(visit)
        elif kind == "leave" and (there := self.alive(inside=True)):
            there[chance % len(there)].done.set()
        elif kind == "cancel" and (there := self.alive()):
            victim = there[chance % len(there)].task
            assert victim is not None
            victim.cancel()

    def check(self) -> None:
        inside = Counter(visit.tenant for visit in self.alive(inside=True))
        outside = Counter(visit.tenant for visit in self.alive(inside=False))
        assert {
            (place.tenant, place.running, place.waiting)
            for place in self.gate.occupancy()
            if place.running or place.waiting
        } == {(name, inside[name], outside[name]) for name in inside | outside}
        assert inside.total() <= self.total
        assert inside["b"] <= 2
        idle = inside.total() < self.total
        assert not (idle and (outside["a"] or outside["c"])), "a slot is free, and somebody waits"
        assert not (idle and outside["b"] and inside["b"] < 2), "a slot is free, and somebody below its cap waits"
        for name in inside:
            first_outside = min((v.number for v in self.alive(inside=False) if v.tenant == name), default=10**9)
            assert all(v.number < first_outside for v in self.alive(inside=True) if v.tenant == name), "out of turn"


@settings(max_examples=300, deadline=None)
@given(total=st.integers(1, 5), plan=moments)
def test_under_any_order_of_entering_leaving_and_cancelling_no_slot_is_lost_doubled_or_idle(
    total: int, plan: list[list[Step]]
) -> None:
    async def session() -> None:
        hall = Hall(total)
        for moment in plan:
            for step in moment:
                hall.play(step)
            await breath()
            hall.check()
        while hall.alive():
            for visit in hall.alive():
                visit.done.set()
            await breath()
        assert all((place.running, place.waiting) == (0, 0) for place in hall.gate.occupancy())
        # Whatever happened: the room is as large as ever.
        again = Hall(total)
        again.gate = hall.gate
        for _ in range(total + 3):
            again.play(("enter", 0))
        await breath()
        assert len(again.alive(inside=True)) == total
        for visit in again.alive():
            assert visit.task is not None
            visit.task.cancel()
        await breath()

    asyncio.run(session())


@dataclass
class Load:
    """Tenants that always have requests waiting, in a room under a virtual clock."""

    virtual: VirtualWorld = field(default_factory=VirtualWorld)
    starts: Counter[str] = field(default_factory=Counter)
    busy_s: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)

    def run(self, total: int, tenants: dict[Tenant, float], until_s: float, waiting: int = 3) -> None:
        """``tenants`` with how long each of their requests takes."""

        async def session() -> None:
            room = gate(total, monotonic=self.virtual.monotonic)
            tasks = [
                asyncio.create_task(self._ask(room.entrance(tenant), tenant, took_s))
                for tenant, took_s in tenants.items()
                for _ in range(total + waiting)
            ]
            await self.virtual.sleep(until_s)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.virtual.run(session())

    async def _ask(self, entrance: Entrance, tenant: Tenant, took_s: float) -> None:
        while True:
            async with entrance:
                self.starts[tenant.name] += 1
                self.order.append(tenant.name)
                await self.virtual.sleep(took_s)
                self.busy_s[tenant.name] += round(took_s * 1_000)


@settings(max_examples=40, deadline=None)
@given(total=st.integers(1, 6), weights=st.lists(st.sampled_from([0.25, 0.5, 1, 2, 3, 5]), min_size=2, max_size=5))
def test_turns_of_tenants_that_all_wait_differ_by_one_at_most_once_their_weights_are_taken_into_account(
    total: int, weights: list[float]
) -> None:
    load = Load()
    tenants = {Tenant(name=f"t{number}", weight=weight): 1.0 for number, weight in enumerate(weights)}
    load.run(total, tenants, until_s=60.5)
    contended = load.starts.copy()
    contended["t0"] -= total  # it found the room empty, before anybody else had come
    assert load.starts.total() == total * 61
    for one, other in combinations(tenants, 2):
        # The bound of start-time fair queueing: one turn of each.
        apart = abs(contended[one.name] / one.weight - contended[other.name] / other.weight)
        assert apart <= 1 / one.weight + 1 / other.weight + 1e-6


def test_slots_are_shared_and_not_requests_so_that_long_answers_do_not_crowd_out_short_ones() -> None:
    load = Load()
    load.run(10, {A: 60.0, B: 1.0}, until_s=3_600)
    share = load.busy_s["b"] / load.busy_s.total()
    assert 0.45 < share < 0.55


def test_twice_the_weight_is_twice_the_room() -> None:
    load = Load()
    load.run(9, {A: 7.0, replace(B, weight=2): 3.0}, until_s=2_000)
    assert 1.9 < load.busy_s["b"] / load.busy_s["a"] < 2.1


def test_a_small_weight_among_large_ones_gets_little_but_does_not_starve() -> None:
    load = Load()
    load.run(2, {replace(A, weight=100): 1.0, replace(B, weight=0.5): 1.0}, until_s=1_000)
    assert 8 <= load.starts["b"] <= 12


@pytest.mark.parametrize("flood", [10, 400])
def test_a_tenant_that_floods_delays_another_ones_turn_by_one_slot_at_most(flood: int) -> None:
    virtual = VirtualWorld()

    async def ask(entrance: Entrance, began: list[float]) -> None:
        async with entrance:
            began.append(virtual.time_s)
            await virtual.sleep(1)

    async def session() -> float:
        room = gate(1, monotonic=virtual.monotonic)
        flooding = [asyncio.create_task(ask(room.entrance(A), [])) for _ in range(flood)]
        await virtual.sleep(5.5)
        asked_s, began = virtual.time_s, list[float]()
        await ask(room.entrance(B), began)
        for task in flooding:
            task.cancel()
        await asyncio.gather(*flooding, return_exceptions=True)
        return began[0] - asked_s

    assert virtual.run(session()) == 0.5


def test_who_was_away_has_saved_up_nothing() -> None:
    load = Load()

    async def session() -> list[str]:
        room = gate(1, monotonic=load.virtual.monotonic)
        alone = asyncio.create_task(load._ask(room.entrance(A), A, 1.0))
        second = asyncio.create_task(load._ask(room.entrance(A), A, 1.0))
        await load.virtual.sleep(500.5)
        load.order.clear()
        others = [asyncio.create_task(load._ask(room.entrance(B), B, 1.0)) for _ in range(2)]
        await load.virtual.sleep(10)
        for task in (alone, second, *others):
            task.cancel()
        await asyncio.gather(alone, second, *others, return_exceptions=True)
        return load.order

    assert Counter(a=5, b=5) == Counter(load.virtual.run(session()))


def test_who_was_held_back_by_its_own_limit_has_saved_up_nothing_either() -> None:
    load = Load()
    capped = replace(A, concurrency=1)

    async def session() -> float:
        room = gate(4, monotonic=load.virtual.monotonic)
        tasks = [asyncio.create_task(load._ask(room.entrance(tenant), tenant, 1.0)) for tenant in (capped, B) * 8]
        await load.virtual.sleep(300.5)
        assert 290 <= load.starts["a"] <= 301
        before = load.starts.copy()
        uncapped = replace(capped, concurrency=None)
        room.entrance(uncapped)
        await load.virtual.sleep(100)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return load.starts["a"] - before["a"]

    assert 195 <= load.virtual.run(session()) <= 205


def test_more_than_may_wait_are_refused_with_the_time_that_the_others_will_take() -> None:
    virtual = VirtualWorld()

    async def session() -> list[float]:
        room = gate(2, waiting=3, monotonic=virtual.monotonic)
        visits = [Visit("a", number) for number in range(5)]
        for visit in visits:
            visit.begin(room.entrance(A))
        await breath()
        said = [await refused(room.entrance(A))]
        assert room.occupancy() == (Occupancy(tenant="a", running=2, waiting=3),)
        virtual.advance(1_000)
        for visit in visits[:2]:
            visit.done.set()
        await breath()
        for number in range(2):
            visits.append(Visit("a", number))
            visits[-1].begin(room.entrance(A))
        await breath()
        said.append(await refused(room.entrance(A)))
        for visit in visits:
            visit.done.set()
        await breath()
        return said

    assert [2.0, 60.0] == virtual.run(session())


async def refused(entrance: Entrance) -> float:
    with pytest.raises(Full) as caught:
        await entrance.__aenter__()
    return caught.value.retry_after_s


def test_one_tenants_full_line_is_no_others_and_the_message_says_what_to_do() -> None:
    async def session() -> str:
        room = gate(1, waiting=1)
        visits = [Visit("a", 0), Visit("a", 1), Visit("b", 0)]
        for visit, tenant in zip(visits, (A, A, B), strict=True):
            visit.begin(room.entrance(tenant))
        await breath()
        assert [0, 1] == [place.running for place in room.occupancy()[::-1]]
        with pytest.raises(Full) as caught:
            await room.entrance(A).__aenter__()
        for visit in visits:
            visit.done.set()
        await breath()
        return str(caught.value)

    assert asyncio.run(session()) == "1 requests of 'a' wait for room already: ask again in 1 s, and send fewer at once"


def test_who_waits_hears_of_more_room_at_once() -> None:
    async def session() -> list[list[bool]]:
        room = gate(1)
        visits = [Visit("a", number) for number in range(4)]
        for visit in visits:
            visit.begin(room.entrance(replace(A, concurrency=2)))
        seen = []
        for widen in (lambda: None, lambda: room.resize(3, 10), lambda: room.entrance(A)):
            widen()
            await breath()
            seen.append([visit.inside for visit in visits])
        for visit in visits:
            visit.done.set()
        await breath()
        return seen

    first, larger_room, no_cap = asyncio.run(session())
    assert [True, False, False, False] == first
    assert [True, True, False, False] == larger_room
    assert [True, True, True, False] == no_cap


def test_less_room_disturbs_nobody_who_is_inside() -> None:
    async def session() -> list[bool]:
        room = gate(3)
        visits = [Visit("a", number) for number in range(4)]
        for visit in visits:
            visit.begin(room.entrance(A))
        await breath()
        room.resize(1, 10)
        seen = [visit.inside for visit in visits]
        for visit in visits[:2]:
            visit.done.set()
        await breath()
        seen.append(visits[3].inside)
        visits[2].done.set()
        await breath()
        seen.append(visits[3].inside)
        visits[3].done.set()
        await breath()
        return seen

    assert [True, True, True, False, False, True] == asyncio.run(session())


def test_a_turn_that_comes_while_its_request_is_cancelled_goes_to_the_next() -> None:
    async def session() -> list[bool]:
        room = gate(1)
        visits = [Visit("a", number) for number in range(3)]
        for visit in visits:
            visit.begin(room.entrance(A))
        await breath()
        visits[0].done.set()
        await asyncio.sleep(0)
        assert room.occupancy()[0].waiting == 1, "the second has been given the slot"
        seen = [visits[1].inside]
        assert visits[1].task is not None
        visits[1].task.cancel()
        await breath()
        seen += [visits[1].inside, visits[2].inside]
        visits[2].done.set()
        await breath()
        assert room.occupancy() == (EMPTY,)
        return seen

    assert [False, False, True] == asyncio.run(session())


def test_who_left_before_its_turn_is_passed_over_even_in_the_same_moment() -> None:
    async def session() -> list[bool]:
        room = gate(1)
        visits = [Visit("a", number) for number in range(3)]
        for visit in visits:
            visit.begin(room.entrance(A))
        await breath()
        visits[0].done.set()
        assert visits[1].task is not None
        visits[1].task.cancel()
        await breath()
        seen = [visit.inside for visit in visits]
        visits[2].done.set()
        await breath()
        assert room.occupancy() == (EMPTY,)
        return seen

    assert [False, False, True] == asyncio.run(session())


def test_an_error_inside_gives_the_slot_back() -> None:
    async def session() -> FairGate:
        room = gate(1)
        with pytest.raises(ZeroDivisionError):
            async with room.entrance(A):
                raise ZeroDivisionError
        return room

    assert asyncio.run(session()).occupancy() == (EMPTY,)
