"""What is asked for becomes an open change, and nothing of it is left behind."""

import tempfile
from dataclasses import replace
from pathlib import Path

import gitrepo
import pytest

from reviewbot.domain.patch import FilePatch
from reviewbot.errors import UsageError
from reviewbot.repository import changes as repository_changes
from reviewbot.repository.changes import Changes
from reviewbot.repository.git import GitError
from reviewbot.repository.sources import TargetTrust, WorkTreeTrust
from reviewbot.wiring.changes import Selection, opened, trusted


@pytest.fixture
def repo(tmp_path: Path) -> gitrepo.Repo:
    repo = gitrepo.init(tmp_path / "repo")
    repo.commit({"a.py": "a = 1\n", "b.py": "b = 1\n"})
    repo.branch("topic")
    repo.commit({"a.py": "a = 2\n", "b.py": "b = 2\n"})
    return repo


def patches(repo: gitrepo.Repo, selection: Selection | None = None, **environ: str) -> dict[str, FilePatch]:
    with opened(selection or Selection(), {**repo.environ, **environ}, repo.path) as change:
        return {file.path: file for file in change.change.patch.files}


def test_a_change_is_open_within_its_block_and_gone_after_it(
    repo: gitrepo.Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    repo.write("a.py", "a = 3\n")
    with opened(Selection(), repo.environ, repo.path) as change:
        (file,) = [file for file in change.change.patch.files if file.path == "a.py"]
        assert b"a = 3\n" == change.change.sources.new_text(file)
        assert any(temporary.iterdir())
    assert [] == list(temporary.iterdir())


def test_what_is_on_disk_is_gone_after_a_fault_too(
    repo: gitrepo.Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with pytest.raises(UsageError), opened(Selection(base="nope"), repo.environ, repo.path):
        pass
    assert [] == list(temporary.iterdir())


def test_a_text_that_is_not_what_the_blobs_hold_is_a_defect(
    repo: gitrepo.Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that git prints is trusted before it was compared."""
    real = repository_changes.between

    def lying(*arguments: object) -> Changes:
        said = real(*arguments)  # type: ignore[arg-type]
        return replace(said, text=said.text.replace(b"+a = 2", b"+a = 9"))

    monkeypatch.setattr(repository_changes, "between", lying)
    found = patches(repo)
    assert "the hunk at line 1 shows other lines than the file has" == found["a.py"].defect
    assert (None, (1,)) == (found["b.py"].defect, found["b.py"].added)


def test_a_git_that_cannot_compare_is_told(repo: gitrepo.Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> Changes:
        message = "fatal: unable to read tree"
        raise GitError(message)

    monkeypatch.setattr(repository_changes, "between", failing)
    with pytest.raises(UsageError, match="git cannot compare the two sides: fatal: unable to read tree"):
        patches(repo)


def test_a_partial_clone_fetches_the_texts_that_it_lacks(repo: gitrepo.Repo, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = repo.clone(tmp_path / "clone", "--filter=blob:none", "--branch=topic")
    found = patches(clone, Selection(base="origin/main"))
    assert {"a.py": None, "b.py": None} == {path: file.defect for path, file in found.items()}
    assert {"a.py": (1,), "b.py": (1,)} == {path: file.added for path, file in found.items()}


def test_a_partial_clone_without_its_remote_is_told(repo: gitrepo.Repo, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = repo.clone(tmp_path / "clone", "--filter=blob:none", "--branch=topic")
    repo.path.rename(tmp_path / "gone")
    with pytest.raises(UsageError, match="git cannot compare the two sides: fatal: "):
        patches(clone, Selection(base="origin/main", head="HEAD"))


def test_a_text_without_its_blob_stays_as_git_gave_it(repo: gitrepo.Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reviewbot.wiring.changes.Blobs.read", lambda *_: None)
    assert {
        "a.py": (None, (1,)),
        "b.py": (None, (1,)),
    } == {path: (file.defect, file.added) for path, file in patches(repo).items()}


def test_a_submodules_pointer_is_compared_as_git_writes_it(repo: gitrepo.Repo, tmp_path: Path) -> None:
    inner = gitrepo.init(tmp_path / "inner")
    inner.commit({"i.py": "i = 1\n"})
    repo.git("submodule", "--quiet", "add", inner.url, "lib")
    repo.commit()
    gitrepo.Repo(repo.path / "lib").commit({"i.py": "i = 2\n"})
    (file,) = [file for path, file in patches(repo, Selection(base="HEAD")).items() if path == "lib"]
    assert (None, True) == (file.defect, file.is_submodule)


@pytest.mark.parametrize(
    ("environ", "kind"),
    [({}, WorkTreeTrust), ({"GITLAB_CI": "true"}, TargetTrust), ({"GITLAB_CI": "0"}, WorkTreeTrust)],
)
def test_the_side_that_steers_is_the_work_tree_or_in_a_pipeline_the_target(
    repo: gitrepo.Repo, environ: dict[str, str], kind: type
) -> None:
    for selection in (Selection(), Selection(repo=repo.path, diff=b"")):
        with opened(selection, {**repo.environ, **environ}, repo.path) as change:
            assert isinstance(change.trust, kind)
            assert change.git is not None
            with trusted(change.git, None, {**repo.environ, **environ}) as trust:
                assert isinstance(trust, kind)


def test_a_diff_alone_has_neither_repository_nor_trust(repo: gitrepo.Repo) -> None:
    with opened(Selection(diff=b"", diff_name="x.diff"), repo.environ, repo.path) as change:
        assert (None, None, "the diff in x.diff") == (change.git, change.trust, change.change.comparison.description)


def test_staged_changes_are_compared_in_a_pipeline_too(repo: gitrepo.Repo) -> None:
    repo.write("c.py", "c = 1\n")
    repo.git("add", "c.py")
    pipeline = {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"}
    assert {"c.py"} == set(patches(repo, Selection(staged=True), **pipeline))
