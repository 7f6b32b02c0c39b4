"""``--diff``: a diff alone, from a file or standard input, with a repository or without."""

from pathlib import Path

import gitrepo
import pytest
from cli.conftest import Reviewbot

ADDED = b"""diff --git a/n.py b/n.py
new file mode 100644
index 0000000..1111111
--- /dev/null
+++ b/n.py
@@ -0,0 +1,2 @@
+print(undefined)
+x = 1
"""
MODIFIED = b"""diff --git a/app.py b/app.py
index 1111111..2222222 100644
--- a/app.py
+++ b/app.py
@@ -2,4 +2,4 @@ import os


 def cwd() -> str:
-    return os.getcwd()
+    return undefined_name
"""


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """Make a folder without a repository around it."""
    folder = tmp_path / "nowhere"
    folder.mkdir()
    return folder


def test_a_diff_from_standard_input_needs_no_repository(reviewbot: Reviewbot, nowhere: Path) -> None:
    ran = reviewbot("review", "--diff", "-", "--format", "json", cwd=nowhere, stdin=ADDED)
    assert (0, None, None) == (ran.code, ran.report["base"], ran.report["head"])
    assert ["F821"] == [finding["rule"] for finding in ran.report["findings"]]
    text = reviewbot("review", "--diff", "-", cwd=nowhere, stdin=ADDED)
    assert "the diff in standard input · static engine" == text.out.splitlines()[0]


def test_a_diff_from_a_file_is_named(reviewbot: Reviewbot, nowhere: Path) -> None:
    (nowhere / "my\x1b[31m.diff").write_bytes(ADDED)
    ran = reviewbot("review", "--diff", "my\x1b[31m.diff", cwd=nowhere)
    assert "the diff in my\\x1b[31m.diff · static engine" == ran.out.splitlines()[0]


def test_what_git_shows_can_be_piped_in(reviewbot: Reviewbot, repo: gitrepo.Repo, nowhere: Path) -> None:
    shown = repo.git("diff", "main").encode() + b"\n"
    piped = reviewbot("review", "--diff", "-", "--format", "json", cwd=nowhere, stdin=shown).report
    assert [("app.py", "modified", [5], [5])] == [
        (file["path"], file["status"], file["added"], file["removed"]) for file in piped["files"]
    ]
    assert "static rules need the whole file" in piped["files"][0]["reason"]


def test_with_a_fitting_repository_static_rules_see_the_whole_file(
    reviewbot: Reviewbot, repo: gitrepo.Repo, nowhere: Path
) -> None:
    options = ("review", "--diff", "-", "--repo", str(repo.path), "--format", "json")
    report = reviewbot(*options, cwd=nowhere, stdin=MODIFIED).report
    assert ["reviewed"] == [file["outcome"] for file in report["files"]]
    assert ["F821"] == [finding["rule"] for finding in report["findings"]]
    repo.write("app.py", "something else\n")
    report = reviewbot(*options, cwd=nowhere, stdin=MODIFIED).report
    assert ["skipped"] == [file["outcome"] for file in report["files"]]


def test_the_repositorys_configuration_counts_only_where_it_is_given(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.commit({".reviewbot.toml": 'fail_on = "low"\n', ".gitattributes": "n.py linguist-generated\n"})
    assert 0 == reviewbot("review", "--diff", "-", stdin=ADDED).code
    ran = reviewbot("review", "--diff", "-", "--repo", ".", "--format", "json", stdin=ADDED)
    assert "generated: .gitattributes says linguist-generated" == ran.report["files"][0]["reason"]


def test_with_a_bare_repository_its_head_steers(reviewbot: Reviewbot, repo: gitrepo.Repo, tmp_path: Path) -> None:
    repo.commit({".reviewbot.toml": 'fail_on = "low"\n', "ruff.toml": 'lint.select = ["F"]\n'})
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    ran = reviewbot("review", "--diff", "-", "--repo", str(bare.path), "--format", "json", stdin=ADDED)
    assert 1 == ran.code
    assert ["F821"] == [finding["rule"] for finding in ran.report["findings"]]


@pytest.mark.parametrize("command", ["review", "plan"])
@pytest.mark.parametrize("empty", [b"", b"\n", b" \n\n"])
def test_an_empty_diff_is_said_to_be_empty(reviewbot: Reviewbot, command: str, empty: bytes) -> None:
    ran = reviewbot(command, "--diff", "-", stdin=empty)
    assert 0 == ran.code
    assert ("nothing to send" if command == "plan" else "no changed lines to review") in ran.out
    report = reviewbot("review", "--diff", "-", "--format", "json", stdin=empty).report
    assert ([], 0) == (report["files"], report["lines"]["changed"])


@pytest.mark.parametrize(
    "garbage",
    [b"hello\n", b"\0\1\2", "diff --git ".encode("utf-16"), b'{"a": 1}\n', b"--- a\n", b"@@ -1 +1 @@\n-a\n+b\n"],
)
@pytest.mark.parametrize("command", ["review", "plan"])
def test_what_is_no_diff_is_refused(reviewbot: Reviewbot, command: str, garbage: bytes) -> None:
    ran = reviewbot(command, "--diff", "-", stdin=garbage)
    assert (2, "") == (ran.code, ran.out)
    assert "diff" in ran.err
    assert "Traceback" not in ran.err


def test_a_file_that_was_cut_off_fails_and_the_rest_is_reviewed(reviewbot: Reviewbot, nowhere: Path) -> None:
    cut = ADDED + MODIFIED[: MODIFIED.index(b"-    return")]
    ran = reviewbot("review", "--diff", "-", "--format", "json", cwd=nowhere, stdin=cut)
    assert 2 == ran.code
    assert {"n.py": "reviewed", "app.py": "failed"} == {file["path"]: file["outcome"] for file in ran.report["files"]}
    assert ["F821"] == [finding["rule"] for finding in ran.report["findings"]]
    assert ["1 of 2 files of the diff cannot be read"] == ran.report["verdict"]["reasons"]
    assert 2 == reviewbot("plan", "--diff", "-", cwd=nowhere, stdin=cut).code


@pytest.mark.parametrize(
    ("path", "why"), [("nowhere.diff", "No such file or directory"), (".", "Is a directory"), ("", "Is a directory")]
)
def test_a_diff_that_cannot_be_read_is_named(reviewbot: Reviewbot, path: str, why: str) -> None:
    ran = reviewbot("review", "--diff", path)
    assert (2, f"reviewbot: --diff {path} cannot be read: {why}\n") == (ran.code, ran.err)


@pytest.mark.parametrize(
    "path", [b"../../out.py", b"/etc/out.py", b".git/out.py", b"a//b.py", b'"nul\\000.py"', b"./x.py"]
)
@pytest.mark.parametrize("options", [(), ("--repo", ".")])
def test_paths_that_no_repository_holds_are_reviewed_without_reading_them(
    reviewbot: Reviewbot, path: bytes, options: tuple[str, ...]
) -> None:
    hostile = b"--- /dev/null\n+++ " + path + b"\n@@ -0,0 +1 @@\n+x = 1\n"
    ran = reviewbot("review", "--diff", "-", "--format", "json", *options, stdin=hostile)
    assert ran.code in {0, 2}
    assert 1 == len(ran.report["files"])
    assert "Traceback" not in ran.err
    assert 0 == reviewbot("plan", "--diff", "-", *options, stdin=hostile).code
