"""The ledger: a JSON line for every request, and for what becomes of a comment, for audits and ``reviewbot stats``.

Each line is one append of its own, under a lock on the file, so any number of processes can write to one
ledger, and a process that is killed leaves whole lines but perhaps the last. The next line heals that: it begins on a
line of its own. A key shows by its short id alone, and no prompt and no answer is written.

``REVIEWBOT_LEDGER=PATH`` turns it on.
"""

import errno
import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Self

from reviewbot.domain.events import Event
from reviewbot.domain.uptake import CommentTold, Uptake
from reviewbot.observers.lines import COMMENT, Entry, ForeignLineError, decode, encode

KEPT_DAYS = 90
"""How long entries are kept where nothing else is said."""

_LOG = logging.getLogger(__name__)
_PRUNED_EVERY = timedelta(hours=1)
_LONGEST = 65_536  # bytes: a line of ours has about 500
_BLOCK = 1 << 20


class Ledger:
    """Writes what it hears to a file. One that cannot be written costs a line in the log, never a request."""

    def __init__(self, path: Path, now: Callable[[], datetime], *, keep_days: int | None = None) -> None:
        """Take how many days entries are kept, None for ever: old ones are dropped before the first line is written.

        And then once an hour at most, so that a process may run for weeks.
        """
        self._path = path
        self._now = now
        self._keep_days = keep_days
        self._pruned: datetime | None = None
        self._failed = False

    def __call__(self, event: Event, /) -> None:
        """Write a line; does not raise."""
        try:
            now = self._now()
            line = encode(event, now)
            if line is not None:
                self._prune(now)
                _append(self._path, line)
        except (OSError, ValueError) as error:
            if not self._failed:
                self._failed = True
                _LOG.warning("the ledger %s cannot be written, requests go on without it: %s", self._path, error)

    def _prune(self, now: datetime) -> None:
        if self._keep_days is None or (self._pruned is not None and now - self._pruned < _PRUNED_EVERY):
            return
        self._pruned = now
        prune(self._path, self._keep_days, now)


class Reading:
    """The entries of a ledger, one by one. What was skipped is counted as it is met."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.foreign = 0
        """Lines that are no entry."""
        self.torn = False
        """Whether the last line broke off."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Entry:
        for line in self._lines:
            try:
                return decode(line)
            except ForeignLineError:
                if line.endswith(b"\n"):
                    self.foreign += 1
                else:
                    self.torn = True
        raise StopIteration


def read(path: Path) -> Reading:
    """Give the entries of a ledger, read as they are asked for; the first may raise OSError."""
    return Reading(_lines_of(path))


def uptakes(path: Path) -> Mapping[tuple[str, str, int, str], Uptake]:
    """Give the best that a ledger knows of each comment, by its key; nothing where there is no ledger."""
    known: dict[tuple[str, str, int, str], Uptake] = {}
    try:
        for entry in Reading(line for line in _lines_of(path) if line.startswith(COMMENT)):
            event = entry.event
            if isinstance(event, CommentTold):
                known[event.key] = max(known.get(event.key, event.uptake), event.uptake, key=lambda one: one.rank)
    except OSError:
        return {}
    return known


def prune(path: Path, days: int, now: datetime) -> int:
    """Drop the entries of days more than ``days`` ago, and give how many these were.

    The ledger is replaced in one step, and no line is lost that others write meanwhile. What is no entry stays:
    nothing is deleted that is not known to be ours and old. Days are whole ones of UTC, so that a ledger is written
    anew once a day at most. Does not raise: a ledger that cannot be pruned costs a line in the log.
    """
    oldest = (now - timedelta(days=days)).date()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with path.open("r+b") as file:
            return _prune(file, path, part, oldest) if _starts_before(file, oldest) else 0
    except FileNotFoundError:
        return 0
    except OSError as error:
        part.unlink(missing_ok=True)
        _LOG.warning("the ledger %s cannot be pruned: %s", path, error)
        return 0


def _append(path: Path, line: bytes) -> None:
    with _opened(path) as file:
        # A line that broke off, of a killed process or a full disk, must not take this one with it.
        size = os.fstat(file).st_size
        broken = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        data = b"\n" + line if broken else line
        if os.write(file, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open the ledger for one write, under a lock that keeps `prune` from replacing it meanwhile."""
    while True:
        file = _open(path)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_current(file, path):
                yield file
                return
        finally:
            os.close(file)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, flags, 0o600)


def _is_current(file: int, path: Path) -> bool:
    """Tell whether the path still names the open file."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _lines_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from _lines(file)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines that say something, cut where they are too long for any of ours."""
    while line := file.readline(_LONGEST):
        rest = line
        while len(rest) == _LONGEST and not rest.endswith(b"\n"):
            rest = file.readline(_LONGEST)
        if line.strip():
            yield line if rest is line else line + rest[-1:]


def _starts_before(file: BinaryIO, oldest: date) -> bool:
    """Tell whether the first entry is too old; a ledger is in the order of time, so else there is nothing to do."""
    entry = next(Reading(_lines(file)), None)
    file.seek(0)
    return entry is not None and entry.at.date() < oldest


def _prune(file: BinaryIO, path: Path, part: Path, oldest: date) -> int:
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as kept:
        os.fchmod(descriptor, os.fstat(file.fileno()).st_mode & 0o777)
        dropped = _sift(file, kept, oldest)
        fcntl.flock(file, fcntl.LOCK_EX)
        # The lock goes with the file: what was written up to now is copied, what comes later finds the new file.
        while block := file.read(_BLOCK):
            kept.write(block)
        kept.flush()
        os.fsync(descriptor)
        if not _is_current(file.fileno(), path):
            part.unlink()  # somebody else was faster
            return 0
        part.replace(path)
    return dropped


def _sift(file: BinaryIO, kept: BinaryIO, oldest: date) -> int:
    """Copy the lines to be kept, and give how many were not."""
    dropped = 0
    while line := file.readline(_LONGEST):
        if _is_old(line, oldest):
            dropped += 1
        else:
            kept.write(line)
    return dropped


def _is_old(line: bytes, oldest: date) -> bool:
    try:
        return decode(line).at.date() < oldest
    except ForeignLineError:
        return False
