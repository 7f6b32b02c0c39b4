"""LCOV tracefiles."""

from pathlib import Path

import pytest
from coverage_readers.report_files import DATA, all_told, everything, nothing

from reviewbot.coverage import lcov
from reviewbot.domain.coverage import united
from reviewbot.errors import UsageError


def written(folder: Path, text: str) -> Path:
    path = folder / "lcov.info"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_sections_of_several_tests_are_united() -> None:
    report = lcov.read(DATA / "geninfo.info", everything)
    assert {"/srv/shop/src/cart.c": ([4, 5, 6], [8], {5: "2/2", 6: "0/1"})} == all_told(report)
    assert report.has_branches


def test_a_record_says_nothing_of_the_next_file(tmp_path: Path) -> None:
    record = "SF:{}\nDA:{},1\nBRDA:{},0,0,1\nend_of_record\n"
    path = written(tmp_path, record.format("a.c", 1, 1) + record.format("b.c", 2, 2))
    assert {"a.c": ([1], [], {1: "1/1"}), "b.c": ([2], [], {2: "1/1"})} == all_told(lcov.read(path, everything))


def test_a_branch_that_comes_twice_in_a_record_is_united(tmp_path: Path) -> None:
    path = written(tmp_path, "SF:a.c\nDA:1,1\nBRDA:1,0,0,4\nBRDA:1,0,0,0\nBRDA:1,0,1,0\nend_of_record\n")
    assert {"a.c": ([1], [], {1: "1/2"})} == all_told(lcov.read(path, everything))


def test_what_istanbul_writes_is_read() -> None:
    found = all_told(lcov.read(DATA / "istanbul.info", everything))
    assert ([2, 3, 4, 7, 9, 16], [5, 13], {4: "1/2", 9: "1/2", 13: "0/2"}) == found["src/cart.js"]


def test_two_runs_of_coverage_py_are_united_by_the_branches_names() -> None:
    first, second = (
        next(file for file in lcov.read(DATA / f"coveragepy-{half}.lcov", everything).files if "cart" in file.path)
        for half in ("first", "second")
    )
    assert (1, 1) == (first.branches[14].taken, first.branches[19].taken)
    assert (2, 2) == tuple(united(first, second).branches[line].taken for line in (14, 19))


def test_branches_are_kept_only_where_they_are_asked_for() -> None:
    report = lcov.read(DATA / "geninfo.info", nothing)
    assert [{}] == [file.branches for file in report.files]
    assert report.has_branches


def test_windows_ends_of_lines_and_names_in_no_encoding_are_taken(tmp_path: Path) -> None:
    path = written(tmp_path, "TN:\r\nSF:src\\caf\udce9.c\r\nDA:1,1\r\nend_of_record\r\n")
    assert {"src\\caf\udce9.c": ([1], [], {})} == all_told(lcov.read(path, everything))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SF:a.c\nDA:6,-\nend_of_record\n", "line 2: .*'-'"),
        ("SF:a.c\nDA:x,1\nend_of_record\n", "line 2: .*'x'"),
        ("SF:a.c\nDA:7\nend_of_record\n", "line 2: "),
        ("SF:a.c\nBRDA:1,0,0,maybe\nend_of_record\n", "line 2: .*'maybe'"),
        ("SF:a.c\nDA:10000001,1\nend_of_record\n", "line 3: line 10000001 is more"),
        ("SF:a.c\nDA:1,1\n", "it ends within the record of 'a.c'"),
        ("SF:a.c\nDA:1,1\nSF:b.c\n", "line 3: a record begins within that of 'a.c'"),
        ("TN:\nDA:1,1\n", "line 2: a line of no file"),
        ("TN:\nend_of_record\n", "line 2: a record ends that had no file"),
        ("SF:a.c\n" + "x" * 1_200_000, "a line of more than a million characters"),
    ],
)
def test_a_damaged_tracefile_is_told_with_its_line(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"lcov.info: .*{reason}"):
        lcov.read(written(tmp_path, text), everything)
