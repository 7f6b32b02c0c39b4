"""The fake where it could itself be wrong: the form of a stream, and each fault of one."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fakes.model_server import Answer, Asked, ModelServer, findings, refusal, serving

QUESTION: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "what is wrong here?"}]}
STREAMED: dict[str, object] = QUESTION | {"stream": True}


@contextmanager
def answering(answer: Answer) -> Iterator[Callable[[dict[str, object]], httpx.Response]]:
    with serving(lambda _: answer) as server, httpx.Client(timeout=5) as client:
        yield lambda body: client.post(f"{server.base_url}/chat/completions", json=body)


def ask(answer: Answer, body: dict[str, object] = STREAMED) -> httpx.Response:
    with answering(answer) as post:
        return post(body)


def data(response: httpx.Response) -> list[str]:
    blocks = response.text.replace("\r\n", "\n").split("\n\n")
    return [block.removeprefix("data: ") for block in blocks if block.startswith("data: ")]


def events(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(text) for text in data(response) if text != "[DONE]"]


def deltas(response: httpx.Response) -> list[str]:
    return [choice["delta"].get("content", "") for event in events(response) for choice in event.get("choices", [])]


def test_an_answer_is_streamed_only_when_the_request_asks_for_it() -> None:
    plain, streamed = ask(findings(), QUESTION), ask(findings())
    assert plain.headers["content-type"] == "application/json"
    assert plain.json()["choices"][0]["message"]["content"] == '{"findings": []}'
    assert streamed.headers["content-type"] == "text/event-stream"
    assert "".join(deltas(streamed)) == '{"findings": []}'


def test_a_stream_has_a_role_content_a_reason_with_usage_and_an_end() -> None:
    answer = ask(Answer(pieces=["one ", "two"], tokens=7, cached_tokens=1))
    assert data(answer)[-1] == "[DONE]"
    role, first, second, last = events(answer)
    assert role["choices"] == [
        {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    ]
    assert [first["choices"][0]["delta"], second["choices"][0]["delta"]] == [{"content": "one "}, {"content": "two"}]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"] == {
        "prompt_tokens": 4,
        "completion_tokens": 7,
        "total_tokens": 11,
        "prompt_cache_hit_tokens": 1,
        "prompt_cache_miss_tokens": 3,
    }


def test_usage_may_come_apart_as_openai_sends_it() -> None:
    last = events(ask(Answer(usage_apart=True)))[-1]
    assert last["choices"] == []
    assert "usage" in last


def test_usage_may_be_missing() -> None:
    assert all("usage" not in event for event in events(ask(Answer(usage=False))))
    assert "usage" not in ask(Answer(usage=False), QUESTION).json()


def test_comments_and_blank_lines_keep_a_waiting_request_alive() -> None:
    text = ask(Answer(keep_alives=3, ttft_s=0.04)).text
    assert text.startswith(": keep-alive\n\n\n\n: keep-alive\n\ndata: ")


def test_lines_may_end_in_crlf() -> None:
    answer = ask(Answer(text="ok", crlf=True))
    assert answer.text.count("\r\n") == answer.text.count("\n") == 8
    assert deltas(answer) == ["", "ok", ""]


def test_a_character_may_be_split_across_packets() -> None:
    with (
        serving(lambda _: Answer(text="é€𝄞", split_bytes=1)) as server,
        httpx.stream("POST", f"{server.base_url}/chat/completions", json=STREAMED) as response,
    ):
        pieces = list(response.iter_raw())
    assert "é€𝄞".encode() in b"".join(pieces)
    assert any(piece.startswith((b"\xa9", b"\x82", b"\x9d")) for piece in pieces)


def test_the_end_mark_or_the_reason_may_be_missing() -> None:
    assert data(ask(Answer(done=False)))[-1] != "[DONE]"
    assert all(event["choices"][0]["finish_reason"] is None for event in events(ask(Answer(finish_reason=None))))


def test_times_are_kept_streamed_or_not() -> None:
    answer = Answer(pieces=["a"] * 5, ttft_s=0.1, event_delay_s=0.05)
    for body in (STREAMED, QUESTION):
        with answering(answer) as post:
            began = time.perf_counter()
            post(body)
            assert 0.3 <= time.perf_counter() - began < 10


@pytest.mark.parametrize("body", [STREAMED, QUESTION], ids=["streamed", "plain"])
@pytest.mark.parametrize("answer", [Answer(cut_after=1), Answer(dropped=True)], ids=["cut", "dropped"])
def test_a_connection_may_break(answer: Answer, body: dict[str, object]) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        ask(answer, body)


def test_a_cut_stream_has_brought_some_content() -> None:
    with (
        serving(lambda _: Answer(pieces=["a", "b", "c"], cut_after=2)) as server,
        httpx.stream("POST", f"{server.base_url}/chat/completions", json=STREAMED) as response,
    ):
        got: list[bytes] = []
        with pytest.raises(httpx.RemoteProtocolError):
            got.extend(response.iter_raw())
    assert b'"b"' in b"".join(got)
    assert b'"c"' not in b"".join(got)


def test_an_error_may_come_within_a_stream_or_with_status_200() -> None:
    streamed = ask(Answer(pieces=["a", "b"], error_after=1))
    assert [*deltas(streamed)] == ["", "a"]
    assert events(streamed)[-1]["error"]["type"] == "server_error"
    assert "error" in ask(Answer(error_after=0), QUESTION).json()


@pytest.mark.parametrize("answer", [Answer(silent=True), Answer(stall_after=1)], ids=["silent", "stalled"])
@pytest.mark.parametrize("body", [STREAMED, QUESTION], ids=["streamed", "plain"])
def test_a_server_may_never_answer_and_still_stops_at_once(answer: Answer, body: dict[str, object]) -> None:
    with serving(lambda _: answer) as server:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.base_url}/chat/completions", json=body, timeout=0.15)
        began = time.perf_counter()
    assert time.perf_counter() - began < 10


def test_plain_json_may_come_in_spite_of_stream() -> None:
    assert ask(Answer(sse=False)).json()["choices"][0]["finish_reason"] == "stop"


def test_a_stream_may_be_written_by_hand() -> None:
    answer = ask(Answer(raw=b"data: {cut", headers={"Content-Type": "text/event-stream"}))
    assert answer.headers.get_list("content-type") == ["text/event-stream"]
    assert answer.text == "data: {cut"


def test_errors_are_no_streams() -> None:
    answer = ask(refusal(429, "slow down", **{"retry-after": "1"}))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.json()["error"]["message"] == "slow down"


def at_once(server: ModelServer, requests: int, threads: int) -> None:
    def post(_: int) -> None:
        httpx.post(f"{server.base_url}/chat/completions", json=STREAMED, timeout=5)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(post, range(requests)))


def test_requests_at_once_are_counted_to_the_end_of_their_streams() -> None:
    def slow(_: Asked) -> Answer:
        return Answer(ttft_s=0.2)

    with serving(slow) as server:
        at_once(server, 8, 4)
        assert server.most_at_once == 4
        assert (server.hits, server.connections, len(server.asked)) == (8, 8, 8)
