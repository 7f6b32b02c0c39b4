"""A gateway as a team runs it, in a process of its own, and strangers who talk to it in bytes."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fakes.model_server import Answer, ModelServer, serving

from reviewbot.gateway import tokens

ROOT = Path(__file__).parents[2]
UPSTREAM_KEY = "made-up-" + "upstream-key"
TOKENS = {name: f"made-up-token-of-{name}" for name in ("shop", "bank", "boss", "gone")}
MODELS = {"shop": "deepseek-flash", "bank": "bank-model", "boss": "deepseek-flash", "gone": "deepseek-flash"}
LIMIT_BYTES = 200_000
PATIENCE_S = 1.0
"""What the gateway's configuration gives a head, and a body."""
_GIVE_UP_S = 15.0
SECRETS = (UPSTREAM_KEY, *TOKENS.values(), *map(tokens.digest, TOKENS.values()))
GIVEAWAYS = (*SECRETS, "Traceback", 'File "', "site-packages", str(ROOT), "bank-model", "tenant.bank", "[::", "uvicorn")
"""What no answer to a stranger, or to the tenant shop, may have in it."""


def table(name: str) -> str:
    """Write a tenant's table."""
    return f"""
[tenant.{name}]
tokens_sha256 = ["{tokens.digest(TOKENS[name])}"]
models = ["{MODELS[name]}"]
operator = {str(name == "boss").lower()}
"""


RULES = f"""
[gateway]
metrics = "operator"
header_s = {PATIENCE_S}
body_s = {PATIENCE_S}
drain_s = 1
max_body_bytes = {LIMIT_BYTES}
models = ["deepseek-flash", "bank-model"]
[client]
attempts = 1
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the gateway."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> Mapping[str, object]:
        """The error in OpenAI's form, checked for its form."""
        error = json.loads(self.body)["error"]
        assert {"message", "type", "param", "code"} == error.keys()
        assert isinstance(error["message"], str)
        assert error["message"]
        return dict(error)


@dataclass(slots=True)
class Gateway:
    """A running gateway, and the model behind it."""

    port: int
    upstream: ModelServer
    process: "subprocess.Popen[bytes]"
    config: Path
    log: Path

    def tell(self, *pieces: bytes, pause_s: float = 0.0) -> bytes:
        """Send bytes, with pauses between the pieces, and give all that comes until the gateway closes."""
        with socket.create_connection(("127.0.0.1", self.port), _GIVE_UP_S) as connection:
            received = bytearray()
            with suppress(ConnectionError):  # it may hang up before it has heard all
                for number, piece in enumerate(pieces):
                    if number:
                        received += _meanwhile(connection, pause_s)
                    connection.sendall(piece)
            with suppress(ConnectionError):
                while piece := connection.recv(65_536):
                    received += piece
        return bytes(received)

    def ask(self, tenant: str, body: Mapping[str, object], headers: Sequence[str] = ()) -> Reply:
        """Ask as a tenant that behaves."""
        data = json.dumps(body).encode()
        (reply,) = replies(
            self.tell(post(data, f"Authorization: Bearer {TOKENS[tenant]}", "Connection: close", *headers))
        )
        return reply

    def get(self, target: str, tenant: str) -> Reply:
        """Look something up as a tenant that behaves."""
        head = f"GET {target} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {TOKENS[tenant]}\r\n"
        (reply,) = replies(self.tell(f"{head}Connection: close\r\n\r\n".encode()))
        return reply

    def within(self, seconds: float, happened: Callable[[], bool]) -> bool:
        """Look again and again whether something has happened, for so many seconds at most."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            if happened():
                return True
            time.sleep(0.1)  # noqa: TID251 - a real server takes real time
        return False


def _meanwhile(connection: socket.socket, pause_s: float) -> bytes:
    """Wait, and give what came instead."""
    connection.settimeout(pause_s or 0.001)
    try:
        return connection.recv(65_536)
    except TimeoutError:
        return b""
    finally:
        connection.settimeout(_GIVE_UP_S)


def post(body: bytes, *headers: str, target: str = "/v1/chat/completions") -> bytes:
    """Spell a request; its length and type are as they should be."""
    lines = [f"POST {target} HTTP/1.1", "Host: gateway", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def replies(received: bytes) -> list[Reply]:
    """Read one answer after another."""
    found: list[Reply] = []
    while received:
        head, mark, rest = received.partition(b"\r\n\r\n")
        assert mark, f"this is no answer: {received[:200]!r}"
        status, *lines = head.decode("latin-1").split("\r\n")
        assert status.startswith("HTTP/1.1 "), status
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            body, received = _unchunked(rest)
        elif status.startswith("HTTP/1.1 100 "):
            received = rest
            continue
        else:
            length = int(headers["content-length"])
            body, received = rest[:length], rest[length:]
        found.append(Reply(int(status.split()[1]), headers, body))
    return found


def _unchunked(rest: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body, rest = body + rest[:length], rest[length + 2 :]
        if not length:
            return body, rest


@contextmanager
def running(folder: Path) -> Iterator[Gateway]:
    """Start the real command in a process of its own, over a model on loopback."""
    config, log = folder / "gateway.toml", folder / "gateway.log"
    config.write_text(RULES + "".join(map(table, TOKENS)))
    with serving(lambda _: Answer(), keys=[UPSTREAM_KEY]) as upstream:
        port = _free_port()
        places = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}  # noqa: TID251 - its own
        environ = {**places, "REVIEWBOT_BASE_URL": upstream.base_url, "REVIEWBOT_API_KEY": UPSTREAM_KEY}
        argv = [sys.executable, "-m", "reviewbot", "gateway", "--port", str(port), "--config", str(config)]
        with log.open("wb") as sink:
            process = subprocess.Popen(argv, env=environ, cwd=ROOT, stdout=sink, stderr=sink)
        gateway = Gateway(port, upstream, process, config, log)
        try:
            _wait_until_it_listens(gateway)
            yield gateway
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_listens(gateway: Gateway) -> None:
    until_s = time.monotonic() + 60
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", gateway.port), 1):
            return
        assert gateway.process.poll() is None, gateway.log.read_text()
        assert time.monotonic() < until_s, gateway.log.read_text()
        time.sleep(0.05)  # noqa: TID251 - a real server takes real time
