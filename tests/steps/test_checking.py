"""A parsed file against its two texts."""

from dataclasses import replace

import drawing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.domain.patch import FilePatch, Hunk
from reviewbot.steps import checking

OLD = b"one\ntwo\nthree\nfour\nfive\nsix\n"
NEW = b"one\n2\nthree\nfour\nfive\n5a\nsix\n"
FILE = drawing.file("""
    x
      - 2 two
      + 2 2
        5 five
      + 6 5a
""")


def test_a_file_that_turns_one_text_into_the_other_has_no_defect() -> None:
    assert checking.defect(FILE, OLD, NEW) is None


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (OLD.replace(b"two", b"Two"), NEW, "the hunk at line 2 shows other lines than the file has"),
        (OLD, NEW.replace(b"5a", b"5b"), "the hunk at line 5 shows other lines than the file has"),
        (OLD, NEW.replace(b"four", b"4"), "the lines between its hunks differ"),
        (OLD.replace(b"one", b"1"), NEW, "the lines between its hunks differ"),
        (OLD, NEW.replace(b"six", b"6"), "the lines behind its last hunk differ"),
        (OLD, NEW.removesuffix(b"\n"), "the lines behind its last hunk differ"),
        (OLD, NEW + b"\n", "the lines behind its last hunk differ"),
        (b"", NEW, "the lines between its hunks differ"),
        (OLD, b"one\n", "the hunk at line 2 shows other lines than the file has"),
        (OLD.replace(b"two", b"two\r"), NEW, "the hunk at line 2 shows other lines than the file has"),
    ],
)
def test_any_other_text_is_a_defect(old: bytes, new: bytes, reason: str) -> None:
    assert checking.defect(FILE, old, new) == reason


def test_an_added_and_a_deleted_file() -> None:
    added = drawing.file("x (added)\n  + 1 a\n  + 2 b")
    assert checking.defect(added, b"", b"a\nb\n") is None
    assert checking.defect(added, b"", b"a\nb\nc\n") == "the lines behind its last hunk differ"
    deleted = drawing.file("x (deleted)\n  - 1 a\n  - 2 b")
    assert checking.defect(deleted, b"a\nb\n", b"") is None


def test_a_newline_at_the_end_of_the_file_may_come_or_go() -> None:
    file = drawing.file("x\n  - 1 a\n  + 1 a")
    assert checking.defect(file, b"a\n", b"a") is None
    assert checking.defect(file, b"a", b"a\n") is None


def test_bytes_and_separators_are_compared_as_they_are() -> None:
    file = drawing.file("x\n  - 1 caf\udce9\u2028\n  + 1 \x0c\r")
    assert checking.defect(file, b"caf\xe9\xe2\x80\xa8\n", b"\x0c\r\n") is None


ROWS = st.lists(st.sampled_from([b"a", b"b", b"", b"c\r"]), max_size=8)


@settings(max_examples=200, deadline=None)
@given(ROWS, ROWS, ROWS, ROWS, st.binary(max_size=12))
def test_exactly_the_right_new_text_passes(
    head: list[bytes], gone: list[bytes], come: list[bytes], tail: list[bytes], other: bytes
) -> None:
    old = b"".join(row + b"\n" for row in (*head, *gone, *tail))
    new = b"".join(row + b"\n" for row in (*head, *come, *tail))
    rows = [f"-{row.decode()}" for row in gone] + [f"+{row.decode()}" for row in come]
    hunk = Hunk(old_start=len(head) + 1, new_start=len(head) + 1, body="\n".join(rows))
    file = replace(FILE, hunks=(hunk,) if rows else ())
    assert checking.defect(file, old, new) is None
    if other != new and other + b"\n" != new and other != new + b"\n":
        assert _differs(file, old, other)


def _differs(file: FilePatch, old: bytes, new: bytes) -> bool:
    return checking.defect(file, old, new) is not None
