"""A review as a process of its own: started, listened to, and ended when somebody wants that."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

_LOOK_S: Final = 0.2
"""How often it is asked whether to go on."""
_LONGEST: Final = 4_096
"""Bytes of a line; what is longer is more than one."""


def run(
    arguments: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    *,
    memory_bytes: int,
    halted: Callable[[], bool],
    hear: Callable[[str], None],
) -> int:
    """Run ``reviewbot ARGUMENTS`` in a folder, and give its exit code; negative for the signal that ended it.

    ``hear`` is called, in another thread, with each line that it writes to standard error.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "reviewbot.worker.leash", str(memory_bytes), *arguments],
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    listening = threading.Thread(target=_listen, args=(process.stderr, hear), daemon=True, name="listen")
    listening.start()
    try:
        return _waited(process, halted)
    finally:
        # With all that it has started: the pipe that is listened to closes with the last of them.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        listening.join()
        for pipe in (process.stdin, process.stderr):
            if pipe is not None:
                pipe.close()


def _waited(process: "subprocess.Popen[bytes]", halted: Callable[[], bool]) -> int:
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_LOOK_S)
        if halted():
            # Not by SIGTERM: a CI job that is cancelled posts what it has by then, and this one must post no more.
            return -signal.SIGKILL


def _listen(stream: IO[bytes] | None, hear: Callable[[str], None]) -> None:
    while stream is not None and (line := stream.readline(_LONGEST)):
        hear(line.decode("utf-8", "replace").rstrip())
