"""JaCoCo reports."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from coverage_readers.report_files import DATA, all_told, everything, nothing

from reviewbot.coverage import jacoco
from reviewbot.errors import UsageError


def test_lines_of_source_files_are_read_by_their_packages() -> None:
    report = jacoco.read(DATA / "jacoco.xml", everything)
    assert all_told(report) == {
        "org/example/shop/Cart.java": ([6, 7, 10], [8], {7: "1/2", 10: "4/4"}),
        "org/example/shop/Kind.kt": ([], [3], {3: "0/2"}),
        "Main.java": ([1], [], {}),
    }


def test_the_last_session_tells_the_time() -> None:
    assert datetime(2026, 1, 2, 3, tzinfo=UTC) == jacoco.read(DATA / "jacoco.xml", nothing).created


def test_branches_are_kept_only_where_they_are_asked_for() -> None:
    report = jacoco.read(DATA / "jacoco.xml", lambda path: path.endswith(".kt"))
    assert [0, 1, 0] == [len(file.branches) for file in report.files]
    assert report.has_branches


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<package/>", "an element without 'name'"),
        ('<package name="p"><sourcefile/></package>', "an element without 'name'"),
        ('<package name="p"><sourcefile name="A.java"><line nr="1" ci="1"/></sourcefile></package>', "without 'mb'"),
        ('<package name="p"><sourcefile name="A"><line nr="1" ci="" mb="0" cb="0"/></sourcefile></package>', "''"),
    ],
)
def test_a_damaged_report_is_told_in_words(body: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "jacoco.xml"
    path.write_text(f"<report>{body}</report>")
    with pytest.raises(UsageError, match=reason):
        jacoco.read(path, everything)
