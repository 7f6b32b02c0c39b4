"""Python processes whose imports are done already: forks of an interpreter that has them, instead of new ones.

Most of what a short job costs is the start of its interpreter and its imports, which are the same every time. A fork
is a process of its own all the same: it has its own arguments, folder, environment and output, leads a session, can
be killed at any moment, and ends as every interpreter does.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_MOTHER = Path(__file__).with_name("nursery_mother.py")


class Nursery:
    """An interpreter with modules, from which others are forked. Its methods are for several threads."""

    def __init__(self, modules: Sequence[str], environ: Mapping[str, str]) -> None:
        """``environ`` holds what an interpreter reads when it starts, as PYTHONHASHSEED; its forks share that."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._mother = subprocess.Popen(
                [sys.executable, str(_MOTHER), str(theirs.fileno()), *modules],
                env={name: value for name, value in environ.items() if not name.startswith("COVERAGE_")},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        atexit.register(self.close)

    def start(self, argv: Sequence[str], folder: Path | str, environ: Mapping[str, str]) -> "Child":
        """Start ``python ARGV``, of which ``-m MODULE`` and ``-c CODE`` are known."""
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - the child's
        told, tell = os.pipe()
        order = json.dumps({"argv": argv, "folder": str(folder), "environ": dict(environ)}).encode()
        try:
            socket.send_fds(self._control, [order], [out.fileno(), err.fileno(), tell])
        finally:
            os.close(tell)
        return Child(out, err, os.fdopen(told, "rb", buffering=0))

    def close(self) -> None:
        """Let it end."""
        self._control.close()
        self._mother.wait()


class Child:
    """A started process."""

    def __init__(self, out: IO[bytes], err: IO[bytes], told: IO[bytes]) -> None:
        self._out, self._err, self._told = out, err, told
        self.pid = int(told.readline() or 0)
        assert self.pid, "the process could not be started"

    def kill(self) -> None:
        """Kill all of its group, if it has not just ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def ended(self, timeout_s: float) -> tuple[int, bytes, bytes] | None:
        """Give its exit status, as `subprocess` does, with standard output and error; None while it still runs."""
        if not select.select([self._told], [], [], timeout_s)[0]:
            return None
        with self._told, self._out, self._err:
            code = int(self._told.readline())
            for stream in (self._out, self._err):
                stream.seek(0)
            return code, self._out.read(), self._err.read()
