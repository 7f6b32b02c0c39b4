"""A SQLite database of our own: private, shared by processes, and with a thread of its own.

A thread, and not the event loop: a look-up takes microseconds, but another process's write, a checkpoint or a
slow disk takes as long as it likes, and then every stream would stall. One thread, because SQLite writes one
at a time anyway. Handing over costs 20 µs of CPU when many do it at once and 55 µs alone, measured.
"""

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_CORRUPT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY: Final = 0xFF
"""The low byte of an extended result code is the primary one."""
_SETTINGS: Final = (
    # WAL: readers never wait for a writer, and a killed process leaves either all of a change or nothing.
    # NORMAL: a commit survives the death of its process without waiting for the disk; only a power cut may
    # undo the last ones, and leaves the file whole all the same.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA journal_size_limit = 8000000",
    "PRAGMA trusted_schema = OFF",
)


class SqliteFile:
    """A database file, opened in its thread when first used."""

    def __init__(self, path: Path, prepare: Callable[[sqlite3.Connection], None], *, busy_s: float, mend: bool) -> None:
        """Take a path, and what makes the tables.

        Another process's write is waited for ``busy_s``. With ``mend``, a corrupt file is put aside and made anew.
        """
        self._path = path
        self._prepare = prepare
        self._busy_s = busy_s
        self._mend = mend
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=path.stem)

    async def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do some work in the thread. Raises OSError and sqlite3.Error."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    async def aclose(self) -> None:
        """Close the database after the work at hand."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            return work(self._opened())
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0)  # errors of the module itself have none
            if not self._mend or code & _PRIMARY not in _CORRUPT:
                raise
            self._put_aside(error)
            return work(self._opened())

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = _connect(self._path, self._busy_s)
            try:
                _configure(connection)
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _put_aside(self, error: sqlite3.Error) -> None:
        self._close()
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
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _connect(path: Path, busy_s: float) -> sqlite3.Connection:
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
    return sqlite3.connect(path, timeout=busy_s, isolation_level=None)


def _configure(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        # SQLite does not wait here: two processes that make the file together both ask, and one is refused
        # because the other is at it.
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
    for setting in _SETTINGS:
        connection.execute(setting)
