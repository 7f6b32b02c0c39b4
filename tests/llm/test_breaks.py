"""What breaks of one request's stream say of its endpoint, and to its reader."""

import asyncio

import pytest
from relays import call, event
from talking import World

from reviewbot.domain.events import BreakerChanged, Event
from reviewbot.errors import BudgetExceeded, ReviewbotError
from reviewbot.llm.breaker import Breaker
from reviewbot.llm.breaks import Breaks
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.orders import of_call
from reviewbot.llm.tape import Tape


def break_off(breaks: Breaks, *, streamed: bool = True) -> Fault:
    """Let a stream break off after its first content, as the client takes note of it."""

    async def work() -> Fault:
        tape = Tape()
        tape.begin("text/event-stream")
        tape.write(event("a"))
        fault = Fault(FaultKind.BROKEN, "the answer broke off", begun=True)
        await breaks.note(fault, of_call(call(streamed=streamed), "", ""), tape)
        return fault

    return asyncio.run(work())


def breaker(told: list[Event]) -> Breaker:
    return Breaker("host", "m", World().surroundings, told.append, minimum=2)


def test_an_endpoint_that_breaks_off_once_may_be_well_and_is_counted_once_for_each_request() -> None:
    breaks, its = Breaks(), breaker([])
    assert [False, True, False, False] == [breaks.judge(break_off(breaks), its) for _ in range(4)]
    assert breaks.goes_on
    assert breaks.judge(Fault(FaultKind.SERVER, "503", status=503), its), "that is no break"


def test_a_break_that_its_reader_sees_is_counted() -> None:
    breaks = Breaks()
    assert breaks.judge(break_off(breaks, streamed=False), breaker([]))
    assert not breaks.goes_on
    told: list[Event] = []
    its = breaker(told)
    for _ in range(2):
        breaks = Breaks()
        assert not breaks.judge(break_off(breaks), its)
        assert [] == told
        breaks.seen(BudgetExceeded("no money"))
    assert [BreakerChanged(endpoint="host", model="m", state="open")] == told


@pytest.mark.parametrize("error", [BudgetExceeded("no money"), Fault(FaultKind.RATE, "slow down", status=429)])
def test_why_it_did_not_go_on_is_told_after_what_broke_it(error: ReviewbotError) -> None:
    breaks, told = Breaks(), str(error)
    breaks.seen(error)
    assert told == str(error), "nothing broke off"
    first = break_off(breaks)
    for each in (first, error):
        breaks.seen(each)
    assert "the answer broke off" == str(first)
    assert f"the answer broke off; asking again did not help: {told}" == str(error)


def test_the_first_call_that_takes_a_stream_up_is_a_retry_of_its_own_kind() -> None:
    breaks, found = Breaks(), []
    for _ in range(3):
        found.append(breaks.taking_up)
        break_off(breaks)
    assert [False, True, False] == found
