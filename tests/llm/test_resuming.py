"""Streams that broke off and are taken up: their reader hears one whole answer, or is told of the break."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from relays import DONE, PLAIN, USAGE, Heard, Response, call, event, kind, relayed

from reviewbot.errors import WireError
from reviewbot.llm import resuming
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.relaying import relay
from reviewbot.llm.stream import Limits
from reviewbot.llm.tallying import OVERLOADED
from reviewbot.llm.tape import Tape

CUT = WireError("the connection was closed", passing=True, connected=True)


def delta(finish: str | None = None, **parts: object) -> bytes:
    choice = {"index": 0, "delta": parts, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "2", "choices": [choice]}).encode() + b"\n\n"


def broken(*parts: bytes) -> Tape:
    heard = relayed(*parts, CUT)
    assert FaultKind.BROKEN == kind(heard)
    return heard.tape


def surveyed(tape: Tape, choices: int = 1) -> bool:
    return asyncio.run(resuming.survey(call(streamed=True, choices=choices), tape))


def said(heard: Heard) -> list[Mapping[str, object]]:
    lines = [line for line in heard.said.decode().split("\n\n") if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def texts(heard: Heard, field: str = "content") -> str:
    found = [event["choices"][0]["delta"].get(field) for event in said(heard) if event["choices"]]  # type: ignore[index]
    return "".join(text or "" for text in found)


def pieces_of(text: str, cuts: Sequence[int]) -> list[str]:
    at = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[begin:end] for begin, end in pairwise(at)]


CUTS = st.lists(st.integers(0, 30), max_size=6)


@given(st.text(min_size=1, max_size=30), CUTS, st.lists(CUTS, min_size=1, max_size=3), st.data())
def test_however_often_it_breaks_off_and_however_it_is_cut_the_reader_hears_it_once(
    text: str, first: Sequence[int], others: Sequence[Sequence[int]], data: st.DataObject
) -> None:
    pieces = pieces_of(text, first)
    kept = data.draw(st.integers(1, len(pieces)))
    tape = broken(event("", id="1"), *(event(piece, id="1") for piece in pieces[:kept]))
    for cuts in others[1:]:
        again = pieces_of(text, cuts)
        upto = data.draw(st.integers(0, len(again)))
        assert FaultKind.BROKEN == kind(relayed(*(event(piece, id="2") for piece in again[:upto]), CUT, tape=tape))
    last = [event(piece, id="3") for piece in pieces_of(text, others[0])]
    heard = relayed(event("", id="3"), *last, event("", "stop", id="3"), USAGE, DONE, tape=tape)
    assert heard.answer is not None
    assert heard.answer.fit
    assert text == texts(heard)
    assert {"1"} == {each["id"] for each in said(heard)}
    assert heard.said.endswith(DONE)
    assert 5 == heard.completion.usage.prompt_tokens
    assert heard.said.decode() == heard.completion.text
    assert heard.tape.begun_at == heard.answer.first_at


def test_thoughts_come_before_the_text_and_both_are_taken_up() -> None:
    tape = broken(
        delta(role="assistant"), delta(reasoning_content="hm, "), delta(reasoning_content="yes"), delta(content="4")
    )
    again = (delta(reasoning_content="hm, y"), delta(reasoning_content="es", content="42"), delta("stop", content=""))
    heard = relayed(*again, DONE, tape=tape)
    assert ("hm, yes", "42") == (texts(heard, "reasoning_content"), texts(heard))


@pytest.mark.parametrize(
    "again",
    [
        (event("ab"), event("x"), event("", "stop")),
        (event("ab", "stop"),),
        (delta(reasoning_content="abc"),),
        (event("a"), delta(tool_calls=[{"index": 0}])),
        (event("a"), b'data: {"choices":[{"index":0,"delta":"abc"}]}\n\n'),
        (event("a"), b'data: {"choices":[{"index":0,"delta":{}},{"index":1,"delta":{}}]}\n\n'),
        (delta(content=7),),
    ],
)
def test_another_answer_is_not_put_together_with_the_first(again: tuple[bytes, ...]) -> None:
    tape = broken(event("ab"), event("c"))
    heard = relayed(*again, DONE, tape=tape)
    assert FaultKind.DIVERGED == kind(heard)
    assert event("ab") + event("c") == heard.said


def test_an_answer_that_is_no_stream_is_another_one() -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "abc"}, "finish_reason": "stop"}]}
    heard = relayed(json.dumps(whole).encode(), headers=PLAIN, tape=broken(event("ab")))
    assert FaultKind.DIVERGED == kind(heard)


def test_a_second_answer_that_ends_too_early_is_no_whole_one() -> None:
    assert FaultKind.TRUNCATED == kind(relayed(event("a"), tape=broken(event("ab"))))
    assert FaultKind.DIVERGED == kind(relayed(event("a"), DONE, tape=broken(event("ab"))))


def test_what_is_to_be_withheld_of_a_second_answer_is() -> None:
    heard = relayed(event("abc"), event("", "stop"), USAGE, DONE, withhold=True, tape=broken(event("ab")))
    assert event("ab") + event("c") + event("", "stop") + DONE == heard.said
    assert 5 == heard.completion.usage.prompt_tokens


def test_calls_of_tools_may_follow_what_was_taken_up() -> None:
    called = [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]
    heard = relayed(event("ab"), delta(tool_calls=called), event("", "tool_calls"), DONE, tape=broken(event("a")))
    assert called == said(heard)[-2]["choices"][0]["delta"]["tool_calls"]  # type: ignore[index]


@pytest.mark.parametrize(
    "parts",
    [
        (event("a"), delta(tool_calls=[{"index": 0}])),
        (event("a"), b'data: {"choices":[{"index":0,"delta":{"content":"b"},"logprobs":{"content":[1]}}]}\n\n'),
        (event("a"), b"data: {no JSON}\n\n"),
        (event("a"), b'data: {"object":"ping"}\n\n'),
    ],
)
def test_what_is_more_than_text_cannot_be_taken_up(parts: tuple[bytes, ...]) -> None:
    assert not surveyed(broken(*parts))


def test_several_choices_cannot_be_taken_up() -> None:
    assert [True, False] == [surveyed(broken(event("a")), choices=choices) for choices in (1, 2)]


def test_a_provider_that_says_it_was_all_would_say_so_again() -> None:
    heard = relayed(event("a"), DONE)
    assert (FaultKind.TRUNCATED, event("a")) == (kind(heard), heard.said), "who reads that word reads no further"
    assert not surveyed(heard.tape)
    again = relayed(event("a"), DONE, tape=broken(event("a")))
    assert (FaultKind.TRUNCATED, event("a")) == (kind(again), again.said)


def test_what_came_without_an_end_is_not_glued_to_what_follows() -> None:
    for end in (b"", b"\n"):
        tape = relayed(event("a"), event("b").rstrip() + end).tape
        assert "abc" == texts(relayed(event("abc"), event("", "stop"), DONE, tape=tape))


@pytest.mark.parametrize("last", [(), (USAGE,), (DONE,), (USAGE, DONE)])
@pytest.mark.parametrize("breaks", [CUT, TimeoutError()])
def test_what_breaks_off_after_all_was_told_is_whole(last: tuple[bytes, ...], breaks: Exception) -> None:
    heard = relayed(event("a"), event("", "stop"), *last, breaks)
    assert heard.answer is not None
    assert heard.said.endswith(DONE)
    assert 1 == heard.said.count(DONE)


@pytest.mark.parametrize(
    "parts",
    [
        (event("", "content_filter"),),
        (event("", OVERLOADED),),
        (event("a"), event("", "stop")),
    ],
)
def test_what_breaks_off_with_nothing_told_or_one_choice_of_two_is_not_whole(parts: tuple[bytes, ...]) -> None:
    assert FaultKind.BROKEN == kind(relayed(*parts, CUT, choices=len(parts)))


def test_an_end_in_the_middle_of_an_event_after_all_was_told_is_whole() -> None:
    heard = relayed(event("a"), event("", "stop"), USAGE[:30])
    assert event("a") + event("", "stop") + DONE == heard.said


def test_a_last_word_that_came_too_early_comes_at_the_end() -> None:
    heard = relayed(event("a"), DONE, event("b", "stop"))
    assert event("a") + event("b", "stop") + DONE == heard.said


def test_who_speaks_is_told_once() -> None:
    heard = relayed(
        delta(role="assistant", content="ab"), delta("stop"), DONE, tape=broken(delta(role="a", content="a"))
    )
    assert ["a", None, None] == [each["choices"][0]["delta"].get("role") for each in said(heard)]  # type: ignore[index]


def test_halves_of_a_character_are_one_however_they_came() -> None:
    halves = [event("x").replace(b"x", half) for half in (b"\\ud83d", b"\\ude00")]
    for kept in (1, 2):
        heard = relayed(event("\U0001f600!"), event("", "stop"), DONE, tape=broken(*halves[:kept]))
        assert heard.answer is not None
        assert "\U0001f600!" == texts(heard).encode("utf-16", "surrogatepass").decode("utf-16")


def test_thoughts_that_are_told_twice_are_one_answer() -> None:
    both = [delta(reasoning=text, reasoning_content=text) for text in ("ab", "c", "abcd")]
    heard = relayed(both[2], delta("stop", content=""), DONE, tape=broken(*both[:2]))
    assert ("abcd", "abcd") == (texts(heard, "reasoning"), texts(heard, "reasoning_content"))


def test_events_are_named_after_the_first_with_content() -> None:
    filtered = b'data: {"id":"","choices":[],"prompt_filter_results":[]}\n\n'
    heard = relayed(event("ab", id="2"), event("", "stop", id="2"), DONE, tape=broken(filtered, event("a", id="1")))
    assert ["", "1", "1", "1"] == [each["id"] for each in said(heard)]


def test_while_it_is_repeated_there_are_signs_of_life() -> None:
    pieces = [event("a")] * 120
    heard = relayed(b": keep-alive\n\n", *pieces, event("", "stop"), DONE, tape=broken(*pieces))
    assert (1, 2) == (heard.said.count(b": keep-alive\n\n"), heard.said.count(b": taking up"))
    assert "a" * 120 == texts(heard)


def test_an_overload_is_no_other_answer() -> None:
    assert FaultKind.SERVER == kind(relayed(event("", OVERLOADED), DONE, tape=broken(event("a"))))


def test_the_second_answer_has_as_long_for_its_first_content_as_the_first_had() -> None:
    async def work() -> Fault:
        tape = Tape()
        tape.begin("text/event-stream")
        tape.write(event("a"))
        asked = call(streamed=True)
        assert await resuming.survey(asked, tape)
        now = asyncio.get_running_loop().time()
        limits = Limits(first_s=0.2, idle_s=30, deadline_at=now + 30)
        with pytest.raises(Fault) as caught:
            await relay(Response(repeat(b": keep-alive\n\n")), limits, tape, asked, withhold=False)
        return caught.value

    fault = asyncio.run(work())
    assert (FaultKind.TIMEOUT, False) == (fault.kind, fault.begun)
