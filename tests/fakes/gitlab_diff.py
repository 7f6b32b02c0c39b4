"""What GitLab takes from git: diffs with the counters of its parser, line codes, and lines followed through a diff.

Independent of the product: git decides which lines there are, and the parser is this file's own.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gitrepo import Repo

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_SHA = re.compile(r"[0-9a-f]{40}")
_ABSENT = "000000"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a diff."""

    old: int | None
    """None for an added line."""
    new: int | None
    """None for a removed line."""
    old_at: int
    """Counter of the old side as it stands at this line, whether or not the line is on that side."""
    new_at: int
    text: str


@dataclass(frozen=True, kw_only=True)
class DiffFile:
    """One file of a diff. As in GitLab's API, an added or deleted file has the same path twice."""

    old_path: str
    new_path: str
    old_mode: str
    new_mode: str
    patch: str
    """From the first ``@@`` on, or git's sentence about binary files; empty for a mere rename."""

    @property
    def new_file(self) -> bool:
        return self.old_mode == _ABSENT

    @property
    def deleted_file(self) -> bool:
        return self.new_mode == _ABSENT

    @cached_property
    def lines(self) -> tuple[DiffLine, ...]:
        return tuple(_lines(self.patch))

    @cached_property
    def by_pair(self) -> dict[tuple[int | None, int | None], DiffLine]:
        return {(line.old, line.new): line for line in self.lines}

    def line_code(self, old_at: int, new_at: int) -> str:
        """Spell GitLab's name of a line: path, and both counters."""
        path = self.new_path.encode("utf-8", "replace")
        return f"{hashlib.sha1(path, usedforsecurity=False).hexdigest()}_{old_at}_{new_at}"

    @cached_property
    def line_codes(self) -> frozenset[str]:
        return frozenset(self.line_code(line.old_at, line.new_at) for line in self.lines)

    def new_number(self, old: int) -> int | None:
        """Follow a line of the old text into the new one; None where it was removed."""
        offset = 0
        for line in self.lines:
            if line.old == old:
                return line.new
            if line.old_at > old:
                break
            offset = _offset(line)
        return old + offset

    def old_number(self, new: int) -> int | None:
        """Follow a line of the new text back into the old one; None where it was added."""
        offset = 0
        for line in self.lines:
            if line.new == new:
                return line.old
            if line.new_at > new:
                break
            offset = _offset(line)
        return new - offset


def _offset(line: DiffLine) -> int:
    return (line.new_at + (line.new is not None)) - (line.old_at + (line.old is not None))


def _lines(patch: str) -> Iterator[DiffLine]:
    old = new = 0
    for row in patch.split("\n"):
        header = _HUNK.match(row)
        if header:
            old, new = int(header[1]), int(header[2])
        elif row.startswith("+"):
            yield DiffLine(None, new, old, new, row[1:])
            new += 1
        elif row.startswith("-"):
            yield DiffLine(old, None, old, new, row[1:])
            old += 1
        elif row.startswith(" "):
            yield DiffLine(old, new, old, new, row[1:])
            old, new = old + 1, new + 1


class Diffs:
    """A repository's diffs and texts, each asked of git once."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self._files: dict[tuple[str, ...], tuple[DiffFile, ...]] = {}
        self._bases: dict[tuple[str, str], str | None] = {}
        self._texts: dict[tuple[str, str], str | None] = {}
        self._commits: set[str] = set()

    def exists(self, sha: str) -> bool:
        """Tell whether it is the full id of a commit."""
        if sha not in self._commits and _SHA.fullmatch(sha):
            kind = self.repo.git("cat-file", "-t", sha, check=False)
            self._commits |= {sha} if kind == "commit" else set()
        return sha in self._commits

    def merge_base(self, one: str, other: str) -> str | None:
        if (one, other) not in self._bases:
            self._bases[one, other] = self.repo.git("merge-base", one, other, check=False) or None
        return self._bases[one, other]

    def origin(self, start: str, base: str, head: str) -> str | None:
        """Give the commit that GitLab compares a head with: ``start`` itself if it is the base too, or the merge base.

        So both SHAs set to the target's tip give another diff than that of the request. None: no such diff.
        """
        if not all(map(self.exists, (start, base, head))):
            return None
        return start if start == base else self.merge_base(start, head)

    def files(self, old: str, new: str, *paths: str) -> tuple[DiffFile, ...]:
        """Diff two commits. Limited to one path of a rename, git sees no rename, and GitLab neither."""
        key = (old, new, *paths)
        if key not in self._files:
            options = ("--raw", "-z", "-p", "-M", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv")
            limits = ("--", *paths) if paths else ()
            self._files[key] = tuple(
                _files(self.repo.git("--literal-pathspecs", "diff", *options, "--abbrev=40", old, new, *limits))
            )
        return self._files[key]

    def raw(self, old: str, new: str) -> str:
        """Give the whole diff as git writes it."""
        text = self.repo.git("diff", "-M", "--full-index", "--no-color", "--no-ext-diff", old, new)
        return text + "\n" if text else ""

    def text(self, sha: str, path: str) -> str | None:
        """Read a file of a commit, exactly; None where there is none."""
        if (sha, path) not in self._texts:
            asked = f"{sha}:{path}\0".encode("utf-8", "surrogateescape")
            head, found, text = self.repo.git("cat-file", "--batch", "-z", stdin=asked).partition("\n")
            self._texts[sha, path] = text if found and head.split()[1:2] == ["blob"] else None
        return self._texts[sha, path]

    def lines(self, sha: str, path: str) -> list[str]:
        r"""Give a file's lines, without their ``\n``."""
        text = self.text(sha, path) or ""
        return text.removesuffix("\n").split("\n") if text else []


def _files(output: str) -> Iterator[DiffFile]:
    raw, _, patches = output.partition("\0\0") if output.startswith(":") else ("", "", "")
    parts = iter(_split(patches))
    fields = iter(raw.split("\0"))
    for entry in fields:
        if not entry:
            continue
        old_mode, new_mode, _, _, status = entry.removeprefix(":").split(" ")
        old_path = next(fields)
        new_path = next(fields) if status[0] in "RC" else old_path
        # A change of type is one entry but two patches: the old file goes, a new one comes.
        modes = [(old_mode, _ABSENT), (_ABSENT, new_mode)] if status == "T" else [(old_mode, new_mode)]
        for before, after in modes:
            yield DiffFile(
                old_path=old_path, new_path=new_path, old_mode=before, new_mode=after, patch=_hunks(next(parts))
            )


def _split(patches: str) -> list[str]:
    # No line of a file can start so: it would have a sign before it.
    return [part for part in re.split(r"(?m)^(?=diff --git )", patches) if part]


def _hunks(part: str) -> str:
    found = re.search(r"(?m)^(?:@@ |Binary files )", part)
    if found is None:
        return ""
    text = part[found.start() :]
    return text if text.endswith("\n") else text + "\n"


def withheld(files: tuple[DiffFile, ...], most_bytes: int, most_files: int, most_lines: int) -> dict[str, str]:
    """Tell which files the API shows without their diff, by new path: ``collapsed`` or ``too_large``.

    The limit of bytes is for each file, those of files and lines are for all up to this one; a tenth collapses.
    """
    reasons, lines_before = dict[str, str](), 0
    for count, file in enumerate(files, 1):
        size = len(file.patch.encode("utf-8", "surrogateescape"))
        lines_before += len(file.lines)
        if size > most_bytes or count > most_files or lines_before > most_lines:
            reasons[file.new_path] = "too_large"
        elif size * 10 > most_bytes or count * 10 > most_files or lines_before * 10 > most_lines:
            reasons[file.new_path] = "collapsed"
    return reasons
