"""The diff is the same whatever a user's settings, a hook's variables or the change itself say."""

from collections.abc import Callable
from pathlib import Path

import gitrepo
import pytest
from repository.conftest import Compare

SETTINGS = {
    "no prefix": "[diff]\nnoprefix = true\n",
    "mnemonic prefixes": "[diff]\nmnemonicPrefix = true\n",
    "other prefixes": "[diff]\nsrcPrefix = x/\ndstPrefix = y/\n",
    "a program of one's own": "[diff]\nexternal = sh -c 'echo nothing; exit 0'\n",
    "colour": "[color]\nui = always\ndiff = always\n[diff]\ncolorMoved = zebra\nwsErrorHighlight = all\n",
    "an order": "[diff]\norderFile = {order}\n",
    "submodules as a log": "[diff]\nsubmodule = log\nignoreSubmodules = all\n",
    "empty context lines": "[diff]\nsuppressBlankEmpty = true\n",
    "no renames": "[diff]\nrenames = false\nrenameLimit = 1\n",
    "copies": "[diff]\nrenames = copies\n",
    "raw paths": "[core]\nquotePath = false\n",
    "little context": "[diff]\ncontext = 0\ninterHunkContext = 50\n",
    "another algorithm": "[diff]\nalgorithm = patience\nindentHeuristic = false\n",
    "files taken for big": "[core]\nbigFileThreshold = 1\n",
    "relative paths": "[diff]\nrelative = true\n",
    "attributes of one's own": "[core]\nattributesFile = {attributes}\n",
    "a driver": "[core]\nattributesFile = {attributes}\n"
    '[diff "py"]\ntextconv = sh -c "echo converted"\nbinary = true\nxfuncname = "^(.*)$"\n',
    "a pager and aliases": "[core]\npager = cat -n\n[alias]\ndiff = log\n[interactive]\ndiffFilter = cat -n\n",
    "short ids": "[core]\nabbrev = 4\n",
    "a tree of attributes": "[attr]\ntree = HEAD\n",
}


@pytest.fixture
def change(repo: gitrepo.Repo, tmp_path: Path) -> gitrepo.Repo:
    """Make a change with a rename, a quoted name, a submodule, empty context lines and a binary file."""
    inner = gitrepo.init(tmp_path / "inner")
    inner.commit({"i.py": "i = 1\n"})
    rows = [f"row {number}" for number in range(40)]
    repo.git("submodule", "--quiet", "add", inner.url, "lib")
    repo.commit({"deep/old.py": "\n".join(rows), "é\t.py": "x = 1\n\n\n\ny = 1\n", "blob": b"\0\1"})
    rows[20] = "changed"
    (repo.path / "deep" / "old.py").unlink()
    repo.write("deep/new.py", "\n".join(rows))
    repo.write("é\t.py", "x = 1\n\n\n\ny = 2\n")
    repo.write("blob", b"\0\2")
    gitrepo.Repo(repo.path / "lib").commit({"i.py": "i = 2\n"})
    return repo


@pytest.mark.parametrize("name", list(SETTINGS))
def test_settings_of_a_user_do_not_bend_the_diff(
    change: gitrepo.Repo, compare: Compare, tmp_path: Path, name: str
) -> None:
    (tmp_path / "order").write_text("lib\nblob\n")
    (tmp_path / "attributes").write_text("*.py diff=py\n*.py -diff\n*.py diff=py\n")
    config = tmp_path / "gitconfig"
    config.write_text(SETTINGS[name].format(order=tmp_path / "order", attributes=tmp_path / "attributes"))
    plain = compare(change, base="HEAD")
    assert {"deep/new.py": "renamed", "é\t.py": "modified", "blob": "modified", "lib": "modified"} == plain.status
    assert plain.files == compare(change, base="HEAD", environ=gitrepo.environment(GIT_CONFIG_GLOBAL=str(config))).files


@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_EXTERNAL_DIFF": "true"},
        {"GIT_DIFF_OPTS": "--unified=0"},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "diff.noprefix", "GIT_CONFIG_VALUE_0": "true"},
        {"GIT_LITERAL_PATHSPECS": "1"},
        {"GIT_ATTR_SOURCE": "HEAD"},
        {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"},
        {"GIT_TRACE": "1"},
        {"GIT_PAGER": "cat -n", "PAGER": "cat -n"},
    ],
)
def test_variables_of_a_user_do_not_bend_the_diff(
    change: gitrepo.Repo, compare: Compare, variables: dict[str, str]
) -> None:
    plain = compare(change, base="HEAD")
    assert plain.files == compare(change, base="HEAD", environ=gitrepo.environment(**variables)).files


HIDING = ["*.py -diff\n", "*.py binary\n", "* diff=hidden\n", "*.py -text -diff\n", "* linguist-generated\n"]


@pytest.fixture
def plain_folder(tmp_path: Path) -> gitrepo.Repo:
    repo = gitrepo.init(tmp_path / "plain")
    repo.commit({"a.py": "a = 1\n"})
    return repo


@pytest.fixture
def linked_folder(plain_folder: gitrepo.Repo, tmp_path: Path) -> gitrepo.Repo:
    plain_folder.git("worktree", "add", "--quiet", "-b", "linked", str(tmp_path / "linked"))
    return gitrepo.Repo(tmp_path / "linked")


@pytest.fixture
def submodule_folder(plain_folder: gitrepo.Repo, tmp_path: Path) -> gitrepo.Repo:
    """Its core.worktree is set, for which git ignores core.bare."""
    outer = gitrepo.init(tmp_path / "outer")
    outer.git("submodule", "--quiet", "add", plain_folder.url, "lib")
    return gitrepo.Repo(outer.path / "lib")


@pytest.mark.parametrize("kind", ["plain_folder", "linked_folder", "submodule_folder"])
@pytest.mark.parametrize("attributes", HIDING)
def test_attributes_in_the_change_hide_nothing_from_the_diff(
    request: pytest.FixtureRequest, compare: Compare, kind: str, attributes: str
) -> None:
    repo: gitrepo.Repo = request.getfixturevalue(kind)
    base = repo.head
    for path in (".gitattributes", "deep/.gitattributes"):
        repo.write(path, attributes)
    repo.write("a.py", "a = 2\n")
    repo.write("deep/b.py", "b = 2\n")
    work_tree = compare(repo, base=base)
    repo.git("add", "--all")
    staged = compare(repo, staged=True)
    repo.commit()
    committed = compare(repo, base=base, head="HEAD")
    expected = {
        ".gitattributes": [attributes.strip()], "a.py": ["a = 2"],
        "deep/.gitattributes": [attributes.strip()], "deep/b.py": ["b = 2"],
    }  # fmt: skip
    assert [expected] * 3 == [found.added for found in (work_tree, staged, committed)]


def test_attributes_in_a_bare_repository_hide_nothing(
    plain_folder: gitrepo.Repo, compare: Compare, tmp_path: Path
) -> None:
    base = plain_folder.head
    plain_folder.commit({".gitattributes": "* -diff\n", "a.py": "a = 2\n"})
    bare = plain_folder.clone(tmp_path / "bare.git", "--bare")
    assert {".gitattributes": ["* -diff"], "a.py": ["a = 2"]} == compare(bare, base=base).added


def test_lines_that_look_like_a_diff_are_lines(repo: gitrepo.Repo, compare: Compare) -> None:
    rows = ["diff --git a/x.py b/x.py", "--- a/x.py", "+++ b/x.py", "@@ -1 +1 @@", "-old", "+new", "\\ No newline"]
    repo.write("a.py", "\n".join(rows))
    assert {"a.py": rows} == compare(repo, base="HEAD").added


def test_many_files_are_listed_in_gits_order(repo: gitrepo.Repo, compare: Compare) -> None:
    names = [f"f{number:03}.txt" for number in range(300)]
    repo.commit({name: f"{name}\n" for name in names})
    assert names == list(compare(repo).status)


Make = Callable[[gitrepo.Repo], None]


def _renamed(repo: gitrepo.Repo) -> None:
    repo.git("mv", "a.py", "b.py")


def _emptied(repo: gitrepo.Repo) -> None:
    repo.write("a.py", "")


def _truncated(repo: gitrepo.Repo) -> None:
    repo.write("a.py", "a = 1")


def _binary(repo: gitrepo.Repo) -> None:
    repo.write("a.py", b"a = 1\0\n")


@pytest.mark.parametrize(
    ("make", "status", "binary", "counts"),
    [
        (_renamed, {"b.py": "renamed"}, False, (0, 0)),
        (_emptied, {"a.py": "modified"}, False, (0, 1)),
        (_truncated, {"a.py": "modified"}, False, (1, 1)),
        (_binary, {"a.py": "modified"}, True, (0, 0)),
    ],
)
def test_each_kind_of_change_is_told_apart(
    repo: gitrepo.Repo, compare: Compare, make: Make, status: dict[str, str], *, binary: bool, counts: tuple[int, int]
) -> None:
    make(repo)
    compared = compare(repo, base="HEAD")
    assert status == compared.status
    (file,) = compared.files
    assert (binary, counts) == (file.binary, (len(file.added), len(file.removed)))
