"""Answers kept on disk, for the runs of one machine or one CI cache."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.caching import Seal, opened_entry, sealed_entry
from reviewbot.llm.sqlite_file import SqliteFile, writing

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_FILE: Final = "answers.sqlite3"
_VERSION: Final = 1
_BUSY_S: Final = 1.0
"""For an answer that may as well not be kept."""
_TABLES: Final = (
    "DROP TABLE IF EXISTS answers",
    "CREATE TABLE answers (key TEXT PRIMARY KEY, entry TEXT NOT NULL, created_at REAL NOT NULL, used_at REAL NOT NULL)",
    "CREATE INDEX answers_by_use ON answers (used_at)",
    f"PRAGMA user_version = {_VERSION}",
)
_PUT: Final = "INSERT OR REPLACE INTO answers (key, entry, created_at, used_at) VALUES (?, ?, ?, ?)"
_TOUCH: Final = "UPDATE answers SET used_at = ? WHERE key = ?"
_EVICT: Final = "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers ORDER BY used_at LIMIT 10)"
"""A few at a time: about as much goes as comes, so that no write takes long."""
_LARGEST: Final = 0.1
"""Of the size bound: a larger answer would push out everything else."""


class SqliteCache:
    """A cache in ``folder``. A folder that cannot be written, or a full disk, is a cache that misses."""

    def __init__(
        self,
        folder: Path,
        secret: Seal,
        world: Surroundings,
        *,
        ttl_s: float = 3_600,
        max_bytes: int = 200_000_000,
    ) -> None:
        self._seal = secret
        self._world = world
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._folder = folder
        self._file = SqliteFile(folder / _FILE, _prepare, world, busy_s=_BUSY_S, mend=True)
        self._used: dict[str, float] = {}
        """When entries were last read; written with the next answer, to keep reads from being writes."""
        self._failing = False

    async def get(self, key: str) -> Completion | None:
        """Give a stored answer that is fresh and authentic, or None."""
        return await self._attempt(lambda database: self._read(database, key))

    async def put(self, key: str, completion: Completion) -> None:
        """Store an answer, and drop those that were not used for longest where the room is used up."""
        if await self._attempt(lambda database: self._write(database, key, completion)) and self._failing:
            # Only a write proves it: on a full disk, reads go on.
            self._failing = False
            _log.info("the cache of answers in %s works again", self._folder)

    async def aclose(self) -> None:
        """Close the database."""
        if self._used:
            await self._attempt(self._write_uses)
        await self._file.aclose()

    async def _attempt(self, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        try:
            return await self._file.run(work)
        except (OSError, sqlite3.Error) as error:
            if not self._failing:
                _log.warning("no cache of answers in %s: %s", self._folder, error)
            self._failing = True
            return None

    def _read(self, database: sqlite3.Connection, key: str) -> Completion | None:
        row = database.execute("SELECT entry FROM answers WHERE key = ?", (key,)).fetchone()
        if row is None or not isinstance(row[0], str):
            return None
        now = self._world.now()
        completion = opened_entry(self._seal, key, row[0], now, self._ttl_s)
        if completion is not None:
            self._used[key] = now.timestamp()
        return completion

    def _write(self, database: sqlite3.Connection, key: str, completion: Completion) -> bool:
        now = self._world.now()
        entry = sealed_entry(self._seal, key, completion, now)
        if len(entry) > self._max_bytes * _LARGEST:
            return False
        at = now.timestamp()
        with writing(database):
            self._note_uses(database)
            database.execute(_PUT, (key, entry, at, at))
            while _size(database) > self._max_bytes and database.execute(_EVICT).rowcount:
                pass
        return True

    def _write_uses(self, database: sqlite3.Connection) -> None:
        with writing(database):
            self._note_uses(database)

    def _note_uses(self, database: sqlite3.Connection) -> None:
        database.executemany(_TOUCH, [(at, key) for key, at in self._used.items()])
        self._used.clear()


def _prepare(database: sqlite3.Connection) -> None:
    if _version(database) == _VERSION:
        return
    with writing(database):
        if _version(database) != _VERSION:  # another process may just have made it
            for statement in _TABLES:
                database.execute(statement)


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _size(database: sqlite3.Connection) -> int:
    """Give the bytes in use: free pages are used again before the file grows."""
    pages, free, page = (
        database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * page)
