"""Several processes share keys over a real Redis: what one is told by the provider, all know."""

import asyncio
import gc
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from redis_server import RedisServer, running_redis
from world import VirtualWorld

from reviewbot.domain.endpoint import ApiKey
from reviewbot.domain.events import Event, KeyChanged
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.keypool import KeyPool, key_id
from reviewbot.llm.limiting import MemoryLimiter
from reviewbot.llm.redis_keys import RedisKeyBoard
from reviewbot.llm.redis_link import RedisDownError, RedisLink
from reviewbot.llm.redis_pulse import Pulse

FAR = 1e12
HOST = "api.example"
A, B = "sk-" + "a" * 20, "sk-" + "b" * 20


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from running_redis()


class Process:
    """A pool with its board, as one process has them; `look` is one beat of its pulse."""

    def __init__(self, url: str, keys: tuple[ApiKey, ...], world: VirtualWorld, host: str = HOST) -> None:
        surroundings = replace(world.surroundings, monotonic=lambda: world.time_s)
        self.link = RedisLink.open(url, surroundings)
        self.pulse = Pulse(self.link, surroundings)
        self.board = RedisKeyBoard(self.link, surroundings, self.pulse)
        self.events: list[KeyChanged] = []
        limiter = MemoryLimiter(None, None, surroundings)
        self.pool = KeyPool(keys, surroundings, limiter, self._observe, host, self.board)

    def _observe(self, event: Event) -> None:
        assert isinstance(event, KeyChanged)
        self.events.append(event)

    async def look(self) -> None:
        await self.pulse.beat()

    async def close(self) -> None:
        await self.pulse.aclose()
        await self.link.aclose()

    async def fail(self, key: str, kind: FaultKind, *, status: int = 500, wait_s: float | None = None) -> None:
        """Ask under a key, and be refused."""
        lease = await self.pool.lease(1, FAR)
        while lease.key != key:
            await lease.unused()
            lease = await self.pool.lease(1, FAR)
        await lease.failed(Fault(kind, "no", status=status, wait_s=wait_s))

    async def succeed(self, times: int) -> None:
        for _ in range(times):
            await (await self.pool.lease(1, FAR)).succeeded(1)

    @property
    def states(self) -> dict[str, str]:
        return {status.key_id: status.state for status in self.pool.status()}

    def state(self, key: str) -> str:
        return self.states[key_id(key)]

    def rests_s(self, key: str) -> float:
        (found,) = (status.wait_s or 0.0 for status in self.pool.status() if status.key_id == key_id(key))
        return found

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event.key_id, event.state) for event in self.events]


class Fleet:
    """Processes that share one Redis. The tests' clock does not move by itself: Redis keeps its own."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self.world = VirtualWorld()
        self._stack = stack

    def process(self, *keys: str | ApiKey, host: str = HOST) -> Process:
        taken = tuple(key if isinstance(key, ApiKey) else ApiKey(value=key) for key in keys or (A, B))
        process = Process(self.url, taken, self.world, host)
        self._stack.push_async_callback(process.close)
        return process


def share(server: RedisServer, session: Callable[[Fleet], Awaitable[None]]) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            await session(Fleet(server.url, stack))

    asyncio.run(run())


def test_a_key_that_one_process_saw_refused_is_retired_in_all_of_them(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        await one.fail(A, FaultKind.KEY, status=401)
        await one.look()
        await other.look()
        assert ("retired", "active") == (other.state(A), other.state(B))
        assert [(key_id(A), "retired")] == other.told
        assert "refused (401)" == other.events[0].reason

    share(server, session)


def test_a_process_that_begins_takes_the_states_over_before_its_first_request(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        first = fleet.process()
        await first.fail(A, FaultKind.KEY, status=403)
        await first.look()
        await first.close()
        restarted = fleet.process()
        await restarted.pulse.start()
        assert "retired" == restarted.state(A)

    share(server, session)


def test_a_refusal_is_known_elsewhere_within_a_second(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        for process in (one, other):  # on real time, as the product runs it
            process.pulse._world = replace(process.pulse._world, sleep=asyncio.sleep)
            await process.pulse.start()
        await one.fail(A, FaultKind.KEY, status=401)
        began_s = time.monotonic()
        while other.state(A) != "retired":
            assert time.monotonic() < began_s + 1.0
            await asyncio.sleep(0.01)

    share(server, session)


def test_a_rest_after_server_errors_is_kept_by_all_and_the_next_one_is_longer_for_all(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        for _ in range(2):
            await one.fail(A, FaultKind.SERVER)
        await one.look()
        await other.look()
        assert "resting" == other.state(A)
        assert 0.5 < other.rests_s(A) <= 1.0
        fleet.world.advance(1.1)
        assert "active" == other.state(A)
        await other.fail(A, FaultKind.SERVER)  # one more is enough, and rests it for twice as long
        assert 2.0 == other.rests_s(A)

    share(server, session)


def test_a_rest_does_not_go_round_and_grow(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        processes = [fleet.process() for _ in range(3)]
        await processes[0].fail(A, FaultKind.BALANCE, status=402)
        for _ in range(5):
            for process in processes:
                await process.look()
        assert 900 == processes[0].rests_s(A)
        assert all(899 < process.rests_s(A) < 900.5 for process in processes)

    share(server, session)


def test_what_was_heard_of_others_is_not_told_again_as_news(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        first, witness, late = (fleet.process() for _ in range(3))
        await first.fail(A, FaultKind.BALANCE, status=402)
        await first.look()
        await witness.look()
        await asyncio.sleep(0.3)  # by the clock of Redis; the processes' own stand still
        await witness.look()
        await late.look()
        assert late.rests_s(A) < 899.8

    share(server, session)


def test_an_account_that_was_refused_for_its_rate_rests_everywhere_with_all_its_keys(server: RedisServer) -> None:
    keys = (ApiKey(value=A, account="team"), ApiKey(value=B, account="team"), ApiKey(value="sk-other"))

    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(*keys), fleet.process(*keys)
        await one.fail(A, FaultKind.RATE, status=429, wait_s=7)
        await one.look()
        await other.look()
        assert ["slowed", "slowed", "active"] == list(other.states.values())
        for _ in range(2):
            await one.fail(A, FaultKind.RATE, status=429, wait_s=7)
        await one.look()
        await other.look()
        assert ["resting", "resting", "active"] == list(other.states.values())
        assert 6.5 < other.rests_s(B) <= 7

    share(server, session)


def test_failures_are_counted_over_all_processes(server: RedisServer) -> None:
    """Of 30 calls 10 failed: in no process alone are there the 20 calls that a judgement takes."""

    async def session(fleet: Fleet) -> None:
        processes = [fleet.process() for _ in range(3)]
        for process in processes:
            await process.look()
        for process in processes:
            for _ in range(4):
                await process.fail(A, FaultKind.TIMEOUT)
            await process.succeed(12)  # both keys take turns
            await process.look()
        for process in processes:
            await process.look()
        assert ["offline"] * 3 == [process.state(A) for process in processes]
        assert ["active"] * 3 == [process.state(B) for process in processes]
        said = next(event.reason for event in processes[0].events if event.state == "offline")
        assert "of all processes failed within 1 min" in said
        fleet.world.advance(61)
        assert "canary" == processes[0].state(A)

    share(server, session)


def test_five_percent_are_told_of_once_by_each_process_with_the_kinds_of_failures(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(A), fleet.process(A)
        for process in (one, other):
            await process.look()
        await one.fail(A, FaultKind.TIMEOUT)
        await one.fail(A, FaultKind.SERVER)
        await one.succeed(10)
        await other.succeed(10)
        for _ in range(3):
            await one.look()
            await other.look()
        for process in (one, other):
            (alert,) = (event for event in process.events if event.state == "alert")
            assert "2 of 22 calls of all processes failed within 1 min" in alert.reason
            assert "last failures: 1 server, 1 timeout" in alert.reason

    share(server, session)


def test_the_last_key_stays_however_often_it_fails(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.look()
        await one.fail(B, FaultKind.KEY, status=401)
        for _ in range(30):
            await one.fail(A, FaultKind.TIMEOUT)
        await one.look()
        await one.look()
        assert "active" == one.state(A)
        assert "alert" in [event.state for event in one.events]

    share(server, session)


def test_two_keys_that_fail_at_two_processes_do_not_both_go_offline(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        for process in (one, other):
            await process.look()
        for _ in range(30):
            await one.fail(A, FaultKind.TIMEOUT)
            await other.fail(B, FaultKind.TIMEOUT)
        for process in (one, other, one):
            await process.look()
        assert {"offline", "active"} == set(one.states.values())
        assert one.states == other.states

    share(server, session)


def test_a_new_key_proves_itself_once_for_all_processes(server: RedisServer) -> None:
    keys = (ApiKey(value=A), ApiKey(value=B))

    async def session(fleet: Fleet) -> None:
        processes = [fleet.process(A) for _ in range(3)]
        for process in processes:
            process.pool.reload(keys)
        proofs = 0
        while "canary" in processes[0].states.values():
            for process in processes:
                lease = await process.pool.lease(1, FAR)
                proofs += lease.key == B
                await lease.succeeded(1)
                await process.look()
        for process in processes:
            await process.look()
        assert 20 <= proofs <= 23  # of which three could be under way at once
        assert [{"active"}] * 3 == [set(process.states.values()) for process in processes]
        late = fleet.process(A)
        late.pool.reload(keys)
        assert "canary" == late.state(B)
        await late.look()
        assert "active" == late.state(B)

    share(server, session)


def test_a_process_that_begins_while_a_key_proves_itself_goes_on_with_the_proof(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        first = fleet.process(A)
        first.pool.reload((ApiKey(value=A), ApiKey(value=B)))
        await first.look()
        restarted = fleet.process(A, B)
        assert "active" == restarted.state(B)
        await restarted.look()
        assert "canary" == restarted.state(B)

    share(server, session)


def test_while_redis_is_down_each_process_goes_on_with_what_it_knows_and_tells_it_later(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        await one.fail(A, FaultKind.KEY, status=401)
        for process in (one, other):
            await process.look()
        server.stop()
        fleet.world.advance(4)
        await one.look()
        await other.fail(B, FaultKind.BALANCE, status=402)
        assert ("retired", "active") == (one.state(A), one.state(B))
        assert not one.board.current
        with pytest.raises(RedisDownError):
            await other.board.exchange()
        server.start()
        fleet.world.advance(2)  # past the link's rest
        await other.look()
        await one.look()
        assert "resting" == one.state(B)
        assert one.board.current

    share(server, session)


def test_without_redis_each_process_judges_by_its_own_calls(server: RedisServer) -> None:
    server.stop()

    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        await one.look()
        for _ in range(20):
            await one.fail(A, FaultKind.TIMEOUT)
        assert "offline" == one.state(A)
        assert ["alert", "offline"] == [event.state for event in one.events]

    share(server, session)


def test_a_key_that_went_offline_without_redis_is_offline_for_all_when_it_is_back(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, other = fleet.process(), fleet.process()
        for _ in range(20):
            await one.fail(A, FaultKind.TIMEOUT)  # before it heard anything: it judges alone
        await one.look()
        await other.look()
        assert "offline" == other.state(A)
        assert 59 < other.rests_s(A) <= 60

    share(server, session)


def test_pools_of_different_endpoints_do_not_meet(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one, elsewhere = fleet.process(), fleet.process(host="other.example")
        await one.fail(A, FaultKind.KEY, status=401)
        await one.look()
        await elsewhere.look()
        assert "active" == elsewhere.state(A)

    share(server, session)


def test_a_pool_that_is_gone_is_told_of_no_more(server: RedisServer) -> None:
    """As when a gateway's configuration changes, and its pools are made anew."""

    async def session(fleet: Fleet) -> None:
        one = fleet.process()
        del one.pool
        gc.collect()
        await one.look()
        assert not one.board.current

    share(server, session)


def test_an_endpoint_without_keys_has_nothing_to_tell(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        process = Process(server.url, (), fleet.world)
        await process.look()
        assert not process.board.current
        await process.close()

    share(server, session)
    assert b"*0\r\n" == server.command("KEYS reviewbot:key:*")


def test_redis_sees_no_key_no_account_and_forgets_in_the_end(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process(ApiKey(value=A, account="team-secret"), B)
        await one.fail(A, FaultKind.TIMEOUT)
        await one.fail(A, FaultKind.RATE, status=429)
        await one.fail(B, FaultKind.KEY, status=401)
        await one.look()
        names = [line for line in server.command("KEYS *").decode().split("\r\n") if line.startswith("reviewbot:")]
        assert 5 <= len(names)
        for name in names:
            assert "team-secret" not in name
            assert int(server.command(f"PTTL {name}")[1:]) > 0
        assert any(name.endswith(hashlib.sha256(B.encode()).hexdigest()[:8]) for name in names)

    share(server, session)
    dump = b"".join(server.command(f"HGETALL {name}") for name in keys_in(server) if name.count(":") == 3)
    assert b"refused (401)" in dump
    assert A.encode() not in dump
    assert B.encode() not in dump


def test_the_last_hundred_failures_are_kept(server: RedisServer) -> None:
    async def session(fleet: Fleet) -> None:
        one = fleet.process(A)
        for _ in range(3):
            for _ in range(60):
                await one.fail(A, FaultKind.TIMEOUT)
            await one.look()

    share(server, session)
    (name,) = (name for name in keys_in(server) if name.endswith(":faults"))
    assert b":100\r\n" == server.command(f"LLEN {name}")


def keys_in(server: RedisServer) -> list[str]:
    return [line for line in server.command("KEYS *").decode().split("\r\n") if line.startswith("reviewbot:")]
