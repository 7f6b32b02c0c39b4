"""``reviewbot review`` on a real repository, by static rules."""

import json
import os
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import gitrepo
import pytest
from cli.conftest import Ran, Reviewbot, checked


def outcomes(ran: Ran) -> dict[str, str]:
    return {file["path"]: file["outcome"] for file in ran.report["files"]}


def test_without_any_option_the_branch_is_compared_with_main(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    ran = reviewbot("review")
    base = repo.git("rev-parse", "main")[:7]
    assert 0 == ran.code
    assert f"main ({base}) → the work tree · static engine" == ran.out.splitlines()[0]
    assert "Undefined name `undefined_name`" in ran.out
    assert "" == ran.err


def test_the_json_report_keeps_the_contract(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    report = reviewbot("review", "--format", "json", "--head", "topic").report
    assert ("static", None) == (report["engine"], report["model"])
    assert (repo.git("rev-parse", "main"), repo.head) == (report["base"], report["head"])
    assert {"changed": 2, "reviewed": 2, "skipped": 0, "failed": 0} == report["lines"]
    assert (None, [], {"passed": True, "exit_code": 0, "reasons": []}) == (
        report["coverage"], report["tests"], report["verdict"],
    )  # fmt: skip
    (finding,) = [finding for finding in report["findings"] if finding["rule"] == "F821"]
    assert ("app.py", "RIGHT", 5, 5, "ruff", "inline", "high") == tuple(
        finding[key] for key in ("path", "side", "start_line", "line", "source", "placement", "confidence")
    )
    assert "undefined_name" in finding["quote"]


def test_the_head_of_a_work_tree_is_null(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    report = reviewbot("review", "--format", "json").report
    assert (repo.git("rev-parse", "main"), None) == (report["base"], report["head"])


def test_every_file_of_the_diff_is_listed_with_its_fate(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.commit({"tool.sh": "echo\n", "blob.bin": b"\0", "gone.py": "", "old.txt": "same\n" * 5, "t.go": "x\n"})
    repo.branch("next")
    (repo.path / "gone.py").unlink()
    (repo.path / "old.txt").rename(repo.path / "new.txt")
    (repo.path / "tool.sh").chmod(0o755)
    repo.write("blob.bin", b"\1\0")
    repo.write("t.go", "y\n")
    repo.write("n.py", "x = 1\n")
    ran = reviewbot("review", "--format", "json", "--base", "topic")
    expected = {
        "blob.bin": ("skipped", "binary", 0),
        "gone.py": ("skipped", "an empty file", 0),
        "n.py": ("reviewed", None, 1),
        "new.txt": ("skipped", "renamed without a change of content", 0),
        "tool.sh": ("skipped", "only its mode changed, from 100644 to 100755", 0),
    }
    files = {file["path"]: file for file in ran.report["files"]}
    found = {
        path: (files[path]["outcome"], files[path]["reason"], len(files[path]["added"] + files[path]["removed"]))
        for path in expected
    }
    assert expected == found
    assert "skipped" == files["t.go"]["outcome"]
    assert "no static rules for .go files" == files["t.go"]["reason"]
    assert "old.txt" == files["new.txt"]["old_path"]


@pytest.mark.parametrize("name", [b"new\nline.py", b'quo"te.py', b"tab\t.py", b"\xff.py", b"-dash.py", b"sp ace.py"])
def test_a_file_of_any_name_is_reviewed(reviewbot: Reviewbot, repo: gitrepo.Repo, name: bytes) -> None:
    repo.write(name, "print(undefined)\n")
    ran = reviewbot("review", "--format", "json", "--base", "HEAD")
    assert {os.fsdecode(name): "reviewed"} == outcomes(ran)
    assert ["F821"] == [finding["rule"] for finding in ran.report["findings"]]
    for format_ in ("text", "markdown", "html", "sarif", "codequality", "junit", "annotations"):
        assert 0 == reviewbot("review", "--format", format_, "--base", "HEAD").code


@pytest.mark.parametrize("level", ["low", "medium", "high"])
def test_findings_at_the_level_fail_the_gate(reviewbot: Reviewbot, level: str) -> None:
    ran = reviewbot("review", "--fail-on", level, "--format", "json")
    assert (1, 1, False) == (ran.code, ran.report["verdict"]["exit_code"], ran.report["verdict"]["passed"])
    assert f"of severity {level} or above" in ran.report["verdict"]["reasons"][0]


@pytest.mark.parametrize("level", ["never", "critical"])
def test_findings_below_the_level_pass(reviewbot: Reviewbot, level: str) -> None:
    assert 0 == reviewbot("review", "--fail-on", level).code


def test_a_flag_wins_over_the_file_and_the_file_over_the_default(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write(".reviewbot.toml", 'fail_on = "high"\n')
    assert 1 == reviewbot("review").code
    assert 0 == reviewbot("review", "--fail-on", "never").code


def test_staged_changes_alone_are_reviewed(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write("staged.py", "x = 1\n")
    repo.git("add", "staged.py")
    repo.write("other.py", "x = 1\n")
    assert {"staged.py": "reviewed"} == outcomes(reviewbot("review", "--staged", "--format", "json"))


def test_a_commit_hook_reviews_what_will_be_committed(repo: gitrepo.Repo) -> None:
    """``git commit -a`` gives its hooks an index of their own."""
    hook = f"#!/bin/sh\nexec '{sys.executable}' -m reviewbot review --staged --fail-on high >&2\n"
    repo.write(".git/hooks/pre-commit", hook).chmod(0o755)
    root = str(Path(__file__).parents[2])
    hooked = gitrepo.Repo(repo.path, {**repo.environ, "PYTHONPATH": root})
    repo.write("app.py", "print(another_undefined_name)\n")
    before = repo.head
    hooked.git("commit", "--quiet", "--all", "--message", "bad", check=False)
    assert before == repo.head
    repo.write("app.py", "print(1)\n")
    hooked.git("commit", "--quiet", "--all", "--message", "good")
    assert before != repo.head


def test_another_repository_is_reviewed_from_anywhere(reviewbot: Reviewbot, repo: gitrepo.Repo, tmp_path: Path) -> None:
    assert {"app.py": "reviewed"} == outcomes(
        reviewbot("review", "--repo", str(repo.path), "--format", "json", cwd=tmp_path)
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--base", "nope"), "the base 'nope' is not in this clone"),
        (("--head", "nope"), "there is no commit 'nope' here"),
        (("--base=--upload-pack=x",), "--base wants the name of a commit"),
        (("--repo", "nowhere"), "nowhere is no folder"),
        (("--config", "nowhere.toml"), "the configuration file nowhere.toml cannot be read: No such file"),
        (("--import", "nowhere.sarif"), "--import nowhere.sarif cannot be read: No such file"),
        (("--budget", "much"), "command line: budget.run_usd = 'much' is not valid"),
        (("--max-comments=-1",), "command line: max_comments = -1 is not valid"),
        (("--engine", "llm"), "--engine llm needs a model, and no API key and no endpoint is set"),
    ],
)
def test_what_the_user_can_mend_is_a_sentence_and_exit_code_2(
    reviewbot: Reviewbot, arguments: tuple[str, ...], said: str
) -> None:
    ran = reviewbot("review", *arguments)
    assert (2, "") == (ran.code, ran.out)
    assert ran.err.startswith("reviewbot: ")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_traceback_is_shown_on_demand_alone(reviewbot: Reviewbot) -> None:
    ran = reviewbot("review", "--base", "nope", "--debug")
    assert 2 == ran.code
    assert "Traceback" in ran.err
    assert ran.err.splitlines()[-1].startswith("reviewbot: the base 'nope'")


def test_a_folder_without_a_repository_says_what_to_do(reviewbot: Reviewbot, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    ran = reviewbot("review", cwd=folder, GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert 2 == ran.code
    assert "is not inside a git repository" in ran.err


def test_a_report_of_another_tool_is_taken_in(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write("x.js", "eval(input)\n")
    region = {"startLine": 1, "endLine": 1}
    place = {"physicalLocation": {"artifactLocation": {"uri": "x.js"}, "region": region}}
    result = {"ruleId": "no-eval", "level": "error", "message": {"text": "eval is evil"}, "locations": [place]}
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "eslint"}}, "results": [result]}]}
    (repo.path.parent / "eslint.sarif").write_text(json.dumps(log))
    ran = reviewbot("review", "--format", "json", "--base", "HEAD", "--import", "../eslint.sarif")
    assert ["eval is evil"] == [finding["title"] for finding in ran.report["findings"]]
    assert {"x.js": "reviewed"} == outcomes(ran)


@pytest.mark.parametrize(
    "format_", ["text", "markdown", "html", "json", "sarif", "codequality", "junit", "annotations"]
)
def test_every_format_goes_to_standard_output_or_a_file_alike(
    reviewbot: Reviewbot, tmp_path: Path, format_: str
) -> None:
    path = tmp_path / "new" / "folder" / f"report.{format_}"
    printed = reviewbot("review", "--format", format_, "--output", f"{format_}={path}")
    written = path.read_text("utf-8")
    if format_ not in {"json", "junit"}:  # these hold the time that the run took
        assert written.rstrip("\n") == printed.out.rstrip("\n")
    if format_ in {"json", "sarif", "codequality"}:
        json.loads(printed.out)
        json.loads(written)
    if format_ == "junit":
        ET.fromstring(printed.out)  # noqa: S314 - our own output
    assert "undefined_name" in written
    assert [] == [path.name for path in path.parent.iterdir() if path.name.startswith(".")]


def test_several_outputs_are_written_at_once(reviewbot: Reviewbot, tmp_path: Path) -> None:
    paths = {name: tmp_path / f"r.{name}" for name in ("json", "html", "sarif")}
    options = [part for name, path in paths.items() for part in ("--output", f"{name}={path}")]
    saved = tmp_path / "saved.json"
    ran = reviewbot("review", "--save-report", str(saved), *options)
    assert 0 == ran.code
    assert checked(json.loads(saved.read_text())) == checked(json.loads(paths["json"].read_text()))
    assert paths["html"].read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_path_that_cannot_be_written_loses_nothing_else(reviewbot: Reviewbot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    good = tmp_path / "good.json"
    ran = reviewbot("review", "--output", f"html={tmp_path / 'file' / 'x.html'}", "--output", f"json={good}")
    assert 2 == ran.code
    assert "undefined_name" in ran.out
    assert f"{tmp_path / 'file' / 'x.html'} cannot be written: " in ran.err
    checked(json.loads(good.read_text()))
    assert 2 == reviewbot("review", "--output", f"html={tmp_path}").code


def test_a_pipe_is_written_to_and_not_replaced(reviewbot: Reviewbot, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert 0 == reviewbot("review", "--output", f"annotations={pipe}").code
        assert b"undefined_name" in os.read(reader, 1_000_000)
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_file_that_is_there_is_replaced_and_keeps_no_half(reviewbot: Reviewbot, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("x" * 1_000_000)
    assert 0 == reviewbot("review", "--output", f"json={path}").code
    checked(json.loads(path.read_text()))


def test_generated_files_are_skipped_by_the_work_trees_attributes(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.commit({".gitattributes": "gen.py linguist-generated\n", "gen.py": "x = 1\n"})
    assert {
        ".gitattributes": "skipped",
        "gen.py": "skipped",
    } == outcomes(reviewbot("review", "--base", "HEAD~1", "--head", "HEAD", "--format", "json"))


def test_a_submodule_and_a_bare_repository_can_be_reviewed(
    reviewbot: Reviewbot, repo: gitrepo.Repo, tmp_path: Path
) -> None:
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    assert {"app.py": "reviewed"} == outcomes(reviewbot("review", "--base", "main", "--format", "json", cwd=bare.path))
    outer = gitrepo.init(tmp_path / "outer")
    outer.git("submodule", "--quiet", "add", repo.url, "lib")
    ran = reviewbot("review", "--base", "origin/main", "--format", "json", cwd=outer.path / "lib")
    assert {"app.py": "reviewed"} == outcomes(ran)


def test_a_bug_is_told_as_one_and_exits_with_70(reviewbot: Reviewbot, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "out of cheese \x1b[31m"
        raise RuntimeError(message)

    monkeypatch.setattr("reviewbot.wiring.configuration.effective", broken)
    ran = reviewbot("review")
    assert 70 == ran.code
    assert "reviewbot: RuntimeError: out of cheese \\x1b[31m\nreviewbot: this is a bug in reviewbot" in ran.err
    assert "Traceback" not in ran.err
