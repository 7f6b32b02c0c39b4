"""A gateway that stops: what is under way comes to its end, and nobody new is let in."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gitrepo
import httpx
import pytest
from fakes.paced_server import DONE, PATIENCE_S, PacedServer, event, paced
from gateway_scene import TENANTS, TOKEN, gateway, question, told

ROOT = Path(__file__).parent.parent.parent
HELLO = (event("Hel"), event("lo"), event("", "stop"), DONE)


@pytest.fixture
def upstream() -> Iterator[PacedServer]:
    with paced() as server:
        yield server


@contextmanager
def asked(base: str) -> Iterator[Iterator[bytes]]:
    """Ask for a stream, and give its pieces."""
    with (
        httpx.Client(base_url=base, timeout=PATIENCE_S, trust_env=False) as client,
        client.stream("POST", "/v1/chat/completions", json=question(stream=True), headers=told(TOKEN, {})) as response,
    ):
        yield response.iter_raw()


def refuses(base: str) -> bool:
    """Wait until nobody new is let in."""
    host, port = base.removeprefix("http://").split(":")
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return True
        time.sleep(0.01)  # noqa: TID251 - the test's own
    return False


def test_a_stream_under_way_is_finished_and_nobody_new_is_let_in(upstream: PacedServer) -> None:
    upstream.begin_next(HELLO[0])
    with gateway(upstream.base_url) as team, asked(team.base) as pieces:
        heard = next(pieces)
        team.stop()
        assert refuses(team.base)
        turn = upstream.turn()
        turn.send(*HELLO[1:])
        turn.end()
        assert b"".join(HELLO) == heard + b"".join(pieces)
    assert [0] == team.ended


def test_load_balancers_are_told_before_the_door_closes(upstream: PacedServer) -> None:
    with gateway(upstream.base_url, notice_s=3.0) as team:
        before = team.get("/readyz").status_code
        team.stop()
        after = team.get("/readyz")
        alive = team.get("/healthz").status_code
    assert (200, 503, ["the gateway is stopping"], 200) == (before, after.status_code, after.json()["reasons"], alive)


def test_what_takes_too_long_ends_with_an_event_that_says_so(upstream: PacedServer, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("[gateway]\ndrain_s = 1\n")
    upstream.begin_next(HELLO[0])
    with gateway(upstream.base_url, config=config) as team, asked(team.base) as pieces:
        heard = next(pieces)
        team.stop()
        heard += b"".join(pieces)
    assert heard.startswith(HELLO[0])
    assert b'"code": "stopping"' in heard
    assert [0] == team.ended
    assert [(200, "stopping")] == [(line["status"], line["error"]) for line in team.lines if "status" in line]


def test_told_twice_it_ends_at_once(upstream: PacedServer) -> None:
    upstream.begin_next(HELLO[0])
    with gateway(upstream.base_url) as team, asked(team.base) as pieces:
        next(pieces)
        team.stop()
        team.stop()
        assert b"stopping" in b"".join(pieces)
    assert [130] == team.ended


def test_idle_connections_are_closed(upstream: PacedServer) -> None:
    with gateway(upstream.base_url) as team:
        team.get("/healthz")  # kept open by the client
        team.stop()
        assert refuses(team.base)
    assert [0] == team.ended


class Process:
    """``reviewbot gateway`` in a process of its own."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        known = {"REVIEWBOT_GATEWAY_TOKENS": TENANTS, "REVIEWBOT_API_KEY": "key", "PYTHONPATH": str(ROOT)} | environ
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reviewbot", "gateway", *arguments],
            env=gitrepo.environment(**known),
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def line(self) -> str:
        """The next line that it says."""
        assert self.process.stderr is not None
        return self.process.stderr.readline()


@contextmanager
def process(*arguments: str, **environ: str) -> Iterator[Process]:
    found = Process(*arguments, **environ)
    with found.process:
        try:
            yield found
        finally:
            found.process.kill()


def test_sigterm_finishes_what_is_under_way_and_exits_with_0(upstream: PacedServer) -> None:
    upstream.begin_next(HELLO[0])
    with process("--port", "0", REVIEWBOT_BASE_URL=upstream.base_url) as running:
        base = running.line.split()[3].removesuffix("/v1")
        with asked(base) as pieces:
            heard = next(pieces)
            running.process.send_signal(signal.SIGTERM)
            turn = upstream.turn()
            turn.send(*HELLO[1:])
            turn.end()
            assert b"".join(HELLO) == heard + b"".join(pieces)
        assert 0 == running.process.wait(PATIENCE_S)


def test_it_says_what_it_serves_before_it_does(upstream: PacedServer) -> None:
    with process("--port", "0", REVIEWBOT_BASE_URL=upstream.base_url) as running:
        first, second = running.line, running.line
    assert first.startswith("reviewbot: gateway at http://127.0.0.1:")
    assert first.endswith("/v1 for 2 tenants (team, other)\n")
    assert "reviewbot: passes on to 127.0.0.1; models deepseek-flash; state in memory\n" == second
