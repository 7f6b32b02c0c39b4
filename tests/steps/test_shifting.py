"""Old line numbers → new ones."""

import difflib

from drawing import file
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.coverage import lines_of, mask
from reviewbot.domain.patch import FilePatch, Hunk, Status
from reviewbot.steps import shifting

DRAWN = file("""
    a.py
        1 a
      - 2 b
      - 3 c
      + 2 B
      + 3 C
      + 4 D
        5 e
        9 f
      + 10 g
""")


def test_lines_move_with_what_is_put_before_them() -> None:
    assert [1, 5, 9, 11, 101] == list(lines_of(shifting.forward(DRAWN, mask([1, 2, 3, 4, 8, 9, 99]))))


def test_an_added_line_replaces_the_removed_one_of_its_place() -> None:
    assert {2: 2, 3: 3} == shifting.replaced(DRAWN)


LINES = st.lists(st.sampled_from("abcd"), max_size=12)


@given(LINES, LINES)
def test_every_line_that_stays_keeps_its_text(old: list[str], new: list[str]) -> None:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    rows: list[str] = []
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        kept = tag == "equal"
        rows += [f" {row}" for row in old[start:end]] if kept else [f"-{row}" for row in old[start:end]]
        rows += [] if kept else [f"+{row}" for row in new[new_start:new_end]]
    hunks = (Hunk(old_start=1, new_start=1, body="\n".join(rows)),) if rows else ()
    patch = FilePatch(path="a", old_path="a", status=Status.MODIFIED, hunks=hunks)
    kept_lines = [number for number in range(1, len(old) + 1) if number not in patch.removed]
    moved = list(lines_of(shifting.forward(patch, mask(range(1, len(old) + 1)))))
    assert [old[number - 1] for number in kept_lines] == [new[number - 1] for number in moved]
    assert sorted([*moved, *patch.added]) == list(range(1, len(new) + 1))
    assert all(
        new_line in patch.added and old_line in patch.removed for new_line, old_line in shifting.replaced(patch).items()
    )
