"""What ``coverage json`` writes."""

import json
from pathlib import Path

import pytest
from coverage_readers.report_files import DATA, all_told, everything, nothing

from reviewbot.coverage import cobertura, coveragepy_json
from reviewbot.domain.coverage import united
from reviewbot.errors import UsageError


def written(folder: Path, document: object) -> Path:
    path = folder / "coverage.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("half", ["first", "second"])
def test_json_says_the_same_as_xml(half: str) -> None:
    report = coveragepy_json.read(DATA / f"coveragepy-{half}.json", everything)
    same = cobertura.read(DATA / f"coveragepy-{half}.xml", everything)
    assert {f"shop/{path}": told for path, told in all_told(same).items()} == all_told(report)
    assert report.has_branches


def test_two_runs_that_took_different_branches_took_both() -> None:
    first, second = (
        coveragepy_json.read(DATA / f"coveragepy-{half}.json", everything).files[1] for half in ("first", "second")
    )
    assert frozenset({"arc:18"}) == first.branches[14].known
    assert 2 == united(first, second).branches[14].taken


def test_branches_are_kept_only_where_they_are_asked_for() -> None:
    report = coveragepy_json.read(DATA / "coveragepy-first.json", nothing)
    assert [{}, {}] == [file.branches for file in report.files]
    assert report.has_branches


def test_reports_of_old_versions_are_read(tmp_path: Path) -> None:
    file = {"executed_lines": [1, 3, 24], "missing_lines": [4], "excluded_lines": [24, 25]}
    path = written(tmp_path, {"meta": {"version": "5.5"}, "files": {"a.py": file}})
    report = coveragepy_json.read(path, everything)
    assert {"a.py": ([1, 3], [4], {})} == all_told(report)
    assert not report.has_branches


FILE = {"executed_lines": [1], "missing_lines": []}


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"meta": {}},
        {"meta": [], "files": {}},
        {"meta": {}, "files": []},
        {"meta": {}, "files": {"a.py": {}}},
        {"meta": {}, "files": {"a.py": {"executed_lines": 7, "missing_lines": []}}},
        {"meta": {}, "files": {"a.py": {"executed_lines": ["1"], "missing_lines": []}}},
        {"meta": {}, "files": {"a.py": {"executed_lines": [1]}}},
        {"meta": {}, "files": {"a.py": FILE | {"executed_branches": [1]}}},
        {"meta": {}, "files": {"a.py": FILE | {"executed_branches": [[1]]}}},
        {"meta": {}, "files": {"a.py": FILE | {"executed_branches": [[[], 1]]}}},
    ],
)
def test_json_of_another_shape_is_told_in_words(document: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"coverage\.json: .*The report is damaged"):
        coveragepy_json.read(written(tmp_path, document), everything)


def test_json_that_ends_early_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "coverage.json"
    path.write_text('{"meta": {"version": "7"},\n"files": {"a.py": ')
    with pytest.raises(UsageError, match=r"coverage.json: line 2: "):
        coveragepy_json.read(path, everything)


def test_json_that_nests_without_end_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "coverage.json"
    path.write_text('{"meta": ' + "[" * 200_000)
    with pytest.raises(UsageError, match="The report is damaged"):
        coveragepy_json.read(path, everything)
