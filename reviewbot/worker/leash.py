"""A review in a worker's hands: ends with its worker, however that ends, and has its share.

A worker that is killed can tell nobody. Its jobs go to another one after a while, and two reviews of one request must
not post at the same time; so the review holds the other end of a pipe, and ends when that closes.
"""

import os
import resource
import runpy
import signal
import sys
import threading
from collections.abc import Sequence


def run(argv: Sequence[str]) -> None:
    """Run a command of ours. The first argument is how many bytes of memory it may use; standard input is the pipe."""
    memory_bytes = int(argv[0])
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_end_with, args=(pipe,), daemon=True, name="leash").start()
    sys.argv = ["reviewbot", *argv[1:]]
    runpy.run_module("reviewbot", run_name="__main__")


def _end_with(pipe: int) -> None:  # pragma: no cover - ends the process that would count it
    """Wait until nobody holds the other end; then end this process, and all that it started."""
    while os.read(pipe, 1):
        pass
    os.killpg(os.getpid(), signal.SIGKILL)
