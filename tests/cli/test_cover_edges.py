"""The gate at the edges where gates go wrong: every case with the truth, on a real repository and a real report.

Most of these pass silently elsewhere: the gate finds no line, calls that 100 %, and lets the change through.
"""

from pathlib import Path

import gitrepo
import pytest
from coverage_scene import Scene

from reviewbot.errors import UsageError

TEST = "import m\n\nm.f(1)\n"
OLD = "def f(x):\n    if x:\n        return 1\n    return 0\n"


@pytest.fixture
def scene(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Scene:
    return Scene(gitrepo.init(tmp_path / "checkout"), capsysbinary)


def padded(name: str, *, lines: int = 20) -> str:
    """Give a text that git recognises after a rename."""
    return "".join(f"{name}_{number} = {number}\n" for number in range(lines))


def test_of_a_renamed_and_edited_file_the_edited_lines_count(scene: Scene) -> None:
    scene.change({"old.py": padded("v"), "test_it.py": "import m\n"}, {"m.py": padded("v") + "if v_0:\n    w = 1\n"})
    scene.repo.git("rm", "--quiet", "old.py")
    scene.repo.commit()
    answer = scene.cover(scene.measure())
    assert {"m.py": ([21], [22])} == answer.lines
    assert (1, 50.0) == (answer.code, answer.json["patch_percent"])


def test_of_a_rename_that_git_does_not_see_the_whole_file_counts(scene: Scene) -> None:
    scene.change({"old.py": padded("v"), "test_it.py": "import m\n"}, {"m.py": "if []:\n    w = 1\nz = 2\n"})
    scene.repo.git("rm", "--quiet", "old.py")
    scene.repo.commit()
    assert {"m.py": ([1, 3], [2])} == scene.cover(scene.measure()).lines


# A tab goes by JSON: the XML that coverage.py writes has it bare, and XML makes a space of that.
@pytest.mark.parametrize(
    ("folder", "kind"),
    [("with space", "xml"), ("umlaut ä", "xml"), ("x b", "xml"), ('quote"d', "xml"), ("tab\tbed", "json")],
)
def test_no_path_is_too_odd(scene: Scene, folder: str, kind: str) -> None:
    path = f"{folder}/m.py"
    test = f"import sys\nsys.path.insert(0, {folder!r})\nimport m\nm.f(1)\n"
    scene.change({path: "x = 1\n", "test_it.py": test}, {path: "x = 1\ndef f(x):\n    if not x:\n        return 1\n"})
    answer = scene.cover(scene.measure(kind=kind))
    assert {path: ([2, 3], [4])} == answer.lines


def test_a_last_line_without_a_newline_that_is_edited_counts(scene: Scene) -> None:
    scene.change({"m.py": OLD.rstrip("\n"), "test_it.py": TEST}, {"m.py": OLD.rstrip("\n") + "0"})
    assert {"m.py": ([], [4])} == scene.cover(scene.measure()).lines


def test_what_is_appended_to_a_file_without_a_newline_is_not_shifted(scene: Scene) -> None:
    added = "\ndef g(x):\n    x += 1\n    return x"
    scene.change({"m.py": OLD.rstrip("\n"), "test_it.py": TEST}, {"m.py": OLD.rstrip("\n") + added})
    # Line 4 is touched as well: it has got its newline.
    assert {"m.py": ([5], [4, 6, 7])} == scene.cover(scene.measure()).lines


def test_a_continuation_line_counts_for_its_statement(scene: Scene) -> None:
    old = "def f(x):\n    if not x:\n        y = [\n            1,\n            2,\n        ]\n    return 0\n"
    scene.change({"m.py": old, "test_it.py": TEST}, {"m.py": old.replace("2,", "3,")})
    answer = scene.cover(scene.measure())
    assert {"m.py": ([], [3])} == answer.lines
    assert (1, 0.0) == (answer.code, answer.json["patch_percent"])


def test_decorators_and_defaults_count_for_the_definition(scene: Scene) -> None:
    old = "import functools\n\n\n@functools.lru_cache(\n    maxsize=1,\n)\ndef f(\n    x,\n    y=1,\n):\n    return x\n"
    new = old.replace("maxsize=1", "maxsize=2").replace("y=1", "y=2")
    scene.change({"m.py": old, "test_it.py": TEST}, {"m.py": new})
    assert {"m.py": ([4, 7], [])} == scene.cover(scene.measure()).lines


def test_a_default_of_a_function_that_never_came_into_being_is_uncovered(scene: Scene) -> None:
    old = "def f(x):\n    if not x:\n        def g(\n            y=1,\n        ):\n            pass\n    return 0\n"
    scene.change({"m.py": old, "test_it.py": TEST}, {"m.py": old.replace("y=1", "y=2")})
    assert {"m.py": ([], [3])} == scene.cover(scene.measure()).lines


def test_a_change_of_a_docstring_passes_and_says_why(scene: Scene) -> None:
    old = 'def f(x):\n    """Old\n    text."""\n    return 0\n'
    scene.change({"m.py": old, "test_it.py": TEST}, {"m.py": old.replace("text", "words")})
    answer = scene.cover(scene.measure())
    assert (0, "passed", None) == (answer.code, answer.status, answer.json["patch_percent"])
    assert "no changed line can be measured" in answer.reasons


def test_a_call_that_is_gone_uncovers_other_lines_and_that_is_told(scene: Scene) -> None:
    old = "def f(x):\n    g()\n    return 0\n\n\ndef g():\n    return 1\n"
    scene.change({"m.py": old, "test_it.py": TEST}, {"m.py": old.replace("    g()\n", "")})
    scene.repo.git("checkout", "--quiet", "main")
    before = scene.measure(to="before.xml")
    scene.repo.git("checkout", "--quiet", "topic")
    answer = scene.cover(scene.measure(), base_coverage=[before])
    assert [{"path": "m.py", "lines": [6]}] == answer.json["indirect"]
    assert (0, None) == (answer.code, answer.json["patch_percent"])
    assert (100.0, 75.0) == (answer.json["base_percent"], answer.json["project_percent"])


def test_of_moved_code_what_git_calls_added_counts(scene: Scene) -> None:
    one, two = "def f(x):\n    return 0\n", "def g():\n    a = 1\n    b = 2\n    return a\n"
    scene.change({"m.py": one + two, "test_it.py": TEST}, {"m.py": two + one})
    covered, missing = scene.cover(scene.measure()).lines["m.py"]
    assert ([5, 6], []) == (covered, missing)


def test_lines_that_were_only_indented_count(scene: Scene) -> None:
    old = "def f(x):\n    a = 1\n    b = 2\n    return a\n"
    new = "def f(x):\n    if not x:\n        a = 1\n        b = 2\n        return a\n"
    scene.change({"m.py": old, "test_it.py": TEST}, {"m.py": new})
    assert {"m.py": ([2], [3, 4, 5])} == scene.cover(scene.measure()).lines


@pytest.mark.parametrize("kind", ["xml", "json", "lcov", "data"])
@pytest.mark.parametrize("options", [(), ("--source=.",)])
@pytest.mark.parametrize("path", ["new.py", "bare/new.py"])
def test_a_new_file_that_was_never_imported_is_uncovered(
    scene: Scene, kind: str, options: tuple[str, ...], path: str
) -> None:
    scene.change({"m.py": OLD, "test_it.py": TEST}, {path: '"""New."""\n\n\ndef g():\n    return 1\n'})
    answer = scene.cover(scene.measure(*options, kind=kind))
    assert {path: ([], [4, 5])} == answer.lines
    assert (1, "failed") == (answer.code, answer.status)


def test_a_branch_that_was_not_taken_is_told_and_counts_only_where_asked(scene: Scene) -> None:
    new = OLD.replace("if x:", "if x > 0:")
    scene.change({"m.py": OLD, "test_it.py": TEST}, {"m.py": new})
    answer = scene.cover(scene.measure("--branch"))
    (file,) = answer.json["files"]
    assert ([2], [], [2]) == (file["covered"], file["missing"], file["partial"])
    assert (0, 100.0) == (answer.code, answer.json["patch_percent"])


def test_what_is_marked_no_cover_is_left_out(scene: Scene) -> None:
    new = OLD + "\n\ndef g():  # pragma: no cover\n    return 1\n"
    scene.change({"m.py": OLD, "test_it.py": TEST}, {"m.py": new})
    answer = scene.cover(scene.measure())
    assert (0, "passed", None) == (answer.code, answer.status, answer.json["patch_percent"])


@pytest.mark.parametrize("kind", ["xml", "json", "lcov", "data"])
def test_a_source_folder_is_found(scene: Scene, kind: str) -> None:
    test = "import sys\nsys.path.insert(0, 'src')\nimport app.m as m\nm.f(1)\n"
    new = OLD.replace("return 1", "return 2").replace("return 0", "return 3")
    scene.change({"src/app/m.py": OLD, "src/app/__init__.py": "", "test_it.py": test}, {"src/app/m.py": new})
    assert {"src/app/m.py": ([3], [4])} == scene.cover(scene.measure("--source=src", kind=kind)).lines


@pytest.mark.parametrize("kind", ["xml", "data"])
def test_another_machines_prefix_is_cut_off(scene: Scene, kind: str, tmp_path: Path) -> None:
    new = OLD.replace("return 1", "return 2").replace("return 0", "return 3")
    scene.change(
        {"app/m.py": OLD, "app/__init__.py": "", "test_it.py": "import app.m as m\nm.f(1)\n"}, {"app/m.py": new}
    )
    report = scene.measure(kind=kind)
    elsewhere = scene.repo.clone(tmp_path / "another", "--branch=topic")
    elsewhere.branch("main", "origin/main")
    assert {"app/m.py": ([3], [4])} == Scene(elsewhere, scene.capture).cover(report).lines


@pytest.mark.parametrize("kind", ["xml", "json", "lcov", "data"])
def test_a_run_in_a_sub_folder_is_found(scene: Scene, kind: str) -> None:
    new = OLD.replace("return 1", "return 2").replace("return 0", "return 3")
    scene.change({"sub/m.py": OLD, "sub/test_it.py": TEST, "m.py": OLD}, {"sub/m.py": new})
    assert {"sub/m.py": ([3], [4])} == scene.cover(scene.measure(cwd="sub", kind=kind)).lines


def cobertura(scene: Scene, name: str, *classes: tuple[str, str], source: str = "") -> Path:
    """Write a report by hand, for what coverage.py would not write."""
    inner = "".join(
        f'<class name="c" filename="{path}"><methods/><lines>{lines}</lines></class>' for path, lines in classes
    )
    text = (
        '<?xml version="1.0" ?><coverage version="7" line-rate="0" timestamp="0">'
        f"<sources><source>{source}</source></sources>"
        f'<packages><package name="."><classes>{inner}</classes></package></packages></coverage>'
    )
    return scene.repo.write(name, text)


def hits(*lines: tuple[int, int]) -> str:
    return "".join(f'<line number="{number}" hits="{count}"/>' for number, count in lines)


CHANGED = OLD.replace("return 1", "return 2").replace("return 0", "return 3")
ALL = hits((1, 1), (2, 1), (3, 1), (4, 0))


def test_a_report_that_names_another_root_is_read_and_that_is_told(scene: Scene) -> None:
    scene.change({"m.py": OLD}, {"m.py": CHANGED})
    answer = scene.cover(cobertura(scene, "coverage.xml", ("app/m.py", ALL)))
    assert {"m.py": ([3], [4])} == answer.lines
    assert ["paths of coverage.xml were read without their leading 'app/', from the repository's top"] == (
        answer.json["notes"]
    )


def test_a_report_with_another_case_is_read_and_that_is_told(scene: Scene) -> None:
    scene.change({"App/m.py": OLD}, {"App/m.py": CHANGED})
    answer = scene.cover(cobertura(scene, "coverage.xml", ("app/M.py", ALL)))
    assert {"App/m.py": ([3], [4])} == answer.lines
    assert ["coverage.xml says 'app/M.py' where the repository has 'App/m.py': matched without regard to case"] == (
        answer.json["notes"]
    )


def test_a_report_whose_files_are_not_here_is_no_measurement(scene: Scene) -> None:
    scene.change({"m.py": OLD}, {"m.py": CHANGED})
    answer = scene.cover(cobertura(scene, "coverage.xml", ("lib/other.py", ALL)))
    assert (1, "unmeasured", None) == (answer.code, answer.status, answer.json["patch_percent"])
    assert "no file of coverage.xml is in the repository: it names 'lib/other.py'; the repository has 'm.py'" in (
        answer.reasons
    )


@pytest.mark.parametrize("classes", [(), (("m.py", ""),)])
def test_an_empty_report_is_no_measurement(scene: Scene, classes: tuple[tuple[str, str], ...]) -> None:
    scene.change({"m.py": OLD}, {"m.py": CHANGED})
    answer = scene.cover(cobertura(scene, "coverage.xml", *classes))
    assert (1, "unmeasured") == (answer.code, answer.status)
    assert ["coverage.xml is empty: nothing was measured"] == answer.json["reasons"]


def test_a_report_of_no_bytes_is_no_measurement(scene: Scene) -> None:
    scene.change({"m.py": OLD}, {"m.py": CHANGED})
    answer = scene.cover(scene.repo.write("coverage.xml", ""))
    assert (1, "unmeasured") == (answer.code, answer.status)


def test_of_two_entries_of_one_file_a_hit_in_either_counts(scene: Scene) -> None:
    scene.change({"m.py": OLD}, {"m.py": CHANGED})
    none = hits((1, 0), (2, 0), (3, 0), (4, 0))
    answer = scene.cover(cobertura(scene, "coverage.xml", ("m.py", none), ("m.py", hits((3, 1), (4, 1)))))
    assert {"m.py": ([3, 4], [])} == answer.lines


def test_two_reports_that_cover_a_half_each_cover_the_whole(scene: Scene) -> None:
    scene.change({"m.py": OLD, "test_it.py": TEST, "test_no.py": "import m\n\nm.f(0)\n"}, {"m.py": CHANGED})
    answer = scene.cover(scene.measure(to="one.xml"), scene.measure(test="test_no", to="two.xml"))
    assert {"m.py": ([3, 4], [])} == answer.lines


@pytest.mark.parametrize(("kind", "left"), [("json", []), ("lcov", []), ("data", [])])
def test_two_reports_that_take_a_branch_each_take_both(scene: Scene, kind: str, left: list[int]) -> None:
    new = OLD.replace("if x:", "if x > 0:")
    scene.change({"m.py": OLD, "test_it.py": TEST, "test_no.py": "import m\n\nm.f(0)\n"}, {"m.py": new})
    one = scene.measure("--branch", kind=kind)
    one = one.rename(one.with_name(f"{one.name}.one"))
    answer = scene.cover(one, scene.measure("--branch", test="test_no", kind=kind))
    assert ([2], left) == (answer.json["files"][0]["covered"], answer.json["files"][0]["partial"])


def test_an_edit_that_is_not_committed_is_numbered_as_it_was_measured(scene: Scene) -> None:
    scene.change({"m.py": OLD, "test_it.py": TEST}, {"m.py": OLD + "\n\ndef g():\n    return 1\n"})
    shifted = "import sys\n\n\n" + OLD + "\n\ndef g():\n    return 1\n"
    scene.repo.write("m.py", shifted)
    answer = scene.cover(scene.measure(), head=None)
    assert {"m.py": ([1, 10], [11])} == answer.lines


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, "import sys\n\n\n" + OLD),  # shifted onto blank lines
        (OLD, OLD + "\n\ndef g():\n    return 1\n"),  # all that was measured still fits
        (OLD, "def g(x):\n    if x:\n        return 2\n    return 3\n" + OLD),  # shifted onto the like
        (OLD + "\n\nx = 1\n", OLD),  # measured beyond the end
    ],
)
@pytest.mark.parametrize("kind", ["xml", "json", "lcov"])
def test_a_report_of_an_older_text_is_refused(scene: Scene, old: str, new: str, kind: str) -> None:
    scene.change({"m.py": old, "test_it.py": TEST}, {})
    report = scene.measure(kind=kind)
    scene.repo.commit({"m.py": new.replace("return 0", "return -1")})
    answer = scene.cover(report)
    assert (1, "unmeasured") == (answer.code, answer.status)
    assert "another text" in answer.reasons


def test_tests_do_not_count_for_the_product(scene: Scene) -> None:
    tests = "import m\n\n" + "".join(f"x{number} = {number}\n" for number in range(30)) + "m.f(1)\n"
    scene.change({"m.py": OLD, "tests/test_it.py": TEST}, {"m.py": CHANGED, "tests/test_it.py": tests})
    answer = scene.cover(scene.measure(test="tests.test_it"))
    assert ({"m.py": ([3], [4])}, 50.0) == (answer.lines, answer.json["patch_percent"])
    assert ["tests/test_it.py"] == [file["path"] for file in answer.json["files"] if file["test"]]
    assert 75.0 == answer.json["project_percent"]


@pytest.mark.parametrize(("fail_under", "code"), [("99.5", 0), ("99.50", 0), ("99.51", 1), ("99.500000001", 1)])
def test_percentages_are_compared_exactly(scene: Scene, fail_under: str, code: int) -> None:
    lines = "".join(f"x{number} = 1\n" for number in range(200))
    scene.change({"m.py": "y = 1\n"}, {"m.py": lines})
    report = cobertura(scene, "coverage.xml", ("m.py", hits(*((number, int(number > 1)) for number in range(1, 201)))))
    answer = scene.cover(report, fail_under=fail_under)
    assert (code, 99.5) == (answer.code, answer.json["patch_percent"])


def test_without_a_merge_base_it_is_said_what_to_do(scene: Scene, tmp_path: Path) -> None:
    scene.change({"m.py": OLD}, {"m.py": CHANGED})
    report = cobertura(scene, "coverage.xml", ("m.py", ALL))
    shallow = scene.repo.clone(tmp_path / "shallow", "--depth=1", "--branch=topic")
    shallow.git("remote", "remove", "origin")
    with pytest.raises(UsageError, match="Check the name, or fetch it first"):
        Scene(shallow, scene.capture).cover(report)


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><coverage line-rate="0"><packages><package><classes><class filename="m.py"><lines>',
        "SF:m.py\nDA:6,-\nend_of_record\n",
        '<!DOCTYPE coverage [<!ENTITY a "aa">]><coverage line-rate="0"><sources><source>&a;</source></sources>',
    ],
)
def test_a_damaged_or_hostile_report_is_refused_in_words(scene: Scene, text: str) -> None:
    scene.change({"m.py": OLD}, {"m.py": CHANGED})
    with pytest.raises(UsageError, match="report"):
        scene.cover(scene.repo.write("coverage.xml", text))


def test_a_comment_in_an_lcov_report_is_passed_over(scene: Scene) -> None:
    scene.change({"m.py": OLD}, {"m.py": CHANGED})
    answer = scene.cover(
        scene.repo.write("lcov.info", "# a comment\nSF:m.py\nDA:1,1\nDA:2,1\nDA:3,1\nDA:4,0\nend_of_record\n")
    )
    assert {"m.py": ([3], [4])} == answer.lines
