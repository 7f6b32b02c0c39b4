"""Old entries leave the ledger: in one step, while others write, and nothing else goes with them."""

import fcntl
import multiprocessing
import stat
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from telling_events import NOW, request

from reviewbot.observers.ledger import KEPT_DAYS, Ledger, prune, read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def ledger(path: Path) -> Ledger:
    return Ledger(path, lambda: NOW)


def days_ago(*days: int) -> list[int]:
    return [int((NOW - timedelta(days=day)).timestamp()) for day in days]


def test_entries_older_than_the_days_to_keep_are_dropped(path: Path) -> None:
    write = ledger(path)
    for day in (91, 90, 89, 0):
        write(request(at=NOW - timedelta(days=day)))
    assert prune(path, KEPT_DAYS, NOW) == 1
    assert days_ago(90, 89, 0) == [int(entry.at.timestamp()) for entry in read(path)]


def test_pruning_keeps_foreign_lines_the_mode_and_nothing_beside_it(path: Path) -> None:
    path.write_text("mine\n")
    path.chmod(0o640)
    ledger(path)(request(at=NOW - timedelta(days=400)))
    assert prune(path, KEPT_DAYS, NOW) == 1
    assert path.read_text() == "mine\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [path] == list(path.parent.iterdir())


def test_a_ledger_without_old_entries_is_not_written_anew(path: Path) -> None:
    ledger(path)(request(at=NOW - timedelta(days=90, hours=11)))
    before = path.stat().st_ino
    assert prune(path, KEPT_DAYS, NOW) == 0
    assert path.stat().st_ino == before


def test_there_may_be_no_ledger_to_prune(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert prune(path, KEPT_DAYS, NOW) == 0
    assert caplog.text == ""


def test_a_ledger_that_cannot_be_pruned_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert prune(tmp_path, KEPT_DAYS, NOW) == 0
    assert "cannot be pruned" in caplog.text


def test_who_prunes_second_leaves_the_work_of_the_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = ledger(path)
    write(request(at=NOW - timedelta(days=400)))
    real = fcntl.flock

    def first_another(file: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        another = threading.Thread(target=prune_as_another, args=(path,))
        another.start()
        another.join()
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", first_another)
    assert prune(path, KEPT_DAYS, NOW) == 0
    assert path.read_bytes() == b""
    assert [path] == list(path.parent.iterdir())


def prune_as_another(path: Path) -> None:
    moved = path.with_name("moved")
    moved.write_bytes(b"")
    moved.replace(path)


def write_many(path: Path, name: str, count: int) -> None:
    write = Ledger(path, lambda: datetime.now(UTC))
    for number in range(count):
        write(request(task=name, attempts=number))
        time.sleep(0.001)  # noqa: TID251 - so that the ledger is replaced many times meanwhile


def test_lines_of_many_processes_never_mix_nor_get_lost_while_the_ledger_is_pruned(path: Path) -> None:
    old = ledger(path)
    for day in range(1_000, 0, -1):
        old(request(at=NOW - timedelta(days=day)))
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(path, f"task {number}", 400)) for number in range(3)]
    for writer in writers:
        writer.start()
    days, dropped = 1_000, 0
    while days and any(writer.is_alive() for writer in writers):
        # One day less each time: there is always something to drop.
        days -= 1
        dropped += prune(path, days, NOW)
    for writer in writers:
        writer.join()
    assert dropped == 1_000 - days > 10
    found = [(entry.event.task, entry.event.attempts) for entry in read(path) if entry.at >= NOW]  # type: ignore[union-attr]
    assert sorted(found) == sorted((f"task {number}", count) for number in range(3) for count in range(400))


def test_a_ledger_that_stays_open_is_pruned_before_its_first_line_and_then_once_an_hour(path: Path) -> None:
    evening = NOW.replace(hour=23, minute=30)
    clock = [evening]
    for day in (2, 1):
        ledger(path)(request(at=evening - timedelta(days=day)))
    write = Ledger(path, lambda: clock[0], keep_days=1)
    counts = []
    for minutes in (0, 45, 60):
        clock[0] = evening + timedelta(minutes=minutes)
        write(request(at=clock[0]))
        counts.append(len(list(read(path))))
    # The line of two days ago goes at once; that of yesterday is too old from midnight on, and goes at half past.
    assert [2, 3, 3] == counts
