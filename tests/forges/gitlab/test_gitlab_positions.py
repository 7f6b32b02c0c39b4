"""Comment → position: checked against difflib's own alignment, and against codes that GitLab showed."""

from difflib import SequenceMatcher, unified_diff

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.domain.finding import Span
from reviewbot.domain.patch import Side
from reviewbot.domain.request import GITLAB, Account, ChangeRequest, ForgeFile
from reviewbot.forges.gitlab import positions

REQUEST = ChangeRequest(
    dialect=GITLAB,
    project="7",
    number=3,
    url="",
    title="",
    description="",
    author=Account(id=1, name="ann"),
    labels=(),
    draft=False,
    open=True,
    from_fork=False,
    head_sha="c" * 40,
    base_sha="a" * 40,
    start_sha="b" * 40,
    source_branch="change",
    target_branch="main",
)
SHAS = {"base_sha": "a" * 40, "start_sha": "b" * 40, "head_sha": "c" * 40}
DIGEST = "bb88d7506cfdcbc88cc950c4af72a3e28c024a77"
"""Of ``a.py``, by sha1sum."""
HUNKS = """@@ -10,6 +10,7 @@ def f():
 ten
 eleven
-twelve
+TWELVE
+and a half
 thirteen
 fourteen
 fifteen
@@ -40,3 +41,2 @@
 forty
-forty-one
 forty-two
"""


def a_file(hunks: str | None = HUNKS, path: str = "a.py", old_path: str | None = "a.py") -> ForgeFile:
    return ForgeFile(path=path, old_path=old_path, hunks=hunks)


ADDED = a_file("@@ -0,0 +1,2 @@\n+one\n+two\n", old_path=None)


def numbers(side: Side, line: int, file: ForgeFile | None = None) -> tuple[object, object] | None:
    position = positions.inline(file or a_file(), Span(side=side, start=line, end=line), REQUEST)
    return None if position is None else (position.get("old_line"), position.get("new_line"))


@pytest.mark.parametrize(
    ("side", "line", "expected"),
    [
        pytest.param(Side.RIGHT, 12, (None, 12), id="added"),
        pytest.param(Side.LEFT, 12, (12, None), id="removed"),
        pytest.param(Side.RIGHT, 11, (11, 11), id="unchanged before"),
        pytest.param(Side.RIGHT, 14, (13, 14), id="unchanged after"),
        pytest.param(Side.LEFT, 13, (13, 14), id="unchanged, by its old number"),
        pytest.param(Side.LEFT, 41, (41, None), id="removed in the second hunk"),
        pytest.param(Side.RIGHT, 42, (42, 42), id="last line"),
        pytest.param(Side.RIGHT, 3, (3, 3), id="outside, before all hunks"),
        pytest.param(Side.RIGHT, 30, (29, 30), id="outside, between hunks"),
        pytest.param(Side.LEFT, 30, (30, 31), id="outside, between hunks, by its old number"),
        pytest.param(Side.RIGHT, 99, (99, 99), id="outside, after all hunks"),
    ],
)
def test_a_line_is_named_by_the_numbers_that_it_has(side: Side, line: int, expected: tuple[int, int]) -> None:
    assert expected == numbers(side, line)


def test_a_position_names_the_version_and_both_paths() -> None:
    file = a_file(path="new.py", old_path="old.py")
    expected = {**SHAS, "position_type": "text", "old_path": "old.py", "new_path": "new.py", "new_line": 12}
    assert expected == positions.inline(file, Span(side=Side.RIGHT, start=12, end=12), REQUEST)


def test_a_comment_on_a_file_names_no_line() -> None:
    file = a_file(hunks=None, path="added.bin", old_path=None)
    expected = {**SHAS, "position_type": "file", "old_path": "added.bin", "new_path": "added.bin"}
    assert expected == positions.whole_file(file, REQUEST)


def test_several_lines_hang_on_their_last_one_and_name_both_ends_without_numbers() -> None:
    position = positions.inline(a_file(), Span(side=Side.RIGHT, start=11, end=13), REQUEST)
    path = DIGEST
    assert position is not None
    assert (None, 13) == (position.get("old_line"), position["new_line"])
    expected = {
        "start": {"line_code": f"{path}_11_11", "type": None},
        # The old counter stands behind the removed line 12 already.
        "end": {"line_code": f"{path}_13_13", "type": "new"},
    }
    assert expected == position["line_range"]


def test_a_range_that_begins_outside_of_the_hunks_is_told_by_its_last_line_alone() -> None:
    position = positions.inline(a_file(), Span(side=Side.RIGHT, start=8, end=12), REQUEST)
    assert position is not None
    assert (12, False) == (position["new_line"], "line_range" in position)


def test_several_removed_lines_are_a_range_of_the_old_side() -> None:
    file = a_file("@@ -1,3 +1 @@\n-one\n-two\n three\n")
    position = positions.inline(file, Span(side=Side.LEFT, start=1, end=2), REQUEST)
    path = DIGEST
    assert position is not None
    assert 2 == position["old_line"]
    expected = {
        "start": {"line_code": f"{path}_1_1", "type": "old"},
        "end": {"line_code": f"{path}_2_1", "type": "old"},
    }
    assert expected == position["line_range"]


def test_lines_of_an_added_file_count_from_old_line_zero() -> None:
    file = a_file("@@ -0,0 +1,2 @@\n+one\n+two\n", old_path=None)
    position = positions.inline(file, Span(side=Side.RIGHT, start=1, end=2), REQUEST)
    path = DIGEST
    assert position is not None
    assert {"start": f"{path}_0_1", "end": f"{path}_0_2"} == {
        end: row["line_code"]
        for end, row in position["line_range"].items()  # type: ignore[attr-defined]
    }


def test_a_line_code_holds_the_hash_of_the_path_and_both_counters() -> None:
    # 33 removed before 34, as in the example of gitlab-org/gitlab#571619.
    assert f"{DIGEST}_33_34" == positions.line_code("a.py", positions.Place("-", 33, 34))


@pytest.mark.parametrize(
    ("file", "side", "line"),
    [
        pytest.param(a_file("@@ -0,0 +1,2 @@\n+one\n+two\n", old_path=None), Side.RIGHT, 3, id="behind an added file"),
        pytest.param(
            a_file("@@ -0,0 +1,2 @@\n+one\n+two\n", old_path=None), Side.LEFT, 1, id="old side of an added file"
        ),
        pytest.param(a_file(""), Side.RIGHT, 1, id="a mere rename has no lines"),
        pytest.param(a_file(None), Side.RIGHT, 1, id="withheld"),
        pytest.param(a_file("@@ -1,9 +1 @@\n" + "-x\n" * 8 + " y\n"), Side.RIGHT, 0, id="line zero"),
    ],
)
def test_a_line_that_cannot_be_there_has_no_position(file: ForgeFile, side: Side, line: int) -> None:
    assert numbers(side, line, file) is None


def test_an_end_of_file_mark_and_a_sign_within_the_text_are_no_lines() -> None:
    file = a_file(
        "@@ -1,2 +1,2 @@\n @@ -7 +7 @@\n-x\n\\ No newline at end of file\n+\\ x\n\\ No newline at end of file\n"
    )
    assert [(1, 1), (None, 2)] == [numbers(Side.RIGHT, 1, file), numbers(Side.RIGHT, 2, file)]


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "+", "-", "\\", "@@ -1 +1 @@"]), max_size=30)


@settings(deadline=None)
@given(old=LINES, new=LINES, context=st.integers(1, 5))
def test_every_line_of_any_diff_is_named_as_its_alignment_has_it(old: list[str], new: list[str], context: int) -> None:
    rows = list(unified_diff(old, new, n=context, lineterm=""))[2:]
    file = a_file("\n".join(rows) + "\n" if rows else "")
    if not rows or not old or not new:
        return
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            pairs = list(zip(range(old_from + 1, old_to + 1), range(new_from + 1, new_to + 1), strict=True))
            assert pairs == [numbers(Side.RIGHT, line, file) for _, line in pairs]
            assert pairs == [numbers(Side.LEFT, line, file) for line, _ in pairs]
        else:
            assert all((None, line) == numbers(Side.RIGHT, line, file) for line in range(new_from + 1, new_to + 1))
            assert all((line, None) == numbers(Side.LEFT, line, file) for line in range(old_from + 1, old_to + 1))
