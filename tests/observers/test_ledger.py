"""The ledger on a real disk: whole lines from many writers, old ones dropped, never a request lost over it."""

import fcntl
import json
import logging
import os
import signal
import stat
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from telling_events import ATTEMPT, BREAKER, BUDGET, COMMENT, KEY, NOW, REQUEST, comment, request

from reviewbot.domain.events import KeyChanged, RequestEnded
from reviewbot.domain.uptake import Uptake
from reviewbot.observers.ledger import Ledger, read, uptakes
from reviewbot.observers.lines import Entry, Logged

TOKEN = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def ledger(path: Path) -> Ledger:
    return Ledger(path, lambda: NOW)


def entries(path: Path) -> list[Entry]:
    return list(read(path))


def test_a_request_is_one_line_with_everything_that_was_asked_and_answered(path: Path) -> None:
    ledger(path)(REQUEST)
    assert path.read_text() == (
        '{"kind":"request","at":"2026-11-21T12:00:00.000Z","task":"review","tenant":null,"endpoint":"api.example:443",'
        '"model":"deepseek-flash","answered_by":"deepseek-flash-1017","key_id":"3f2a9c01",'
        '"parameters":{"temperature":"0.2","max_tokens":"8000"},"prompt_version":"review.system 1","attempts":1,'
        '"outcome":"ok","prompt_tokens":1000,"cached_tokens":400,"completion_tokens":200,"cost_usd":"0.000211",'
        '"latency_s":2.0,"ttft_s":0.5}\n'
    )


def test_what_is_written_is_read_back(path: Path) -> None:
    events: list[Logged] = [
        REQUEST,
        KEY,
        BREAKER,
        BUDGET,
        COMMENT,
        comment(rule=None, uptake=Uptake.OPEN),
        request(tenant="a", answered_by=None, key_id=None, ttft_s=None),
    ]
    write = ledger(path)
    for event in events:
        write(event)
    assert [Entry(at=NOW, event=event) for event in events] == entries(path)


def test_what_became_of_a_comment_is_one_line(path: Path) -> None:
    ledger(path)(COMMENT)
    assert path.read_text() == (
        '{"kind":"comment","at":"2026-11-21T12:00:00.000Z","forge":"gitlab","project":"42","number":7,'
        '"fingerprint":"0123456789abcdef0123456789abcdef","severity":"high","category":"bug","source":"ruff",'
        '"rule":"F821","outcome":"changed"}\n'
    )


def test_of_each_comment_the_ledger_knows_the_best(path: Path) -> None:
    write, other = ledger(path), comment(number=8, uptake=Uptake.OPEN)
    for event in (comment(uptake=Uptake.OPEN), REQUEST, COMMENT, comment(uptake=Uptake.IGNORED), other):
        write(event)
    with path.open("a") as file:
        file.write('{"kind":"comment","at":"2026-11-21T12:00:00Z"}\n{"kind":"comment","outcome":"cha')
    assert {COMMENT.key: Uptake.CHANGED, other.key: Uptake.OPEN} == uptakes(path)


def test_without_a_ledger_nothing_is_known_of_comments(path: Path) -> None:
    assert {} == uptakes(path)


def test_an_outcome_that_is_none_makes_a_line_foreign(path: Path) -> None:
    ledger(path)(COMMENT)
    path.write_text(path.read_text().replace("changed", "loved"))
    reading = read(path)
    assert ([], 1) == (list(reading), reading.foreign)


def test_attempts_are_not_written(path: Path) -> None:
    ledger(path)(ATTEMPT)
    assert not path.exists()


def test_an_unknown_price_is_null_and_a_small_cost_has_no_exponent(path: Path) -> None:
    write = ledger(path)
    write(request(cost_usd=None))
    write(request(cost_usd=Decimal("1E-7")))
    assert [json.loads(line)["cost_usd"] for line in path.read_text().splitlines()] == [None, "0.0000001"]


def test_times_are_utc_whatever_zone_they_come_in(path: Path) -> None:
    write = ledger(path)
    write(request(at=datetime.fromisoformat("2026-11-21T14:00:00+02:00")))
    assert entries(path)[0].at == NOW
    assert '"at":"2026-11-21T12:00:00.000Z"' in path.read_text()


def test_no_name_can_break_a_line_or_fail_to_be_written(path: Path) -> None:
    event = request(model="a\nb\u2028c\udcff", answered_by='"}\r')
    ledger(path)(event)
    assert path.read_bytes().count(b"\n") == 1
    assert [Entry(at=NOW, event=event)] == entries(path)


def test_a_key_that_a_provider_echoes_is_masked(path: Path) -> None:
    ledger(path)(KeyChanged(key_id="3f2a9c01", account="main", state="retired", reason=f"401: bad key {TOKEN}"))
    assert TOKEN not in path.read_text()


def test_the_file_is_for_its_owner_alone_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "ledger.jsonl"
    ledger(path)(REQUEST)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_ledger_that_cannot_be_written_costs_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write = ledger(tmp_path)  # a folder
    with caplog.at_level(logging.WARNING):
        write(REQUEST)
        write(REQUEST)
    assert len(caplog.records) == 1
    assert "requests go on without it" in caplog.text


def test_a_full_disk_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    ledger(Path("/dev/full"))(REQUEST)
    assert "No space left" in caplog.text


def test_a_line_that_was_written_in_part_is_told_and_the_next_one_is_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write, real = ledger(path), os.write
    with monkeypatch.context() as patched:
        # A disk that is full in the middle of a line cannot be had without root.
        patched.setattr(os, "write", lambda file, data: real(file, data[:40]))
        write(REQUEST)
    write(REQUEST)
    assert "No space left" in caplog.text
    reading = read(path)
    assert [Entry(at=NOW, event=REQUEST)] == list(reading)
    assert reading.foreign == 1


@pytest.mark.parametrize("event", [request(latency_s=float("nan")), request(ttft_s=float("inf"))])
def test_a_number_that_json_has_not_costs_the_line_not_the_request(
    event: RequestEnded, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger(path)(event)
    assert len(caplog.records) == 1


def test_a_torn_last_line_is_skipped_and_told(path: Path) -> None:
    write = ledger(path)
    write(REQUEST)
    write(REQUEST)
    path.write_bytes(path.read_bytes()[:-30])
    reading = read(path)
    assert len(list(reading)) == 1
    assert (reading.torn, reading.foreign) == (True, 0)


def test_a_whole_last_line_without_its_newline_is_read(path: Path) -> None:
    ledger(path)(REQUEST)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    reading = read(path)
    assert (len(list(reading)), reading.torn) == (1, False)


def test_the_line_after_a_torn_one_is_whole(path: Path) -> None:
    write = ledger(path)
    write(REQUEST)
    path.write_bytes(path.read_bytes()[:50])
    write(KEY)
    reading = read(path)
    assert [Entry(at=NOW, event=KEY)] == list(reading)
    assert (reading.torn, reading.foreign) == (False, 1)


WHOLE: dict[str, object] = {
    "kind": "request", "at": "2026-11-21T12:00:00Z", "task": "review", "tenant": None, "endpoint": "e", "model": "m",
    "answered_by": None, "key_id": None, "parameters": {}, "prompt_version": "1", "attempts": 1, "outcome": "ok",
    "prompt_tokens": 1, "cached_tokens": 0, "completion_tokens": 1, "cost_usd": None, "latency_s": 1, "ttft_s": None,
}  # fmt: skip


def spoiled(**changes: object) -> bytes:
    return json.dumps(WHOLE | changes).encode()


@pytest.mark.parametrize(
    "line",
    [
        b"not json", b"[]", b"{}", b"\xff\xfe", b"[" * 50_000, b'"' + b"x" * 200_000 + b'"', b"3" * 5_000,
        spoiled(kind="other"), spoiled(at="yesterday"), spoiled(at=3), spoiled(at="0001-01-01T00:00:00+14:00"),
        spoiled(task=None), spoiled(tenant=1), spoiled(parameters=[]), spoiled(attempts=True),
        spoiled(prompt_tokens=-1), spoiled(cost_usd="much"), spoiled(cost_usd="NaN"), spoiled(cost_usd=0.1),
        spoiled(latency_s="1"), spoiled(latency_s=float("inf")), spoiled(latency_s=-1), spoiled(ttft_s=False),
        json.dumps({"kind": "budget", "at": "2026-11-21T12:00:00Z", "period": "day", "spent_usd": "1"}).encode(),
        json.dumps({"kind": "key", "at": "2026-11-21T12:00:00Z", "key_id": 1}).encode(),
    ],
)  # fmt: skip
def test_a_foreign_line_is_counted_and_costs_no_other(line: bytes, path: Path) -> None:
    ledger(path)(REQUEST)
    whole = path.read_bytes()
    path.write_bytes(line + b"\n" + b"\n" + whole)
    reading = read(path)
    assert [Entry(at=NOW, event=REQUEST)] == list(reading)
    assert (reading.foreign, reading.torn) == (1, False)


def test_a_ledger_of_a_later_version_with_more_keys_is_read(path: Path) -> None:
    path.write_bytes(spoiled(region="eu") + b"\n")
    assert len(entries(path)) == 1


def test_a_long_last_line_without_an_end_is_torn(path: Path) -> None:
    path.write_bytes(b"x" * 65_536)
    reading = read(path)
    assert list(reading) == []
    assert reading.torn


def test_a_killed_writer_leaves_whole_lines(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from telling_events import NOW, REQUEST\n"
        "from reviewbot.observers.ledger import Ledger\n"
        "write = Ledger(Path(sys.argv[1]), lambda: NOW)\n"
        "while True: write(REQUEST)"
    )
    tests = str(Path(__file__).parent.parent)
    environ = {"PYTHONPATH": os.pathsep.join([tests, *sys.path])}
    with subprocess.Popen([sys.executable, "-c", code, str(path)], env=environ) as writer:
        while not (path.exists() and path.stat().st_size > 50_000):
            assert writer.poll() is None
        writer.send_signal(signal.SIGKILL)
    ledger(path)(KEY)
    reading = read(path)
    assert [entry.event for entry in reading][-1] == KEY
    assert reading.foreign <= 1


def test_a_line_goes_to_the_new_file_when_the_ledger_was_replaced_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = ledger(path)
    write(KEY)
    real = fcntl.flock

    def too_late(file: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        path.unlink()
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", too_late)
    write(REQUEST)
    assert [Entry(at=NOW, event=REQUEST)] == entries(path)
