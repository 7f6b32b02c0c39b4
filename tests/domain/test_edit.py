"""Edits between points become whole lines, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.edit import Edit, apply, suggestion
from reviewbot.domain.finding import Suggestion

TEXT = "one\ntwo\nthree\n"


def said(start: int, end: int, replacement: str) -> Suggestion:
    return Suggestion(start_line=start, line=end, replacement=replacement)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([Edit(2, 1, 2, 4, "TWO")], said(2, 2, "TWO")),
        ([Edit(2, 1, 3, 1)], said(2, 2, "")),
        ([Edit(1, 1, 1, 1, "zero\n")], said(1, 1, "zero\none")),
        ([Edit(2, 4, 2, 4, "\nmore")], said(2, 2, "two\nmore")),
        ([Edit(3, 1, 3, 6, "3"), Edit(1, 1, 1, 4, "1")], said(1, 3, "1\ntwo\n3")),
        ([Edit(1, 4, 2, 1, "; ")], said(1, 2, "one; two")),
        ([Edit(3, 6, 4, 1)], said(4, 4, "")),
    ],
)
def test_the_changed_lines_are_given_anew(edits: list[Edit], expected: Suggestion) -> None:
    assert suggestion(TEXT, edits) == expected


@pytest.mark.parametrize(
    "edits",
    [
        [],
        [Edit(2, 1, 2, 4, "two")],
        [Edit(2, 1, 2, 4, "")],
        [Edit(0, 1, 1, 1)],
        [Edit(1, 0, 1, 1)],
        [Edit(1, 1, 9, 1)],
        [Edit(1, 9, 1, 9)],
        [Edit(2, 3, 2, 1)],
        [Edit(1, 1, 1, 3, "a"), Edit(1, 2, 1, 4, "b")],
    ],
)
def test_what_lines_cannot_say_is_no_suggestion(edits: list[Edit]) -> None:
    assert suggestion(TEXT, edits) is None


SHORT = st.text("ab\n", max_size=12)


@given(SHORT, SHORT, st.integers(0, 12), st.integers(0, 12))
def test_taking_a_suggestion_does_what_the_edit_says(text: str, content: str, start: int, length: int) -> None:
    start = min(start, len(text))
    end = min(start + length, len(text))
    points = [(text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1) for at in (start, end)]
    offered = suggestion(text, [Edit(*points[0], *points[1], content)])
    if offered is not None:
        assert apply(text, offered) == text[:start] + content + text[end:]
