"""A base that the clone does not hold: fetched from the remote, or said how."""

from pathlib import Path

import gitrepo
import pytest
from repository.conftest import Compare

from reviewbot.errors import UsageError


@pytest.fixture
def origin(tmp_path: Path) -> gitrepo.Repo:
    """Make main with 12 commits; ``topic`` leaves it after the second and has 3 of its own."""
    repo = gitrepo.init(tmp_path / "origin")
    for number in range(2):
        repo.commit({f"m{number}.py": "m = 1\n"})
    repo.branch("topic")
    for number in range(3):
        repo.commit({f"t{number}.py": "t = 1\n"})
    repo.git("checkout", "--quiet", "main")
    for number in range(2, 12):
        repo.commit({f"m{number}.py": "m = 1\n"})
    return repo


TOPIC = {"t0.py": "added", "t1.py": "added", "t2.py": "added"}


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_shallow_clone_fetches_the_base_and_history_down_to_the_merge_base(
    origin: gitrepo.Repo, compare: Compare, tmp_path: Path, depth: int
) -> None:
    clone = origin.clone(tmp_path / "clone", f"--depth={depth}", "--branch=topic")
    assert TOPIC == compare(clone, base="origin/main", head="HEAD").status


@pytest.mark.parametrize("name", ["main", "origin/main", "refs/heads/main"])
def test_a_missing_base_may_be_named_with_its_remote_or_without(
    origin: gitrepo.Repo, compare: Compare, tmp_path: Path, name: str
) -> None:
    clone = origin.clone(tmp_path / "clone", "--single-branch", "--branch=topic")
    assert TOPIC == compare(clone, base=name).status


def test_a_missing_base_may_be_a_commit_id_or_a_tag(origin: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    origin.git("tag", "v1", "main~3")
    clone = origin.clone(tmp_path / "clone", "--single-branch", "--no-tags", "--branch=topic")
    assert TOPIC == compare(clone, base="v1").status
    assert TOPIC == compare(clone, base=origin.head).status


def test_a_checkout_of_a_pull_requests_merge_alone_finds_the_merge_base(
    origin: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    """As actions/checkout leaves it: one commit that no branch of the remote reaches."""
    origin.git("checkout", "--quiet", "--detach", "main")
    origin.git("merge", "--quiet", "--no-ff", "--no-edit", "topic")
    origin.git("update-ref", "refs/pull/1/merge", "HEAD")
    origin.git("checkout", "--quiet", "main")
    clone = gitrepo.init(tmp_path / "clone")
    clone.git("remote", "add", "origin", origin.url)
    clone.git("fetch", "--quiet", "--no-tags", "--depth=1", "origin", "+refs/pull/1/merge:refs/remotes/pull/1/merge")
    clone.git("checkout", "--quiet", "--detach", "refs/remotes/pull/1/merge")
    assert TOPIC == compare(clone, base="origin/main", head="HEAD").status


def test_the_last_commit_of_a_clone_of_depth_one_is_compared_with_its_parent(
    origin: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    clone = origin.clone(tmp_path / "clone", "--depth=1")
    compared = compare(clone)
    assert {"m11.py": "added"} == compared.status
    assert origin.git("rev-parse", "main~1") == compared.base


def test_the_remote_is_the_one_that_the_base_names_else_origin(
    origin: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    other = origin.clone(tmp_path / "other", "--branch=main")
    other.git("branch", "special", "main~2")
    clone = origin.clone(tmp_path / "clone", "--single-branch", "--branch=topic")
    clone.git("remote", "add", "a-first", "nowhere")
    clone.git("remote", "add", "upstream", other.url)
    assert TOPIC == compare(clone, base="upstream/special").status
    assert other.git("rev-parse", "special") == clone.git("rev-parse", "upstream/special")
    assert TOPIC == compare(clone, base="main").status


def test_a_lone_remote_of_another_name_will_do(origin: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    clone = origin.clone(tmp_path / "clone", "--single-branch", "--branch=topic", "--origin=upstream")
    assert TOPIC == compare(clone, base="main").status


def test_a_base_that_nobody_has_says_so(origin: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    clone = origin.clone(tmp_path / "clone")
    with pytest.raises(UsageError, match=r"the base 'nope' is not in this clone, and fetching it failed: fatal: "):
        compare(clone, base="nope")


def test_a_base_of_a_remote_that_is_gone_says_how_to_fetch_it(
    origin: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    clone = origin.clone(tmp_path / "clone", "--depth=1", "--branch=topic")
    origin.path.rename(tmp_path / "gone")
    with pytest.raises(UsageError) as caught:
        compare(clone, base="origin/main")
    said = str(caught.value)
    assert "does not appear to be a git repository" in said
    assert "git fetch origin main" in said
    assert "GIT_DEPTH: 0" in said
    assert "fetch-depth: 0" in said
    assert "\n" not in said


def test_a_base_without_any_remote_says_so(repo: gitrepo.Repo, compare: Compare) -> None:
    with pytest.raises(UsageError, match="the base 'nope' is not in this clone, and this clone has no remote"):
        compare(repo, base="nope")


def test_a_shallow_clone_without_its_remote_says_that_history_is_missing(
    origin: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    clone = origin.clone(tmp_path / "clone", "--depth=1", "--branch=topic", "--no-single-branch")
    origin.path.rename(tmp_path / "gone")
    with pytest.raises(UsageError, match=r"no common commit, since this clone is shallow .* GIT_DEPTH: 0"):
        compare(clone, base="origin/main")


def test_a_last_commit_whose_parent_is_cut_off_is_not_taken_for_the_first_one(
    origin: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    """Else the whole repository would be reviewed, and paid for."""
    clone = origin.clone(tmp_path / "clone", "--depth=1")
    clone.git("remote", "remove", "origin")
    with pytest.raises(UsageError, match=r"the parent of the last commit .* is not in this clone, which is shallow"):
        compare(clone)


def test_the_first_commit_of_all_is_found_in_a_shallow_clone_too(
    repo: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    repo.commit({"b.py": "b = 1\n"})
    clone = repo.clone(tmp_path / "clone", "--depth=1")
    clone.git("fetch", "--quiet", "--unshallow")
    clone.git("checkout", "--quiet", "--detach", "HEAD~1")
    clone.git("update-ref", "-d", "refs/remotes/origin/main")
    clone.git("update-ref", "-d", "refs/heads/main")
    clone.git("remote", "remove", "origin")
    assert {"a.py": "added"} == compare(clone).status


def test_fetching_a_base_leaves_other_references_as_they_were(
    origin: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    origin.git("tag", "v1")
    clone = origin.clone(tmp_path / "clone", "--single-branch", "--no-tags", "--branch=topic")
    clone.git("config", "fetch.prune", "true")
    clone.git("config", "fetch.pruneTags", "true")
    clone.git("tag", "mine")
    before = set(clone.git("show-ref").splitlines())
    compare(clone, base="origin/main")
    after = set(clone.git("show-ref").splitlines())
    assert {f"{origin.head} refs/remotes/origin/main"} == after - before
    assert set() == before - after


def test_a_base_that_is_no_commit_is_not_taken_for_one(origin: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    blob = origin.git("rev-parse", "main:m0.py")
    origin.git("tag", "no-commit", blob)
    clone = origin.clone(tmp_path / "clone", "--no-tags")
    with pytest.raises(UsageError, match="the base 'no-commit' is not in this clone, and it is no commit there"):
        compare(clone, base="no-commit")


def test_a_base_named_by_its_way_back_is_fetched(origin: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    clone = origin.clone(tmp_path / "clone", "--depth=1", "--branch=main")
    assert {"m9.py": "added", "m10.py": "added", "m11.py": "added"} == compare(clone, base="HEAD~3", head="HEAD").status
