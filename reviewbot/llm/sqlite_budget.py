"""Budgets of days and months on disk, for the processes of one machine."""

import logging
import sqlite3
from pathlib import Path
from typing import Final

from reviewbot.domain.claim import Claim, Fit, Ruling, Standing
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import BudgetExceeded, UsageError
from reviewbot.llm.budget_store import judged
from reviewbot.llm.sqlite_file import SqliteFile, writing

_log = logging.getLogger(__name__)
_FILE: Final = "budget.sqlite3"
_VERSION: Final = 1
_BUSY_S: Final = 10.0
_KEPT_S: Final = 62 * 86_400
"""Longer than any month."""
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS spent (account TEXT PRIMARY KEY, micros INTEGER NOT NULL, at_s REAL NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS held (
        account TEXT NOT NULL, claim TEXT NOT NULL, micros INTEGER NOT NULL, until_s REAL NOT NULL,
        PRIMARY KEY (account, claim)
    ) WITHOUT ROWID
    """,
    f"PRAGMA user_version = {_VERSION}",
)
_SPENT: Final = "SELECT micros FROM spent WHERE account = ?"
_HELD: Final = """
SELECT coalesce(sum(micros) FILTER (WHERE until_s < :at_s), 0), coalesce(sum(micros) FILTER (WHERE until_s >= :at_s), 0)
FROM held WHERE account = :account
"""
_HOLD: Final = "INSERT OR IGNORE INTO held (account, claim, micros, until_s) VALUES (?, ?, ?, ?)"
_FREE: Final = "DELETE FROM held WHERE account = ? AND claim = ?"
_BOOK: Final = """
INSERT INTO spent (account, micros, at_s) VALUES (?, ?, ?)
ON CONFLICT (account) DO UPDATE SET micros = micros + excluded.micros, at_s = excluded.at_s
"""
_FORGET: Final = ("DELETE FROM spent WHERE at_s < ?", "DELETE FROM held WHERE until_s < ?")


class SqliteBudgetStore:
    """Accounts in ``folder``, beside the cache. What cannot be read or written stops requests: it fails closed."""

    def __init__(self, folder: Path, world: Surroundings) -> None:
        self._folder = folder
        # Never mended: a new file would forget what was spent.
        self._file = SqliteFile(folder / _FILE, _prepare, world, busy_s=_BUSY_S, mend=False)

    async def check(self) -> None:
        """Open the store before anything is to be sent. Raises UsageError where it would not last."""
        try:
            await self._file.run(_version)
        except (OSError, sqlite3.Error) as error:
            message = (
                f"a budget for a day or month needs a lasting store, and {self._folder / _FILE} is none: {error}. "
                "Point REVIEWBOT_CACHE_DIR to a folder that can be written and is kept, or set REVIEWBOT_REDIS_URL"
            )
            raise UsageError(message) from error

    async def reserve(self, claim: Claim) -> Ruling:
        """Set money aside if it fits into every account. Raises BudgetExceeded where the store fails."""
        try:
            return await self._file.run(lambda database: _reserve(database, claim))
        except (OSError, sqlite3.Error) as error:
            message = f"the budget in {self._folder} cannot be kept ({error}), so nothing more is sent"
            raise BudgetExceeded(message) from error

    async def settle(self, claim: Claim, micros: int) -> tuple[Standing, ...]:
        """Book what a request did cost, and free what was set aside for it."""
        try:
            return await self._file.run(lambda database: _settle(database, claim, micros))
        except (OSError, sqlite3.Error) as error:
            _log.warning("the budget in %s counts a request at its worst case: %s", self._folder, error)
            return ()

    async def aclose(self) -> None:
        """Close the database."""
        await self._file.aclose()


def _reserve(database: sqlite3.Connection, claim: Claim) -> Ruling:
    with writing(database):
        standings = _standings(database, claim)
        fit = judged(claim, standings)
        if not any(standing.spent or standing.held for standing in standings):
            # A new day: the moment to forget old ones.
            for statement in _FORGET:
                database.execute(statement, (claim.at_s - _KEPT_S,))
        if fit is Fit.NOW:
            rows = [(cap.account, claim.id, claim.micros, claim.until_s) for cap in claim.caps]
            database.executemany(_HOLD, rows)
    return Ruling(fit=fit, standings=standings)


def _settle(database: sqlite3.Connection, claim: Claim, micros: int) -> tuple[Standing, ...]:
    with writing(database):
        database.executemany(_FREE, [(cap.account, claim.id) for cap in claim.caps])
        database.executemany(_BOOK, [(cap.account, micros, claim.at_s) for cap in claim.caps])
        return _standings(database, claim)


def _standings(database: sqlite3.Connection, claim: Claim) -> tuple[Standing, ...]:
    standings = []
    for cap in claim.caps:
        row = database.execute(_SPENT, (cap.account,)).fetchone()
        lost, held = database.execute(_HELD, {"at_s": claim.at_s, "account": cap.account}).fetchone()
        standings.append(Standing(cap=cap, spent=(row[0] if row else 0) + lost, held=held))
    return tuple(standings)


def _prepare(database: sqlite3.Connection) -> None:
    found = _version(database)
    if found == _VERSION:
        return
    if found:
        message = f"it was written by another version of reviewbot (schema {found}, not {_VERSION})"
        raise sqlite3.DatabaseError(message)
    with writing(database):
        for statement in _TABLES:
            database.execute(statement)


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])
