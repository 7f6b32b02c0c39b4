"""Bytes to a checked request: what is none is refused with the place of the mistake, and all else passes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.call import Call
from reviewbot.gateway.asking import read
from reviewbot.gateway.refusing import Refused

USER = {"role": "user", "content": "hello"}
ASKED: dict[str, Any] = {"model": "m", "messages": [USER]}


def words(text: str) -> int:
    return len(text.split())


def call(fields: object = ASKED, **headers: str) -> Call:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return read(body, {name.replace("_", "-"): value for name, value in headers.items()}, words)


def refused(fields: object) -> tuple[int, str | None, str]:
    with pytest.raises(Refused) as caught:
        call(fields)
    refusal = caught.value.refusal
    return refusal.status, refusal.param, refusal.message


def test_the_bytes_stay_as_they_came() -> None:
    body = b' {"messages":[{"content":"\\u00e9","role":"user"}],\n "model":"m", "anything": [null, 1e5]} '
    assert body == call(body).body


def test_what_the_layers_below_want_to_know_is_read() -> None:
    found = call(ASKED | {"stream": True, "n": 2, "max_tokens": 50, "temperature": 0.5})
    assert ("m", True, False, 2, 1, 100, "chat", True) == (
        found.model,
        found.streamed,
        found.usage,
        found.choices,
        found.prompt_tokens,
        found.max_tokens,
        found.task,
        found.shared,
    )
    assert (("temperature", "0.5"), ("max_tokens", "50"), ("n", "2")) == found.parameters


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, 16_000),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 20),
        ({"max_tokens": None, "n": None}, 16_000),
        ({"n": 3, "max_tokens": 7}, 21),
        ({"n": 9_999, "max_tokens": 10**12}, 10_000_000),
    ],
)
def test_the_longest_answer_is_what_the_budget_has_to_reckon_with(more: dict[str, object], expected: int) -> None:
    assert expected == call(ASKED | more).max_tokens


@pytest.mark.parametrize(
    ("messages", "more", "tokens"),
    [
        ([USER, {"role": "system", "content": "be very terse"}], {}, 4),
        ([{"role": "user", "content": [{"type": "text", "text": "two words"}]}], {}, 2),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:" + "x" * 9_000}}]}],
            {},
            1_000,
        ),
        ([{"role": "assistant", "content": None, "tool_calls": ["one two"]}], {}, 2),
        ([USER], {"tools": ["a b c"], "response_format": None}, 4),
    ],
)
def test_a_prompt_is_estimated_by_its_texts_and_not_by_its_images(
    messages: list[object], more: dict[str, object], tokens: int
) -> None:
    assert tokens == call(ASKED | {"messages": messages} | more).prompt_tokens


@pytest.mark.parametrize("content", [None, "", [], "x", [{"type": "text", "text": "x"}]])
def test_an_assistants_turn_needs_no_content(content: object) -> None:
    turn = {"role": "assistant", "content": content, "tool_calls": [{"id": "1"}]}
    assert "m" == call(ASKED | {"messages": [USER, turn, {"role": "tool", "content": "4", "tool_call_id": "1"}]}).model


def test_who_asks_and_the_order_of_words_make_no_other_question() -> None:
    same = [
        ASKED,
        {"messages": [{"content": "hello", "role": "user"}], "model": "m"},
        ASKED | {"user": "a"},
        ASKED | {"metadata": {"job": "1"}},
    ]
    assert 1 == len({call(fields).shape for fields in same})


@pytest.mark.parametrize(
    "more",
    [
        {"model": "n"},
        {"messages": [{"role": "user", "content": "hello "}]},
        {"stream": True},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"seed": 1},
        {"temperature": 1},
        {"tools": [{}]},
        {"something": "new"},
    ],
)
def test_whatever_may_shape_the_answer_makes_another_question(more: dict[str, object]) -> None:
    assert call(ASKED).shape != call(ASKED | more).shape


def test_what_the_sender_says_it_is_for_is_passed_on_if_it_is_a_word_that_we_know() -> None:
    found = call(ASKED, x_reviewbot_task="verify", x_reviewbot_repair="1", cookie="c")
    assert ("verify", (("x-reviewbot-task", "verify"), ("x-reviewbot-repair", "1"))) == (found.task, found.headers)
    assert ("chat", ()) == ((other := call(ASKED, x_reviewbot_task="mine", x_reviewbot_repair="1")).task, other.headers)


def test_a_cached_answer_can_be_declined() -> None:
    assert [False, True] == [call(ASKED, x_reviewbot_cache=word).shared for word in (" No ", "yes")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no valid JSON"),
        (b"{", "no valid JSON"),
        (b'{"model": "m"} x', "no valid JSON"),
        (b"\xff\xfe{\x00}\x00", "no UTF-8"),
        (b"\xef\xbb\xbf{}", "no valid JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "nested more than 100"),
        (b'{"temperature": NaN}', "NaN is no number"),
        (b'{"temperature": -Infinity}', "-Infinity is no number"),
        (b'{"model": "a", "model": "b"}', "'model' is given twice"),
        (b'{"messages": [{"role": "user", "role": "system"}]}', "'role' is given twice"),
        (b"1" * 5_000, "no valid JSON"),
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes, said: str) -> None:
    status, param, message = refused(body)
    assert (400, None, True) == (status, param, said in message)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": [USER]}, "model"),
        (ASKED | {"model": None}, "model"),
        (ASKED | {"model": 7}, "model"),
        (ASKED | {"model": " "}, "model"),
        (ASKED | {"model": "a\nb"}, "model"),
        (ASKED | {"model": "m" * 201}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "prompt": "hello"}, "messages"),
        (ASKED | {"messages": "hello"}, "messages"),
        (ASKED | {"messages": {}}, "messages"),
        (ASKED | {"messages": []}, "messages"),
        (ASKED | {"messages": [USER] * 10_001}, "messages"),
        (ASKED | {"messages": ["hello"]}, "messages[0]"),
        (ASKED | {"messages": [USER, {"content": "x"}]}, "messages[1].role"),
        (ASKED | {"messages": [{"role": 1, "content": "x"}]}, "messages[0].role"),
        (ASKED | {"messages": [{"role": "user"}]}, "messages[0].content"),
        (ASKED | {"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        (ASKED | {"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content"),
        (ASKED | {"stream": "yes"}, "stream"),
        (ASKED | {"stream_options": True}, "stream_options"),
        (ASKED | {"max_tokens": 0}, "max_tokens"),
        (ASKED | {"max_completion_tokens": 1.5}, "max_completion_tokens"),
        (ASKED | {"n": True}, "n"),
    ],
)
def test_a_mistake_is_named_with_its_place(fields: object, param: str) -> None:
    assert (400, param) == refused(fields)[:2]


def test_a_prompt_where_messages_belong_is_named_as_such() -> None:
    _, _, message = refused({"model": "m", "prompt": "hello"})
    assert "give 'messages'" in message
    assert "where you give 'prompt'" in message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
FIELDS = st.dictionaries(
    st.sampled_from(["model", "messages", "stream", "stream_options", "n", "max_tokens", "x"]), JSON
)


@given(body=st.binary(max_size=200) | FIELDS.map(lambda fields: json.dumps(fields).encode()))
def test_whatever_comes_is_a_call_or_refused(body: bytes) -> None:
    assert outcome(body) in {body, 400}


def outcome(body: bytes) -> bytes | int:
    """Give the bytes of a call, or the status of its refusal."""
    try:
        return call(body).body
    except Refused as error:
        return error.refusal.status
