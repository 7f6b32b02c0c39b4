"""The pool: who is asked next, who waits, what a changed file does, and what is said when all keys are out."""

import asyncio
from collections import Counter

import pytest
from pool_scene import FAR, Scene

from reviewbot.domain.endpoint import ApiKey
from reviewbot.errors import ProviderError
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.keypool import KeysExhausted, key_id
from reviewbot.llm.limiting import LimitWait


def test_equal_keys_take_turns() -> None:
    scene = Scene("sk-a", "sk-b", "sk-c")
    assert scene.run(scene.keys(9)) == ["sk-a", "sk-b", "sk-c"] * 3


def test_weights_are_kept_smoothly() -> None:
    scene = Scene(ApiKey(value="sk-a", weight=3), ApiKey(value="sk-b"))
    keys = scene.run(scene.keys(8))
    assert Counter({"sk-a": 6, "sk-b": 2}) == Counter(keys)
    assert "sk-b" in keys[:4]


@pytest.mark.parametrize(("counts", "failures"), [(True, 1), (False, 0)])
def test_what_nobody_saw_break_off_may_be_kept_from_counting(counts: bool, failures: int) -> None:
    scene = Scene("sk-a")

    async def session() -> None:
        lease = await scene.pool.lease(1, FAR)
        await lease.failed(Fault(FaultKind.BROKEN, "cut"), counts=counts)

    scene.run(session())
    assert [failures] == [key.failures for key in scene.pool.status()]


def test_an_answer_that_does_not_tell_its_tokens_leaves_the_estimate_counted() -> None:
    scene = Scene("sk-a", tokens=1_000)

    async def session() -> None:
        for _ in range(2):
            await (await scene.pool.lease(500, FAR)).succeeded(None)
        await scene.pool.lease(500, FAR)

    scene.run(session())
    assert scene.virtual.slept != []


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
        scene.limiter.admit = lambda *_: False  # type: ignore[method-assign]
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
