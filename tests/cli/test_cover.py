"""``reviewbot cover``: which reports are read, against which change, and what comes of it."""

import io
import sys
from pathlib import Path

import gitrepo
import pytest
from cli.conftest import Reviewbot
from coverage_scene import Scene

from reviewbot.errors import UsageError

OLD = "def f(x):\n    if x:\n        return 1\n    return 0\n"
NEW = OLD.replace("return 1", "return 2").replace("return 0", "return 3")
LCOV = "SF:m.py\nDA:1,1\nDA:2,1\nDA:3,1\nDA:4,0\nend_of_record\n"


@pytest.fixture
def scene(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Scene:
    scene = Scene(gitrepo.init(tmp_path / "checkout"), capsysbinary)
    scene.change({"m.py": OLD}, {"m.py": NEW})
    return scene


def test_a_report_in_a_usual_place_is_found(scene: Scene) -> None:
    scene.repo.write("coverage/lcov.info", LCOV)
    assert (1, {"m.py": ([3], [4])}) == (scene.cover().code, scene.cover().lines)


def test_without_a_report_the_gate_fails_and_says_so(scene: Scene) -> None:
    answer = scene.cover()
    assert (1, "unmeasured", "there is no coverage report") == (answer.code, answer.status, answer.reasons)


def test_a_report_that_was_merely_found_and_cannot_be_read_is_no_measurement(scene: Scene) -> None:
    scene.repo.write("coverage.xml", "<coverage")
    answer = scene.cover()
    assert (1, "unmeasured") == (answer.code, answer.status)
    assert "coverage.xml: its format is unknown" in answer.reasons


def test_reports_of_the_current_folder_are_found_where_it_is_the_repositorys(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scene.repo.write("sub/lcov.info", LCOV)
    (tmp_path / "lcov.info").write_text(LCOV)
    monkeypatch.chdir(tmp_path)
    assert "unmeasured" == scene.cover().status
    monkeypatch.chdir(scene.repo.path / "sub")
    assert {"m.py": ([3], [4])} == scene.cover().lines


def test_a_named_report_that_is_not_there_is_a_mistake(scene: Scene) -> None:
    for name in ("nowhere.xml", "no*.xml"):
        with pytest.raises(UsageError, match="there is no such coverage report"):
            scene.cover(name)


def test_a_glob_names_several_reports(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.repo.write("out/one.info", LCOV)
    scene.repo.write("out/two.info", LCOV.replace("DA:4,0", "DA:4,1"))
    monkeypatch.chdir(scene.repo.path)
    assert {"m.py": ([3, 4], [])} == scene.cover("out/*.info").lines


@pytest.mark.parametrize(("fail_under", "code"), [("50", 0), ("50.01", 1), ("0", 0), (" 50 % ", 0), (None, 1)])
def test_the_threshold_is_80_unless_another_is_given(scene: Scene, fail_under: str | None, code: int) -> None:
    assert code == scene.cover(scene.repo.write("a.info", LCOV), fail_under=fail_under).code


@pytest.mark.parametrize("fail_under", ["", "high", "-1", "101", "nan", "1/0"])
def test_a_threshold_that_is_none_is_a_mistake(scene: Scene, fail_under: str) -> None:
    with pytest.raises(UsageError, match="--fail-under wants a percentage from 0 to 100"):
        scene.cover(scene.repo.write("a.info", LCOV), fail_under=fail_under)


@pytest.mark.parametrize(("name", "piece"), [("text", "lines 4"), ("markdown", "| `m.py` | 1 of 2 (50 %) | 4 |")])
def test_people_get_it_as_text_or_markdown(scene: Scene, name: str, piece: str) -> None:
    answer = scene.cover(scene.repo.write("a.info", LCOV), format=name)
    assert piece in answer.out


def bare(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    diff = scene.repo.git("diff", "main", "topic").encode() + b"\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(diff)))
    return {"base": None, "head": None, "diff": "-"}


def test_a_diff_alone_is_counted_by_lines(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    options = bare(scene, monkeypatch)
    answer = scene.cover(scene.repo.write("a.info", LCOV), repo=None, **options)
    assert ({"m.py": ([3], [4])}, False) == (answer.lines, answer.json["files"][0]["by_statement"])


@pytest.mark.parametrize("kind", ["lcov", "data"])
def test_a_diff_with_its_repository_is_counted_by_statements(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    scene.repo.commit({"test_it.py": "import m\nimport n\n\nm.f(1)\n", "n.py": "x = 1\n"})
    report, options = scene.measure(kind=kind), bare(scene, monkeypatch)
    answer = scene.cover(report, **options)
    assert {"m.py": ([3], [4]), "n.py": ([1], [])} == answer.lines
    assert all(file["by_statement"] for file in answer.json["files"])
    assert 80.0 == answer.json["project_percent"]


def test_what_is_staged_is_judged_even_before_the_first_commit(tmp_path: Path, scene: Scene) -> None:
    fresh = Scene(gitrepo.init(tmp_path / "fresh"), scene.capture)
    fresh.repo.write("m.py", OLD)
    fresh.repo.git("add", "m.py")
    report = fresh.repo.write("a.info", LCOV)
    assert {"m.py": ([1, 2, 3], [4])} == fresh.cover(report, base=None, head=None, staged=True).lines


def test_a_bare_repository_is_judged_as_well(tmp_path: Path, scene: Scene) -> None:
    mirror = Scene(scene.repo.clone(tmp_path / "mirror.git", "--bare"), scene.capture)
    report = tmp_path / "a.info"
    report.write_text(LCOV)
    assert {"m.py": ([3], [4])} == mirror.cover(report).lines


def test_what_the_projects_tool_leaves_out_is_no_sign_of_another_text(scene: Scene) -> None:
    excluded = "[tool.coverage.report]\nexclude_also = ['if debugging']\n"
    scene.repo.git("checkout", "--quiet", "main")
    scene.repo.commit({"pyproject.toml": excluded, "test_it.py": "import m\n\nm.f(1)\n"})
    scene.repo.branch("topic")
    scene.repo.commit({"m.py": NEW + "\n\ndebugging = 0\nif debugging:\n    f(2)\n    f(3)\n"})
    for kind in ("xml", "data"):
        answer = scene.cover(scene.measure(kind=kind))
        assert {"m.py": ([3, 7], [4])} == answer.lines


def test_in_a_pipeline_the_target_says_what_is_left_out(scene: Scene) -> None:
    scene.repo.commit({"pyproject.toml": "[tool.coverage.report]\nexclude_also = ['return']\n"})
    report = scene.repo.write("a.info", "SF:m.py\nDA:1,1\nDA:2,1\nend_of_record\n")
    assert ("passed", None) == tuple(scene.cover(report).json[key] for key in ("status", "patch_percent"))
    pipeline = gitrepo.Repo(scene.repo.path, {**scene.repo.environ, "GITLAB_CI": "true"})
    answer = Scene(pipeline, scene.capture).cover(report)
    assert (1, "unmeasured") == (answer.code, answer.status)


def test_a_report_older_than_the_head_is_told_of(scene: Scene) -> None:
    text = (
        '<?xml version="1.0"?><coverage version="7" line-rate="1" timestamp="1500000000000"><packages><package>'
        '<classes><class filename="m.py"><lines><line number="1" hits="1"/><line number="2" hits="1"/>'
        '<line number="3" hits="1"/><line number="4" hits="1"/></lines></class></classes></package></packages>'
        "</coverage>"
    )
    answer = scene.cover(scene.repo.write("coverage.xml", text))
    assert (0, "passed") == (answer.code, answer.status)
    assert "coverage.xml was written before the head was committed" in answer.json["notes"][0]


def test_a_file_that_is_gone_or_only_moved_needs_no_coverage(scene: Scene) -> None:
    scene.repo.git("mv", "m.py", "n.py")
    scene.repo.commit()
    scene.repo.git("checkout", "--quiet", "-B", "main", "topic~1")
    scene.repo.git("checkout", "--quiet", "topic")
    answer = scene.cover(scene.repo.write("a.info", LCOV.replace("m.py", "n.py")))
    assert (0, None) == (answer.code, answer.json["patch_percent"])


def test_the_command_itself_reads_the_configuration(scene: Scene, process: Reviewbot) -> None:
    scene.repo.write(".reviewbot.toml", '[coverage]\nreports = ["out/*.info"]\nfail_under = 50\nfile_under = 50.5\n')
    scene.repo.write("out/one.info", LCOV)
    ran = process("cover", "--base", "main", "--head", "topic", "--format", "json", cwd=scene.repo.path)
    assert ["'m.py': 50 % of what was changed is covered, less than 50.5 %"] == ran.json["reasons"]
    assert (1, "") == (ran.code, ran.err)
    ran = process("cover", "--coverage", "nowhere.xml", "--base", "main", "--head", "topic", cwd=scene.repo.path)
    assert (2, "") == (ran.code, ran.out)
