"""A comment → GitLab's position object. Pure.

GitLab finds a line by its pair of numbers, exactly: an added line has only a new number, a removed one
only an old one, and an unchanged one both. A pair that is not in its diff makes no comment, at times
without a word. Rules from app/validators/json_schemas/position.json and lib/gitlab/diff/parser.rb.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reviewbot.domain.finding import Span
from reviewbot.domain.patch import Side
from reviewbot.domain.request import ChangeRequest, ForgeFile

_HUNK: Final = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_EDGE: Final = "@"
_SHOWN: Final = {Side.LEFT: {"-", " "}, Side.RIGHT: {"+", " "}}
_TYPES: Final = {"+": "new", "-": "old", " ": None}
_NAMES: Final = {"+": ("new_line",), "-": ("old_line",), " ": ("old_line", "new_line")}


@dataclass(frozen=True, slots=True)
class Place:
    """A line as GitLab's parser sees it: its sign, and both counters as they stand there."""

    kind: str
    old: int
    new: int

    @property
    def numbers(self) -> dict[str, object]:
        """The numbers that name this line in a position."""
        wanted = {"old_line": self.old, "new_line": self.new}
        return {name: wanted[name] for name in _NAMES[self.kind]}


def inline(file: ForgeFile, span: Span, request: ChangeRequest) -> dict[str, object] | None:
    """Give the position of a comment on lines; None where GitLab's diff has no such last line.

    GitLab hangs a comment on its last line; the first one is told in ``line_range``.
    """
    end = _shown(file, span.side, span.end) or _unfolded(file, span.side, span.end)
    if end is None:
        return None
    position = {**_ends(file, request), "position_type": "text", **end.numbers}
    start = _shown(file, span.side, span.start) if span.start < span.end else None
    if start is not None:
        position["line_range"] = {"start": _range_end(file, start), "end": _range_end(file, end)}
    return position


def whole_file(file: ForgeFile, request: ChangeRequest) -> dict[str, object]:
    """Give the position of a comment on a file (GitLab 16.4 and later)."""
    return {**_ends(file, request), "position_type": "file"}


def line_code(path: str, place: Place) -> str:
    """Name a line as GitLab does."""
    digest = hashlib.sha1(path.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
    return f"{digest}_{place.old}_{place.new}"


def _ends(file: ForgeFile, request: ChangeRequest) -> dict[str, object]:
    # Both paths always: GitLab takes an absent one for incomplete.
    return {
        "base_sha": request.base_sha,
        "start_sha": request.start_sha,
        "head_sha": request.head_sha,
        "old_path": file.old_path or file.path,
        "new_path": file.path,
    }


def _range_end(file: ForgeFile, place: Place) -> dict[str, object]:
    # Without line numbers, though the schema has them: servers before 18.6 turn them into strings, and then
    # refuse those (gitlab-org/gitlab#571619).
    return {"line_code": line_code(file.path, place), "type": _TYPES[place.kind]}


def _walk(hunks: str) -> Iterator[Place]:
    """Yield the lines, and a place of kind ``@`` at the beginning of each hunk and after the last one."""
    old = new = 0
    for row in hunks.removesuffix("\n").split("\n") if hunks else ():
        head = _HUNK.match(row)
        if head is not None:
            # As they stand, the 0 of an added or deleted file included: GitLab counts from there.
            old, new = int(head[1]), int(head[2])
            yield Place(_EDGE, old, new)
        elif not row.startswith("\\"):
            kind = row[:1] if row[:1] in {"+", "-"} else " "
            yield Place(kind, old, new)
            old += kind != "+"
            new += kind != "-"
    if hunks:
        yield Place(_EDGE, old, new)


def _shown(file: ForgeFile, side: Side, wanted: int) -> Place | None:
    """Find a line of the hunks by its number on one side."""
    for place in _walk(file.hunks or ""):
        if place.kind in _SHOWN[side] and wanted == (place.old if side is Side.LEFT else place.new):
            return place
    return None


def _unfolded(file: ForgeFile, side: Side, wanted: int) -> Place | None:
    """Give the pair of numbers that an unchanged line outside of the hunks has.

    GitLab "unfolds" it, if the file was there before and the pair is right
    (lib/gitlab/diff/lines_unfolder.rb). A line behind the file's end it refuses itself.
    """
    edge: Place | None = None
    for place in _walk(file.hunks or ""):
        if place.kind == _EDGE:
            edge = place
            if wanted < (place.old if side is Side.LEFT else place.new):
                break
    if edge is None or file.old_path is None:
        return None
    shift = edge.new - edge.old
    old = wanted if side is Side.LEFT else wanted - shift
    return Place(" ", old, old + shift) if old > 0 and old + shift > 0 else None
