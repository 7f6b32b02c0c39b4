"""What each fault does to a key and its account: who rests and for how long, who is out, who is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_scene import Scene

from reviewbot.domain.endpoint import ApiKey
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.keypool import key_id


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
