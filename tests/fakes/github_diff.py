"""What a pull request changes, as git tells it: files, hunks and lines, for the fake GitHub to judge by.

Written apart from the product's own diff parser on purpose: a judge must not share a bug with the judged.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gitrepo import Repo

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
_PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "--submodule=short")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a hunk; ``kind`` is ``+``, ``-`` or a space."""

    kind: str
    old: int | None
    new: int | None
    text: str

    def number(self, side: str) -> int | None:
        """Give the number by which a comment may name it: removed lines LEFT, all others RIGHT [forges.md 2.1]."""
        if side == "LEFT":
            return self.old if self.kind == "-" else None
        return self.new


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """A run of lines with up to three lines of context."""

    header: str
    rows: tuple[Row, ...]
    text: str
    """As it stands in the diff, header included, without the last newline."""

    def find(self, side: str, number: int) -> int | None:
        """Give the index of a line."""
        return next((at for at, row in enumerate(self.rows) if row.number(side) == number), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """One file of a diff."""

    path: str
    old_path: str
    """The same as ``path`` unless renamed."""
    status: str
    sha: str
    hunks: tuple[Hunk, ...]
    binary: bool = False

    def count(self, kind: str) -> int:
        """Count the added (``+``) or removed (``-``) lines."""
        return sum(row.kind == kind for hunk in self.hunks for row in hunk.rows)

    def find(self, side: str, number: int) -> tuple[Hunk, int] | None:
        """Give the hunk that holds a line, and the line's index in it."""
        for hunk in self.hunks:
            at = hunk.find(side, number)
            if at is not None:
                return hunk, at
        return None

    def position(self, side: str, number: int) -> int | None:
        """Give the place of a line in the file's whole diff, counted from the first ``@@``, as GitHub once did."""
        passed = 0
        for hunk in self.hunks:
            at = hunk.find(side, number)
            if at is not None:
                return passed + at + 1
            passed += len(hunk.rows) + 1
        return None


def merge_base(repo: Repo, one: str, other: str) -> str:
    """Give the commit that the diff of a pull request starts from."""
    return repo.git("merge-base", one, other)


def text(repo: Repo, old: str, new: str) -> str:
    """Give the diff as text, as GitHub's own: renames found, three lines of context."""
    return repo.git("-c", "core.quotePath=false", "diff", *_PLAIN, "-M", "-U3", *_PREFIXES, old, new)


def read(repo: Repo, old: str, new: str) -> tuple[FileDiff, ...]:
    """Read the diff between two commits, in git's order."""
    sections = re.split(r"(?m)^(?=diff --git )", text(repo, old, new))[1:]
    files = list[FileDiff]()
    for status, sha, old_path, path in _raw(repo, old, new):
        # A change of type, such as from a file to a link, is one entry but two sections.
        count = 2 if status == "changed" else 1
        mine, sections = sections[:count], sections[count:]
        hunks = tuple(hunk for section in mine for hunk in _hunks(section))
        binary = any(re.search(r"(?m)^Binary files ", section.split("\n@@ ")[0]) for section in mine)
        files.append(FileDiff(path=path, old_path=old_path, status=status, sha=sha, hunks=hunks, binary=binary))
    assert not sections, "git's list of files and its patch differ"
    return tuple(files)


_PREFIXES = ("--src-prefix=a/", "--dst-prefix=b/")


def _raw(repo: Repo, old: str, new: str) -> Iterator[tuple[str, str, str, str]]:
    fields = iter(repo.git("diff", "--raw", "-z", "-M", "--no-abbrev", old, new).split("\0"))
    for head in fields:
        if not head:
            return
        _, _, old_sha, new_sha, letter = head.split(" ")
        status, old_path = _STATUS[letter[0]], next(fields)
        path = next(fields) if letter[0] in "RC" else old_path
        yield status, old_sha if status == "removed" else new_sha, old_path, path


def _hunks(section: str) -> Iterator[Hunk]:
    rows = section.removesuffix("\n").split("\n")
    starts = [at for at, row in enumerate(rows) if _HUNK.match(row)]
    for start, end in zip(starts, [*starts[1:], len(rows)][: len(starts)], strict=True):
        yield Hunk(header=rows[start], rows=tuple(_rows(rows[start:end])), text="\n".join(rows[start:end]))


def _rows(lines: list[str]) -> Iterator[Row]:
    match = _HUNK.match(lines[0])
    assert match is not None
    old, new = int(match[1]), int(match[3])
    for line in lines[1:]:
        kind = line[:1]
        if kind == "\\":
            continue
        yield Row(kind=kind, old=None if kind == "+" else old, new=None if kind == "-" else new, text=line[1:])
        old += kind != "+"
        new += kind != "-"


Shifts = tuple[tuple[int, int, int], ...]
"""Of each change: where it begins in the old text, how many lines it takes there, how many it puts there."""


def shifts(repo: Repo, old: str, new: str, path: str) -> Shifts:
    """Say what changed in a file between two commits; a renamed file is gone."""
    command = ("--literal-pathspecs", "diff", *_PLAIN, "--no-renames", "-U0", old, new, "--", path)
    found = (_HUNK.match(row) for row in repo.git(*command).split("\n"))
    return tuple((int(match[1]), int(match[2] or 1), int(match[4] or 1)) for match in found if match is not None)


def carried(changes: Shifts, line: int) -> int | None:
    """Say where a line of the old text stands in the new one; None where it was changed or is gone."""
    shift = 0
    for start, count, added in changes:
        # "-5,0" says: added behind line 5, which itself stays.
        if line < start or (count == 0 and line == start):
            break
        if line < start + count:
            return None
        shift += added - count
    return line + shift


def lines(repo: Repo, commit: str, path: str) -> list[str]:
    """Give a file's lines from git's objects, without their newlines."""
    return repo.git("cat-file", "blob", f"{commit}:{path}").split("\n")
