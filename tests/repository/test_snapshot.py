"""The work tree and the index as trees, and no trace of that in the repository."""

import os
from pathlib import Path

import gitrepo
import pytest
from repository.conftest import Compare

from reviewbot.errors import UsageError


def traces(repo: gitrepo.Repo) -> dict[str, tuple[int, bytes]]:
    """Every file of the repository, the git folder's too: its time and its bytes.

    Of an object that is there already, and of a shared index, git renews the time whatever it is asked.
    """
    return {
        str(path.relative_to(repo.path)): (
            0 if "/objects" in str(path) or "/sharedindex." in str(path) else path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in repo.path.rglob("*")
    }


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"core.splitIndex": "true"},
        {"core.untrackedCache": "true", "feature.manyFiles": "true"},
        {"index.version": "4", "core.autocrlf": "true"},
    ],
)
@pytest.mark.parametrize("request_", [{"base": "HEAD"}, {"staged": True}, {}])
def test_a_snapshot_leaves_no_trace(
    repo: gitrepo.Repo, compare: Compare, settings: dict[str, str], request_: dict[str, str | bool]
) -> None:
    for name, value in settings.items():
        repo.git("config", name, value)
    repo.commit({f"f{number}.txt": f"{number}\n" for number in range(30)})
    repo.write("a.py", "a = 2\n")
    repo.git("add", "a.py")
    repo.write("f3.txt", "changed\n")
    repo.write("new.py", "new = 1\n")
    hook = repo.write(".git/hooks/post-index-change", "#!/bin/sh\ntouch hook-ran\n")
    hook.chmod(0o755)
    before = traces(repo)
    assert compare(repo, **request_).files
    assert before == traces(repo)


def test_a_change_made_right_after_the_index_was_written_is_seen(repo: gitrepo.Repo, compare: Compare) -> None:
    """Git compares such "racy" files by content, which takes the index's own time."""
    repo.git("config", "core.trustctime", "false")
    repo.git("config", "core.checkStat", "minimal")
    path, moment = repo.path / "a.py", 1_700_000_000
    os.utime(path, (moment, moment))
    repo.git("update-index", "--refresh", check=False)
    repo.git("add", "a.py")
    os.utime(repo.path / ".git" / "index", (moment, moment))
    path.write_text("a = 2\n")
    os.utime(path, (moment, moment))
    assert {"a.py": ["a = 2"]} == compare(repo, base="HEAD").added


def test_untracked_files_count_and_ignored_ones_do_not(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.commit({".gitignore": "*.log\nbuild/\n"})
    for path in ("new.py", "deep/new.py", "x.log", "build/out.py"):
        repo.write(path, "x = 1\n")
    assert {"new.py": "added", "deep/new.py": "added"} == compare(repo, base="HEAD").status


def test_a_file_that_is_only_meant_to_be_added_counts_with_its_text(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.write("new.py", "x = 1\n")
    repo.git("add", "--intent-to-add", "new.py")
    assert {"new.py": ["x = 1"]} == compare(repo, base="HEAD").added
    assert {} == compare(repo, staged=True).status


def test_deleted_renamed_and_executable_files_are_told_apart(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.commit({"old.py": "x = 1\n" * 9, "gone.py": "y = 1\n", "tool": "#!/bin/sh\n"})
    (repo.path / "old.py").rename(repo.path / "new.py")
    (repo.path / "gone.py").unlink()
    (repo.path / "tool").chmod(0o755)
    compared = compare(repo, base="HEAD")
    assert {"new.py": "renamed", "gone.py": "deleted", "tool": "modified"} == compared.status
    modes = {file.path: (file.old_mode, file.new_mode) for file in compared.files}
    assert ("100644", "100755") == modes["tool"]


def test_a_symlink_is_the_text_of_its_target(repo: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("outside = 1\n")
    (repo.path / "link.py").symlink_to("../outside.py")
    compared = compare(repo, base="HEAD")
    assert {"link.py": ["../outside.py"]} == compared.added
    assert "120000" == compared.files[0].new_mode


def test_a_file_that_became_a_symlink_is_two_entries(repo: gitrepo.Repo, compare: Compare) -> None:
    (repo.path / "a.py").unlink()
    (repo.path / "a.py").symlink_to("b.py")
    files = [(file.path, file.status.value) for file in compare(repo, base="HEAD").files]
    assert [("a.py", "deleted"), ("a.py", "added")] == files


def test_a_folder_that_became_a_file_is_seen_so(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.commit({"x/y.py": "y = 1\n"})
    (repo.path / "x" / "y.py").unlink()
    (repo.path / "x").rmdir()
    repo.write("x", "now a file\n")
    assert {"x": "added", "x/y.py": "deleted"} == compare(repo, base="HEAD").status


@pytest.mark.parametrize(
    "name",
    [
        b"with\nnewline.py",
        b"with\ttab.py",
        b'with"quote.py',
        b"\xff\xfe-bytes.py",
        b"-x.py",
        b"back\\slash.py",
        b" .py",
    ],
)
def test_a_file_may_have_any_name(repo: gitrepo.Repo, compare: Compare, name: bytes) -> None:
    repo.write(name, "x = 1\n")
    path = os.fsdecode(name)
    assert {path: ["x = 1"]} == compare(repo, base="HEAD").added
    repo.commit()
    repo.write(name, "x = 2\n")
    assert {path: "modified"} == compare(repo, base="HEAD").status


def test_with_autocrlf_line_ends_of_the_work_tree_are_no_change(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.git("config", "core.autocrlf", "true")
    repo.commit({"b.py": "b = 1\r\nc = 1\r\n"})
    repo.git("config", "core.safecrlf", "true")
    repo.write("a.py", "a = 1\r\n")
    repo.write("b.py", "b = 1\r\nc = 2\r\n")
    assert {"b.py": ["c = 2"]} == compare(repo, base="HEAD").added


def test_an_unresolved_conflict_is_shown_as_the_work_tree_has_it(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.branch("topic")
    repo.commit({"a.py": "a = 2\n"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.py": "a = 3\n"})
    repo.git("merge", "topic", check=False)
    added = compare(repo, base="HEAD").added["a.py"]
    assert ["<<<<<<< HEAD", "=======", "a = 2", ">>>>>>> topic"] == added
    with pytest.raises(UsageError, match=r"the index cannot be read as a tree; are there unresolved conflicts\?"):
        compare(repo, staged=True)


def test_a_submodule_is_its_commit(repo: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    inner = gitrepo.init(tmp_path / "inner")
    first = inner.commit({"i.py": "i = 1\n"})
    repo.git("submodule", "--quiet", "add", inner.url, "lib")
    repo.commit()
    sub = gitrepo.Repo(repo.path / "lib")
    second = sub.commit({"i.py": "i = 2\n"})
    compared = compare(repo, base="HEAD")
    assert {"lib": "modified"} == compared.status
    assert (first, second) == (compared.files[0].old_blob, compared.files[0].new_blob)
    assert compared.files[0].is_submodule
    sub.write("i.py", "i = 3\n")
    assert {"i.py": ["i = 3"]} == compare(repo.path / "lib", base="HEAD").added


def test_a_repository_inside_without_a_commit_is_told_with_a_way_out(repo: gitrepo.Repo, compare: Compare) -> None:
    gitrepo.init(repo.path / "empty")
    with pytest.raises(
        UsageError, match=r"(?s)git cannot read the work tree: .* review commits alone with --head HEAD"
    ):
        compare(repo, base="HEAD")
    assert {} == compare(repo, base="HEAD", head="HEAD").status


@pytest.mark.parametrize("options", [(), ("--sparse-index",)])
def test_in_a_sparse_checkout_absent_files_are_not_deleted_and_present_ones_count(
    repo: gitrepo.Repo, compare: Compare, options: tuple[str, ...]
) -> None:
    repo.commit({"in/a.py": "a = 1\n", "out/b.py": "b = 1\n"})
    repo.git("sparse-checkout", "set", "--cone", *options, "in")
    assert not (repo.path / "out").exists()
    assert {} == compare(repo, base="HEAD", head="HEAD").status
    repo.write("in/a.py", "a = 2\n")
    assert {"in/a.py": "modified"} == compare(repo, base="HEAD").status
    repo.write("out/c.py", "c = 1\n")
    assert {"in/a.py": "modified", "out/c.py": "added"} == compare(repo, base="HEAD").status


def test_a_split_index_is_read_whole(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.commit({f"f{number}.txt": f"{number}\n" for number in range(50)})
    repo.git("update-index", "--split-index")
    repo.write("f7.txt", "changed\n")
    repo.git("add", "f7.txt")
    assert {"f7.txt": "modified"} == compare(repo, staged=True).status
    assert {"f7.txt": "modified"} == compare(repo, base="HEAD").status


def test_a_hooks_own_index_is_the_one_that_is_staged(repo: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    """``git commit -a`` hands the pre-commit hook another index than the repository's."""
    other = gitrepo.environment(GIT_INDEX_FILE=str(tmp_path / "index.lock"))
    repo.write("a.py", "a = 2\n")
    gitrepo.Repo(repo.path, other).git("read-tree", "HEAD")
    gitrepo.Repo(repo.path, other).git("add", "a.py")
    assert {"a.py": ["a = 2"]} == compare(repo, staged=True, environ=other).added
    assert {} == compare(repo, staged=True).status


def test_objects_of_a_borrowing_clone_are_found(repo: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    clone = gitrepo.Repo(tmp_path / "clone")
    repo.git("clone", "--quiet", "--shared", str(repo.path), str(clone.path))
    clone.write("a.py", "a = 2\n")
    assert {"a.py": ["a = 2"]} == compare(clone, base="HEAD").added


def test_a_repository_with_sha256_works_alike(tmp_path: Path, compare: Compare) -> None:
    repo = gitrepo.init(tmp_path / "long", "--object-format=sha256")
    repo.commit({"a.py": "a = 1\n"})
    assert {"a.py": "added"} == compare(repo).status
    repo.write("a.py", "a = 2\n")
    assert {"a.py": ["a = 2"]} == compare(repo).added
