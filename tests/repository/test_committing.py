"""New files are committed on top of a commit, and pushed where the branch has not moved on."""

from pathlib import Path

import pytest
from gitrepo import Repo, init

from reviewbot.errors import ForgeError
from reviewbot.repository import committing
from reviewbot.repository.git import Git, locate


@pytest.fixture
def forge(tmp_path: Path) -> Repo:
    repo = init(tmp_path / "forge")
    repo.commit({"app.py": "x = 1\n"})
    repo.branch("feature")
    repo.commit({"app.py": "x = 2\n"})
    repo.git("checkout", "--quiet", "main")
    return repo


@pytest.fixture
def clone(forge: Repo, tmp_path: Path) -> Git:
    forge.clone(tmp_path / "clone")
    return locate(tmp_path / "clone", forge.environ)


def test_new_files_stand_on_top_of_the_head_and_the_work_tree_is_as_it_was(forge: Repo, clone: Git) -> None:
    head = forge.git("rev-parse", "feature")
    made = committing.commit(clone, head, {"tests/test_app.py": "def test(): ...\n"}, "Tests", "reviewbot")
    committing.push(clone, made, "feature", "oauth2", "made-up-token")
    assert made == forge.git("rev-parse", "feature")
    assert head == forge.git("rev-parse", "feature~1")
    assert "tests/test_app.py" == forge.git("diff", "--name-only", "feature~1", "feature")
    assert "reviewbot" == forge.git("log", "-1", "--format=%an", "feature")
    assert "" == Repo(clone.folder, forge.environ).git("status", "--porcelain")


def test_a_branch_that_moved_on_is_left_alone(forge: Repo, clone: Git) -> None:
    head = forge.git("rev-parse", "feature")
    made = committing.commit(clone, head, {"tests/test_app.py": "def test(): ...\n"}, "Tests", "reviewbot")
    forge.git("checkout", "--quiet", "feature")
    newer = forge.commit({"app.py": "x = 3\n"})
    forge.git("checkout", "--quiet", "main")
    with pytest.raises(ForgeError, match="could not be pushed to feature"):
        committing.push(clone, made, "feature", "oauth2", "made-up-token")
    assert newer == forge.git("rev-parse", "feature")


def test_no_hook_of_the_clone_runs(forge: Repo, clone: Git, tmp_path: Path) -> None:
    hook = clone.git_dir / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    head = forge.git("rev-parse", "feature")
    made = committing.commit(clone, head, {"t.py": ""}, "Tests", "reviewbot")
    committing.push(clone, made, "feature", "oauth2", "made-up-token")
    assert not (tmp_path / "ran").exists()


def test_a_parent_that_is_no_commit_is_told(clone: Git) -> None:
    with pytest.raises(ForgeError, match="could not be committed"):
        committing.commit(clone, "0" * 40, {"t.py": ""}, "Tests", "reviewbot")


@pytest.mark.parametrize("url", ["https://job:job-token@git.example.org/group/app.git", "http://127.0.0.1:1/app.git"])
def test_the_token_is_no_argument_and_goes_to_its_own_host(clone: Git, url: str) -> None:
    Repo(clone.folder, clone.environ).git("remote", "set-url", "origin", url)
    target, extra = committing._target(url, "oauth2", "made-up-token")
    assert "job-token" not in target
    assert "made-up-token" not in target
    host = target.split("/")[2]
    assert extra["GIT_CONFIG_KEY_0"] == f"http.{target.split(':')[0]}://{host}/.extraHeader"
