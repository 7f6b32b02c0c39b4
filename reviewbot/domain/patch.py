r"""A parsed diff: files, hunks and lines, numbered as the blobs are.

Text is decoded from UTF-8 with ``surrogateescape``, so that any bytes survive a round trip; a line
ends at ``\\n`` and nowhere else, so a ``\\r`` before it belongs to the text. Paths are relative to the
repository, POSIX, unquoted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Side(StrEnum):
    """Which text a line number counts in, in the forges' words."""

    LEFT = "LEFT"
    """The old text: removed lines, and context by its old number."""
    RIGHT = "RIGHT"
    """The new text: added lines, and context by its new number."""


class Status(StrEnum):
    """What happened to a file. A type change (file to symlink) is two entries: deleted, added."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk. ``kind`` is ``+``, ``-`` or a space; numbers start at 1."""

    kind: str
    old: int | None
    new: int | None
    text: str
    """Without its ``\\n``."""

    def number(self, side: Side) -> int | None:
        """Give the line's number on that side, or None if it does not stand there."""
        return self.old if side is Side.LEFT else self.new


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """A run of lines. The lines are kept as one string: large diffs would not fit otherwise."""

    old_start: int
    """Number that the hunk's first old line has, or would have (an insertion at the top: 1)."""
    new_start: int
    body: str
    """Lines joined by ``\\n``, each led by ``+``, ``-`` or a space, without end-of-file marks."""
    section: str = ""
    """What git shows behind the second ``@@``: most often the enclosing definition."""
    no_newline: tuple[int, ...] = ()
    """Indexes of the lines that end the file without a newline."""

    def lines(self) -> Iterator[Line]:
        """Yield the lines with their numbers."""
        old, new = self.old_start, self.new_start
        for row in self.body.split("\n"):
            kind = row[0]
            if kind == "+":
                yield Line("+", None, new, row[1:])
                new += 1
            elif kind == "-":
                yield Line("-", old, None, row[1:])
                old += 1
            else:
                yield Line(" ", old, new, row[1:])
                old += 1
                new += 1


@dataclass(frozen=True, kw_only=True)
class FilePatch:
    """What a change does to one file."""

    path: str
    """The new path; for a deleted file its old one."""
    old_path: str | None
    """None for an added file."""
    status: Status
    binary: bool = False
    old_mode: str | None = None
    new_mode: str | None = None
    old_blob: str | None = None
    """Object id of the old text where it is known; abbreviated if the diff says no more."""
    new_blob: str | None = None
    hunks: tuple[Hunk, ...] = ()
    defect: str | None = None
    """Why the text could not be read exactly. Such a file has no hunks, and is never reviewed."""

    @property
    def added(self) -> tuple[int, ...]:
        """Numbers of the added lines, on the new side."""
        return self._changed[1]

    @property
    def removed(self) -> tuple[int, ...]:
        """Numbers of the removed lines, on the old side."""
        return self._changed[0]

    @cached_property
    def _changed(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Removed and added numbers in one pass; `Hunk.lines` would make an object of every line."""
        removed: list[int] = []
        added: list[int] = []
        for hunk in self.hunks:
            old, new = hunk.old_start, hunk.new_start
            for row in hunk.body.split("\n"):
                if row[0] == "+":
                    added.append(new)
                    new += 1
                elif row[0] == "-":
                    removed.append(old)
                    old += 1
                else:
                    old += 1
                    new += 1
        return tuple(removed), tuple(added)

    @property
    def changed_count(self) -> int:
        """How many lines changed: added plus removed."""
        return len(self.added) + len(self.removed)

    @property
    def base_path(self) -> str:
        """The path at the merge base, under which fingerprints are kept."""
        return self.old_path or self.path

    @property
    def is_submodule(self) -> bool:
        """Whether the entry is a pointer to another repository."""
        return "160000" in (self.old_mode, self.new_mode)


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A whole change, files in the order of the diff."""

    files: tuple[FilePatch, ...]
