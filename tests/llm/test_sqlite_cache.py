"""Answers on disk: private, bounded, and never in the way."""

import asyncio
import logging
import os
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from world import VirtualWorld

from reviewbot.domain.prompt import Completion
from reviewbot.llm.caching import Seal
from reviewbot.llm.sqlite_cache import SqliteCache

T = TypeVar("T")
SEAL = Seal([b"secret"])
KEYS = [f"{number:064x}" for number in range(200)]


def answer(text: str = "fine") -> Completion:
    return Completion(text=text, finish_reason="stop", model="m")


class Case:
    """A cache in a folder of its own, and a clock to move."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "answers.sqlite3"
        self.world = VirtualWorld()

    def open(self, *, seal: Seal = SEAL, ttl_s: float = 3_600, max_bytes: int = 200_000_000) -> SqliteCache:
        return SqliteCache(self.folder, seal, self.world.surroundings, ttl_s=ttl_s, max_bytes=max_bytes)

    def use(self, work: Callable[[SqliteCache], Awaitable[T]], cache: SqliteCache | None = None) -> T:
        """Do some work with an open cache, which is closed afterwards."""

        async def session() -> T:
            used = cache or self.open()
            try:
                return await work(used)
            finally:
                await used.aclose()

        return asyncio.run(session())

    def put(self, *keys: str) -> None:
        async def work(cache: SqliteCache) -> None:
            for key in keys:
                await cache.put(key, answer(key))

        self.use(work)

    def found(self, *keys: str, cache: SqliteCache | None = None) -> list[str | None]:
        async def work(cache: SqliteCache) -> list[str | None]:
            answers = [await cache.get(key) for key in keys]
            return [one.text if one else None for one in answers]

        return self.use(work, cache)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path / "deep" / "cache")


def test_an_answer_is_found_again_by_the_next_process(case: Case) -> None:
    case.put(KEYS[0])
    assert [KEYS[0], None] == case.found(KEYS[0], KEYS[1])


def test_an_answer_stored_again_replaces_the_first(case: Case) -> None:
    async def work(cache: SqliteCache) -> Completion | None:
        await cache.put(KEYS[0], answer("old"))
        await cache.put(KEYS[0], answer("new"))
        return await cache.get(KEYS[0])

    assert answer("new") == case.use(work)


def test_folder_and_files_are_for_their_owner_alone(case: Case) -> None:
    async def modes(cache: SqliteCache) -> dict[str, int]:
        await cache.put(KEYS[0], answer())
        return {path.name: stat.S_IMODE(path.stat().st_mode) for path in case.folder.iterdir()}

    names = ["answers.sqlite3", "answers.sqlite3-shm", "answers.sqlite3-wal"]
    assert dict.fromkeys(names, 0o600) == case.use(modes)
    assert stat.S_IMODE(case.folder.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(case: Case) -> None:
    case.put(KEYS[0])
    case.file.chmod(0o644)
    assert [KEYS[0]] == case.found(KEYS[0])
    assert stat.S_IMODE(case.file.stat().st_mode) == 0o600


def test_a_link_in_place_of_the_file_is_not_followed(case: Case, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    case.folder.mkdir(parents=True)
    case.file.symlink_to(precious)
    case.put(KEYS[0])
    assert [KEYS[0]] == case.found(KEYS[0])
    assert precious.read_text() == "mine"


def test_an_answer_lives_no_longer_than_its_time(case: Case) -> None:
    case.put(KEYS[0])
    case.world.advance(3_599)
    assert [KEYS[0]] == case.found(KEYS[0])
    case.world.advance(1)
    assert case.found(KEYS[0]) == [None]


def test_a_poisoned_or_foreign_entry_misses_without_a_word(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    case.put(KEYS[0], KEYS[1], KEYS[2])
    with sqlite3.connect(case.file) as database:
        database.execute("UPDATE answers SET entry = replace(entry, 'stop', 'STOP') WHERE key = ?", (KEYS[0],))
        database.execute("UPDATE answers SET entry = x'ff00' WHERE key = ?", (KEYS[1],))
    database.close()
    assert [None, None, KEYS[2]] == case.found(*KEYS[:3])
    assert case.found(KEYS[2], cache=case.open(seal=Seal([b"theirs"]))) == [None]
    assert caplog.messages == []


def test_the_size_is_bounded_and_what_was_used_last_stays(case: Case) -> None:
    bound = 300_000

    async def work(cache: SqliteCache) -> list[bool]:
        for key in KEYS[:100]:
            await cache.put(key, answer("x" * 10_000))
            assert await cache.get(KEYS[0])  # used all the time
            case.world.advance(1)
        return [await cache.get(key) is not None for key in KEYS[:100]]

    kept = case.use(work, case.open(max_bytes=bound))
    assert bound * 1.1 >= case.file.stat().st_size
    assert kept[0]
    assert not any(kept[1:60])
    assert all(kept[-18:])


def test_a_use_outlives_the_process_that_made_it(case: Case) -> None:
    case.put(KEYS[0], KEYS[1])
    case.world.advance(10)
    assert [KEYS[0]] == case.found(KEYS[0])
    with sqlite3.connect(case.file) as database:
        rows = database.execute("SELECT key FROM answers ORDER BY used_at").fetchall()
    database.close()
    assert [(KEYS[1],), (KEYS[0],)] == rows


def test_an_answer_that_would_push_out_everything_else_is_not_kept(case: Case) -> None:
    async def work(cache: SqliteCache) -> Completion | None:
        await cache.put(KEYS[0], answer("x" * 10_000))
        return await cache.get(KEYS[0])

    assert case.use(work, case.open(max_bytes=90_000)) is None


def test_a_corrupt_database_is_put_aside_and_made_anew(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    case.put(KEYS[0])
    case.file.write_bytes(b"no database at all" * 1_000)
    assert case.found(KEYS[0]) == [None]
    case.put(KEYS[1])
    assert [KEYS[1]] == case.found(KEYS[1])
    assert (case.folder / "answers.sqlite3.corrupt").read_bytes().startswith(b"no database")
    assert len(caplog.messages) == 1
    assert "put aside as answers.sqlite3.corrupt" in caplog.text


def test_a_database_that_turns_out_corrupt_while_in_use_is_made_anew(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    case.put(*KEYS)

    async def work(cache: SqliteCache) -> list[Completion | None]:
        size = case.file.stat().st_size
        with case.file.open("r+b") as file:
            file.seek(4_096)
            file.write(os.urandom(size - 4_096))
        await asyncio.gather(*(cache.get(key) for key in KEYS[:50]))
        await cache.put(KEYS[7], answer())
        return [await cache.get(KEYS[7]), await cache.get(KEYS[8])]

    assert [answer(), None] == case.use(work)
    assert len(caplog.messages) == 1


def test_a_file_of_another_version_is_begun_anew(case: Case) -> None:
    case.put(KEYS[0])
    with sqlite3.connect(case.file) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    assert case.found(KEYS[0]) == [None]
    case.put(KEYS[1])
    assert [KEYS[1]] == case.found(KEYS[1])


def test_a_folder_that_cannot_be_made_is_no_cache_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    case = Case(tmp_path / "file" / "cache")

    async def work(cache: SqliteCache) -> Completion | None:
        for key in KEYS[:5]:
            await cache.put(key, answer())
        return await cache.get(KEYS[0])

    assert case.use(work) is None
    assert len(caplog.messages) == 1
    assert "no cache of answers" in caplog.text


def test_a_folder_that_cannot_be_written_is_no_cache(
    case: Case, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.put(KEYS[0])
    # The tests may run as root, who can write anywhere.
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert case.found(KEYS[0]) == [None]
    assert len(caplog.messages) == 1


def test_a_full_disk_is_said_once_and_when_it_is_over(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    case.put(KEYS[0])

    async def session() -> list[str | None]:
        cache = case.open()
        await cache.get(KEYS[0])
        await cache._file.run(lambda database: database.execute("PRAGMA max_page_count = 1"))
        for key in KEYS[1:6]:
            await cache.put(key, answer("x" * 20_000))
            assert await cache.get(KEYS[0])
        await cache._file.run(lambda database: database.execute("PRAGMA max_page_count = 100000"))
        await cache.put(KEYS[7], answer())
        found = [await cache.get(key) for key in (KEYS[0], KEYS[1], KEYS[7])]
        await cache.aclose()
        return [one.text if one else None for one in found]

    assert [KEYS[0], None, "fine"] == asyncio.run(session())
    assert len(caplog.messages) == 2
    assert "full" in caplog.messages[0]
    assert "works again" in caplog.messages[1]


def test_closing_a_cache_that_was_never_used_leaves_no_file(case: Case) -> None:
    async def nothing(_: SqliteCache) -> None:
        return None

    case.use(nothing)
    assert not case.folder.exists()


def held_by_another_process(case: Case, held_s: float) -> list[str | None]:
    """Read one answer and store another while the file is occupied; give what is found of both afterwards."""
    case.put(KEYS[0])
    other = sqlite3.connect(case.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def ends() -> None:
        await case.world.sleep(held_s)
        other.execute("COMMIT")
        other.close()

    async def work(cache: SqliteCache) -> None:
        assert await cache.get(KEYS[0])
        await asyncio.gather(cache.put(KEYS[1], answer(KEYS[1])), ends())

    case.use(work)
    return case.found(KEYS[0], KEYS[1])


def test_a_file_that_another_process_writes_to_can_be_read_and_is_waited_for_in_the_event_loop(case: Case) -> None:
    assert [KEYS[0], KEYS[1]] == held_by_another_process(case, 0.9)


def test_an_answer_is_not_kept_where_another_process_holds_the_file_for_too_long(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    assert [KEYS[0], None] == held_by_another_process(case, 1.1)
    assert "database is locked" in caplog.text


def test_the_log_is_written_back_while_the_cache_is_in_use(case: Case) -> None:
    async def work(cache: SqliteCache) -> tuple[int, int]:
        sizes = []
        for _ in range(4):
            for key in KEYS:
                await cache.put(key, answer("x" * 10_000))
                await asyncio.sleep(0.001)  # a thread does it
            sizes.append((case.folder / "answers.sqlite3-wal").stat().st_size)
        return sizes[0], sizes[-1]

    first, last = case.use(work)
    assert last < 3 * first
