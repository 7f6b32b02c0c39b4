"""Asks a `forkserver` for processes, which have their imports done when they begin."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from reviewbot.worker.forkserver import ORDER_BYTES

_TRIES: Final = 3
_ENDING_S: Final = 1.0


class ForkServer:
    """An interpreter with modules, from which others are forked. Started by the first order; for several threads."""

    def __init__(self, modules: Sequence[str], environ: Mapping[str, str], *, idle_s: float = 0) -> None:
        """``environ`` is its own, not its forks'. After ``idle_s`` without any of them it ends; 0 for never."""
        self._argv = (str(idle_s), *modules)
        self._environ = dict(environ)
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        entry: str,
        argv: Sequence[str],
        folder: Path | str,
        environ: Mapping[str, str],
        *,
        streams: tuple[int, int, int],
    ) -> "Fork":
        """Call ``module:function`` with ``argv`` in a process that leads a session.

        ``streams`` are the descriptors of its standard input, output and error, which stay the caller's, too. Raises
        OSError where it cannot be started.
        """
        what = {"entry": entry, "argv": tuple(argv), "folder": str(folder), "environ": dict(environ)}
        order = json.dumps(what).encode()
        if len(order) > ORDER_BYTES:
            message = f"arguments and environment of a process have {len(order)} bytes, of {ORDER_BYTES} at most"
            raise OSError(message)
        for _ in range(_TRIES):
            told, tell = os.pipe()
            line = os.fdopen(told, "rb", buffering=0)
            try:
                with suppress(BrokenPipeError, ConnectionResetError):
                    self._send(order, [*streams, tell])
            finally:
                os.close(tell)
            number = line.readline()
            if number:
                return Fork(int(number), line)
            line.close()
            self._ending()
        message = "a process for a review cannot be forked: is there memory left?"
        raise OSError(message)

    def close(self) -> None:
        """Let it end. Its forks go on."""
        with self._lock:
            self._drop()

    def _send(self, order: bytes, handles: Sequence[int]) -> None:
        with self._lock:
            control = self._control
            if control is None or self._process is None or self._process.poll() is not None:
                self._drop()
                control = self._open()
            socket.send_fds(control, [order], handles)

    def _ending(self) -> None:
        """Wait for a server that does not take orders any more, as one that was idle: the next one goes to another."""
        with self._lock, suppress(subprocess.TimeoutExpired):
            if self._process is not None:
                self._process.wait(_ENDING_S)

    def _open(self) -> socket.socket:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-P", "-m", "reviewbot.worker.forkserver", str(theirs.fileno()), *self._argv]
            self._process = subprocess.Popen(
                command,
                env=self._environ,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the worker, which ends it
            )
        return self._control

    def _drop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.wait()
        self._control = self._process = None


class Fork:
    """A started process."""

    def __init__(self, pid: int, told: IO[bytes]) -> None:
        self.pid = pid
        self._told = told
        self._code: int | None = None

    def kill(self) -> None:
        """Kill all of its group, as far as there is any."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Give its exit status, as `subprocess` does; None while it still runs.

        Where the fork server was killed nobody knows how it ended: it is killed then, and that is its end.
        """
        if self._code is None and select.select([self._told], [], [], timeout_s)[0]:
            line = self._told.readline()
            self._told.close()
            if not line:
                self.kill()
            self._code = int(line) if line else -signal.SIGKILL
        return self._code
