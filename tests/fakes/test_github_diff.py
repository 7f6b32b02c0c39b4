"""The fake's own reading of a diff, held against git's objects: a judge has to be right itself."""

import pytest
from fakes import github_diff
from gitrepo import Repo, init
from hypothesis import given, settings
from hypothesis import strategies as st

LINES = st.lists(
    st.sampled_from(["", " ", "a", "b", "-- c", "++ d", "@@ -1 +1 @@", "diff --git a/f b/f", "é\r"]), max_size=24
)
PATH = "dir/a file.txt"


@pytest.fixture(name="repo", scope="module")
def _repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    repo = init(tmp_path_factory.mktemp("diffs") / "repo")
    repo.commit({"other": "x\n"})
    return repo


def committed(repo: Repo, lines: list[str]) -> str:
    return repo.commit({PATH: "".join(f"{line}\n" for line in lines)})


@settings(max_examples=40, deadline=None)
@given(old=LINES, new=LINES)
def test_each_row_is_the_line_that_the_blob_has_there(repo: Repo, old: list[str], new: list[str]) -> None:
    first, second = committed(repo, old), committed(repo, new)
    rows = [row for entry in github_diff.read(repo, first, second) for hunk in entry.hunks for row in hunk.rows]
    assert [old[row.old - 1] for row in rows if row.old] == [row.text for row in rows if row.old]
    assert [new[row.new - 1] for row in rows if row.new] == [row.text for row in rows if row.new]
    # Leaving out what is removed and putting in what is added makes the new text of the old.
    removed = {row.old for row in rows if row.kind == "-"}
    assert len(new) == len(old) - len(removed) + sum(row.kind == "+" for row in rows)


@settings(max_examples=40, deadline=None)
@given(old=LINES, new=LINES)
def test_a_carried_line_has_kept_its_text_and_the_others_were_removed(
    repo: Repo, old: list[str], new: list[str]
) -> None:
    first, second = committed(repo, old), committed(repo, new)
    changes = github_diff.shifts(repo, first, second, PATH)
    moved = [github_diff.carried(changes, number) for number in range(1, len(old) + 1)]
    kept = [(line, at) for line, at in zip(old, moved, strict=True) if at is not None]
    assert [line for line, _ in kept] == [new[at - 1] for _, at in kept]
    assert sorted({at for _, at in kept}) == [at for _, at in kept]
    entries = github_diff.read(repo, first, second)
    assert moved.count(None) == sum(entry.count("-") for entry in entries)


def test_a_file_without_a_last_newline_is_read_as_its_lines(repo: Repo) -> None:
    first, second = repo.commit({PATH: "a\nb"}), repo.commit({PATH: "a\nc"})
    (entry,) = github_diff.read(repo, first, second)
    assert [(" ", "a"), ("-", "b"), ("+", "c")] == [(row.kind, row.text) for row in entry.hunks[0].rows]
    assert ["a", "c"] == github_diff.lines(repo, second, PATH)


def test_a_place_is_counted_over_the_heads_of_later_hunks(repo: Repo) -> None:
    lines = [f"line {number}" for number in range(1, 41)]
    first = committed(repo, lines)
    second = committed(repo, [*lines[:9], "ten", *lines[10:29], "thirty", *lines[30:]])
    (entry,) = github_diff.read(repo, first, second)
    # The first hunk has eight rows: 7 to 9, the old and the new line 10, 11 to 13; then a head.
    assert [1, 5, 10, None] == [entry.position("RIGHT", number) for number in (7, 10, 27, 20)]
