"""Edits that a tool offers, as a suggestion of whole lines: what a forge can apply with one click."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reviewbot.domain.finding import Suggestion


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace the text between two points. Rows and columns count from 1, columns in code points.

    The end is exclusive; the first column of a row means that the row before goes with its newline.
    """

    start_row: int
    start_column: int
    end_row: int
    end_column: int
    content: str = ""


def suggestion(text: str, edits: Sequence[Edit]) -> Suggestion | None:
    """Give the changed lines anew, from the first edited to the last; None if lines cannot say it.

    That is so for edits that overlap or lie outside the text, for no change at all, and for lines that
    become one blank line: as a replacement that would read as their deletion.
    """
    rows = text.split("\n")
    ordered = sorted(edits)
    points = [_offsets(rows, edit) for edit in ordered]
    if not points or None in points:
        return None
    spans = [point for point in points if point is not None]
    if any(after[0] < before[1] for before, after in pairwise(spans)):
        return None
    first, last = ordered[0].start_row, max(edit.end_row for edit in ordered)
    begin, end = _line_start(rows, first), _line_start(rows, last) + len(rows[last - 1])
    region = _applied(text, begin, end, [(*span, edit.content) for span, edit in zip(spans, ordered, strict=True)])
    return _whole_lines(text[begin:end], region, first)


def apply(text: str, change: Suggestion) -> str:
    """Give the text with the suggestion taken."""
    rows = text.split("\n")
    new = change.replacement.split("\n") if change.replacement else []
    return "\n".join((*rows[: change.start_line - 1], *new, *rows[change.line :]))


def _offsets(rows: Sequence[str], edit: Edit) -> tuple[int, int] | None:
    points = ((edit.start_row, edit.start_column), (edit.end_row, edit.end_column))
    if any(not 1 <= row <= len(rows) or not 1 <= column <= len(rows[row - 1]) + 1 for row, column in points):
        return None
    start, end = (_line_start(rows, row) + column - 1 for row, column in points)
    return (start, end) if start <= end else None


def _line_start(rows: Sequence[str], row: int) -> int:
    return sum(len(line) + 1 for line in rows[: row - 1])


def _applied(text: str, begin: int, end: int, edits: Sequence[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    for start, stop, content in edits:
        pieces += text[begin:start], content
        begin = stop
    return "".join((*pieces, text[begin:end]))


def _whole_lines(old: str, new: str, first: int) -> Suggestion | None:
    """Leave out lines that are the same at both ends, since they need not be added ones; but keep one."""
    if old == new:
        return None
    before, after = old.split("\n"), new.split("\n")
    while len(before) > 1 and after and before[0] == after[0]:
        before, after, first = before[1:], after[1:], first + 1
    while len(before) > 1 and after and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    if after == [""]:
        return None
    return Suggestion(start_line=first, line=first + len(before) - 1, replacement="\n".join(after))
