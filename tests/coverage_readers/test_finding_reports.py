"""Which format a report has, where reports are, and what is common to all readers."""

import os
from pathlib import Path

import pytest
from coverage_readers.measured_project import Project
from coverage_readers.report_files import DATA, everything, nothing

from reviewbot.coverage import clover, cobertura, coveragepy_data, coveragepy_json, finding, gocover, jacoco, lcov
from reviewbot.errors import UsageError

FORMATS = {
    "cobertura.xml": "cobertura",
    "coveragepy-first.xml": "cobertura",
    "coveragepy-second.xml": "cobertura",
    "istanbul-cobertura.xml": "cobertura",
    "istanbul-clover.xml": "clover",
    "openclover.xml": "clover",
    "phpunit-clover.xml": "clover",
    "jacoco.xml": "jacoco",
    "geninfo.info": "lcov",
    "istanbul.info": "lcov",
    "coveragepy-first.lcov": "lcov",
    "coveragepy-second.lcov": "lcov",
    "cover.out": "go",
    "coveragepy-first.json": "coverage.py",
    "coveragepy-second.json": "coverage.py",
}
SNIFFS = [one.sniff for one in (clover, cobertura, coveragepy_data, coveragepy_json, gocover, jacoco, lcov)]


def test_every_report_at_hand_is_tested() -> None:
    assert sorted(FORMATS) == sorted(path.name for path in DATA.iterdir() if path.suffix != ".md")


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_told_by_its_content_and_not_by_its_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes((DATA / name).read_bytes())
    report = finding.read(path, everything)
    assert (FORMATS[name], str(path)) == (report.format, report.name)


@pytest.mark.parametrize("name", FORMATS)
def test_no_two_readers_claim_the_same_report(name: str) -> None:
    head = (DATA / name).read_bytes()[:4096]
    assert 1 == sum(sniff(head) for sniff in SNIFFS)


@pytest.mark.parametrize("name", FORMATS)
def test_detail_adds_branches_and_changes_no_line(name: str) -> None:
    full, short = (finding.read(DATA / name, detail) for detail in (everything, nothing))
    assert [(file.path, file.measured, file.covered) for file in full.files] == [
        (file.path, file.measured, file.covered) for file in short.files
    ]
    assert full.has_branches == short.has_branches == any(file.branches for file in full.files)
    for file in full.files:
        assert file.covered & ~file.measured == 0
        assert all(0 <= found.taken <= found.total for found in file.branches.values())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"hello", "its format is unknown"),
        (b"{}", "its format is unknown"),
        (b'<coverage version="1"><file path="a"/></coverage>', "its format is unknown"),
        (b"<CoverageSession/>", "its format is unknown"),
        (b"<!-- <coverage line-rate='1'>", "its format is unknown"),
    ],
)
def test_another_file_is_told_with_what_was_expected(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        finding.read(path, everything)
    expected = (
        "Cobertura, Clover or JaCoCo XML, LCOV, a Go cover profile, or coverage.py's data file or JSON is expected."
    )
    assert f"{path}: {reason}; {expected}" == str(caught.value)


def test_a_path_that_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such coverage report"):
        finding.read(tmp_path / "coverage.xml", everything)
    with pytest.raises(UsageError, match="not a file; name the coverage report itself"):
        finding.read(tmp_path, everything)


def test_a_file_that_the_system_does_not_give_is_told() -> None:
    # It is a regular file, and reading it at its beginning fails for everybody.
    with pytest.raises(UsageError, match="the coverage report cannot be read: "):
        finding.read(Path("/proc/self/mem"), everything)


@pytest.mark.parametrize(("name", "size"), [("coverage.xml", 3 << 30), ("coverage.json", 1 << 30)])
def test_a_report_too_large_is_told_before_it_is_read(name: str, size: int, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b'{"meta": {"version": "7"}}')
    os.truncate(path, size)
    with pytest.raises(UsageError, match=f"{size:,} bytes, more than the "):
        finding.read(path, everything)


def test_the_data_file_needs_the_sources(tmp_path: Path) -> None:
    project = Project(tmp_path)
    data = project.measure("first")
    assert ["shop/__init__.py", "shop/cart.py"] == [
        file.path for file in finding.read(data, everything, project.text).files
    ]
    with pytest.raises(UsageError, match="need the sources, which are not known here; give `coverage xml` instead"):
        finding.read(data, everything)


def test_reports_are_found_in_the_usual_places(tmp_path: Path) -> None:
    names = ("coverage.xml", "coverage/lcov.info", "cover.out", "target/site/jacoco/jacoco.xml", "clover.xml")
    for name in (*names, "somewhere/coverage.xml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert tuple(tmp_path / name for name in names) == finding.discover(tmp_path)


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "coverage.xml").mkdir()
    assert () == finding.discover(tmp_path)


@pytest.mark.parametrize("newest", [".coverage", "coverage.xml", "coverage.json"])
def test_of_one_tools_reports_the_newest_is_found(newest: str, tmp_path: Path) -> None:
    for name in (".coverage", "coverage.xml", "coverage.json"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000, 2000 if name == newest else 1000))
    assert (tmp_path / newest,) == finding.discover(tmp_path)
