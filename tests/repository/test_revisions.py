"""Which two sides are compared, for every way to say it."""

from pathlib import Path

import gitrepo
import pytest
from repository.conftest import Compare

from reviewbot.errors import UsageError
from reviewbot.repository.git import locate
from reviewbot.repository.revisions import inside


@pytest.fixture
def forked(repo: gitrepo.Repo) -> gitrepo.Repo:
    """Make a branch ``topic`` with ``b.py``; main has moved on with ``c.py``."""
    repo.git("tag", "v1")
    repo.branch("topic")
    repo.commit({"b.py": "b = 1\n"}, "on the branch")
    repo.branch("main", "v1")
    repo.commit({"c.py": "c = 1\n"}, "on main")
    repo.git("checkout", "--quiet", "topic")
    return repo


@pytest.mark.parametrize("name", ["main", "v1", "refs/heads/main", "main~1", "topic^"])
def test_a_base_is_a_branch_a_tag_or_any_name_of_a_commit(forked: gitrepo.Repo, compare: Compare, name: str) -> None:
    assert {"b.py": "added"} == compare(forked, base=name).status


def test_a_base_is_a_commit_id_whole_or_short(forked: gitrepo.Repo, compare: Compare) -> None:
    sha = forked.git("rev-parse", "main")
    assert {"b.py": "added"} == compare(forked, base=sha).status
    assert {"b.py": "added"} == compare(forked, base=sha[:8]).status


def test_a_change_is_compared_from_the_merge_base_and_trusts_the_tip(forked: gitrepo.Repo, compare: Compare) -> None:
    compared = compare(forked, base="main")
    assert forked.git("rev-parse", "v1") == compared.base
    assert forked.git("rev-parse", "main") == compared.sides.target


def test_the_description_names_both_sides(forked: gitrepo.Repo, compare: Compare) -> None:
    start, tip = forked.git("rev-parse", "v1")[:7], forked.head[:7]
    assert f"main ({start}) → the work tree" == compare(forked, base="main").description
    assert f"main ({start}) → topic ({tip})" == compare(forked, base="main", head="topic").description
    assert f"{start} → topic ({tip})" == compare(forked, base=start, head="topic").description


def test_a_given_head_leaves_the_work_tree_out(forked: gitrepo.Repo, compare: Compare) -> None:
    forked.write("d.py", "d = 1\n")
    assert {"b.py": "added"} == compare(forked, base="main", head="HEAD").status
    assert {"b.py": "added", "d.py": "added"} == compare(forked, base="main").status


def test_a_head_without_a_base_is_compared_with_the_default_branch(forked: gitrepo.Repo, compare: Compare) -> None:
    forked.git("checkout", "--quiet", "main")
    assert {"b.py": "added"} == compare(forked, head="topic").status


def test_a_detached_head_is_compared_with_the_default_branch(forked: gitrepo.Repo, compare: Compare) -> None:
    forked.git("checkout", "--quiet", "--detach")
    assert {"b.py": "added"} == compare(forked).status


def test_a_detached_head_on_the_default_branch_shows_the_last_commit(forked: gitrepo.Repo, compare: Compare) -> None:
    forked.git("checkout", "--quiet", "--detach", "main")
    assert {"c.py": "added"} == compare(forked).status


def test_the_remotes_word_for_the_default_branch_counts_first(
    forked: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    forked.git("branch", "--move", "main", "trunkish")
    forked.git("branch", "main", "topic")
    forked.git("checkout", "--quiet", "trunkish")
    clone = forked.clone(tmp_path / "clone")
    clone.branch("work")
    clone.commit({"d.py": "d = 1\n"})
    assert {"d.py": "added"} == compare(clone).status
    assert compare(clone).description.startswith("origin/trunkish (")


def test_without_that_word_the_remotes_main_counts(forked: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    clone = forked.clone(tmp_path / "clone")
    clone.git("remote", "set-head", "origin", "--delete")
    assert compare(clone).description.startswith("origin/main (")


def test_a_word_of_the_remote_that_leads_nowhere_is_passed_over(
    forked: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    clone = forked.clone(tmp_path / "clone")
    clone.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    assert compare(clone).description.startswith("origin/main (")


@pytest.mark.parametrize("name", ["main", "master", "trunk", "develop"])
def test_a_local_default_branch_goes_by_its_usual_names(tmp_path: Path, compare: Compare, name: str) -> None:
    repo = gitrepo.init(tmp_path / "local", branch=name)
    repo.commit({"a.py": "a = 1\n"})
    repo.branch("topic")
    repo.commit({"b.py": "b = 1\n"})
    compared = compare(repo)
    assert {"b.py": "added"} == compared.status
    assert compared.description.startswith(f"{name} (")


def test_a_lone_branch_of_another_name_is_its_own_default(tmp_path: Path, compare: Compare) -> None:
    repo = gitrepo.init(tmp_path / "local", branch="stable")
    repo.commit({"a.py": "a = 1\n"})
    repo.commit({"b.py": "b = 1\n"})
    assert {"b.py": "added"} == compare(repo).status
    repo.write("c.py", "c = 1\n")
    assert {"c.py": "added"} == compare(repo).status
    assert compare(repo).description.startswith("stable (")


def test_on_the_default_branch_with_nothing_changed_it_is_the_last_commit(repo: gitrepo.Repo, compare: Compare) -> None:
    first = repo.head
    repo.commit({"b.py": "b = 1\n"})
    compared = compare(repo)
    assert {"b.py": "added"} == compared.status
    assert f"{first[:7]} → last commit ({repo.head[:7]})" == compared.description
    assert (first, repo.head) == (compared.base, compared.sides.comparison.head_sha)


def test_the_last_commit_may_be_the_first_one(repo: gitrepo.Repo, compare: Compare) -> None:
    compared = compare(repo)
    assert {"a.py": "added"} == compared.status
    assert f"nothing → last commit ({repo.head[:7]})" == compared.description
    assert compared.base is None


def test_the_last_commit_may_be_a_merge_and_is_compared_with_its_first_parent(
    forked: gitrepo.Repo, compare: Compare
) -> None:
    forked.git("checkout", "--quiet", "main")
    forked.git("merge", "--quiet", "--no-ff", "--no-edit", "topic")
    assert {"b.py": "added"} == compare(forked).status


def test_on_the_default_branch_local_commits_are_compared_with_the_remote(
    repo: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    clone = repo.clone(tmp_path / "clone")
    clone.commit({"b.py": "b = 1\n"})
    clone.commit({"c.py": "c = 1\n"})
    assert {"b.py": "added", "c.py": "added"} == compare(clone).status


def test_a_branch_without_changes_of_its_own_stays_empty(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.branch("topic")
    assert {} == compare(repo).status


def test_a_tag_named_as_the_default_branch_does_not_stand_in_for_it(repo: gitrepo.Repo, compare: Compare) -> None:
    first = repo.head
    repo.commit({"b.py": "b = 1\n"})
    repo.git("tag", "main", first)
    repo.branch("topic")
    repo.commit({"c.py": "c = 1\n"})
    assert {"c.py": "added"} == compare(repo).status
    repo.git("checkout", "--quiet", "main", "--")
    repo.git("symbolic-ref", "HEAD", "refs/heads/main")
    repo.git("reset", "--quiet", "--hard")
    assert {"b.py": "added"} == compare(repo).status


@pytest.mark.parametrize("base", ["origin/main", None])
def test_a_tag_named_as_the_remotes_branch_does_not_become_the_target(
    repo: gitrepo.Repo, compare: Compare, tmp_path: Path, base: str | None
) -> None:
    """Who may push tags must not choose the configuration that a pipeline trusts."""
    clone = repo.clone(tmp_path / "clone")
    clone.branch("topic")
    clone.commit({".reviewbot.toml": "fail_on = 'never'\n"})
    clone.git("tag", "origin/main")
    clone.commit({"b.py": "b = 1\n"})
    compared = compare(clone, **({} if base is None else {"base": base}))
    assert repo.head == compared.sides.target
    assert {".reviewbot.toml": "added", "b.py": "added"} == compared.status


def test_a_tag_does_not_become_the_target_either_where_the_branch_has_to_be_fetched(
    repo: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    clone = repo.clone(tmp_path / "clone")
    clone.branch("topic")
    clone.commit({"b.py": "b = 1\n"})
    clone.git("tag", "origin/main")
    clone.git("update-ref", "-d", "refs/remotes/origin/main")
    clone.git("remote", "set-head", "origin", "--delete")
    assert repo.head == compare(clone, base="origin/main", head="HEAD").sides.target


def test_an_unborn_branch_has_nothing_to_compare_with(tmp_path: Path, compare: Compare) -> None:
    repo = gitrepo.init(tmp_path / "new")
    repo.write("a.py", "a = 1\n")
    with pytest.raises(UsageError, match=r"has no commit yet, .* --staged"):
        compare(repo)


def test_the_first_commit_can_be_reviewed_while_it_is_staged(tmp_path: Path, compare: Compare) -> None:
    repo = gitrepo.init(tmp_path / "new")
    repo.write("a.py", "a = 1\n")
    repo.write("b.py", "b = 1\n")
    repo.git("add", "a.py")
    compared = compare(repo, staged=True)
    assert {"a.py": "added"} == compared.status
    assert "nothing → the first commit's staged files" == compared.description


def test_staged_changes_are_those_of_the_index_alone(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.write("a.py", "a = 2\n")
    repo.git("add", "a.py")
    repo.write("a.py", "a = 3\n")
    repo.write("b.py", "b = 1\n")
    compared = compare(repo, staged=True)
    assert {"a.py": ["a = 2"]} == compared.added
    assert compared.description.endswith("→ the staged changes")


def test_in_a_bare_repository_nothing_is_staged(repo: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    with pytest.raises(UsageError, match="bare repository: nothing is staged there"):
        compare(bare, staged=True)


def test_a_bare_repository_compares_its_head(forked: gitrepo.Repo, compare: Compare, tmp_path: Path) -> None:
    bare = forked.clone(tmp_path / "bare.git", "--bare")
    compared = compare(bare, base="main")
    assert {"b.py": "added"} == compared.status
    assert compared.description.endswith(f"→ HEAD ({forked.head[:7]})")


def test_a_linked_work_tree_is_compared_by_its_own_files(
    forked: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    forked.git("worktree", "add", "--quiet", "-b", "other", str(linked), "main")
    (linked / "d.py").write_text("d = 1\n")
    assert {"d.py": "added"} == compare(linked, base="main").status


def test_from_a_subfolder_the_whole_repository_is_compared(forked: gitrepo.Repo, compare: Compare) -> None:
    forked.write("deep/er/d.py", "d = 1\n")
    assert {"b.py": "added", "deep/er/d.py": "added"} == compare(forked.path / "deep" / "er", base="main").status


@pytest.mark.parametrize("name", ["we: \"i'rd é 日本", '"quoted', "back\\slash:x", "new\nline:"])
def test_a_repository_may_have_any_path(tmp_path: Path, compare: Compare, name: str) -> None:
    repo = gitrepo.init(tmp_path / name)
    repo.commit({"a.py": "a = 1\n"})
    repo.write("b.py", "b = 1\n")
    assert {"b.py": "added"} == compare(repo, base="HEAD").status


@pytest.mark.parametrize("name", ["--upload-pack=touch x", "-x", "--all"])
def test_a_base_that_looks_like_an_option_is_refused(repo: gitrepo.Repo, compare: Compare, name: str) -> None:
    with pytest.raises(UsageError, match="--base wants the name of a commit"):
        compare(repo, base=name)


@pytest.mark.parametrize("name", ["--all", "nope", "HEAD..main", "main:a.py"])
def test_a_head_that_is_no_commit_is_refused(repo: gitrepo.Repo, compare: Compare, name: str) -> None:
    with pytest.raises(UsageError, match=r"there is no commit .* git fetch origin"):
        compare(repo, head=name)


def test_unrelated_histories_have_no_common_commit(repo: gitrepo.Repo, compare: Compare) -> None:
    repo.git("checkout", "--quiet", "--orphan", "other")
    repo.commit({"b.py": "b = 1\n"})
    with pytest.raises(UsageError, match=r"'main' and the head have no common commit. Check that --base"):
        compare(repo, base="main")


def test_a_path_is_inside_by_the_way_that_leads_to_it(repo: gitrepo.Repo, tmp_path: Path) -> None:
    git = locate(repo.path, repo.environ)
    outside = tmp_path / "outside.toml"
    outside.write_text("")
    (repo.path / "out.toml").symlink_to(outside)
    (repo.path / "way").symlink_to(tmp_path)
    (tmp_path / "in").symlink_to(repo.path)
    assert inside(git, outside) is None
    assert "a.py" == inside(git, repo.path / "a.py")
    assert "a.py" == inside(git, repo.path / "deep" / ".." / "a.py")
    assert "a.py" == inside(git, tmp_path / "in" / "a.py")
    assert "out.toml" == inside(git, repo.path / "out.toml")
    assert "way/outside.toml" == inside(git, repo.path / "way" / "outside.toml")
