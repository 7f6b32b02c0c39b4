"""Streams that broke off and are taken up: their reader hears one whole answer, or is told of the break."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from relays import DONE, PLAIN, USAGE, Heard, call, event, kind, relayed

from reviewbot.errors import WireError
from reviewbot.llm import resuming
from reviewbot.llm.faults import FaultKind
from reviewbot.llm.tape import Tape

CUT = WireError("the connection was closed", passing=True, connected=True)


def delta(finish: str | None = None, **parts: object) -> bytes:
    choice = {"index": 0, "delta": parts, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "2", "choices": [choice]}).encode() + b"\n\n"


def broken(*parts: bytes) -> Tape:
    heard = relayed(*parts, CUT)
    assert FaultKind.BROKEN == kind(heard)
    return heard.tape


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
    assert heard.answer.first_at is None, "that was long ago"


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
    assert FaultKind.TRUNCATED == kind(relayed(event("a"), DONE, tape=broken(event("ab"))))


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
        (event("a"), event("", "stop")),
        (event("a"), b"data: {no JSON}\n\n"),
    ],
)
def test_what_is_more_than_text_cannot_be_taken_up(parts: tuple[bytes, ...]) -> None:
    assert resuming.told(call(streamed=True), broken(*parts)) is None


def test_several_choices_and_endless_answers_cannot_be_taken_up() -> None:
    tape = broken(event("a"))
    assert resuming.told(call(streamed=True), tape) is not None
    assert resuming.told(call(streamed=True, choices=2), tape) is None
    tape.write(event("a" * 4_000_000))
    assert resuming.told(call(streamed=True), tape) is None
