r"""Drawings of changes: patches that a test can show as they are meant.

    app.py
        1 def f():
      - 2     return 1
      + 2     return 2
      @@ class A:
        9 x = 1
      + 10 y = 2
      \

A name at the left margin begins a file: ``app.py``, ``app.py (added)``, ``app.py (deleted)`` or
``old.py -> new.py``. A line has its sign and its number: the old one behind ``-``, else the new one. A hunk
ends where a number jumps, or at ``@@``, which can name the section. A ``\`` marks the line above as the
file's end without a newline. A whole unified diff is read as well.
"""

import re
import textwrap
from collections.abc import Sequence

from reviewbot.domain.patch import FilePatch, Hunk, Patch, Status
from reviewbot.steps import diffing

_ROW = re.compile(r"  ([-+ ]) +(\d+)(?: (.*))?$", re.DOTALL)
_NAME = re.compile(r"(?:(?P<old>\S.*) -> )?(?P<path>\S.*?)(?: \((?P<note>added|deleted)\))?$")
_STATUS = {"added": Status.ADDED, "deleted": Status.DELETED}


def patch(drawing: str) -> Patch:
    """Read a drawing, or a unified diff. Raises ValueError where it contradicts itself."""
    text = textwrap.dedent(drawing).strip("\n")
    if text.startswith(("diff --git ", "--- ")):
        return diffing.bare(f"{text}\n".encode("utf-8", "surrogateescape"))
    blocks: list[list[str]] = []
    for row in text.split("\n"):
        if row[:1].strip():
            blocks.append([row])
        elif row.strip():
            blocks[-1].append(row)
    return Patch(files=tuple(_file(name, rows) for name, *rows in blocks))


def file(drawing: str) -> FilePatch:
    """Read a drawing of a single file."""
    (only,) = patch(drawing).files
    return only


def _file(name: str, rows: Sequence[str]) -> FilePatch:
    match = _NAME.match(name)
    if match is None:
        message = f"no name of a file: {name}"
        raise ValueError(message)
    status = _STATUS.get(match["note"], Status.RENAMED if match["old"] else Status.MODIFIED)
    old_path = None if status is Status.ADDED else match["old"] or match["path"]
    return FilePatch(path=match["path"], old_path=old_path, status=status, hunks=_hunks(rows))


def _hunks(rows: Sequence[str]) -> tuple[Hunk, ...]:
    pen = _Pen()
    for row in rows:
        match = _ROW.match(row)
        if match is not None:
            pen.line(match[1], int(match[2]), match[3] or "")
        elif row.startswith("  @@"):
            pen.lift(row[4:].strip())
        elif row.strip() == "\\":
            pen.marks.append(len(pen.rows) - 1)
        else:
            message = f"neither a line nor a mark: {row}"
            raise ValueError(message)
    pen.lift("")
    return tuple(pen.hunks)


class _Pen:
    """Where the next line of a drawing stands."""

    def __init__(self) -> None:
        self.hunks: list[Hunk] = []
        self.rows: list[str] = []
        self.marks: list[int] = []
        self._start = (1, 1)
        self._old = self._new = 1
        self._section = ""

    def line(self, kind: str, number: int, text: str) -> None:
        gap = number - (self._old if kind == "-" else self._new)
        if gap < 0:
            message = f"line {number} comes too late: {text}"
            raise ValueError(message)
        if gap and self.rows:
            self.lift("")
        if not self.rows:
            self._old, self._new = self._old + gap, self._new + gap
            self._start = (self._old, self._new)
        self.rows.append(kind + text)
        self._old += kind != "+"
        self._new += kind != "-"

    def lift(self, section: str) -> None:
        """End the hunk; the next one stands in ``section``."""
        if self.rows:
            old, new = self._start
            body, marks = "\n".join(self.rows), tuple(self.marks)
            self.hunks.append(Hunk(old_start=old, new_start=new, body=body, section=self._section, no_newline=marks))
        self.rows, self.marks, self._section = [], [], section
