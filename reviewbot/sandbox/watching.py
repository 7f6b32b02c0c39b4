"""Looks at a running job: what no limit of a single process bounds."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from reviewbot.domain.isolation import SandboxJob
from reviewbot.sandbox.processes import descendants, resident_bytes

TIME, DISK, MEMORY = "time", "disk", "memory"
_EVERY_S = 0.2
_SHARE = 5.0
"""A look waits for so many times as long as the last one took: at most a sixth of the time goes into looking."""
_OTHERS_WRITE = 4
"""Free space may shrink by so many times the job's limit, since others write to the same disk as well."""
_BLOCK_BYTES = 512
_ENTRY_BYTES = 1024
"""For each file, also an empty one: a file system runs out of those as well."""


class Watch:
    """Knows how a job stood at its start. ``clock`` gives seconds that only grow."""

    def __init__(self, job: SandboxJob, folders: Iterable[Path], clock: Callable[[], float]) -> None:
        self._job = job
        self._folders = tuple(folders)
        self._clock = clock
        self._disk = used_bytes(self._folders)
        self._free = _free_bytes(job.folder)
        self._start_s = self._next_s = clock()

    @property
    def wall_s(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start_s

    def exceeded(self, keeper: int) -> str:
        """Give the limit that the processes below ``keeper`` have broken; empty where they keep to them all."""
        before_s = self._clock()
        if before_s - self._start_s > self._job.timeout_s:
            return TIME
        if before_s < self._next_s:
            return ""
        found = self._look(keeper)
        after_s = self._clock()
        self._next_s = after_s + max(_EVERY_S, _SHARE * (after_s - before_s))
        return found

    def _look(self, keeper: int) -> str:
        if resident_bytes(descendants(keeper)) > self._job.memory_bytes:
            return MEMORY
        written = used_bytes(self._folders) - self._disk
        # What is deleted but still open, or in a folder that cannot be read, shows in the free space only.
        vanished = self._free - _free_bytes(self._job.folder)
        if written > self._job.disk_bytes or vanished > _OTHERS_WRITE * self._job.disk_bytes:
            return DISK
        return ""


def used_bytes(folders: Iterable[Path]) -> int:
    """Add up what lies in folders, on disk; links are not followed, and what cannot be read counts nothing."""
    total = 0
    waiting = [os.fspath(folder) for folder in folders]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:  # deleted meanwhile, closed to us, or too deep
            for entry in entries:
                total += _entry_bytes(entry)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return total


def _entry_bytes(entry: os.DirEntry[str]) -> int:
    try:
        return _ENTRY_BYTES + entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
    except OSError:
        return 0


def _free_bytes(folder: str) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
