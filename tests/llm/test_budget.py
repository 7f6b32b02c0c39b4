"""A budget is never exceeded, little of it is left, and what is in doubt counts as spent."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from world import VirtualWorld

from reviewbot.domain.claim import Claim, Ruling, Standing
from reviewbot.domain.events import BudgetMoved, BudgetWarned
from reviewbot.errors import BudgetExceeded, UsageError
from reviewbot.llm.budget import Budget, Limits, Reservation
from reviewbot.llm.budget_store import MemoryBudgetStore
from reviewbot.llm.prices import Price

T = TypeVar("T")
RUNS = 200
LIMIT = Decimal("0.05")
PRICE = Price(prompt=Decimal("0.15"), cached=Decimal("0.003"), completion=Decimal("0.60"))


def usd(text: str) -> Decimal:
    return Decimal(text)


def spend(
    work: Callable[[Budget], Awaitable[T]],
    *,
    run_usd: str | None = None,
    observe: Callable[[BudgetMoved | BudgetWarned], None] = lambda _: None,
) -> T:
    """Do some work with the budget of a run."""

    async def session() -> T:
        limits = Limits(run_usd=None if run_usd is None else usd(run_usd))
        return await work(Budget(limits, VirtualWorld().surroundings, observe=observe))

    return asyncio.run(session())


def warnings(heard: Iterable[BudgetMoved | BudgetWarned]) -> list[BudgetWarned]:
    return [event for event in heard if isinstance(event, BudgetWarned)]


def moves(heard: Iterable[BudgetMoved | BudgetWarned]) -> list[tuple[str, str, str, str | None]]:
    return [
        (
            event.period,
            str(event.spent_usd),
            str(event.held_usd),
            None if event.limit_usd is None else str(event.limit_usd),
        )
        for event in heard
        if isinstance(event, BudgetMoved)
    ]


async def pending(work: Coroutine[object, object, T]) -> "asyncio.Task[T]":
    """Start some work, and make sure that it waits."""
    task = asyncio.create_task(work)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    return task


def test_what_might_exceed_the_budget_is_refused_with_what_was_spent_and_what_to_do() -> None:
    async def work(budget: Budget) -> None:
        await budget.settle(await budget.reserve(usd("0.6")), usd("0.5"))
        await budget.reserve(usd("0.500001"))

    said = r"run's budget of \$1 has \$0.5000 left: \$0.5000 spent, and the next request could cost \$0.5000. Raise --b"
    with pytest.raises(BudgetExceeded, match=said):
        spend(work, run_usd="1")


def test_a_budget_can_be_spent_to_the_last_micro_dollar() -> None:
    async def work(budget: Budget) -> Decimal:
        for _ in range(2):
            await budget.settle(await budget.reserve(usd("0.5")), usd("0.5"))
        return budget.spent_usd

    assert spend(work, run_usd="1") == 1


def test_parts_of_a_micro_dollar_count_as_a_whole_one() -> None:
    async def work(budget: Budget) -> None:
        for _ in range(3):
            await budget.settle(await budget.reserve(usd("0.0000001")), usd("0.0000001"))

    with pytest.raises(BudgetExceeded):
        spend(work, run_usd="0.0000029")


def test_without_a_limit_everything_fits_and_is_counted() -> None:
    async def work(budget: Budget) -> Decimal:
        first, _ = await budget.reserve(usd("1000000")), await budget.reserve(usd("1000000"))
        await budget.settle(first, usd("12.5"))
        return budget.spent_usd

    assert spend(work) == usd("12.5")


def test_a_request_waits_for_those_in_flight_and_goes_when_they_leave_room() -> None:
    async def work(budget: Budget) -> Reservation:
        first = await budget.reserve(usd("0.9"))
        waiting = await pending(budget.reserve(usd("0.8")))
        await budget.settle(first, usd("0.2"))
        return await waiting

    assert usd("0.8") == spend(work, run_usd="1").worst_usd


def test_a_request_is_refused_as_soon_as_those_in_flight_cannot_make_room_for_it() -> None:
    async def work(budget: Budget) -> None:
        first, _ = await budget.reserve(usd("0.5")), await budget.reserve(usd("0.4"))
        waiting = await pending(budget.reserve(usd("0.8")))
        await budget.settle(first, usd("0.3"))
        await waiting

    with pytest.raises(BudgetExceeded):
        spend(work, run_usd="1")


def test_a_request_that_could_never_fit_does_not_wait() -> None:
    async def work(budget: Budget) -> None:
        await budget.reserve(usd("0.9"))
        await budget.reserve(usd("1.1"))

    with pytest.raises(BudgetExceeded):
        spend(work, run_usd="1")


def test_who_waits_is_served_before_who_comes_later_though_that_would_fit() -> None:
    async def work(budget: Budget) -> list[str]:
        order: list[str] = []

        async def ask(name: str, worst: str) -> None:
            reservation = await budget.reserve(usd(worst))
            order.append(name)
            await budget.settle(reservation, usd("0.01"))

        first = await budget.reserve(usd("0.9"))
        large = await pending(ask("large", "0.8"))
        small = await pending(ask("small", "0.05"))
        await budget.settle(first, usd("0.01"))
        await asyncio.gather(large, small)
        return order

    assert spend(work, run_usd="1") == ["large", "small"]


def test_who_leaves_the_line_takes_no_money_along() -> None:
    async def work(budget: Budget) -> Reservation:
        first = await budget.reserve(usd("0.9"))
        waiting = await pending(budget.reserve(usd("0.8")))
        behind = await pending(budget.reserve(usd("1")))
        waiting.cancel()
        await budget.settle(first, usd("0"))
        return await behind

    assert spend(work, run_usd="1").worst_usd == 1


def test_a_request_whose_cost_is_in_doubt_costs_what_was_set_aside() -> None:
    async def work(budget: Budget) -> Decimal:
        await budget.keep(await budget.reserve(usd("0.6")))
        return budget.spent_usd

    assert usd("0.6") == spend(work, run_usd="1")


def test_settling_twice_counts_once() -> None:
    async def work(budget: Budget) -> Decimal:
        reservation = await budget.reserve(usd("0.6"))
        await budget.settle(reservation, usd("0.1"))
        await budget.keep(reservation)
        await budget.settle(await budget.reserve(usd("0.9")), usd("0"))
        return budget.spent_usd

    assert usd("0.1") == spend(work, run_usd="1")


def test_passing_80_percent_is_said_once() -> None:
    heard: list[BudgetMoved | BudgetWarned] = []

    async def work(budget: Budget) -> None:
        for cost in ("0.79", "0.02", "0.02"):
            await budget.settle(await budget.reserve(usd("0.1")), usd(cost))

    spend(work, run_usd="1", observe=heard.append)
    assert [BudgetWarned(period="run", spent_usd=usd("0.81"), limit_usd=usd("1"))] == warnings(heard)


def test_days_and_months_need_a_store_that_lasts() -> None:
    with pytest.raises(UsageError, match="lasting store"):
        Budget(Limits(day_usd=Decimal(1)), VirtualWorld().surroundings)


class Calendar:
    """A run's budget within a day and a month, on a clock to move."""

    def __init__(self, **limits: Decimal) -> None:
        self.world = VirtualWorld()
        self.store = MemoryBudgetStore()
        self.heard: list[BudgetMoved | BudgetWarned] = []
        self.limits = Limits(
            run_usd=limits.get("run_usd"), day_usd=limits.get("day_usd"), month_usd=limits.get("month_usd")
        )

    def run(self, *, scope: str = "all") -> Budget:
        world = self.world.surroundings
        return Budget(self.limits, world, store=self.store, observe=self.heard.append, scope=scope)


async def paid(budget: Budget, cost: str) -> None:
    await budget.settle(await budget.reserve(usd(cost)), usd(cost))


def test_runs_of_a_day_share_its_budget_and_the_next_day_has_its_own() -> None:
    calendar = Calendar(day_usd=usd("1"))

    async def session() -> None:
        await paid(calendar.run(), "0.7")
        with pytest.raises(BudgetExceeded, match="REVIEWBOT_BUDGET_DAY, or wait for the next day"):
            await calendar.run().reserve(usd("0.4"))
        calendar.world.advance(12 * 3_600)  # it begins at noon
        await paid(calendar.run(), "0.7")
        await calendar.run().aclose()

    asyncio.run(session())


def test_days_of_a_month_share_its_budget_and_tenants_have_their_own() -> None:
    calendar = Calendar(day_usd=usd("1"), month_usd=usd("1.2"))

    async def session() -> None:
        await paid(calendar.run(), "0.9")
        calendar.world.advance(86_400)
        with pytest.raises(BudgetExceeded, match="month's budget"):
            await calendar.run().reserve(usd("0.4"))
        await paid(calendar.run(scope="other"), "0.9")
        calendar.world.advance(31 * 86_400)
        await paid(calendar.run(), "0.9")

    asyncio.run(session())
    assert [warning.period for warning in warnings(calendar.heard)] == ["day", "day", "day"]


def test_what_is_refused_for_the_day_is_not_set_aside_for_the_run() -> None:
    calendar = Calendar(run_usd=usd("1"), day_usd=usd("0.5"))

    async def session() -> None:
        budget = calendar.run()
        for _ in range(5):
            with pytest.raises(BudgetExceeded, match="day's"):
                await budget.reserve(usd("0.6"))
        await paid(budget, "0.5")

    asyncio.run(session())


def test_a_run_that_begins_late_hears_at_once_that_most_of_the_day_is_spent() -> None:
    calendar = Calendar(day_usd=usd("1"))

    async def session() -> None:
        await paid(calendar.run(), "0.8")
        calendar.heard.clear()
        await calendar.run().reserve(usd("0.1"))

    asyncio.run(session())
    assert [BudgetWarned(period="day", spent_usd=usd("0.8"), limit_usd=usd("1"))] == warnings(calendar.heard)


def test_a_run_waits_for_what_other_runs_have_in_flight() -> None:
    calendar = Calendar(run_usd=usd("2"), day_usd=usd("1"))

    async def session() -> None:
        other, budget = calendar.run(), calendar.run()
        reservation = await other.reserve(usd("0.9"))

        async def ends_later() -> None:
            await calendar.world.sleep(30)
            await other.settle(reservation, usd("0.1"))

        ending = asyncio.create_task(ends_later())
        await paid(budget, "0.8")
        await ending

    asyncio.run(session())
    assert calendar.world.time_s <= 1_000 + 32


class SlowStore(MemoryBudgetStore):
    """A store that takes a while, before and after it does what it is asked."""

    async def reserve(self, claim: Claim) -> Ruling:
        await asyncio.sleep(0)
        ruling = await super().reserve(claim)
        await asyncio.sleep(0)
        return ruling

    async def settle(self, claim: Claim, micros: int) -> tuple[Standing, ...]:
        await asyncio.sleep(0)
        standings = await super().settle(claim, micros)
        await asyncio.sleep(0)
        return standings


async def cancelled_after(rounds: int, work: Coroutine[object, object, T]) -> T | None:
    """Cancel some work after so many turns of the loop; give its result if it was done by then."""
    task = asyncio.create_task(work)
    for _ in range(rounds):
        await asyncio.sleep(0)
    task.cancel()
    (end,) = await asyncio.gather(task, return_exceptions=True)
    return None if isinstance(end, BaseException) else end


@pytest.mark.parametrize("rounds", range(12))
def test_a_reservation_cancelled_at_any_moment_leaves_nothing_set_aside(rounds: int) -> None:
    calendar = Calendar(run_usd=usd("1"), day_usd=usd("1"))
    calendar.store = SlowStore()

    async def session() -> None:
        budget = calendar.run()
        taken = await cancelled_after(rounds, budget.reserve(usd("1")))
        if taken is not None:
            await budget.settle(taken, usd("0"))
        await paid(budget, "1")

    asyncio.run(asyncio.wait_for(session(), 10))


@pytest.mark.parametrize("rounds", range(1, 8))
def test_a_settlement_cancelled_at_any_moment_is_booked_all_the_same(rounds: int) -> None:
    calendar = Calendar(run_usd=usd("1"), day_usd=usd("1"))
    calendar.store = SlowStore()

    async def session() -> None:
        budget = calendar.run()
        reservation = await budget.reserve(usd("1"))
        await cancelled_after(rounds, budget.settle(reservation, usd("0.25")))
        await paid(budget, "0.75")
        with pytest.raises(BudgetExceeded):
            await budget.reserve(usd("0.000001"))

    asyncio.run(asyncio.wait_for(session(), 10))


class BrokenStore(MemoryBudgetStore):
    """A store that fails."""

    async def reserve(self, claim: Claim) -> Ruling:
        message = f"the store is gone, so nothing is set aside for {claim.id}"
        raise BudgetExceeded(message)


def test_what_a_broken_store_refuses_is_not_set_aside_for_the_run() -> None:
    calendar = Calendar(run_usd=usd("1"), day_usd=usd("1"))
    calendar.store = BrokenStore()

    async def session() -> None:
        budget = calendar.run()
        for _ in range(3):
            with pytest.raises(BudgetExceeded, match="store is gone"):
                await budget.reserve(usd("0.6"))

    asyncio.run(session())


def test_a_budget_without_a_store_has_nothing_to_close() -> None:
    spend(lambda budget: budget.aclose())


class Provider:
    """Answers of unknown length; it bills what it did, whatever became of the answer."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - for tests
        self.billed = Decimal(0)
        self.longest = self.chance.choice([2_000, 4_000, 8_000])

    async def answer(self, prompt_tokens: int) -> Decimal | None:
        """Give an answer's cost, or None where it broke off. Raises OSError before anything is billed."""
        for _ in range(self.chance.randrange(1, 12)):
            await asyncio.sleep(0)
        fate = self.chance.random()
        if fate < 0.1:
            raise OSError
        tokens = self.longest if fate < 0.15 else min(self.longest, int(self.chance.expovariate(1 / 700)) + 1)
        cost = (prompt_tokens * PRICE.prompt + tokens * PRICE.completion) / 1_000_000
        self.billed += cost
        return None if fate > 0.97 else cost


async def worker(budget: Budget, provider: Provider) -> None:
    """Send requests until the budget ends."""
    while True:
        prompt_tokens = provider.chance.randrange(200, 8_000)
        reservation = await budget.reserve(PRICE.worst(prompt_tokens, provider.longest))
        try:
            cost = await provider.answer(prompt_tokens)
        except OSError:
            await budget.settle(reservation, Decimal(0))
            continue
        await (budget.keep(reservation) if cost is None else budget.settle(reservation, cost))


def test_50_concurrent_requests_of_unknown_length_never_exceed_the_budget_and_use_it_up() -> None:
    async def run(seed: int) -> tuple[Decimal, Decimal]:
        provider = Provider(seed)
        budget = Budget(Limits(run_usd=LIMIT), VirtualWorld().surroundings)
        ends = await asyncio.gather(*(worker(budget, provider) for _ in range(50)), return_exceptions=True)
        assert all(isinstance(end, BudgetExceeded) for end in ends)
        return provider.billed, budget.spent_usd

    runs = [asyncio.run(run(seed)) for seed in range(RUNS)]
    assert all(billed <= spent <= LIMIT for billed, spent in runs)
    used = sorted(spent / LIMIT for _, spent in runs)
    assert used[0] >= Decimal("0.85")
    assert used[RUNS // 2] >= Decimal("0.95")


def test_a_day_ends_at_midnight_utc_wherever_the_clock_stands() -> None:
    moment = datetime(2026, 1, 5, 23, 59, tzinfo=UTC)
    calendar = Calendar(day_usd=usd("1"))

    async def session() -> None:
        calendar.world.advance((moment - calendar.world.now()).total_seconds())
        await paid(calendar.run(), "1")
        calendar.world.advance(timedelta(minutes=2).total_seconds())
        await paid(calendar.run(), "1")

    asyncio.run(session())


def test_every_reservation_and_settlement_tells_how_all_budgets_stand() -> None:
    calendar = Calendar(run_usd=usd("1"), day_usd=usd("2"), month_usd=usd("3"))

    async def session() -> None:
        budget = calendar.run()
        first, second = await budget.reserve(usd("0.5")), await budget.reserve(usd("0.25"))
        await budget.settle(first, usd("0.1"))
        await budget.keep(second)

    asyncio.run(session())
    steps = [("0", "0.5"), ("0", "0.75"), ("0.1", "0.25"), ("0.35", "0")]
    expected = [
        (period, spent, held, limit)
        for spent, held in steps
        for period, limit in (("run", "1"), ("day", "2"), ("month", "3"))
    ]
    assert expected == moves(calendar.heard)


def test_a_run_without_a_limit_tells_what_it_spent() -> None:
    heard: list[BudgetMoved | BudgetWarned] = []

    async def work(budget: Budget) -> None:
        await budget.settle(await budget.reserve(usd("0.5")), usd("0.5"))

    spend(work, observe=heard.append)
    assert [("run", "0", "0.5", None), ("run", "0.5", "0", None)] == moves(heard)


def test_what_one_budget_refuses_is_told_as_set_aside_from_none() -> None:
    calendar = Calendar(run_usd=usd("1"), day_usd=usd("0.1"))

    async def session() -> None:
        with pytest.raises(BudgetExceeded):
            await calendar.run().reserve(usd("0.5"))

    asyncio.run(session())
    assert {"run": ("0", "1"), "day": ("0", "0.1")} == {
        period: (held, limit) for period, _, held, limit in moves(calendar.heard)
    }
