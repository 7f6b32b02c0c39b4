"""Folders that are thrown away, whatever a hostile program has made of them."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reviewbot.errors import SandboxError

_PASSABLE = 0o711
_TIMEOUT_S = 300.0
PROGRAMS = "/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin"
"""Where programs are looked up: not on PATH, which can lead into what the change under test has installed."""


@contextmanager
def scratch() -> Iterator[Path]:
    """Give an empty folder for the length of a block. Raises SandboxError where it cannot be deleted.

    An ordinary user can pass through it, so that a job in a folder below works also where reviewbot runs as root.
    """
    place = Path(tempfile.mkdtemp(prefix="reviewbot-sandbox-")).resolve()
    try:
        place.chmod(_PASSABLE)
        yield place
    finally:
        remove(place)


def remove(place: Path) -> None:
    """Delete a tree; links in it are not followed. Raises SandboxError.

    By ``chmod`` and ``rm``: folders may lie so deep that a path to them is too long for the kernel, where
    `shutil.rmtree` gives up.
    """
    if os.geteuid() != 0:  # root needs no rights of its own
        _run("chmod", "-R", "u+rwX", "--", str(place))
    _run("rm", "-rf", "--", str(place))
    if place.exists():
        message = f"{place} could not be deleted: look what is left there, and delete it"
        raise SandboxError(message)


def give(folder: Path, uid: int) -> None:
    """Make an ordinary user the owner of a tree, as root; links in it are not followed. Raises SandboxError."""
    done = _run("chown", "-R", "-h", f"{uid}:{uid}", "--", str(folder))
    if done.returncode:
        message = f"{folder} could not be given to an ordinary user: {done.stderr.decode(errors='replace').strip()}"
        raise SandboxError(message)


def _run(*argv: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_TIMEOUT_S, env={"PATH": PROGRAMS}
    )
