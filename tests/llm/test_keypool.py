"""The pool: who is asked next, who rests and for how long, who is out, and what is said when all are."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import VirtualWorld

from reviewbot.domain.endpoint import ApiKey
from reviewbot.domain.events import Event, KeyChanged
from reviewbot.errors import ProviderError
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.keypool import KeyPool, KeysExhausted, Lease, key_id
from reviewbot.llm.limiting import LimitWait, MemoryLimiter

FAR = 1e9
T = TypeVar("T")


class Scene:
    """A pool in a virtual world, with its events."""

    def __init__(self, *keys: ApiKey | str, requests: int | None = None, tokens: int | None = None) -> None:
        self.virtual = VirtualWorld()
        self.events: list[KeyChanged] = []
        self.limiter = MemoryLimiter(requests, tokens, self.virtual.surroundings)
        self.pool = KeyPool([as_key(key) for key in keys], self.virtual.surroundings, self.limiter, self._observe)

    def _observe(self, event: Event) -> None:
        assert isinstance(event, KeyChanged)
        self.events.append(event)

    def run(self, session: Coroutine[Any, Any, T]) -> T:
        return self.virtual.run(session)

    @property
    def states(self) -> list[str]:
        return [status.state for status in self.pool.status()]

    @property
    def told(self) -> list[str]:
        """Which states observers heard of."""
        return [event.state for event in self.events]

    async def lease(self, tokens: int = 1) -> Lease:
        return await self.pool.lease(tokens, FAR)

    async def fail(self, kind: FaultKind, *, wait_s: float | None = None, status: int | None = None) -> None:
        await (await self.lease()).failed(Fault(kind, "no", wait_s=wait_s, status=status))

    async def succeed(self, times: int = 1) -> None:
        for _ in range(times):
            await (await self.lease()).succeeded(1)

    async def keys(self, count: int) -> list[str | None]:
        leases = [await self.lease() for _ in range(count)]
        return [lease.key for lease in leases]


def as_key(key: ApiKey | str) -> ApiKey:
    return ApiKey(value=key) if isinstance(key, str) else key


def test_equal_keys_take_turns() -> None:
    scene = Scene("sk-a", "sk-b", "sk-c")
    assert scene.run(scene.keys(9)) == ["sk-a", "sk-b", "sk-c"] * 3


def test_weights_are_kept_smoothly() -> None:
    scene = Scene(ApiKey(value="sk-a", weight=3), ApiKey(value="sk-b"))
    keys = scene.run(scene.keys(8))
    assert Counter({"sk-a": 6, "sk-b": 2}) == Counter(keys)
    assert "sk-b" in keys[:4]


def test_the_key_with_more_room_is_asked_more_often() -> None:
    scene = Scene("sk-a", "sk-b", requests=20)

    async def session() -> Counter[str | None]:
        for _ in range(10):
            await scene.limiter.acquire(key_id("sk-a"), 1, FAR)
        return Counter(await scene.keys(12))

    counted = scene.run(session())
    assert counted["sk-b"] >= counted["sk-a"] + 4


def test_a_key_without_room_is_asked_only_when_no_other_has_any() -> None:
    scene = Scene("sk-a", "sk-b", requests=2)

    async def session() -> list[str | None]:
        for _ in range(2):
            await scene.limiter.acquire(key_id("sk-a"), 1, FAR)
        return await scene.keys(2)

    assert scene.run(session()) == ["sk-b", "sk-b"]
    assert scene.virtual.slept == []


def test_keys_of_one_account_share_its_limit() -> None:
    scene = Scene(ApiKey(value="sk-a", account="team"), ApiKey(value="sk-b", account="team"), requests=2)

    async def session() -> None:
        await scene.keys(3)

    scene.run(session())
    assert scene.virtual.time_s > 1_060


def test_where_one_account_is_full_until_the_deadline_another_is_taken() -> None:
    scene = Scene("sk-a", "sk-b", tokens=1_000)

    async def session() -> None:
        # Both have room, but only the second has enough.
        await scene.limiter.acquire(key_id("sk-a"), 500, FAR)
        await scene.limiter.acquire(key_id("sk-b"), 400, FAR)
        seen = {(await scene.pool.lease(600, scene.virtual.time_s + 5)).key}
        assert {"sk-b"} == seen
        with pytest.raises(LimitWait):
            await scene.pool.lease(900, scene.virtual.time_s + 5)

    scene.run(session())


def test_an_endpoint_without_keys_is_limited_all_the_same() -> None:
    scene = Scene(requests=1)

    async def session() -> None:
        lease = await scene.lease()
        assert (lease.key, lease.key_id, lease.account) == (None, None, "default")
        await lease.succeeded(5)
        await (await scene.lease()).failed(Fault(FaultKind.RATE, "slow", status=429))
        with pytest.raises(LimitWait):
            await scene.pool.lease(1, scene.virtual.time_s + 1)

    scene.run(session())
    assert scene.pool.status() == ()


def test_a_lease_settles_what_was_really_used() -> None:
    scene = Scene("sk-a", tokens=1_000)

    async def used() -> float:
        return round(scene.limiter.rates(key_id("sk-a")).tokens.used(scene.virtual.time_s))

    async def session() -> None:
        lease = await scene.pool.lease(800, FAR)
        await lease.succeeded(100)
        await lease.succeeded(100)  # once is enough
        assert await used() == 100
        await (await scene.pool.lease(300, FAR)).failed(Fault(FaultKind.RATE, "no"))
        assert await used() == 100
        await (await scene.pool.lease(300, FAR)).failed(Fault(FaultKind.TIMEOUT, "half an answer may be billed"))
        assert await used() == 400

    scene.run(session())


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_retired_for_good(status: int) -> None:
    scene = Scene("sk-a", "sk-b")

    async def session() -> None:
        await scene.fail(FaultKind.KEY, status=status)
        scene.virtual.advance(1e6)
        assert await scene.keys(3) == ["sk-b"] * 3

    scene.run(session())
    assert scene.states == ["retired", "active"]
    assert scene.pool.status()[0].wait_s is None
    assert scene.events[0].reason == f"refused ({status})"


def test_when_no_key_can_ever_return_the_error_lists_each_with_its_reason_and_no_key() -> None:
    scene = Scene("sk-secret-a", "sk-secret-b")

    async def session() -> None:
        await scene.fail(FaultKind.KEY, status=401)
        await scene.fail(FaultKind.KEY, status=403)
        with pytest.raises(KeysExhausted) as error:
            await scene.lease()
        assert error.value.wait_s is None
        assert isinstance(error.value, ProviderError)
        assert f"{key_id('sk-secret-a')} retired: refused (401)" in str(error.value)
        assert f"{key_id('sk-secret-b')} retired: refused (403)" in str(error.value)
        assert "sk-secret" not in str(error.value)

    scene.run(session())
    assert scene.virtual.slept == []


def test_one_429_slows_the_key_and_does_not_rest_it() -> None:
    scene = Scene("sk-a", requests=100)

    async def session() -> None:
        await scene.fail(FaultKind.RATE, wait_s=30, status=429)
        assert scene.states == ["slowed"]
        assert scene.limiter.rates(key_id("sk-a")).pace.share(scene.virtual.time_s) == 0.5
        await scene.lease()
        assert scene.virtual.time_s < 1_002
        scene.virtual.advance(60)
        assert scene.states == ["active"]

    scene.run(session())


@pytest.mark.parametrize(("wait_s", "rest_s"), [(7.0, 7.0), (None, 60.0)])
def test_the_third_429_within_a_minute_rests_the_whole_account(wait_s: float | None, rest_s: float) -> None:
    scene = Scene(ApiKey(value="sk-a", account="team"), ApiKey(value="sk-b", account="team"))

    async def session() -> None:
        for _ in range(3):
            await scene.fail(FaultKind.RATE, wait_s=wait_s, status=429)
        assert scene.states == ["resting", "resting"]
        assert {rest_s} == {status.wait_s for status in scene.pool.status()}
        start_s = scene.virtual.time_s
        await scene.lease()
        assert rest_s == pytest.approx(scene.virtual.time_s - start_s)

    scene.run(session())


def test_429s_more_than_a_minute_apart_rest_nobody() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        for _ in range(5):
            await scene.fail(FaultKind.RATE, wait_s=1, status=429)
            scene.virtual.advance(31)

    scene.run(session())
    assert "resting" not in scene.told


def test_429s_to_what_was_sent_before_the_rest_make_it_no_longer() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        crowd = [await scene.lease() for _ in range(30)]
        scene.virtual.advance(0.5)
        for lease in crowd:
            await lease.failed(Fault(FaultKind.RATE, "no", wait_s=5))
            scene.virtual.advance(0.01)
        assert (scene.pool.status()[0].wait_s or 0) <= 5
        scene.virtual.advance(5)
        await scene.fail(FaultKind.RATE, wait_s=5)
        assert scene.states == ["slowed"]

    scene.run(session())


def test_402_rests_the_account_for_15_minutes_and_other_accounts_go_on() -> None:
    scene = Scene(ApiKey(value="sk-a", account="one"), ApiKey(value="sk-b", account="one"), "sk-c")

    async def session() -> None:
        await scene.fail(FaultKind.BALANCE, status=402)
        assert await scene.keys(4) == ["sk-c"] * 4
        scene.virtual.advance(899)
        assert scene.states == ["resting", "resting", "active"]
        scene.virtual.advance(1)
        assert scene.states == ["active"] * 3

    scene.run(session())
    assert [(event.state, event.reason) for event in scene.events[:2]] == [("resting", "402, no balance")] * 2


def test_a_429_during_a_rest_for_money_makes_it_no_shorter() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        leases = [await scene.lease() for _ in range(4)]
        for lease in leases[:3]:
            await lease.failed(Fault(FaultKind.RATE, "no", wait_s=1000))
        await leases[3].failed(Fault(FaultKind.BALANCE, "no"))
        await leases[3].failed(Fault(FaultKind.BALANCE, "said twice"))
        assert scene.pool.status()[0].wait_s == 1000

    scene.run(session())


def test_a_key_that_is_retired_in_the_moment_of_its_turn_is_not_used() -> None:
    scene = Scene("sk-a", "sk-b", tokens=1_000)

    async def session() -> None:
        lease = await scene.lease()
        acquire = scene.limiter.acquire

        async def slow(account: str, tokens: int, deadline_at: float) -> None:
            await acquire(account, tokens, deadline_at)
            if account == key_id("sk-a"):
                await lease.failed(Fault(FaultKind.KEY, "no", status=401))

        scene.limiter.acquire = slow  # type: ignore[method-assign]
        assert {(await scene.pool.lease(300, FAR)).key for _ in range(3)} == {"sk-b"}
        assert scene.limiter.capacity(key_id("sk-a")) == 1.0

    scene.run(session())


def test_when_all_rest_past_the_deadline_the_error_says_for_how_long() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        await scene.fail(FaultKind.BALANCE, status=402)
        with pytest.raises(KeysExhausted, match=r"resting: 402, no balance.*returns in 900 s") as error:
            await scene.pool.lease(1, scene.virtual.time_s + 600)
        assert error.value.wait_s == 900

    scene.run(session())


def test_server_errors_in_a_row_rest_a_key_1_s_doubling_to_30_s() -> None:
    scene = Scene("sk-a")

    async def session() -> list[float]:
        await scene.fail(FaultKind.SERVER, status=500)
        assert scene.states == ["active"]
        rests = []
        for _ in range(7):
            await scene.fail(FaultKind.SERVER, status=500)
            rests.append(round(scene.pool.status()[0].wait_s or 0, 3))
        return rests

    assert scene.run(session()) == [1, 2, 4, 8, 16, 30, 30]
    assert scene.events[0].reason == "2 server errors in a row"


def test_a_success_resets_the_rests_for_server_errors() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        for _ in range(4):
            await scene.fail(FaultKind.SERVER, status=503)
        await scene.succeed()
        await scene.fail(FaultKind.SERVER, status=503)
        assert scene.states == ["active"]
        await scene.fail(FaultKind.SERVER, status=503)
        assert scene.pool.status()[0].wait_s == 1

    scene.run(session())


def test_server_errors_to_what_was_sent_before_the_rest_do_not_double_it() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        crowd = [await scene.lease() for _ in range(10)]
        scene.virtual.advance(0.1)
        for lease in crowd:
            await lease.failed(Fault(FaultKind.SERVER, "no", status=500))
        assert scene.pool.status()[0].wait_s == 1

    scene.run(session())


def test_all_who_wait_for_a_resting_key_go_on_when_another_comes() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        await scene.fail(FaultKind.BALANCE, status=402)
        waiting = [asyncio.create_task(scene.lease()) for _ in range(3)]
        await scene.virtual.sleep(10)
        scene.pool.reload([ApiKey(value="sk-a"), ApiKey(value="sk-b")])
        assert {"sk-b"} == {(await task).key for task in waiting}
        assert scene.virtual.time_s == 1_010

    scene.run(session())


def test_who_waits_for_the_limit_of_a_key_that_is_retired_takes_another() -> None:
    scene = Scene("sk-a", requests=1)

    async def session() -> None:
        lease = await scene.lease()
        waiting = [asyncio.create_task(scene.lease()) for _ in range(3)]
        await scene.virtual.sleep(1)
        scene.pool.reload([ApiKey(value="sk-a"), ApiKey(value="sk-b"), ApiKey(value="sk-c"), ApiKey(value="sk-d")])
        await lease.failed(Fault(FaultKind.KEY, "no", status=401))
        assert {"sk-b", "sk-c", "sk-d"} == {(await task).key for task in waiting}
        assert scene.virtual.time_s < 1_002
        assert len(scene.limiter.rates(key_id("sk-a")).log.times) == 1

    scene.run(session())


def test_a_cancelled_lease_leaves_nothing_behind() -> None:
    scene = Scene("sk-a", requests=1)

    async def session() -> None:
        await scene.lease()
        waiting = asyncio.create_task(scene.lease())
        await scene.virtual.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        start_s = scene.virtual.time_s
        await scene.lease()
        assert scene.virtual.time_s - start_s < 61

    scene.run(session())


def test_a_key_that_fails_too_often_goes_offline_and_comes_back_as_a_canary() -> None:
    scene = Scene("sk-a", "sk-b")

    async def session() -> None:
        late = await scene.lease()
        await scene.lease()
        for call in range(40):
            lease = await scene.lease()
            if lease.key == "sk-a" and call % 4 == 0:
                await lease.failed(Fault(FaultKind.TIMEOUT, "no"))
            else:
                await lease.succeeded(1)
        assert scene.states == ["offline", "active"]
        assert await scene.keys(5) == ["sk-b"] * 5
        await late.failed(Fault(FaultKind.TIMEOUT, "sent before it went offline"))
        scene.virtual.advance(60)
        assert scene.states == ["canary", "active"]
        assert (await scene.keys(100)).count("sk-a") == 10
        while scene.states[0] == "canary":
            await scene.succeed()
        assert (await scene.keys(100)).count("sk-a") == 50

    scene.run(session())
    assert scene.told == ["alert", "offline", "canary", "active"]
    assert scene.events[1].reason == "10 of 20 calls failed within 5 min"


def test_the_last_key_never_goes_offline() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        for _ in range(30):
            await scene.fail(FaultKind.TIMEOUT)

    scene.run(session())
    assert scene.told == ["alert"]


def test_failures_above_5_percent_alert_once_for_each_crossing() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        for _ in range(2):
            await scene.succeed(18)
            await scene.fail(FaultKind.BROKEN)
            await scene.fail(FaultKind.MALFORMED)
            await scene.fail(FaultKind.TRUNCATED)
            assert scene.pool.status()[0].failures == 3
            scene.virtual.advance(301)
            await scene.succeed()

    scene.run(session())
    assert scene.told == ["alert", "alert"]
    # At the 20th call, before which there are too few to judge by.
    assert scene.events[0].reason == "2 of 20 calls failed within 5 min"


@pytest.mark.parametrize(
    "kind", [FaultKind.RATE, FaultKind.REQUEST, FaultKind.CONFLICT, FaultKind.EMPTY, FaultKind.ADDRESS]
)
def test_limits_and_wrong_requests_are_no_failures_of_a_key(kind: FaultKind) -> None:
    scene = Scene("sk-a", "sk-b")

    async def session() -> None:
        leases = [await scene.lease() for _ in range(60)]
        scene.virtual.advance(1)
        for lease in leases:
            await lease.failed(Fault(kind, "no", wait_s=1))
            scene.virtual.advance(31)

    scene.run(session())
    assert {(0, 0)} == {(status.calls, status.failures) for status in scene.pool.status()}
    assert not {"alert", "offline", "retired"} & set(scene.told)


def test_new_keys_of_a_changed_file_prove_themselves_with_a_tenth_of_the_traffic() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        scene.pool.reload([ApiKey(value="sk-a"), ApiKey(value="sk-b")])
        assert scene.states == ["active", "canary"]
        used = Counter[str | None]()
        while "canary" in scene.states:
            lease = await scene.lease()
            used[lease.key] += 1
            await lease.succeeded(1)
        assert used["sk-b"] == 20
        assert 190 <= used.total() <= 200
        assert scene.states == ["active", "active"]

    scene.run(session())
    assert scene.told == ["canary", "active"]


def test_canaries_alone_share_all_of_the_traffic() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        scene.pool.reload([ApiKey(value="sk-b", weight=2), ApiKey(value="sk-c")])
        assert Counter({"sk-b": 20, "sk-c": 10}) == Counter(await scene.keys(30))

    scene.run(session())


def test_many_canaries_leave_half_of_the_traffic_to_proven_keys() -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        scene.pool.reload([ApiKey(value="sk-a"), *(ApiKey(value=f"sk-{number}") for number in range(10))])
        assert (await scene.keys(100)).count("sk-a") == 50

    scene.run(session())


def test_vanished_keys_are_dropped_and_retired_ones_stay_retired() -> None:
    scene = Scene("sk-a", "sk-b")

    async def session() -> None:
        lease = await scene.lease()
        await scene.fail(FaultKind.KEY, status=401)  # sk-b
        scene.pool.reload([ApiKey(value="sk-c")])
        await lease.succeeded(1)
        assert await scene.keys(3) == ["sk-c"] * 3
        scene.pool.reload([ApiKey(value="sk-b"), ApiKey(value="sk-c", weight=4, account="team")])
        assert scene.states == ["retired", "canary"]
        assert scene.pool.status()[1].account == "team"
        scene.pool.reload([])
        with pytest.raises(KeysExhausted, match="holds none"):
            await scene.lease()

    scene.run(session())


def test_keys_that_an_endpoint_gets_for_the_first_time_need_no_proof() -> None:
    scene = Scene()
    scene.pool.reload([ApiKey(value="sk-a")])
    assert scene.states == ["active"]


def test_a_key_listed_twice_is_one_key() -> None:
    assert len(Scene("sk-a", "sk-a").pool.status()) == 1


def test_no_repr_and_no_event_shows_a_key() -> None:
    scene = Scene("sk-secret")

    async def session() -> None:
        lease = await scene.lease()
        assert f"Lease({key_id('sk-secret')})" == repr(lease)
        await lease.failed(Fault(FaultKind.KEY, "sk-secret is wrong", status=401))

    scene.run(session())
    shown = [*map(repr, scene.events), *map(repr, scene.pool.status()), repr(scene.pool)]
    shown += map(repr, scene.pool._keys.values())
    assert not any("sk-secret" in text for text in shown)
    assert repr(scene.pool) == "KeyPool(default, 1 keys)"


def test_a_pool_works_in_one_loop_after_another() -> None:
    scene = Scene("sk-a")

    async def waiting() -> None:
        await scene.fail(FaultKind.BALANCE)
        task = asyncio.create_task(scene.lease())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not task.done()  # and dies with its loop

    scene.run(waiting())
    scene.virtual.advance(900)
    assert scene.run(scene.keys(1)) == ["sk-a"]


_FAULTS = st.sampled_from([None, None, None, *(kind for kind in FaultKind if kind is not FaultKind.KEY)])


@given(st.lists(st.tuples(_FAULTS, st.sampled_from([None, 0.5, 20.0]), st.floats(0, 5)), max_size=60))
def test_whatever_happens_every_key_that_is_not_retired_returns(
    steps: list[tuple[FaultKind | None, float | None, float]],
) -> None:
    scene = Scene("sk-a", ApiKey(value="sk-b", account="team"), ApiKey(value="sk-c", account="team"))

    async def session() -> None:
        for kind, wait_s, pause_s in steps:
            lease = await scene.lease()
            await scene.virtual.sleep(pause_s)
            await (lease.succeeded(3) if kind is None else lease.failed(Fault(kind, "no", wait_s=wait_s)))
        scene.virtual.advance(901)
        assert not {"resting", "offline", "retired"} & set(scene.states)
        assert set(await scene.keys(60)) == {"sk-a", "sk-b", "sk-c"}

    scene.run(session())
