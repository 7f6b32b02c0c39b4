"""Streams passed on: whole events, in the bytes that came, and what the client has to know of them."""

import asyncio
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from relays import DONE, PLAIN, USAGE, Response, call, event, kind, relayed

from reviewbot.domain.prompt import Completion
from reviewbot.domain.usage import TokenUsage
from reviewbot.errors import WireError
from reviewbot.llm.faults import FaultKind
from reviewbot.llm.relaying import body_for, relay
from reviewbot.llm.stream import LIMIT_BYTES, Limits
from reviewbot.llm.tape import Tape


def test_a_whole_stream_is_passed_on_and_known() -> None:
    parts = (event("a", model="m-1"), event("b"), event("", "stop"), USAGE, DONE)
    heard = relayed(*parts)
    assert b"".join(parts) == heard.said
    assert (
        Completion(
            text=b"".join(parts).decode(),
            finish_reason="stop",
            model="m-1",
            usage=TokenUsage(prompt_tokens=5, completion_tokens=2),
            content_type="text/event-stream",
        )
        == heard.completion
    )
    assert heard.answer is not None
    assert heard.answer.fit
    assert heard.answer.first_at is not None


def test_nothing_is_handed_out_before_the_first_content() -> None:
    heard = relayed(b": wait\n\n", event(role="x"), WireError("gone"))
    assert (FaultKind.BROKEN, False, b"") == (kind(heard), heard.tape.begun, heard.said)


def test_thoughts_are_content() -> None:
    thought = b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}\n\n'
    heard = relayed(b": wait\n\n", thought, WireError("gone"))
    assert (True, b": wait\n\n" + thought) == (heard.tape.begun, heard.said)


def test_an_empty_answer_is_passed_on_whole_and_is_not_fit_to_be_kept() -> None:
    heard = relayed(event(), event("", "stop"), DONE)
    assert event() + event("", "stop") + DONE == heard.said
    assert heard.answer is not None
    assert (False, None) == (heard.answer.fit, heard.answer.first_at)


def test_the_last_event_needs_no_blank_line() -> None:
    last = event("", "stop").rstrip()
    for end in (b"", b"\n", b"\r\n"):
        heard = relayed(event("a"), last + end)
        assert event("a") + last + b"\n\n" == heard.said, "what follows is another event"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((event("a"),), FaultKind.TRUNCATED),
        ((event("a"), event("b")[:20]), FaultKind.MALFORMED),
        ((event("a"), b"data: no json\n\n"), FaultKind.MALFORMED),
        ((event("a"), b"data: [1]\n\n"), FaultKind.MALFORMED),
        ((event("a"), b'data: {"error":{"message":"boom"}}\n\n'), FaultKind.SERVER),
        ((event("a"), WireError("gone")), FaultKind.BROKEN),
        ((event("a"), TimeoutError()), FaultKind.TIMEOUT),
        ((DONE,), FaultKind.TRUNCATED),
        ((), FaultKind.TRUNCATED),
        ((event("", "insufficient_system_resource"),), FaultKind.SERVER),
        ((event("a"), *[b": x" + b"x" * 1_000_000] * (LIMIT_BYTES // 1_000_000 + 1)), FaultKind.MALFORMED),
    ],
)
def test_what_is_no_whole_stream_is_a_fault(parts: tuple[bytes, ...], expected: FaultKind) -> None:
    assert expected == kind(relayed(*parts))


def test_an_answer_that_the_provider_gave_up_is_passed_on_once_it_has_begun() -> None:
    parts = (event("a"), event("", "insufficient_system_resource"), DONE)
    heard = relayed(*parts)
    assert (b"".join(parts), "insufficient_system_resource") == (heard.said, heard.completion.finish_reason)
    assert heard.answer is not None
    assert not heard.answer.fit


@pytest.mark.parametrize(
    ("reasons", "expected", "fit"),
    [
        (("stop", "stop"), "stop", True),
        (("stop", "length"), "length", False),
        (("tool_calls", "stop"), "tool_calls", True),
    ],
)
def test_several_choices_end_as_the_one_that_ended_worst(reasons: tuple[str, str], expected: str, *, fit: bool) -> None:
    ends = [
        b'data: {"choices":[{"index":%d,"delta":{"content":"x"},"finish_reason":"%s"}]}\n\n' % (at, reason.encode())
        for at, reason in enumerate(reasons)
    ]
    heard = relayed(*ends, choices=2)
    assert heard.answer is not None
    assert (expected, fit) == (heard.completion.finish_reason, heard.answer.fit)


def test_only_the_event_that_tells_nothing_but_usage_is_withheld() -> None:
    told = event("", "stop", usage={"prompt_tokens": 5})
    assert event("a") + told + DONE == relayed(event("a"), told, USAGE + DONE, withhold=True).said
    assert event("a") + told + USAGE + DONE == relayed(event("a"), told, USAGE, DONE).said


def test_what_is_withheld_is_known_all_the_same() -> None:
    heard = relayed(event("a") + event("", "stop") + USAGE + DONE, withhold=True)
    assert (5, 2) == (heard.completion.usage.prompt_tokens, heard.completion.usage.completion_tokens)


PIECES = st.sampled_from(
    [
        event("text"),
        event('say \\"finish_reason\\":"stop" and "error"'),
        event("é世🎉"),
        event("", "stop"),
        event("", "length"),
        event("x", None, usage=None),
        event("x", None, usage={"prompt_tokens": 9}),
        USAGE,
        DONE,
        b": keep-alive\n\n",
        b'data: {"choices" : [{"index": 0, "delta": {"content": "a"}, "finish_reason" : "stop"}]}\r\n\r\n',
        b'data: {"choices":[{"index":0,\ndata: "delta":{"content":"b"}}]}\n\n',
        b'data: {"error": {"message": "boom"}}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":" to\n\n',
        b"event: ping\n\n",
        b"\n\n",
    ]
)


def told(events: list[bytes]) -> list[bytes]:
    """Give what goes out of a stream: not the word that ends it, where it has not ended."""
    ends = [number for number, each in enumerate(events) if b'"stop"}' in each or b'"length"}' in each]
    return [each for number, each in enumerate(events) if each != DONE or (ends and ends[0] < number)]


@given(events=st.lists(PIECES, max_size=8), cuts=st.lists(st.integers(0, 400), max_size=6), withhold=st.booleans())
def test_however_a_stream_arrives_and_is_read_the_same_comes_of_it(
    events: list[bytes], cuts: list[int], *, withhold: bool
) -> None:
    whole = b"".join(events)
    at = sorted({min(cut, len(whole)) for cut in cuts} | {0, len(whole)})
    pieces = [whole[start:end] for start, end in pairwise(at)]
    heard = [relayed(*pieces, withhold=withhold, choices=choices) for choices in (1, 2)]
    heard.append(relayed(*events, withhold=withhold))
    assert 1 == len({each.fault is None for each in heard})  # of two faults, either may be told
    if heard[0].fault is None:
        left = [event for event in told(events) if not (withhold and event == USAGE)]
        assert [b"".join(left)] * 3 == [each.said for each in heard]
        assert heard[0].completion == heard[1].completion == heard[2].completion
    else:
        # What was heard until then is a beginning of what came.
        beginning = b"".join(told(events))
        assert all(withhold or beginning.startswith(each.said) for each in heard)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", FaultKind.MALFORMED),
        (b"[]", FaultKind.MALFORMED),
        (b"{}", FaultKind.MALFORMED),
        (b'{"choices": []}', FaultKind.MALFORMED),
        (b'{"error": {"message": "boom"}}', FaultKind.SERVER),
        (b'{"choices": [{"finish_reason": "insufficient_system_resource"}]}', FaultKind.SERVER),
        (b"[" * 100_000, FaultKind.MALFORMED),
    ],
)
def test_a_body_that_is_no_whole_answer_is_a_fault(body: bytes, expected: FaultKind) -> None:
    assert expected == kind(relayed(body, headers=PLAIN))


def test_a_body_is_read_whole_and_nothing_of_it_comes_before_the_rest() -> None:
    said = b'{"model": "m", "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "x": "\xff"}'
    heard = relayed(said.replace(b"\xff", "é".encode())[:30], said.replace(b"\xff", "é".encode())[30:], headers=PLAIN)
    assert (False, b"") == (heard.tape.begun, heard.said)
    assert said.replace(b"\xff", "é".encode()).decode() == heard.completion.text


def test_a_stream_may_hold_bytes_that_are_no_text() -> None:
    odd = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n: \xff\n\n'
    heard = relayed(odd)
    assert odd == heard.completion.text.encode("utf-8", "surrogateescape")


def test_the_body_goes_out_as_it_came_where_nothing_is_to_be_changed() -> None:
    body = b' {"model" : "m"} '
    assert body == body_for(call(body), "m", usage=False)


@pytest.mark.parametrize(
    ("options", "expected"),
    [(None, {"include_usage": True}), ({"a": 1, "include_usage": False}, {"a": 1, "include_usage": True})],
)
def test_usage_is_asked_for_beside_what_was_asked(options: object, expected: object) -> None:
    said = json.loads(body_for(call({"model": "m", "stream_options": options, "x": [1]}), "m", usage=True))
    assert {"model": "m", "x": [1], "stream_options": expected} == said


def test_a_body_is_not_spelt_anew_for_that() -> None:
    body = b'\n{"model":"m", "text": "\\u00e9"}'
    assert b'{"stream_options":{"include_usage":true},"model":"m", "text": "\\u00e9"}' == body_for(
        call(body), "m", usage=True
    )


def test_a_fallback_is_asked_for_its_own_model() -> None:
    assert {"model": "other", "x": "é"} == json.loads(body_for(call({"model": "m", "x": "é"}), "other", usage=False))


def test_while_a_reader_is_slow_the_providers_limits_rest() -> None:
    async def work() -> None:
        tape = Tape(ahead_bytes=10)
        follower = aiter(tape.follow())
        parts = (event("a"), event("b"), event("", "stop"), DONE)
        limits = Limits(first_s=0.05, idle_s=0.05, deadline_at=asyncio.get_running_loop().time() + 20)
        relaying = asyncio.create_task(relay(Response(parts), limits, tape, call(), withhold=False))
        heard = await anext(follower)
        await asyncio.wait({relaying}, timeout=0.2)
        assert not relaying.done()  # four times as long as it would wait for the provider
        relaying.add_done_callback(lambda _: tape.close())
        async for block in follower:
            heard += block
        assert (b"".join(parts), "stop") == (heard, (await relaying).completion.finish_reason)

    asyncio.run(work())
