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
    assert (ran.code, ran.report["base"], ran.report["head"]) == (0, None, None)
    assert [finding["rule"] for finding in ran.report["findings"]] == ["F821"]
    text = reviewbot("review", "--diff", "-", cwd=nowhere, stdin=ADDED)
    assert text.out.splitlines()[0] == "the diff in standard input · static engine"


def test_a_diff_from_a_file_is_named(reviewbot: Reviewbot, nowhere: Path) -> None:
    (nowhere / "my\x1b[31m.diff").write_bytes(ADDED)
    ran = reviewbot("review", "--diff", "my\x1b[31m.diff", cwd=nowhere)
    assert ran.out.splitlines()[0] == "the diff in my\\x1b[31m.diff · static engine"


def test_what_git_shows_can_be_piped_in(reviewbot: Reviewbot, repo: gitrepo.Repo, nowhere: Path) -> None:
    shown = repo.git("diff", "main").encode() + b"\n"
    piped = reviewbot("review", "--diff", "-", "--format", "json", cwd=nowhere, stdin=shown).report
    assert [(file["path"], file["status"], file["added"], file["removed"]) for file in piped["files"]] == [
        ("app.py", "modified", [5], [5])
    ]
    assert "static rules need the whole file" in piped["files"][0]["reason"]


def test_with_a_fitting_repository_static_rules_see_the_whole_file(
    reviewbot: Reviewbot, repo: gitrepo.Repo, nowhere: Path
) -> None:
    options = ("review", "--diff", "-", "--repo", str(repo.path), "--format", "json")
    report = reviewbot(*options, cwd=nowhere, stdin=MODIFIED).report
    assert [file["outcome"] for file in report["files"]] == ["reviewed"]
    assert [finding["rule"] for finding in report["findings"]] == ["F821"]
    repo.write("app.py", "something else\n")
    report = reviewbot(*options, cwd=nowhere, stdin=MODIFIED).report
    assert [file["outcome"] for file in report["files"]] == ["skipped"]


def test_the_repositorys_configuration_counts_only_where_it_is_given(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.commit({".reviewbot.toml": 'fail_on = "low"\n', ".gitattributes": "n.py linguist-generated\n"})
    assert reviewbot("review", "--diff", "-", stdin=ADDED).code == 0
    ran = reviewbot("review", "--diff", "-", "--repo", ".", "--format", "json", stdin=ADDED)
    assert ran.report["files"][0]["reason"] == "generated: .gitattributes says linguist-generated"


def test_with_a_bare_repository_its_head_steers(reviewbot: Reviewbot, repo: gitrepo.Repo, tmp_path: Path) -> None:
    repo.commit({".reviewbot.toml": 'fail_on = "low"\n', "ruff.toml": 'lint.select = ["F"]\n'})
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    ran = reviewbot("review", "--diff", "-", "--repo", str(bare.path), "--format", "json", stdin=ADDED)
    assert ran.code == 1
    assert [finding["rule"] for finding in ran.report["findings"]] == ["F821"]


@pytest.mark.parametrize("command", ["review", "plan"])
@pytest.mark.parametrize("empty", [b"", b"\n", b" \n\n"])
def test_an_empty_diff_is_said_to_be_empty(reviewbot: Reviewbot, command: str, empty: bytes) -> None:
    ran = reviewbot(command, "--diff", "-", stdin=empty)
    assert ran.code == 0
    assert ("nothing to send" if command == "plan" else "no changed lines to review") in ran.out
    report = reviewbot("review", "--diff", "-", "--format", "json", stdin=empty).report
    assert (report["files"], report["lines"]["changed"]) == ([], 0)


@pytest.mark.parametrize(
    "garbage",
    [b"hello\n", b"\0\1\2", "diff --git ".encode("utf-16"), b'{"a": 1}\n', b"--- a\n", b"@@ -1 +1 @@\n-a\n+b\n"],
)
@pytest.mark.parametrize("command", ["review", "plan"])
def test_what_is_no_diff_is_refused(reviewbot: Reviewbot, command: str, garbage: bytes) -> None:
    ran = reviewbot(command, "--diff", "-", stdin=garbage)
    assert (ran.code, ran.out) == (2, "")
    assert "diff" in ran.err
    assert "Traceback" not in ran.err


def test_a_file_that_was_cut_off_fails_and_the_rest_is_reviewed(reviewbot: Reviewbot, nowhere: Path) -> None:
    cut = ADDED + MODIFIED[: MODIFIED.index(b"-    return")]
    ran = reviewbot("review", "--diff", "-", "--format", "json", cwd=nowhere, stdin=cut)
    assert ran.code == 2
    assert {file["path"]: file["outcome"] for file in ran.report["files"]} == {"n.py": "reviewed", "app.py": "failed"}
    assert [finding["rule"] for finding in ran.report["findings"]] == ["F821"]
    assert ran.report["verdict"]["reasons"] == ["1 of 2 files of the diff cannot be read"]
    assert reviewbot("plan", "--diff", "-", cwd=nowhere, stdin=cut).code == 2


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
    assert len(ran.report["files"]) == 1
    assert "Traceback" not in ran.err
    assert reviewbot("plan", "--diff", "-", *options, stdin=hostile).code == 0
