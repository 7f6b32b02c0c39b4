"""coverage.py's own data, written by the real tool and compared to its own reports."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from coverage_readers.measured_project import Project
from coverage_readers.report_files import all_told, everything, nothing

from reviewbot.coverage import cobertura, coveragepy_data, coveragepy_json
from reviewbot.domain.coverage import united
from reviewbot.errors import UsageError


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("measured"))


@pytest.fixture(scope="module")
def data(project: Project) -> Path:
    return project.measure("first", "--branch")


@pytest.mark.parametrize(("half", "options"), [("first", ["--branch"]), ("second", ["--branch"]), ("second", [])])
def test_the_data_say_the_same_as_the_tools_own_report(half: str, options: list[str], project: Project) -> None:
    data = project.measure(half, *options)
    report = coveragepy_data.read(data, everything, project.text)
    own = cobertura.read(project.report(data, "xml"), everything)
    assert {f"shop/{path}": told for path, told in all_told(own).items()} == all_told(report)
    assert bool(options) == own.has_branches == report.has_branches


def test_branches_have_the_names_that_the_tools_own_report_gives_them(project: Project, data: Path) -> None:
    report = coveragepy_data.read(data, everything, project.text)
    own = coveragepy_json.read(project.report(data, "json"), everything)
    assert [file.branches for file in own.files] == [file.branches for file in report.files]


def test_two_runs_that_took_different_branches_took_both(project: Project, data: Path) -> None:
    first, second = (
        coveragepy_data.read(path, everything, project.text).files[1]
        for path in (data, project.measure("second", "--branch"))
    )
    assert (1, 1) == (first.branches[14].taken, second.branches[19].taken)
    assert (2, 2) == tuple(united(first, second).branches[line].taken for line in (14, 19))


def test_branches_are_kept_only_where_they_are_asked_for(project: Project, data: Path) -> None:
    report = coveragepy_data.read(data, nothing, project.text)
    assert [{}, {}] == [file.branches for file in report.files]
    assert report.has_branches


def test_more_lines_can_be_excluded(project: Project, data: Path) -> None:
    report = coveragepy_data.read(data, everything, project.text, exclude=["def wait", "def first"])
    assert [] == [line for line in all_told(report)["shop/cart.py"][1] if line >= 38]


def test_a_line_marked_as_without_branches_has_all_of_them_taken(project: Project, data: Path) -> None:
    def marked(path: str) -> bytes | None:
        return (project.text(path) or b"").replace(b"if discount:", b"if discount:  # pragma: no branch")

    report = coveragepy_data.read(data, everything, marked)
    assert "2/2" == all_told(report)["shop/cart.py"][2][19]


def test_a_text_may_be_in_any_encoding_and_on_any_system(project: Project, data: Path) -> None:
    plain = coveragepy_data.read(data, everything, project.text)

    def declared(path: str) -> bytes | None:
        return b"\xef\xbb\xbf" + (project.text(path) or b"").replace(b"\n", b"\r\n")

    assert plain.files == coveragepy_data.read(data, everything, declared).files


def test_a_file_that_does_not_parse_matters_only_where_it_is_wanted(project: Project, data: Path) -> None:
    def newer(path: str) -> bytes | None:
        return b"def f(:\n" if "cart" in path else project.text(path)

    report = coveragepy_data.read(data, nothing, newer)
    assert ["shop/__init__.py"] == [file.path for file in report.files]
    with pytest.raises(
        UsageError, match=r"shop/cart.py: this Python cannot parse .*; give `coverage xml` instead of .*data\.$"
    ):
        coveragepy_data.read(data, everything, newer)


@pytest.mark.parametrize("text", [b"\0", b"# coding: klingon\n", b"(" * 10_000, b"-" * 100_000 + b"1"])
def test_a_hostile_text_is_told_in_words(text: bytes, data: Path) -> None:
    with pytest.raises(UsageError, match="this Python cannot parse the measured text"):
        coveragepy_data.read(data, everything, lambda _: text)


def test_measured_code_is_never_run(data: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    code = f"open({str(trap)!r}, 'w').close()\n".encode()
    coveragepy_data.read(data, everything, lambda _: code)
    assert not trap.exists()


def test_without_any_source_the_data_say_nothing_and_that_is_told(data: Path) -> None:
    with pytest.raises(UsageError, match=r"the sources of its files, such as shop/cart.py, are not there\.$"):
        coveragepy_data.read(data, everything, lambda _: None)


def test_the_data_are_not_written_to(project: Project, data: Path) -> None:
    before = (data.read_bytes(), sorted(data.parent.iterdir()))
    coveragepy_data.read(data, everything, project.text)
    assert before == (data.read_bytes(), sorted(data.parent.iterdir()))


def altered(data: Path, folder: Path, *statements: str) -> Path:
    path = folder / ".coverage"
    path.write_bytes(data.read_bytes())
    with closing(sqlite3.connect(path)) as tables:
        for statement in statements:
            tables.execute(statement)
        tables.commit()
    return path


ENDLESS = (
    "create view file as with recursive n(i) as (select 1 union all select i + 1 from n) select i id, i path from n"
)


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (["drop table file", ENDLESS], "it has a view that coverage.py does not make"),
        (["create virtual table v using fts5(a)"], "it has a table that coverage.py does not make"),
        (["drop table coverage_schema"], "no such table: coverage_schema"),
        (["delete from coverage_schema"], "data of version None"),
        (["update coverage_schema set version = 99"], "data of version 99"),
        (["drop table tracer"], "no such table: tracer"),
    ],
)
def test_data_with_other_tables_are_refused(
    statements: list[str], reason: str, project: Project, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=reason):
        coveragepy_data.read(altered(data, tmp_path, *statements), everything, project.text)


def test_a_foreign_database_is_refused_and_left_alone(project: Project, tmp_path: Path) -> None:
    path = tmp_path / ".coverage"
    with closing(sqlite3.connect(path)) as tables:
        tables.execute("create table mine (a)")
    before = path.read_bytes()
    with pytest.raises(UsageError, match="no such table"):
        coveragepy_data.read(path, everything, project.text)
    assert before == path.read_bytes()


@pytest.mark.parametrize(
    "statement", ["update line_bits set numbits = 'text'", "update line_bits set numbits = zeroblob(2000000)"]
)
def test_lines_that_are_no_mask_are_told(statement: str, project: Project, tmp_path: Path) -> None:
    path = altered(project.measure("second"), tmp_path, statement)
    with pytest.raises(UsageError, match="lines that are no mask"):
        coveragepy_data.read(path, everything, project.text)


def test_values_of_other_types_are_left_out(project: Project, data: Path, tmp_path: Path) -> None:
    more = ["insert into arc values (1, 1, 'x', null)", "insert into file values (77, x'00')"]
    report = coveragepy_data.read(altered(data, tmp_path, *more), everything, project.text)
    assert coveragepy_data.read(data, everything, project.text).files == report.files


def test_what_a_plug_in_measured_is_left_out(project: Project, data: Path, tmp_path: Path) -> None:
    path = altered(data, tmp_path, "insert into tracer select id, 'some_plugin' from file where path like '%cart%'")
    report = coveragepy_data.read(path, everything, project.text)
    assert ["shop/__init__.py"] == [file.path for file in report.files]


@pytest.mark.parametrize("damage", [lambda raw: raw[:5000], lambda raw: raw[:100] + b"\xff" * (len(raw) - 100)])
def test_a_damaged_database_is_told_in_words(
    damage: Callable[[bytes], bytes], project: Project, data: Path, tmp_path: Path
) -> None:
    path = tmp_path / ".coverage"
    path.write_bytes(damage(data.read_bytes()))
    with pytest.raises(UsageError, match=r"\.coverage: .*The report is damaged"):
        coveragepy_data.read(path, everything, project.text)


def test_what_ran_and_is_no_statement_of_the_text_is_told(project: Project, data: Path) -> None:
    def older(path: str) -> bytes | None:
        return b"# a line more\n" + (project.text(path) or b"")

    (cart,) = [file for file in coveragepy_data.read(data, everything, older).files if file.path.endswith("cart.py")]
    (now,) = [file for file in coveragepy_data.read(data, everything, project.text).files if file.path == cart.path]
    assert cart.covered & ~(now.measured << 1), "lines that ran stand where the newer text has no statement"
    assert 0 == cart.covered & ~cart.measured
