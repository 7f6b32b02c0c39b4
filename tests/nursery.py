"""Python processes whose imports are done already, for tests that start many: forks from the worker's fork server."""

import atexit
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from reviewbot.worker.forks import Fork, ForkServer

_TESTS = Path(__file__).parent


class Nursery:
    """An interpreter with modules, from which others are forked. Its methods are for several threads."""

    def __init__(self, modules: Sequence[str], environ: Mapping[str, str]) -> None:
        """``environ`` holds what an interpreter reads when it starts, as PYTHONHASHSEED; its forks share that."""
        born = {name: value for name, value in environ.items() if not name.startswith("COVERAGE_")}
        path = os.pathsep.join(filter(None, (str(_TESTS), str(_TESTS.parent), born.get("PYTHONPATH"))))
        self._forks = ForkServer(("nursery_run", *modules), born | {"PYTHONPATH": path})
        atexit.register(self.close)

    def start(self, argv: Sequence[str], folder: Path | str, environ: Mapping[str, str]) -> "Child":
        """Start ``python ARGV``, of which ``-m MODULE`` and ``-c CODE`` are known."""
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - the child's
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            streams = (nothing, out.fileno(), err.fileno())
            return Child(out, err, self._forks.start("nursery_run:run", argv, folder, environ, streams=streams))
        finally:
            os.close(nothing)

    def close(self) -> None:
        """Let it end."""
        self._forks.close()


class Child:
    """A started process."""

    def __init__(self, out: IO[bytes], err: IO[bytes], fork: Fork) -> None:
        self._out, self._err, self._fork = out, err, fork
        self.pid = fork.pid

    def kill(self) -> None:
        """Kill all of its group, if it has not just ended."""
        self._fork.kill()

    def ended(self, timeout_s: float) -> tuple[int, bytes, bytes] | None:
        """Give its exit status, as `subprocess` does, with standard output and error; None while it still runs."""
        code = self._fork.wait(timeout_s)
        if code is None:
            return None
        with self._out, self._err:
            for stream in (self._out, self._err):
                stream.seek(0)
            return code, self._out.read(), self._err.read()
