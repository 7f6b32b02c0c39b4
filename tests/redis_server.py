"""A Redis of the tests' own: on a socket in a temporary folder, with nothing kept on disk unless ``lasting``.

    @pytest.fixture
    def server() -> Iterator[RedisServer]:
        yield from running_redis()

Skipped with a reason where there is no ``redis-server``; under ``CI=true`` that fails.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_START_S = 10.0


class RedisServer:
    """One server; `stop`, `pause` and `flush` are what can happen to it."""

    def __init__(self, folder: Path, *, lasting: bool = False) -> None:
        self._socket = folder / "redis.sock"
        # "everysec" puts writes off for up to two seconds while the disk is busy, and a killed server loses them.
        self._appending = ["yes", "--appendfsync", "always"] if lasting else ["no"]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        folder = self._socket.parent
        argv = ["redis-server", "--port", "0", "--unixsocket", str(self._socket), "--save", "", "--dir", str(folder)]
        self._process = subprocess.Popen([*argv, "--appendonly", *self._appending], stdout=subprocess.DEVNULL)
        until_s = time.monotonic() + _START_S
        while not self._answers():
            assert self._process.poll() is None, "redis-server ended at once"
            assert time.monotonic() < until_s, "redis-server does not answer"

    def stop(self) -> None:
        """Kill it: everything it knew is lost, unless it is ``lasting``."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._socket.unlink(missing_ok=True)
            self._process = None

    def pause(self, milliseconds: int) -> None:
        """Let it answer nobody for a while."""
        self.command(f"CLIENT PAUSE {milliseconds} ALL")

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Stop it for the length of a block: it takes connections, and answers nobody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        """Delete everything it knows."""
        self.command("FLUSHALL")
        self.command("SCRIPT FLUSH")

    def known_to_budgets(self) -> None:
        """Let it look as if budgets had been kept in it for long: an empty one is given time to be told of them."""
        self.command("HSET reviewbot:budget:{money}:clock epoch of-old steps 1")

    def command(self, text: str) -> bytes:
        """Send a command of plain words and give the raw answer's first bytes."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_START_S)
            connection.connect(str(self._socket))
            connection.sendall(f"{text}\r\n".encode())
            return connection.recv(65_536)

    def _answers(self) -> bool:
        with suppress(OSError):
            return self.command("PING").startswith(b"+PONG")
        time.sleep(0.01)  # noqa: TID251 - a real server takes real time
        return False


def running_redis(*, lasting: bool = False) -> Iterator[RedisServer]:
    """Yield a running, empty server; the body of a fixture."""
    if shutil.which("redis-server") is None:
        message = "no redis-server on PATH: what processes share is not tested"
        if os.environ.get("CI") == "true":  # noqa: TID251 - the tests' own switch
            pytest.fail(message)
        pytest.skip(message)
    # Not tmp_path: the name of a socket may have 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder), lasting=lasting)
        server.start()
        try:
            yield server
        finally:
            server.stop()
