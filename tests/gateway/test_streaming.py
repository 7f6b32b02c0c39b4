"""Streams through the gateway: in the bytes that came, when they came, to all who asked for them."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from email.message import Message
from http.client import HTTPConnection, HTTPException

import pytest
from fakes.answers import Answer, Asked, events, refusal
from fakes.model_server import serving
from fakes.paced_server import DONE, PATIENCE_S, PacedServer, Turn, event, paced
from gateway_scene import OTHER, TOKEN, Gateway, gateway, question, told
from redis_server import running_redis
from tasks_scene import until

HELLO = (event("Hel"), event("lo"), event("", "stop"), DONE)


class Listener:
    """A client that reads a stream in a thread of its own, piece by piece."""

    def __init__(self, team: Gateway, body: object, token: str = TOKEN) -> None:
        self.heard = b""
        self.headers: Message = Message()
        self._connection = HTTPConnection(team.base.removeprefix("http://"), timeout=2 * PATIENCE_S)
        headers = told(token, {"content_type": "application/json"})
        self._connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        self._news = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with closing(self._connection), suppress(OSError, HTTPException):
            response = self._connection.getresponse()
            self.headers = response.headers
            while piece := response.read1():
                with self._news:
                    self.heard += piece
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def until(self, data: bytes) -> None:
        """Wait until so much was heard."""
        with self._news:
            assert self._news.wait_for(lambda: self.heard.endswith(data) or self._ended, PATIENCE_S)
            assert self.heard.endswith(data)

    def whole(self) -> bytes:
        """Wait for the end."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.heard

    def leave(self) -> None:
        """Break the connection off in the middle."""
        assert self._connection.sock is not None
        self._connection.sock.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def upstream() -> Iterator[PacedServer]:
    with paced() as server:
        yield server


@pytest.fixture
def team(upstream: PacedServer) -> Iterator[Gateway]:
    with gateway(upstream.base_url) as running:
        yield running


def begun(upstream: PacedServer) -> Turn:
    turn = upstream.turn()
    turn.begin()
    return turn


def stream(text: str = "hello", **more: object) -> dict[str, object]:
    return question(text, stream=True, **more)


def test_a_piece_is_passed_on_before_the_next_one_has_come(team: Gateway, upstream: PacedServer) -> None:
    listener = Listener(team, stream())
    turn = begun(upstream)
    for piece in HELLO:
        turn.send(piece)
        listener.until(piece)
    turn.end()
    assert b"".join(HELLO) == listener.whole()
    assert ("text/event-stream", "no", "no-cache, no-transform", "miss") == tuple(
        listener.headers[name] for name in ("content-type", "x-accel-buffering", "cache-control", "x-reviewbot-cache")
    )


@pytest.mark.parametrize(
    "oddity",
    [
        b": keep-alive\n\n",
        b"event: ping\ndata: {}\n\n",
        b'data:{"choices" : [{"index":0, "delta":{"content":"\xc3\xa9"},"finish_reason" : null}]}\r\n\r\n',
        b"\n\n",
        b"id: 7\nretry: 10\n\n",
    ],
)
def test_what_came_is_what_goes_out_however_odd_it_looks(team: Gateway, upstream: PacedServer, oddity: bytes) -> None:
    listener = Listener(team, stream(oddity.hex()))
    turn = begun(upstream)
    turn.send(oddity, HELLO[0], oddity, *HELLO[1:])
    turn.end()
    assert b"".join((oddity, HELLO[0], oddity, *HELLO[1:])) == listener.whole()


def test_an_event_that_comes_in_parts_is_passed_on_when_it_is_whole(team: Gateway, upstream: PacedServer) -> None:
    listener = Listener(team, stream())
    turn = begun(upstream)
    turn.send(HELLO[0])
    listener.until(HELLO[0])
    turn.send(HELLO[1][:9])
    turn.send(HELLO[1][9:])
    listener.until(HELLO[1])
    turn.send(*HELLO[2:])
    turn.end()
    assert b"".join(HELLO) == listener.whole()


USAGE = b"data: " + json.dumps({"model": "m", "choices": [], "usage": {"prompt_tokens": 7}}).encode() + b"\n\n"


def test_usage_is_asked_for_and_the_event_that_tells_it_is_kept_from_who_did_not_ask(
    team: Gateway, upstream: PacedServer
) -> None:
    listener = Listener(team, stream())
    turn = begun(upstream)
    turn.send(*HELLO[:3], USAGE + DONE)
    turn.end()
    assert b"".join(HELLO) == listener.whole()
    assert {"include_usage": True} == turn.body["stream_options"]
    assert 7 == team.lines[-1]["prompt_tokens"]


def test_who_asked_for_usage_hears_of_it(team: Gateway, upstream: PacedServer) -> None:
    body = stream(stream_options={"include_usage": True})
    listener = Listener(team, body)
    turn = begun(upstream)
    turn.send(*HELLO[:3], USAGE, DONE)
    turn.end()
    assert b"".join((*HELLO[:3], USAGE, DONE)) == listener.whole()
    assert body == turn.body


def test_other_options_of_a_stream_are_kept_when_usage_is_added(team: Gateway, upstream: PacedServer) -> None:
    listener = Listener(team, stream(stream_options={"include_obfuscation": False}))
    turn = begun(upstream)
    turn.send(*HELLO)
    turn.end()
    listener.whole()
    assert {"include_obfuscation": False, "include_usage": True} == turn.body["stream_options"]


def test_a_server_that_knows_no_usage_is_asked_without_and_that_is_remembered() -> None:
    def script(asked: Asked) -> Answer:
        return refusal(400, "unknown: stream_options") if "stream_options" in asked.body else Answer(text="fine")

    with serving(script) as server, gateway(server) as team:
        found = [team.ask(stream(text)).status_code for text in ("a", "b")]
        asked = ["stream_options" in each.body for each in server.asked]
    assert ([200, 200], [True, False, False]) == (found, asked)


def test_a_second_who_asks_the_same_hears_the_same_stream_from_its_start(team: Gateway, upstream: PacedServer) -> None:
    first = Listener(team, stream())
    turn = begun(upstream)
    turn.send(HELLO[0])
    first.until(HELLO[0])
    second = Listener(team, stream())
    second.until(HELLO[0])
    turn.send(*HELLO[1:])
    turn.end()
    assert [b"".join(HELLO)] * 2 == [first.whole(), second.whole()]
    assert (["miss", "joined"], True) == (
        [listener.headers["x-reviewbot-cache"] for listener in (first, second)],
        upstream.turns.empty(),
    )


def test_who_leaves_does_not_disturb_who_stays(team: Gateway, upstream: PacedServer) -> None:
    first = Listener(team, stream())
    turn = begun(upstream)
    turn.send(HELLO[0])
    first.until(HELLO[0])
    second = Listener(team, stream())
    second.until(HELLO[0])
    first.leave()
    turn.send(HELLO[1])
    second.until(HELLO[1])
    assert not turn.left.is_set()
    turn.send(*HELLO[2:])
    turn.end()
    assert b"".join(HELLO) == second.whole()


def test_the_last_to_leave_ends_the_call_upstream(team: Gateway, upstream: PacedServer) -> None:
    listener = Listener(team, stream())
    turn = begun(upstream)
    turn.send(HELLO[0])
    listener.until(HELLO[0])
    listener.leave()
    assert turn.left.wait(PATIENCE_S)
    until(lambda: team.lines)
    line = team.lines[-1]
    assert ("client_left", 200, 1) == (line["error"], line["status"], line["attempts"])
    assert line["key"], "somebody may be billed for it"


def test_who_leaves_before_the_first_piece_ends_the_call_too(team: Gateway, upstream: PacedServer) -> None:
    listener = Listener(team, question())
    turn = upstream.turn()
    listener.leave()
    assert turn.left.wait(PATIENCE_S)


def test_another_tenants_call_is_not_joined(team: Gateway, upstream: PacedServer) -> None:
    listeners = [Listener(team, stream(), token) for token in (TOKEN, OTHER)]
    for _ in listeners:
        turn = begun(upstream)
        turn.send(*HELLO)
        turn.end()
    assert [b"".join(HELLO)] * 2 == [listener.whole() for listener in listeners]


def test_what_breaks_off_before_the_first_content_is_tried_again_and_nobody_sees_it(
    team: Gateway, upstream: PacedServer
) -> None:
    listener = Listener(team, stream())
    turn = begun(upstream)
    turn.send(b": keep-alive\n\n", event(""))
    turn.cut()
    again = begun(upstream)
    again.send(*HELLO)
    again.end()
    assert b"".join(HELLO) == listener.whole()
    assert (2, None) == (team.lines[-1]["attempts"], team.lines[-1]["error"])


def begun_with(team: Gateway, upstream: PacedServer, piece: bytes) -> tuple[Listener, Turn]:
    """Let somebody hear the first piece of a stream."""
    listener = Listener(team, stream())
    turn = begun(upstream)
    turn.send(piece)
    listener.until(piece)
    return listener, turn


def test_what_breaks_off_after_that_is_taken_up_where_it_was_and_nobody_sees_it(
    team: Gateway, upstream: PacedServer
) -> None:
    listener, turn = begun_with(team, upstream, HELLO[0])
    turn.send(HELLO[1][:12])
    turn.cut()
    again = begun(upstream)
    again.send(event("Hello"), event("", "stop"), DONE)
    again.end()
    heard = [json.loads(line) for line in listener.whole().removesuffix(DONE).split(b"data: ")[1:]]
    assert ["Hel", "lo", ""] == [each["choices"][0]["delta"]["content"] for each in heard]
    assert (2, None) == (team.lines[-1]["attempts"], team.lines[-1]["error"])
    later = Listener(team, stream())
    assert listener.heard == later.whole(), "it is kept as any other"


def test_when_all_are_cut_at_once_all_are_taken_up_and_others_are_let_in(team: Gateway, upstream: PacedServer) -> None:
    cut_off = []
    for number in range(12):
        listener = Listener(team, stream(f"{number}"))
        turn = begun(upstream)
        turn.send(HELLO[0])
        listener.until(HELLO[0])
        cut_off.append((listener, turn))
    for _, turn in cut_off:
        turn.cut()
    for _ in cut_off:
        again = begun(upstream)
        again.send(*HELLO)
        again.end()
    assert ["Hel", "lo", ""] * 12 == [
        json.loads(line)["choices"][0]["delta"]["content"]
        for listener, _ in cut_off
        for line in listener.whole().removesuffix(DONE).split(b"data: ")[1:]
    ]
    later = Listener(team, stream("later"))
    turn = begun(upstream)
    turn.send(*HELLO)
    turn.end()
    assert b"".join(HELLO) == later.whole()


def cut(turn: Turn) -> None:
    turn.send(HELLO[1][:12])
    turn.cut()


def tell_of_an_error(turn: Turn) -> None:
    turn.send(b'data: {"error": {"message": "out of memory"}}\n\n')
    turn.end()


def cut_an_event_in_two(turn: Turn) -> None:
    turn.send(b'data: {"choices":[{"index":0,"delta":{"content":" to\n\n')
    turn.end()


@pytest.mark.parametrize("breaks", [cut, Turn.end, tell_of_an_error, cut_an_event_in_two])
def test_where_another_answer_begins_then_it_ends_in_an_event_that_says_so(
    team: Gateway, upstream: PacedServer, breaks: Callable[[Turn], None]
) -> None:
    listener, turn = begun_with(team, upstream, HELLO[0])
    breaks(turn)
    again = begun(upstream)
    again.send(event("Bye"))
    heard = listener.whole()
    assert heard.startswith(HELLO[0] + b"data: ")
    error = json.loads(heard.removeprefix(HELLO[0] + b"data: "))["error"]
    assert ("api_error", "provider_diverged") == (error["type"], error["code"])
    assert ("provider_diverged", 200, 2) == tuple(team.lines[-1][name] for name in ("error", "status", "attempts"))
    assert again.left.wait(PATIENCE_S), "what is not used is not paid for"


def test_a_call_of_a_tool_is_not_taken_up_and_the_error_has_the_providers_words(
    team: Gateway, upstream: PacedServer
) -> None:
    choice = {"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"name": "f"}}]}, "finish_reason": None}
    piece = b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"
    listener, turn = begun_with(team, upstream, piece)
    tell_of_an_error(turn)
    heard = listener.whole()
    assert 1 == heard.count(b'"error"')
    assert b"out of memory" in heard
    assert upstream.turns.empty()


def test_a_whole_stream_is_kept_and_comes_again_in_the_same_bytes(team: Gateway, upstream: PacedServer) -> None:
    listener = Listener(team, stream())
    turn = begun(upstream)
    turn.send(*HELLO)
    turn.end()
    again = Listener(team, stream()) if listener.whole() else None
    assert again is not None
    assert b"".join(HELLO) == again.whole()
    assert ("hit", "text/event-stream") == (again.headers["x-reviewbot-cache"], again.headers["content-type"])


@pytest.mark.parametrize("last", [event("", "length"), event("", "content_filter")])
def test_an_answer_that_was_cut_short_is_passed_on_and_not_kept(
    team: Gateway, upstream: PacedServer, last: bytes
) -> None:
    for _ in range(2):
        listener = Listener(team, stream(last.hex()))
        turn = begun(upstream)
        turn.send(HELLO[0], last, DONE)
        turn.end()
        assert HELLO[0] + last + DONE == listener.whole()


def test_of_several_choices_each_has_to_end(team: Gateway, upstream: PacedServer) -> None:
    listener = Listener(team, stream(n=2))
    turn = begun(upstream)
    second = b'data: {"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":null}]}\n\n'
    turn.send(HELLO[0])
    listener.until(HELLO[0])
    turn.send(second, HELLO[2], DONE)
    turn.end()
    assert b"provider_truncated" in listener.whole()


CALLED = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]}


def test_a_call_of_a_tool_is_a_whole_answer_though_it_has_no_text() -> None:
    said = {"choices": [{"index": 0, "message": CALLED, "finish_reason": "tool_calls"}]}
    with serving(lambda _: Answer(raw=json.dumps(said).encode())) as server, gateway(server) as team:
        found = [team.ask(question("tool")) for _ in range(2)]
    assert [("miss", said), ("hit", said)] == [(each.headers["x-reviewbot-cache"], each.json()) for each in found]


def test_a_server_that_does_not_stream_is_passed_on_as_it_is() -> None:
    with serving(lambda _: Answer(text="whole", sse=False)) as server, gateway(server) as team:
        found = team.ask(stream())
    assert ("application/json", "whole") == (
        found.headers["content-type"],
        found.json()["choices"][0]["message"]["content"],
    )


@pytest.mark.parametrize(("split", "crlf"), [(1, False), (7, True), (None, True)])
def test_bytes_survive_any_way_of_arriving(split: int | None, crlf: bool) -> None:
    answer = Answer(pieces=["Grüße, ", "世界 ", "🎉"], split_bytes=split, crlf=crlf, keep_alives=2)
    with serving(lambda _: answer) as server, gateway(server) as team:
        found = team.ask(stream())
        sent = b"".join(part for _, part in events(answer, server.asked[0].body))
    assert sent == found.content


def test_identical_requests_on_two_replicas_are_one_call_upstream() -> None:
    with (
        contextmanager(running_redis)() as redis,
        serving(lambda _: Answer(text="fine", delay_s=0.3)) as server,
        gateway(server, REVIEWBOT_REDIS_URL=redis.url) as one,
        gateway(server, REVIEWBOT_REDIS_URL=redis.url) as two,
        ThreadPoolExecutor(40) as pool,
    ):
        found = list(pool.map(lambda number: (one, two)[number % 2].ask(stream()).content, range(40)))
        assert (1, 1) == (server.hits, len(set(found)))
