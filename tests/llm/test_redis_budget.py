"""Budgets in a real Redis that is lost, flushed, hangs or comes back: never overrun, and nothing counted twice."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from redis_server import RedisServer, running_redis
from world import VirtualWorld

from reviewbot.domain.claim import Cap, Claim, Fit, Ruling, Standing
from reviewbot.errors import BudgetLost, SharingLost
from reviewbot.llm.redis_budget import RedisBudgetStore
from reviewbot.llm.redis_link import RedisLink
from reviewbot.llm.redis_pulse import SETTLING_S, Pulse

AT_S = 1_800_000_000.5
DAY = Cap(period="day", account="all:day:2027-01-15", limit=1_000)
OPEN_OF_DAY = f"reviewbot:budget:{{money}}:{DAY.account}:open"
CLOCK = "reviewbot:budget:{money}:clock"
MONTH = Cap(period="month", account="all:month:2027-01", limit=5_000)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    for server in running_redis():
        server.known_to_budgets()
        yield server


@pytest.fixture
def lasting() -> Iterator[RedisServer]:
    for server in running_redis(lasting=True):
        server.known_to_budgets()
        yield server


def claim(name: str, micros: int, *caps: Cap, at_s: float = AT_S) -> Claim:
    return Claim(id=name, micros=micros, caps=caps or (DAY, MONTH), at_s=at_s, until_s=at_s + 900)


class Process:
    """A store as one process has it; `look` is one beat of its pulse."""

    def __init__(self, url: str, world: VirtualWorld, *, fail_open: bool, sliced: bool) -> None:
        surroundings = replace(world.surroundings, monotonic=lambda: world.time_s)
        self._world = world
        self.link = RedisLink.open(url, surroundings)
        self.pulse = Pulse(self.link, surroundings)
        self.store = RedisBudgetStore(self.link, surroundings, fail_open=fail_open, sliced=sliced, pulse=self.pulse)

    async def look(self) -> None:
        self._world.advance(2)  # past the rest of a link that failed
        await self.pulse.beat()

    async def spend(self, name: str, worst: int, cost: int) -> Fit:
        ruling = await self.store.reserve(claim(name, worst))
        if ruling.fit is Fit.NOW:
            await self.store.settle(claim(name, worst), cost)
        return ruling.fit

    async def spent(self) -> int:
        return (await self.store.reserve(claim("look", 10**9))).standings[0].spent

    async def die(self) -> None:
        """End without a word, as by SIGKILL."""
        await self.link.aclose()


class Fleet:
    """Processes that share one Redis, on a clock to move."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url, self._stack = url, stack
        self.world = VirtualWorld()

    def process(self, *, fail_open: bool = False, sliced: bool = True) -> Process:
        process = Process(self._url, self.world, fail_open=fail_open, sliced=sliced)
        self._stack.push_async_callback(process.link.aclose)
        return process


def share(server: RedisServer, session: Callable[[Fleet], Awaitable[None]]) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            await session(Fleet(server.url, stack))

    asyncio.run(run())


def test_without_redis_nothing_more_is_sent_and_the_caller_hears_when_to_ask_again(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.store.reserve(claim("a", 100))
        server.stop()
        with pytest.raises(BudgetLost, match="shared budget cannot be kept") as lost:
            await one.store.reserve(claim("b", 1))
        assert isinstance(lost.value, SharingLost)
        assert lost.value.wait_s > 0
        assert () == await one.store.settle(claim("a", 100), 50)

    share(server, session)
    assert [logging.WARNING] * 2 == [record.levelno for record in caplog.records]


@pytest.mark.parametrize(
    "spoil",
    [
        "CONFIG SET requirepass other",
        "CONFIG SET maxmemory 1",
        "REPLICAOF 127.0.0.1 1",
    ],
    ids=["wrong password", "out of memory", "read-only replica"],
)
def test_a_redis_that_refuses_is_as_good_as_none(server: RedisServer, spoil: str) -> None:
    async def session(fleet: Fleet) -> None:
        server.command(spoil)
        with pytest.raises(BudgetLost):
            await fleet.process().store.reserve(claim("a", 1))

    share(server, session)


def test_a_process_that_never_spent_has_nothing_to_go_on_with(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process(fail_open=True)
        await one.store.reserve(claim("a", 10))
        await one.look()
        server.stop()
        with pytest.raises(BudgetLost):
            await one.store.reserve(claim("b", 1))

    share(server, session)


def test_with_fail_open_each_process_goes_on_within_what_it_leased(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(fail_open=True), fleet.process(fail_open=True)
        for number, process in enumerate((one, other)):
            await process.pulse.beat()
            await process.spend(f"earn-{number}", 10, 10)
        for _ in range(2):
            for process in (one, other):
                await process.look()
        server.stop()
        fits = [await one.spend("a", 30, 30), await one.spend("b", 20, 20), await other.spend("c", 50, 50)]
        assert [Fit.NOW] * 3 == fits  # of 1000 a tenth, for two
        for process in (one, other):
            with pytest.raises(BudgetLost):
                await process.spend("d", 1, 1)

    share(server, session)


def test_within_its_lease_a_request_waits_for_those_in_flight(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process(fail_open=True)
        await one.pulse.beat()
        await one.spend("earn", 10, 10)
        await one.look()
        server.stop()
        first = await one.store.reserve(claim("a", 60))
        assert (Fit.NOW, Fit.LATER) == (first.fit, (await one.store.reserve(claim("b", 60))).fit)
        await one.store.settle(claim("a", 60), 40)
        ruling = await one.store.reserve(claim("b", 60))
        standing = Standing(cap=DAY, spent=50, held=0)
        assert (Fit.NOW, standing) == (ruling.fit, ruling.standings[0])

    share(server, session)


def test_what_was_spent_without_redis_is_told_once_and_the_lease_is_given_back(lasting: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(fail_open=True), fleet.process()
        await one.pulse.beat()
        await one.spend("earn", 10, 10)
        await one.look()
        await one.store.reserve(claim("before", 100))
        lasting.stop()
        await one.spend("alone", 60, 55)
        await one.store.reserve(claim("flying", 30))
        await one.store.settle(claim("before", 100), 80)
        lasting.start()
        for _ in range(2):
            await one.look()
        standing = (await other.store.reserve(claim("x", 10**9))).standings[0]
        assert 10 + 55 + 80 == standing.spent
        assert 30 <= standing.held  # what flies is still covered by the lease
        await one.store.settle(claim("flying", 30), 25)
        await one.store.aclose()
        standing = (await other.store.reserve(claim("y", 10**9))).standings[0]
        assert (10 + 55 + 80 + 25, 0) == (standing.spent, standing.held)

    share(lasting, session)


def test_what_is_leased_is_given_up_for_a_request_that_needs_it(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(fail_open=True), fleet.process(fail_open=True)
        await one.pulse.beat()
        await one.spend("earn", 10, 10)
        await one.look()
        await one.look()
        assert Fit.LATER is (await other.store.reserve(claim("all", 990))).fit
        await one.look()  # it hears that it is to give back what it has
        await one.look()  # and uses it no more
        assert Fit.NOW is (await other.store.reserve(claim("all", 990))).fit

    share(server, session)


def test_what_a_process_believes_to_have_stays_set_aside_until_it_says_otherwise(server: RedisServer) -> None:
    """The answer that tells it to give something back may be lost on its way."""

    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(fail_open=True), fleet.process()
        await one.pulse.beat()
        await one.spend("earn", 10, 10)
        await one.look()
        believed = dict(one.store._accounts.leased)
        await other.store.reserve(claim("all", 990))
        await one.look()
        assert 0 == one.store._accounts.leased[DAY.account]
        one.store._accounts.leased.update(believed)  # as if it had not heard
        await one.look()
        assert Fit.LATER is (await other.store.reserve(claim("all", 990))).fit

    share(server, session)


def test_an_answer_from_before_a_flush_that_is_heard_after_it_sets_nothing_aside(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.spend("a", 10, 10)
        asking = asyncio.create_task(one.store.reserve(claim("b", 500)))
        for _ in range(10):  # until it is sent; what is awaited in between never comes
            await asyncio.sleep(0)
            if b":1\r\n" == server.command(f"HLEN {OPEN_OF_DAY}"):
                break
        server.flush()
        # What another step of this process would have brought about meanwhile.
        server.command(f"HSET {CLOCK} epoch mended steps 50 hold {time.time() + 60}")
        one.store._accounts._epoch, one.store._accounts._steps = "mended", 50
        assert Fit.LATER is (await asking).fit
        assert {} == one.store._accounts.open
        assert b":0\r\n" == server.command(f"HLEN {OPEN_OF_DAY}")

    share(server, session)


def test_what_comes_in_while_redis_is_told_again_is_told_too(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.spend("a", 10, 10)
        accounts = one.store._accounts
        run = accounts._run

        async def late(operation: str, of: Sequence[str], **told: object) -> list[int] | None:
            said = await run(operation, of, **told)
            if operation == "restore":
                accounts.open["late"] = claim("late", 300)  # its answer was on its way
            return said

        monkeypatch.setattr(accounts, "_run", late)
        server.flush()
        await one.look()
        assert b":1\r\n" == server.command(f"HLEN {OPEN_OF_DAY}")

    share(server, session)


def test_processes_that_die_with_their_leases_cost_a_tenth_of_the_budget_together(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        for number in range(12):
            process = fleet.process(fail_open=True)
            await process.pulse.beat()
            await process.spend(f"earn-{number}", 1, 1)
            await process.look()
            await process.look()
            await process.die()
        standing = (await fleet.process().store.reserve(claim("x", 10**9))).standings[0]
        assert 12 == standing.spent
        assert 0 < standing.held <= 100

    share(server, session)


def test_a_settlement_whose_answer_was_lost_counts_once(lasting: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.store.reserve(claim("a", 100))
        await one.store.settle(claim("a", 100), 60)
        one.store._untold["a"] = (claim("a", 100), 60)  # as after a time-out, when Redis had done it
        await one.look()
        assert 60 == await one.spent()

    share(lasting, session)


def test_money_that_was_set_aside_unheard_while_redis_hung_is_free_again(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.spend("warm", 1, 1)
        with server.hanging(), pytest.raises(BudgetLost):
            await one.store.reserve(claim("a", 900))
        fleet.world.advance(10)
        assert Fit.NOW is await one.spend("b", 900, 5)
        ruling = await one.store.reserve(claim("c", 0))
        assert (6, 0) == (ruling.standings[0].spent, ruling.standings[0].held)

    share(server, session)


def test_money_that_comes_too_late_is_not_set_aside(server: RedisServer) -> None:
    """A command that waited in a hanging Redis may be carried out after its claim was given up."""

    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.store.settle(claim("late", 900), 0)
        assert Fit.LATER is (await one.store.reserve(claim("late", 900))).fit
        assert Fit.NOW is await one.spend("b", 900, 5)

    share(server, session)


def test_a_flushed_redis_is_told_what_was_spent_and_what_is_in_flight(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.spend("a", 700, 500)
        await one.store.reserve(claim("flying", 400))
        server.flush()
        ruling = await one.store.reserve(claim("b", 301))
        assert Ruling(fit=Fit.LATER, standings=ruling.standings) == ruling
        assert [(500, 400), (500, 400)] == [(standing.spent, standing.held) for standing in ruling.standings]

    share(server, session)


def test_after_a_flush_living_processes_know_what_dead_ones_spent(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        witness, dying = fleet.process(), fleet.process()
        await witness.spend("a", 100, 100)
        await dying.spend("b", 600, 600)
        await dying.die()
        await witness.look()  # half a second after it at the latest
        server.flush()
        await witness.look()
        assert 700 == await fleet.process().spent()

    share(server, session)


def test_after_a_flush_what_each_has_spent_since_the_others_looked_is_added_up(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        await one.store.reserve(claim("b", 300))
        await other.spend("a", 100, 100)  # which one has not seen
        await other.store.reserve(claim("c", 300))
        server.stop()
        for process, name in ((one, "b"), (other, "c")):
            await process.store.settle(claim(name, 300), 300)
        server.start()
        server.flush()
        await one.look()
        await other.look()
        assert 700 == await fleet.process().spent()

    share(server, session)


def test_steps_that_find_out_at_once_tell_redis_again_once(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        names = [f"flying-{number}" for number in range(20)]
        for name in names:
            await one.store.reserve(claim(name, 10))
        await other.spend("b", 300, 300)  # which one has not seen
        server.flush()
        await asyncio.gather(*(one.store.settle(claim(name, 10), 10) for name in names))
        await other.look()
        assert 500 == await fleet.process().spent()

    share(server, session)


def test_after_a_flush_a_process_that_begins_does_not_spend_before_the_others_have_told(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.spend("a", 600, 600)
        server.flush()
        begins = fleet.process()
        await begins.pulse.beat()  # the first to come
        assert Fit.LATER is (await begins.store.reserve(claim("b", 900))).fit
        await one.look()
        assert Fit.NEVER is (await begins.store.reserve(claim("b", 900))).fit

    share(server, session)


def test_an_empty_redis_is_waited_for_once_and_not_by_a_request(server: RedisServer) -> None:
    server.flush()

    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.pulse.beat()  # as a gateway does when it begins
        await asyncio.sleep(SETTLING_S + 0.1)
        assert Fit.NOW is await one.spend("a", 900, 10)
        assert Fit.NOW is await fleet.process().spend("b", 900, 10)

    share(server, session)


def test_after_a_flush_nobody_spends_until_all_have_told_what_they_have_in_flight(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        await one.spend("a", 10, 10)
        await other.store.reserve(claim("flying", 900))
        server.flush()
        assert Fit.LATER is (await one.store.reserve(claim("b", 500))).fit  # though it would fit as far as one knows
        await other.look()
        await asyncio.sleep(SETTLING_S + 0.1)  # by the clock of Redis, which nobody can move
        ruling = await one.store.reserve(claim("b", 500))
        assert (Fit.LATER, 900) == (ruling.fit, ruling.standings[0].held)
        await other.store.settle(claim("flying", 900), 1)
        assert Fit.NOW is (await one.store.reserve(claim("b", 500))).fit

    share(server, session)


def test_a_redis_that_began_with_older_data_is_told_what_happened_since(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.spend("a", 100, 100)
        await one.spend("b", 100, 100)
        server.command("HSET reviewbot:budget:{money}:all:day:2027-01-15 spent 100")
        server.command("HSET reviewbot:budget:{money}:clock steps 2")
        await one.look()
        assert 200 == await fleet.process().spent()

    share(server, session)


def test_a_redis_that_loses_everything_all_the_time_is_as_good_as_none(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.spend("a", 100, 100)

        async def in_vain(_: str) -> None:
            server.flush()

        monkeypatch.setattr(one.store._accounts, "_restore", in_vain)
        server.flush()
        with pytest.raises(BudgetLost, match="again and again"):
            await one.store.reserve(claim("b", 1))

    share(server, session)


def test_a_restart_with_its_data_counts_nothing_twice(lasting: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        await one.spend("a", 300, 200)
        await one.store.reserve(claim("flying", 300))
        lasting.stop()
        await one.store.settle(claim("flying", 300), 100)
        with pytest.raises(BudgetLost):
            await other.store.reserve(claim("b", 1))
        lasting.start()
        for _ in range(3):
            for process in (one, other):
                await process.look()
        ruling = await other.store.reserve(claim("c", 700))
        assert (Fit.NOW, 300, 0) == (ruling.fit, ruling.standings[0].spent, ruling.standings[0].held)

    share(lasting, session)


def test_a_claim_that_is_made_again_after_a_lost_answer_counts_once(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        claims = (claim("a", 600), claim("a", 600), claim("b", 400))
        assert [Fit.NOW] * 3 == [(await one.store.reserve(each)).fit for each in claims]

    share(server, session)


def test_a_store_that_ends_while_redis_is_away_says_what_it_could_not_tell(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.spend("a", 10, 10)
        server.stop()
        await one.store.aclose()

    share(server, session)
    assert "was not told of all that was spent" in caplog.text


def test_accounts_of_days_that_are_over_are_looked_at_no_more(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process(fail_open=True)
        await one.pulse.beat()
        await one.spend("a", 10, 10)
        await one.look()
        fleet.world.advance(90_000)
        steps = server.command("HGET reviewbot:budget:{money}:clock steps")
        await one.look()
        assert steps == server.command("HGET reviewbot:budget:{money}:clock steps")

    share(server, session)


def test_everything_in_redis_is_forgotten_in_the_end(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process(fail_open=True)
        await one.pulse.beat()
        await one.spend("a", 10, 10)
        await one.store.reserve(claim("b", 10))
        await one.look()

    share(server, session)
    names = [line for line in server.command("KEYS *").decode().split("\r\n") if line.startswith("reviewbot:budget")]
    assert 6 <= len(names)
    assert all(int(server.command(f"TTL {name}")[1:]) > 0 for name in names)


def test_a_process_that_is_alone_goes_on_with_all_that_it_knows_to_be_left(server: RedisServer) -> None:
    """As a job does, which lives too briefly to lease anything."""

    async def session(fleet: Fleet) -> None:
        job = fleet.process(fail_open=True, sliced=False)
        await job.spend("a", 300, 200)
        await job.store.reserve(claim("flying", 100))
        server.stop()
        fits = [(await job.store.reserve(claim(name, 700))).fit for name in ("b", "c")]
        assert [Fit.NOW, Fit.LATER] == fits
        await job.store.settle(claim("b", 700), 690)
        with pytest.raises(BudgetLost):
            await job.store.reserve(claim("d", 11))
        assert Fit.NOW is await job.spend("e", 10, 10)

    share(server, session)
