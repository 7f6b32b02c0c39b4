"""The texts around a change: from the side that is trusted, and from nowhere else."""

import os
from pathlib import Path

import gitrepo
import pytest
from repository.conftest import Compare

from reviewbot.domain.patch import FilePatch, Hunk, Status
from reviewbot.repository.blobs import Blobs
from reviewbot.repository.git import locate
from reviewbot.repository.snapshot import Snapshot
from reviewbot.repository.sources import DiffSources, TargetTrust, TreeSources, WorkTreeTrust
from reviewbot.steps.diffing import bare

NAMES = frozenset({"ruff.toml"})


def work_tree(repo: gitrepo.Repo) -> WorkTreeTrust:
    return WorkTreeTrust(locate(repo.path, repo.environ))


def target(repo: gitrepo.Repo, folder: Path, name: str = "HEAD") -> TargetTrust:
    git = locate(repo.path, repo.environ)
    return TargetTrust(git, git.commit(name) or name, Snapshot(git, folder / "snapshot"))


def test_the_work_tree_gives_files_as_they_are_now(repo: gitrepo.Repo) -> None:
    repo.commit({"ruff.toml": "old\n", "gone/ruff.toml": "gone\n", ".gitignore": "ignored/\n"})
    repo.write("ruff.toml", "new\n")
    repo.write("deep/er/ruff.toml", "untracked\n")
    repo.write("ignored/ruff.toml", "ignored\n")
    repo.write("not-ruff.toml", "no\n")
    (repo.path / "gone" / "ruff.toml").unlink()
    trust = work_tree(repo)
    assert {"ruff.toml": b"new\n", "deep/er/ruff.toml": b"untracked\n"} == trust.files(NAMES)
    assert b"new\n" == trust.read("ruff.toml")
    assert trust.read("nope") is None
    assert trust.read("deep") is None
    assert trust.read("nul\0") is None


def test_pathspec_variables_do_not_make_trusted_files_vanish(repo: gitrepo.Repo) -> None:
    repo.commit({"deep/ruff.toml": "deep\n"})
    literal = gitrepo.Repo(repo.path, gitrepo.environment(GIT_LITERAL_PATHSPECS="1"))
    assert {"deep/ruff.toml": b"deep\n"} == work_tree(literal).files(NAMES)


def test_the_target_gives_files_as_they_were_there(repo: gitrepo.Repo, tmp_path: Path) -> None:
    repo.commit({"ruff.toml": "target\n", "sp ace/ruff.toml": "space\n", "é/ruff.toml": "accent\n"})
    repo.git("tag", "target")
    repo.commit({"ruff.toml": "change\n", "new/ruff.toml": "change\n"})
    trust = target(repo, tmp_path, "target")
    expected = {"ruff.toml": b"target\n", "sp ace/ruff.toml": b"space\n", "é/ruff.toml": b"accent\n"}
    assert expected == trust.files(NAMES)
    assert b"target\n" == trust.read("ruff.toml")
    assert trust.read("new/ruff.toml") is None
    assert trust.read("sp ace") is None
    assert trust.read("nope blob 5") is None
    assert trust.read("new\nline") is None


def test_the_target_may_be_a_tree_without_files(repo: gitrepo.Repo, tmp_path: Path) -> None:
    git = locate(repo.path, repo.environ)
    snapshot = Snapshot(git, tmp_path / "snapshot")
    trust = TargetTrust(git, snapshot.empty_tree(), snapshot)
    assert {} == trust.files(NAMES)
    assert trust.read("a.py") is None
    assert {} == trust.attributes(("a.py",), ("diff",))


@pytest.fixture
def linked(repo: gitrepo.Repo, tmp_path: Path) -> gitrepo.Repo:
    """Symlinks that lead out of the repository, into its git folder, in a ring, and to a file of it."""
    (tmp_path / "secret.toml").write_text("secret\n")
    repo.write("real.toml", "real\n")
    links = {
        "out/ruff.toml": "../../secret.toml",
        "absolute/ruff.toml": str(tmp_path / "secret.toml"),
        "git/ruff.toml": "../.git/config",
        "ring/ruff.toml": "ruff.toml",
        "in/ruff.toml": "../real.toml",
        "dangling/ruff.toml": "nowhere",
    }
    for path, leads_to in links.items():
        (repo.path / path).parent.mkdir()
        (repo.path / path).symlink_to(leads_to)
    (repo.path / "way").symlink_to(tmp_path)
    repo.commit()
    return repo


def test_the_work_tree_follows_symlinks_within_the_repository_alone(linked: gitrepo.Repo) -> None:
    trust = work_tree(linked)
    assert {"in/ruff.toml": b"real\n"} == trust.files(NAMES)
    for path in ("out/ruff.toml", "absolute/ruff.toml", "git/ruff.toml", "way/secret.toml", "../secret.toml"):
        assert trust.read(path) is None
    assert trust.read(".git/config") is None
    assert trust.read(str(linked.path.parent / "secret.toml")) is None


def test_the_target_follows_symlinks_within_its_tree_alone(linked: gitrepo.Repo, tmp_path: Path) -> None:
    trust = target(linked, tmp_path)
    assert {"in/ruff.toml": b"real\n"} == trust.files(NAMES)
    assert b"real\n" == trust.read("in/ruff.toml")
    assert trust.read("out/ruff.toml") is None
    assert trust.read("../secret.toml") is None


def test_a_pipe_in_the_work_tree_is_not_waited_for(repo: gitrepo.Repo) -> None:
    os.mkfifo(repo.path / "ruff.toml")
    assert work_tree(repo).read("ruff.toml") is None
    sources = DiffSources(repo.path, None)
    assert sources.new_text(FilePatch(path="ruff.toml", old_path="ruff.toml", status=Status.MODIFIED)) is None


def test_attributes_are_those_of_the_side_that_is_trusted(repo: gitrepo.Repo, tmp_path: Path) -> None:
    repo.commit({".gitattributes": "*.gen linguist-generated\n", "deep/.gitattributes": "x.py -diff\n"})
    repo.git("tag", "target")
    repo.commit({".gitattributes": "* linguist-generated=false\n", "deep/.gitattributes": ""})
    names = ("linguist-generated", "diff")
    paths = ("a.gen", "deep/x.py", "-x", "sp ace.gen", "new\nline.gen")
    expected = {
        "a.gen": {"linguist-generated": "set"},
        "deep/x.py": {"diff": "unset"},
        "sp ace.gen": {"linguist-generated": "set"},
        "new\nline.gen": {"linguist-generated": "set"},
    }
    assert expected == target(repo, tmp_path, "target").attributes(paths, names)
    assert {path: {"linguist-generated": "false"} for path in paths} == work_tree(repo).attributes(paths, names)
    assert {} == work_tree(repo).attributes((), names)


def test_attributes_of_paths_that_no_repository_holds_are_not_asked_for(repo: gitrepo.Repo) -> None:
    repo.write(".gitattributes", "*.py linguist-generated\n")
    paths = ("../a.py", "/a.py", "a\0.py", "", "deep/../../a.py", "./a.py", "a//b.py", "a.py")
    assert {"a.py": {"linguist-generated": "set"}} == work_tree(repo).attributes(paths, ("linguist-generated",))


def test_new_texts_of_a_change_are_its_blobs(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.commit({"gone.py": "gone = 1\n", "old.py": "old = 1\n" * 9})
    (repo.path / "gone.py").unlink()
    (repo.path / "old.py").rename(repo.path / "new.py")
    repo.write("a.py", "a = 2\n")
    (repo.path / "link.py").symlink_to("a.py")
    compared = compare(repo, base="HEAD")
    with Blobs(compared.git, compared.snapshot.environ) as blobs:
        sources = TreeSources(blobs.read, WorkTreeTrust(compared.git))
        texts = {file.path: sources.new_text(file) for file in compared.files}
    assert {"a.py": b"a = 2\n", "gone.py": None, "link.py": None, "new.py": b"old = 1\n" * 9} == texts


def test_trusted_files_of_a_change_are_those_of_the_trusted_side(repo: gitrepo.Repo) -> None:
    repo.write("ruff.toml", "x\n")
    assert {"ruff.toml": b"x\n"} == TreeSources(lambda _: None, work_tree(repo)).trusted_files(NAMES)
    assert {"ruff.toml": b"x\n"} == DiffSources(None, work_tree(repo)).trusted_files(NAMES)
    assert {} == DiffSources(None, None).trusted_files(NAMES)


MODIFIED = b"""diff --git a/b.py b/b.py
--- a/b.py
+++ b/b.py
@@ -2,2 +2,3 @@
 two
+new
 three
"""
ADDED = b"""diff --git a/n.py b/n.py
new file mode 100644
--- /dev/null
+++ b/n.py
@@ -0,0 +1,2 @@
+one
+two
"""


def text_of(diff: bytes, folder: Path | None) -> bytes | None:
    (file,) = bare(diff).files
    return DiffSources(folder, None).new_text(file)


def test_a_bare_diff_holds_the_whole_text_of_an_added_file() -> None:
    assert b"one\ntwo\n" == text_of(ADDED, None)
    assert b"one\ntwo" == text_of(ADDED + b"\\ No newline at end of file\n", None)


def test_a_bare_diff_holds_no_whole_text_of_a_modified_file() -> None:
    assert text_of(MODIFIED, None) is None


def test_a_folder_on_which_the_diff_stands_gives_the_whole_text(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("one\ntwo\nnew\nthree\nfour\n")
    assert b"one\ntwo\nnew\nthree\nfour\n" == text_of(MODIFIED, tmp_path)


@pytest.mark.parametrize("text", ["one\ntwo\nthree\nfour\n", "one\ntwo\n", "", "one\ntwo\nNEW\nthree\n"])
def test_a_folder_with_another_text_does_not_fit(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.py").write_text(text)
    assert text_of(MODIFIED, tmp_path) is None


def test_a_file_that_the_folder_lacks_has_no_text(tmp_path: Path) -> None:
    assert text_of(MODIFIED, tmp_path) is None


@pytest.mark.parametrize("path", ["../b.py", "/b.py", "deep/../../b.py", ".git/b.py", "link.py", "way/b.py"])
def test_a_bare_diff_reads_nothing_outside_the_folder(tmp_path: Path, path: str) -> None:
    text = b"one\ntwo\nnew\nthree\n"
    folder = tmp_path / "folder"
    (folder / ".git").mkdir(parents=True)
    for place in (tmp_path / "b.py", folder / ".git" / "b.py"):
        place.write_bytes(text)
    (folder / "link.py").symlink_to("../b.py")
    (folder / "way").symlink_to("..")
    hunk = Hunk(old_start=2, new_start=2, body=" two\n+new\n three")
    known = FilePatch(path=path, old_path=path, status=Status.MODIFIED, hunks=(hunk,))
    assert DiffSources(folder, None).new_text(known) is None
    (folder / "b.py").write_bytes(text)
    assert text == DiffSources(folder, None).new_text(
        FilePatch(path="b.py", old_path="b.py", status=Status.MODIFIED, hunks=(hunk,))
    )


@pytest.mark.parametrize(
    "fields",
    [{"status": Status.DELETED}, {"new_mode": "120000"}, {"new_mode": "160000"}, {"binary": True}],
)
def test_what_is_no_text_of_its_own_has_none(tmp_path: Path, fields: dict[str, object]) -> None:
    (tmp_path / "b.py").write_text("x")
    known = {"path": "b.py", "old_path": "b.py", "status": Status.MODIFIED, **fields}
    assert DiffSources(tmp_path, None).new_text(FilePatch(**known)) is None  # type: ignore[arg-type]
