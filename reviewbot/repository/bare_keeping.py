"""Stores on disk: one for each project, shared by the workers of a machine, the longest unused thrown away first.

Locks are files of their own beside the stores, so that a store can go while somebody waits for it. They end with
whoever holds them, however that ends.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reviewbot.repository.bare_git import Halted, size

_SUFFIX = ".git"
_PAUSE_S = 0.1


@contextmanager
def held(
    path: Path, *, shared: bool, pause: Callable[[float], None], halted: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Hold a lock for the length of a block; wait for it first. Raises Halted where waiting is to end."""
    with path.open("ab") as file:
        while not _locked(file.fileno(), fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            if halted():
                message = "stopped while another review of the project was fetching"
                raise Halted(message)
            pause(_PAUSE_S)
        yield


def in_use(store: Path) -> Path:
    """Give the lock that everybody shares who reads a store."""
    return store.with_suffix(".use")


def fetching(store: Path) -> Path:
    """Give the lock of the one who fetches into a store."""
    return store.with_suffix(".fetch")


def thrown_away(store: Path) -> bool:
    """Throw a store away, unless somebody uses it; tell whether it is gone."""
    with in_use(store).open("ab") as file:
        if not _locked(file.fileno(), fcntl.LOCK_EX):
            return False
        shutil.rmtree(store, ignore_errors=True)
        return not store.exists()


def make_room(folder: Path, max_bytes: int) -> tuple[str, ...]:
    """Throw away the longest unused stores until the rest takes no more than that; give the names of those gone."""
    sizes = {store: size(store) for store in sorted(folder.glob(f"*{_SUFFIX}"), key=_last_used)}
    excess, gone = sum(sizes.values()) - max_bytes, []
    for store, bytes_ in sizes.items():
        if excess <= 0:
            break
        if thrown_away(store):
            excess -= bytes_
            gone.append(store.name)
    return tuple(gone)


def touch(store: Path) -> None:
    """Note that a store was used just now."""
    os.utime(in_use(store))


def _last_used(store: Path) -> float:
    with suppress(OSError):
        return in_use(store).stat().st_mtime
    return 0.0


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
