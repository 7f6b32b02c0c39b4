"""Cobertura reports of several tools."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from coverage_readers.report_files import DATA, all_told, everything, nothing

from reviewbot.coverage import cobertura
from reviewbot.domain.coverage import CoverageReport, united
from reviewbot.errors import UsageError

MALL = (
    [3, 6, 12, 13, 14, 18, 19, 21, 28, 29, 30, 31, 38, 47],
    [15, 20, 32, 33, 34, 35, 39, 40, 41, 42, 43, 44, 48, 52, 55],
)


def written(folder: Path, lines: str, more: str = "") -> Path:
    path = folder / "coverage.xml"
    body = f'<class filename="a.py"><methods/><lines>{lines}</lines></class>{more}'
    path.write_text(
        f'<coverage line-rate="1"><packages><package><classes>{body}</classes></package></packages></coverage>'
    )
    return path


def branch(counts: str, missing: str = "") -> str:
    named = f' missing-branches="{missing}"' if missing else ""
    return f'<line number="4" hits="1" branch="true" condition-coverage="50% ({counts})"{named}/>'


def both(folder: Path, one: str, other: str) -> str:
    """Read a line's branches from two reports, and say what they make together."""
    reports = [cobertura.read(written(folder, line), everything) for line in (one, other)]
    found = united(*(report.files[0] for report in reports)).branches[4]
    return f"{found.taken}/{found.total}"


def test_classes_of_one_file_are_united_by_their_hits() -> None:
    report = cobertura.read(DATA / "cobertura.xml", everything)
    assert all_told(report) == {
        "org/example/shop/Cart.java": ([6, 7, 8], [12], {7: "1/2"}),
        "src\\Program.cs": ([3], [], {}),
    }


def test_roots_time_and_encoding_are_read() -> None:
    report = cobertura.read(DATA / "cobertura.xml", nothing)
    assert ("--source", "/srv/caf\u00e9 & shop/src") == report.roots
    assert datetime(2026, 1, 2, 3, tzinfo=UTC) == report.created
    assert report.has_branches


def test_what_coverage_py_writes_is_read() -> None:
    report = cobertura.read(DATA / "coveragepy-first.xml", everything)
    branches = {13: "2/2", 14: "1/2", 19: "1/2", 30: "1/2", 32: "0/2", 41: "0/2", 48: "0/2"}
    assert {"__init__.py": ([], [], {}), "cart.py": (*MALL, branches)} == all_told(report)
    assert ("shop",) == report.roots
    assert datetime(2026, 11, 22, 6, 54, 2, 792000, tzinfo=UTC) == report.created


def test_what_istanbul_writes_of_functions_are_no_statements() -> None:
    report = cobertura.read(DATA / "istanbul-cobertura.xml", everything)
    assert ([2, 3, 4, 7, 9, 16], [5, 13], {4: "1/2", 9: "1/2", 13: "0/2"}) == all_told(report)["src/cart.js"]


def test_branches_are_kept_only_where_they_are_asked_for() -> None:
    report = cobertura.read(DATA / "coveragepy-first.xml", nothing)
    assert [{}, {}] == [file.branches for file in report.files]
    assert report.has_branches


def test_complementary_halves_make_a_whole_where_the_missing_ones_are_named(tmp_path: Path) -> None:
    assert both(tmp_path, branch("1/2", "9"), branch("1/2", "exit")) == "2/2"
    assert both(tmp_path, branch("1/2", "9"), branch("1/2", "9")) == "1/2"
    assert both(tmp_path, branch("0/2", "9,exit"), branch("1/2", "9")) == "1/2"
    assert both(tmp_path, branch("2/2"), branch("1/2", "9")) == "2/2"


def test_halves_without_names_do_not_make_a_whole(tmp_path: Path) -> None:
    assert both(tmp_path, branch("1/2"), branch("1/2")) == "1/2"
    assert both(tmp_path, branch("2/3", "9"), branch("2/3", "7")) == "2/3"
    assert both(tmp_path, branch("1/2", "7,9"), branch("1/2", "9")) == "1/2"


def test_a_line_that_comes_twice_is_united(tmp_path: Path) -> None:
    report = cobertura.read(written(tmp_path, branch("1/4") + branch("3/4")), everything)
    assert {"a.py": ([4], [], {4: "3/4"})} == all_told(report)


def test_a_file_over_many_pieces_is_read_whole(tmp_path: Path) -> None:
    lines = "".join(f'<line number="{line}" hits="{line % 2}"/>' for line in range(1, 30_001))
    file = cobertura.read(written(tmp_path, lines), everything).files[0]
    assert (30_000, 15_000) == (file.measured.bit_count(), file.covered.bit_count())


def test_an_empty_report_has_no_files(tmp_path: Path) -> None:
    path = tmp_path / "coverage.xml"
    path.write_text('<coverage line-rate="0" timestamp="never"><packages/></coverage>')
    assert CoverageReport(format="cobertura", name=str(path), files=()) == cobertura.read(path, everything)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ('<line number="x" hits="1"/>', "'x'"),
        ('<line number="3" hits="some"/>', "'some'"),
        ('<line number="3"/>', "a line without 'hits'"),
        ('<line number="10000001" hits="1"/>', "line 10000001 is more than any source file has"),
        (branch("3/2"), "3 of 2 branches cannot be"),
        ("</lines>", "mismatched tag"),
    ],
)
def test_a_damaged_report_is_told_in_words(lines: str, reason: str, tmp_path: Path) -> None:
    path = written(tmp_path, lines)
    with pytest.raises(UsageError) as caught:
        cobertura.read(path, everything)
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)
    assert "line 1" in str(caught.value)


def test_a_class_without_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="an element without 'filename'"):
        cobertura.read(written(tmp_path, "", '<class name="b"/>'), everything)


def test_lines_outside_of_a_class_are_told(tmp_path: Path) -> None:
    path = tmp_path / "coverage.xml"
    path.write_text('<coverage line-rate="1"><line number="1" hits="1"/></coverage>')
    with pytest.raises(UsageError, match="is no path of a file"):
        cobertura.read(path, everything)


@pytest.mark.parametrize("path", ["", "a" * 5000])
def test_a_path_that_cannot_be_is_told(path: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no path of a file"):
        cobertura.read(written(tmp_path, "", f'<class filename="{path}"/>'), everything)
