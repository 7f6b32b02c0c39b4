"""How a request arrives, over bare sockets: in time, of a bearable size, and as HTTP."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes.answers import Answer
from fakes.model_server import serving
from fakes.paced_server import DONE, PATIENCE_S, event, paced
from gateway_scene import TOKEN, Gateway, gateway, question

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {TOKEN}\r\n"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Run a gateway that is not patient."""
    config = tmp_path_factory.mktemp("gateway") / "gateway.toml"
    config.write_text("[gateway]\nheader_s = 0.3\nbody_s = 0.3\nmax_body_bytes = 5000\n")
    with serving(lambda _: Answer(text="fine")) as upstream, gateway(upstream, config=config) as running:
        yield running


@contextmanager
def connected(team: Gateway) -> Iterator[socket.socket]:
    host, port = team.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        yield connection


def until_closed(connection: socket.socket) -> bytes:
    """Read what comes until the other side closes."""
    heard = b""
    try:
        while data := connection.recv(65_536):
            heard += data
    except ConnectionResetError:
        pass
    return heard


def request(body: object, *, headers: str = "") -> bytes:
    data = json.dumps(body).encode()
    head = f"{HEAD}Content-Type: application/json\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
    return head.encode() + data


def statuses(heard: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+) ", heard)]


def code(heard: bytes) -> object:
    return json.loads(heard.partition(b"\r\n\r\n")[2])["error"]["code"]


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: 1", b"\r\n\r\n"])
def test_a_head_that_does_not_come_in_time_is_not_waited_for(team: Gateway, sent: bytes) -> None:
    with connected(team) as connection:
        connection.sendall(sent)
        heard = until_closed(connection)
    assert ([408], "bad_http") == (statuses(heard), code(heard))


def test_a_body_that_does_not_come_in_time_is_not_waited_for(team: Gateway) -> None:
    with connected(team) as connection:
        connection.sendall(request(question())[:-5])
        heard = until_closed(connection)
    assert ([408], "body_too_slow") == (statuses(heard), code(heard))


def test_half_a_request_behind_a_whole_one_is_not_waited_for(team: Gateway) -> None:
    with connected(team) as connection:
        connection.sendall(request(question()) + b"GET /healthz HT")
        assert [200, 408] == statuses(until_closed(connection))


def test_a_body_that_goes_on_after_its_refusal_is_cut_off(team: Gateway) -> None:
    with connected(team) as connection:
        connection.sendall(f"{HEAD}Content-Length: 4000000\r\n\r\n".encode())
        connection.sendall(b"x" * 1_000)
        assert [415] == statuses(until_closed(connection))


@pytest.mark.parametrize("how", ["Content-Length: 5001\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1389\r\n"])
def test_a_body_that_is_too_long_is_refused_at_once(team: Gateway, how: str) -> None:
    with connected(team) as connection:
        connection.sendall(f"{HEAD}Content-Type: application/json\r\n{how}".encode() + b"x" * 5_001)
        heard = connection.recv(65_536)
    assert ([413], "body_too_long") == (statuses(heard), code(heard))


def test_a_body_as_long_as_it_may_be_is_taken(team: Gateway) -> None:
    body = question("x")
    body["user"] = "u" * (5_000 - len(json.dumps(body | {"user": ""})))
    with connected(team) as connection:
        connection.sendall(request(body, headers="Connection: close\r\n"))
        assert [200] == statuses(until_closed(connection))


@pytest.mark.parametrize("lines", [1, 2_000])
def test_a_head_that_is_too_long_is_refused(team: Gateway, lines: int) -> None:
    filling = "".join(f"X-{number}: {'y' * (70_000 // lines)}\r\n" for number in range(lines))
    with connected(team) as connection:
        connection.sendall(f"GET /healthz HTTP/1.1\r\n{filling}"[:70_000].encode())
        heard = until_closed(connection)
    assert ([431], "bad_http") == (statuses(heard), code(heard))


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        f"{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
        f"{HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\n".encode(),
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
    ],
)
def test_what_is_no_http_is_refused_in_the_same_form(team: Gateway, sent: bytes) -> None:
    with connected(team) as connection:
        connection.sendall(sent)
        heard = until_closed(connection)
    # Broken within a body, there is an app that waits for it; then the connection just ends.
    assert statuses(heard) in ([400], [])
    if heard:
        assert "bad_http" == code(heard)


def test_headers_behind_a_body_are_for_nobody(team: Gateway) -> None:
    data = json.dumps(question()).encode()
    head = HEAD.replace(f"Authorization: Bearer {TOKEN}\r\n", "") + "Content-Type: application/json\r\n"
    chunked = b"%x\r\n%b\r\n0\r\nAuthorization: Bearer %b\r\n\r\n" % (len(data), data, TOKEN.encode())
    with connected(team) as connection:
        connection.sendall(f"{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunked)
        assert [401] == statuses(until_closed(connection))


def test_requests_in_a_row_are_answered_in_their_order(team: Gateway) -> None:
    with connected(team) as connection:
        closing = b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 2 + closing)
        heard = until_closed(connection)
    assert [200] * 3 == statuses(heard)
    assert heard.index(b"alive") < heard.index(b"ready")


def test_white_space_behind_a_request_does_not_end_its_answer(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("[gateway]\nheader_s = 0.1\nbody_s = 0.1\n")
    with paced() as upstream, gateway(upstream.base_url, config=config) as running, connected(running) as connection:
        connection.sendall(request(question(stream=True), headers="Connection: close\r\n") + b"\r\n")
        turn = upstream.turn()
        turn.begin()
        turn.send(event("a"))
        connection.recv(65_536)
        connection.sendall(b"\r\n")
        assert not turn.left.wait(0.5)  # several times as long as a head may take
        turn.send(event("", "stop"), DONE)
        turn.end()
        assert DONE.strip() in until_closed(connection)


@pytest.mark.parametrize("name", ["Authorization", "Host", "Content-Type", "X-Request-Id"])
def test_a_header_that_decides_something_comes_once(team: Gateway, name: str) -> None:
    with connected(team) as connection:
        twice = f"{name}: application/json\r\n" * 2
        connection.sendall(request(question(), headers=f"{twice}Connection: close\r\n"))
        heard = until_closed(connection)
    assert [400] == statuses(heard)
    assert b"is given twice" in heard


def test_a_body_in_disguise_is_refused(team: Gateway) -> None:
    found = [
        team.client.post("/v1/chat/completions", content=b"{}", headers={"authorization": f"Bearer {TOKEN}"} | headers)
        for headers in (
            {"content-type": "text/plain"},
            {"content-type": "application/json", "content-encoding": "gzip"},
        )
    ]
    assert [415, 415] == [each.status_code for each in found]
