"""Finding the repository, and running git in it without being led astray."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gitrepo
import pytest

from reviewbot.errors import UsageError
from reviewbot.repository.blobs import Blobs
from reviewbot.repository.git import GitError, locate


def test_a_repository_is_found_from_any_of_its_folders(repo: gitrepo.Repo) -> None:
    repo.write("deep/er/b.py", "")
    git = locate(repo.path / "deep" / "er", repo.environ)
    assert (repo.path, repo.path / ".git", False) == (git.folder, git.git_dir, git.bare)


def test_a_bare_repository_is_its_own_folder(repo: gitrepo.Repo, tmp_path: Path) -> None:
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    git = locate(bare.path, bare.environ)
    assert (bare.path, bare.path, True) == (git.folder, git.git_dir, git.bare)


@pytest.mark.parametrize("name", ["line\u2028separator", "next\x85line", "form\x0cfeed", "new\nline", "tail\n"])
def test_a_path_is_read_whole_whatever_looks_like_a_line_end_in_it(tmp_path: Path, name: str) -> None:
    repo = gitrepo.init(tmp_path / name)
    git = locate(repo.path, repo.environ)
    assert (repo.path, repo.path / ".git") == (git.folder, git.git_dir)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere is no folder. Give the repository with --repo DIR"):
        locate(tmp_path / "nowhere", gitrepo.environment())


def test_a_folder_outside_any_repository_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not inside a git repository. .* --diff FILE"):
        locate(tmp_path, gitrepo.environment(GIT_CEILING_DIRECTORIES=str(tmp_path.parent)))


def test_a_repository_of_another_user_is_told_the_command_with_its_path(repo: gitrepo.Repo) -> None:
    program = repo.path.parent / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'fatal: detected dubious ownership in repository' >&2\nexit 128\n")
    program.chmod(0o755)
    stranger = gitrepo.environment(PATH=str(program.parent))
    with pytest.raises(UsageError, match=f"git config --global --add safe.directory {repo.path}' first"):
        locate(repo.path, stranger)


def test_a_git_folder_itself_is_no_work_tree(repo: gitrepo.Repo) -> None:
    with pytest.raises(UsageError, match="must be run in a work tree"):
        locate(repo.path / ".git", repo.environ)


def test_a_missing_git_is_named(repo: gitrepo.Repo, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git is not installed, or not on PATH"):
        locate(repo.path, gitrepo.environment(PATH=str(tmp_path)))


@pytest.mark.parametrize("path", [".", "", "bin", ".{sep}bin{sep}{real}"])
def test_a_git_of_the_change_is_not_run(repo: gitrepo.Repo, tmp_path: Path, path: str) -> None:
    """A relative folder on PATH, such as node_modules/.bin, would be one of the repository."""
    mark = tmp_path / "ran"
    for place in ("git", "bin/git"):
        repo.write(place, f"#!{sys.executable}\nopen({str(mark)!r}, 'w')\n").chmod(0o755)
    environ = gitrepo.environment(PATH=path.format(sep=os.pathsep, real=os.pathsep.join(os.get_exec_path())))
    assert repo.path == locate(repo.path, environ).folder
    assert not mark.exists()


def test_variables_of_a_hook_do_not_lead_to_another_repository(repo: gitrepo.Repo, tmp_path: Path) -> None:
    other = gitrepo.init(tmp_path / "other")
    leaked = gitrepo.environment(
        GIT_DIR=str(other.path / ".git"),
        GIT_WORK_TREE=str(other.path),
        GIT_COMMON_DIR=str(other.path / ".git"),
        GIT_PREFIX="deep/",
        GIT_NAMESPACE="strange",
    )
    git = locate(repo.path, leaked)
    assert (repo.path, repo.head) == (git.folder, git.commit("HEAD"))


def test_a_failing_command_gives_gits_own_words_and_exit_code_2(repo: gitrepo.Repo) -> None:
    with pytest.raises(GitError, match="fatal: Not a valid object name nope") as caught:
        locate(repo.path, repo.environ).run("cat-file", "blob", "nope")
    assert 2 == caught.value.exit_code


def test_a_command_that_hangs_is_given_up(repo: gitrepo.Repo) -> None:
    from dataclasses import replace

    git = replace(locate(repo.path, repo.environ), timeout_s=0.05)
    with pytest.raises(UsageError, match=r"'git -c' gave no answer within 0 s"):
        git.run("-c", "alias.wait=!sleep 5", "wait")


def test_a_line_that_is_empty_is_none(repo: gitrepo.Repo) -> None:
    git = locate(repo.path, repo.environ)
    assert git.try_line("ls-files", "nope") is None
    assert git.try_line("nonsense") is None


def test_the_environment_shows_in_no_repr(repo: gitrepo.Repo) -> None:
    value = "made-up-value"
    assert value not in repr(locate(repo.path, {**repo.environ, "REVIEWBOT_API_KEY": value}))


def test_blobs_are_read_by_id_one_after_the_other(repo: gitrepo.Repo) -> None:
    repo.commit({"empty": "", "bytes": b"\0\xff\n", "no-end": "x"})
    git = locate(repo.path, repo.environ)
    with Blobs(git, {}) as blobs:
        assert b"\0\xff\n" == blobs.read(repo.git("rev-parse", "HEAD:bytes"))
        assert blobs.read("0" * 40) is None
        assert b"" == blobs.read(repo.git("rev-parse", "HEAD:empty"))
        assert b"x" == blobs.read(repo.git("rev-parse", "HEAD:no-end"))


def test_threads_that_share_blobs_get_each_their_own(repo: gitrepo.Repo) -> None:
    texts = {f"f{number}": str(number).encode() * 200_000 for number in range(6)}
    repo.commit(texts)
    ids = {repo.git("rev-parse", f"HEAD:{name}"): text for name, text in texts.items()}
    git = locate(repo.path, repo.environ)
    with Blobs(git, {}) as blobs, ThreadPoolExecutor(4) as pool:
        assert [text for _ in range(20) for text in ids.values()] == list(pool.map(blobs.read, [*ids] * 20))


def test_what_is_no_id_is_no_blob(repo: gitrepo.Repo) -> None:
    git = locate(repo.path, repo.environ)
    with Blobs(git, {}) as blobs:
        assert blobs.read("not an id") is None
        assert b"a = 1\n" == blobs.read(repo.git("rev-parse", "HEAD:a.py"))


def test_blobs_of_a_git_that_died_are_not_there(repo: gitrepo.Repo) -> None:
    git = locate(repo.path, repo.environ)
    with Blobs(git, {}) as blobs:
        blobs._process.kill()
        blobs._process.wait()
        assert blobs.read(repo.git("rev-parse", "HEAD:a.py")) is None
