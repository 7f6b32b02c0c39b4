"""A review as a process of its own: started, listened to, and ended when somebody wants that."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from reviewbot.worker.forks import Fork, ForkServer

_IMPORTED: Final = (
    "reviewbot.cli.review", "reviewbot.wiring.asking", "reviewbot.wiring.sharing", "reviewbot.outputs.json",
    "reviewbot.analyzers.conflicts", "reviewbot.analyzers.leftovers", "reviewbot.analyzers.ruff",
    "reviewbot.analyzers.secrets", "reviewbot.llm.providers", "reviewbot.llm.wires.httpx_shards",
    "reviewbot.llm.redis_cache", "reviewbot.llm.redis_coalescing", "reviewbot.llm.redis_keys",
    "reviewbot.llm.redis_limiting", "redis.asyncio", "httpcore", "anyio._backends._asyncio",
)  # fmt: skip
"""What most reviews import. What the list lacks takes a review a moment longer, and nothing else."""
_OF_FORGES: Final = {
    "github": ("reviewbot.forges.github",),
    "gitlab": ("reviewbot.forges.gitlab", "gitlab.v4.objects"),
}
"""PyGithub alone takes 20 MB, in the fork server and in each review."""
_LOOK_S: Final = 0.2
"""How often it is asked whether to go on."""
_LONGEST: Final = 4_096
"""Bytes of a line; what is longer is more than one."""


def imported(forges: Iterable[str]) -> tuple[str, ...]:
    """Give the modules that are imported before a review begins, where these forges have them."""
    return (*_IMPORTED, *(module for forge in forges for module in _OF_FORGES[forge]))


def run(  # noqa: PLR0913 - what a process is given, and whom it reports to
    forks: ForkServer,
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
    held, leash = os.pipe()
    heard, said = os.pipe()
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        streams = (held, nothing, said)
        argv = (str(memory_bytes), *arguments)
        process = forks.start("reviewbot.worker.leash:run", argv, folder, environ, streams=streams)
    except BaseException:
        os.close(leash)
        os.close(heard)
        raise
    finally:
        for handle in (held, nothing, said):
            os.close(handle)
    listening = threading.Thread(target=_listen, args=(os.fdopen(heard, "rb"), hear), daemon=True, name="listen")
    listening.start()
    try:
        return _waited(process, halted)
    finally:
        # With all that it has started: the pipe that is listened to closes with the last of them.
        process.kill()
        process.wait()
        listening.join()
        os.close(leash)


def _waited(process: Fork, halted: Callable[[], bool]) -> int:
    while True:
        code = process.wait(_LOOK_S)
        if code is not None:
            return code
        if halted():
            # Not by SIGTERM: a CI job that is cancelled posts what it has by then, and this one must post no more.
            return -signal.SIGKILL


def _listen(stream: IO[bytes], hear: Callable[[str], None]) -> None:
    with stream:
        while line := stream.readline(_LONGEST):
            hear(line.decode("utf-8", "replace").rstrip())
