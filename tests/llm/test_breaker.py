"""The breaker: opens by the rate of failures, tries with one call, and heeds nothing that is no news."""

from hypothesis import given
from hypothesis import strategies as st
from world import VirtualWorld

from reviewbot.domain.events import BreakerChanged, Event
from reviewbot.llm.breaker import Breaker


def breaker(virtual: VirtualWorld, events: list[Event] | None = None) -> Breaker:
    heard: list[Event] = [] if events is None else events
    return Breaker("api.example", "m-1", virtual.surroundings, heard.append)


def opened(virtual: VirtualWorld, events: list[Event] | None = None) -> Breaker:
    guard = breaker(virtual, events)
    for _ in range(10):
        guard.record(ok=False)
    return guard


def test_nine_failures_are_too_few_to_judge_by() -> None:
    guard = breaker(VirtualWorld())
    for _ in range(9):
        guard.record(ok=False)
    assert guard.state == "closed"
    assert guard.admit() is None


def test_ten_calls_of_which_half_failed_open_it_for_60_s() -> None:
    virtual = VirtualWorld()
    guard = breaker(virtual)
    for call in range(10):
        assert guard.admit() is None
        guard.record(ok=call % 2 == 0)
    assert guard.state == "open"
    assert guard.admit() == 60
    virtual.advance(45)
    assert guard.admit() == 15


def test_failures_that_are_fewer_than_half_keep_it_closed() -> None:
    guard = breaker(VirtualWorld())
    for call in range(300):
        guard.record(ok=call % 5 != 0)
    assert guard.state == "closed"


def test_failures_of_more_than_a_window_ago_count_no_more() -> None:
    virtual = VirtualWorld()
    guard = breaker(virtual)
    for _ in range(9):
        guard.record(ok=False)
    virtual.advance(61)
    for _ in range(9):
        guard.record(ok=False)
    assert guard.state == "closed"


def test_half_open_lets_exactly_one_of_many_through() -> None:
    virtual = VirtualWorld()
    guard = opened(virtual)
    virtual.advance(60)
    answers = [guard.admit() for _ in range(50)]
    assert answers == [None] + [1.0] * 49
    assert guard.state == "half-open"


def test_a_probe_that_succeeds_closes_it_with_a_clean_record() -> None:
    virtual = VirtualWorld()
    guard = opened(virtual)
    virtual.advance(60)
    assert guard.admit() is None
    guard.record(ok=True)
    assert guard.state == "closed"
    for _ in range(9):
        guard.record(ok=False)
    assert guard.state == "closed"


def test_a_probe_that_fails_opens_it_for_another_60_s() -> None:
    virtual = VirtualWorld()
    guard = opened(virtual)
    virtual.advance(60)
    assert guard.admit() is None
    guard.record(ok=False)
    assert guard.state == "open"
    assert guard.admit() == 60


def test_a_cancelled_probe_makes_room_for_another() -> None:
    virtual = VirtualWorld()
    guard = opened(virtual)
    virtual.advance(60)
    assert guard.admit() is None
    guard.abandon()
    assert guard.admit() is None
    assert guard.admit() == 1.0


def test_a_probe_that_is_never_heard_of_again_locks_nobody_out_for_ever() -> None:
    virtual = VirtualWorld()
    guard = opened(virtual)
    virtual.advance(60)
    assert guard.admit() is None
    virtual.advance(60)
    assert guard.admit() is None


def test_calls_that_began_before_it_opened_are_no_news() -> None:
    virtual = VirtualWorld()
    guard = opened(virtual)
    guard.record(ok=True)
    assert guard.state == "open"
    virtual.advance(60)
    assert guard.admit() is None
    guard.abandon()
    guard.record(ok=False)
    assert guard.state == "half-open"


def test_observers_hear_of_every_change_and_its_name_says_what_it_guards() -> None:
    virtual = VirtualWorld()
    events: list[Event] = []
    guard = opened(virtual, events)
    virtual.advance(60)
    guard.admit()
    guard.record(ok=True)
    states = [event.state for event in events if isinstance(event, BreakerChanged)]
    assert states == ["open", "half-open", "closed"]
    assert repr(guard) == "Breaker(api.example, m-1, closed)"


@given(st.lists(st.tuples(st.sampled_from(["admit", "ok", "bad", "abandon"]), st.floats(0, 30)), max_size=80))
def test_whatever_happens_it_lets_calls_through_again_within_two_minutes(steps: list[tuple[str, float]]) -> None:
    virtual = VirtualWorld()
    guard = breaker(virtual)
    for step, pause_s in steps:
        virtual.advance(pause_s)
        match step:
            case "admit":
                guard.admit()
            case "abandon":
                guard.abandon()
            case _:
                guard.record(ok=step == "ok")
    virtual.advance(120)
    assert guard.admit() is None


def test_quick_failures_do_not_open_it_while_most_calls_are_still_under_way() -> None:
    virtual = VirtualWorld()
    breaker = Breaker("host", "m", virtual.surroundings, lambda _: None)
    for _ in range(50):
        assert breaker.admit() is None
    for _ in range(12):
        breaker.record(False)
    for _ in range(3):
        breaker.forget()
    assert breaker.state.value == "closed"
    for _ in range(20):
        breaker.record(False)
    assert breaker.state.value == "open"
