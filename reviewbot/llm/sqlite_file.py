"""A SQLite database of our own: private, shared by processes, and used without stalling the event loop.

Work is done in the event loop, and not in a thread: a look-up takes 15 µs and a write 55, measured, while handing
one to a thread costs 100 µs more, because SQLite gives up the interpreter lock at every step. What can take long
happens elsewhere: opening, closing and checkpoints (which wait for the disk) in a thread, and where another
process is writing, nobody waits but the one who asked.
"""

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from reviewbot.domain.surroundings import Surroundings

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_CORRUPT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_OCCUPIED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY: Final = 0xFF
"""The low byte of an extended result code is the primary one."""
_LOOK_S: Final = 0.004
"""How long to leave a file that another process writes to; that takes less than a millisecond."""
_TURN: Final = 250
"""Pieces of work between two checkpoints: a few megabytes of log."""
_SETTINGS: Final = (
    # NORMAL: a commit survives the death of its process without waiting for the disk; only a power cut may
    # undo the last ones, and leaves the file whole all the same.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA journal_size_limit = 8000000",
    "PRAGMA trusted_schema = OFF",
)


class SqliteFile:
    """A database file, opened when first used, for one event loop."""

    def __init__(
        self,
        path: Path,
        prepare: Callable[[sqlite3.Connection], None],
        world: Surroundings,
        *,
        busy_s: float,
        mend: bool,
    ) -> None:
        """Take a path, and what makes the tables.

        A file that other processes keep writing to is tried for ``busy_s``. With ``mend``, a corrupt one is put
        aside and made anew.
        """
        self._path = path
        self._prepare = prepare
        self._world = world
        self._busy_s = busy_s
        self._mend = mend
        self._connection: sqlite3.Connection | None = None
        self._opening = asyncio.Lock()
        self._done = 0
        self._checkpoint: asyncio.Task[None] | None = None

    async def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do a short piece of work; all of it again where the file was occupied.

        Cancelled, it was not done. Raises OSError and sqlite3.Error.
        """
        until_s = self._world.monotonic() + self._busy_s
        mended = False
        while True:
            try:
                result = work(self._connection or await self._opened())
            except sqlite3.DatabaseError as error:
                code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY  # errors of the module itself have none
                if code in _CORRUPT and self._mend and not mended:
                    mended = True
                    self._put_aside(error)
                elif code not in _OCCUPIED or self._world.monotonic() >= until_s:
                    raise
                else:
                    await self._world.sleep(_LOOK_S * (0.5 + self._world.chance()))
            else:
                self._count()
                return result

    async def aclose(self) -> None:
        """Close the database."""
        if self._checkpoint is not None:
            await self._checkpoint
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await asyncio.to_thread(connection.close)

    async def _opened(self) -> sqlite3.Connection:
        async with self._opening:
            if self._connection is None:
                self._connection = await asyncio.to_thread(self._open)
            return self._connection

    def _open(self) -> sqlite3.Connection:
        connection = _connect(self._path)
        try:
            _configure(connection)
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _count(self) -> None:
        """Now and then, write the log back into the file, in a thread and with a connection of its own."""
        self._done += 1
        if self._done % _TURN == 0 and (self._checkpoint is None or self._checkpoint.done()):
            self._checkpoint = asyncio.create_task(asyncio.to_thread(_write_back, self._path))

    def _put_aside(self, error: sqlite3.Error) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        aside = self._path.with_name(f"{self._path.name}.corrupt")
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            self._path.replace(aside)
        _log.warning("%s is corrupt (%s): put aside as %s and made anew", self._path, error, aside.name)


@contextlib.contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the database for writing until the end of the block; all of it counts or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        message = f"{path.parent} cannot be written"
        raise PermissionError(message)
    if path.is_symlink():
        # A restored CI cache is not to choose which file is written.
        path.unlink()
    with contextlib.suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)
    # By name, never by an open file: closing one would drop SQLite's own locks on it.
    if path.is_file() and path.stat().st_mode & 0o077:
        path.chmod(0o600)
    # No waiting for locks, which would stall the event loop. Opened in a thread, and then used in the loop alone.
    return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)


def _configure(connection: sqlite3.Connection) -> None:
    """Set the database up.

    With a write-ahead log, readers never wait for a writer, and a killed process leaves all of a change or nothing.
    """
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = WAL")
    for setting in _SETTINGS:
        connection.execute(setting)


def _write_back(path: Path) -> None:
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        # What was written meanwhile is little: for that, writers are held off, so that the log begins anew.
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
