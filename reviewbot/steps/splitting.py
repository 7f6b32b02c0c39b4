r"""Diff text → sections, one a file, by counting lines: bytes in, bytes out, split on ``\\n`` only.

The counts in a hunk's header say where it ends, so that content can forge neither a file nor a hunk:
``--- x`` inside a hunk is a removed line. What does not add up makes its own section defective, and
the walk goes on at the next ``diff --git``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from reviewbot.errors import UsageError

_HUNK = re.compile(rb"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@ ?(.*)", re.DOTALL)
_MAIL = re.compile(rb"From [0-9a-f]{40,64} ")
_NEXT_MAIL = re.compile(rb"\nFrom [0-9a-f]{40,64} ")
_DIFFSTAT_END = re.compile(
    rb"\n [0-9]+ files? changed[^\n]*\n(?: (?:create|delete|rename|copy|rewrite|mode) [^\n]*\n)*\n(?=diff --git )"
)
_COMMIT = re.compile(rb"commit [0-9a-f]{7,64}(?: |$)")
_FIRST_HEADER = re.compile(rb"^(?:diff --git |--- [^\n]*\n\+\+\+ )[^\n]*", re.MULTILINE)
_NEXT_HEADER = re.compile(rb"\n(?=diff -|Index: |--- [^\n]*\n\+\+\+ [^\n]*\n@@ -)")
_SUBMODULE = re.compile(rb"Submodule (.+) ([0-9a-f]{7,64})\.{2,3}([0-9a-f]{7,64})(?: \(.*\))?:?")
_IDS = re.compile(rb"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})")
_EMPTY_BLOBS = (
    b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)
_HEADER_KEYS = (
    b"old mode ", b"new mode ", b"deleted file mode ", b"new file mode ", b"copy from ", b"copy to ",
    b"rename from ", b"rename to ", b"index ", b"--- ", b"+++ ", b"Binary files ", b"GIT binary patch",
)  # fmt: skip
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RawHunk:
    """A hunk as it stands in the text. Counts are of lines; starts as in its header."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: bytes
    body: bytes
    """Lines joined by ``\\n``, end-of-file marks included."""
    plain: bool
    """Whether the body has neither end-of-file marks nor context lines that lost their space."""


@dataclass(slots=True)
class Section:
    """What the text says of one file."""

    git_line: bytes | None = None
    """What follows ``diff --git ``; None where the text has no such lines (quilt, ``diff -u``)."""
    header: dict[bytes, bytes] = field(default_factory=dict)
    """Header lines by their keyword; the first of each counts."""
    hunks: list[RawHunk] = field(default_factory=list)
    ended: bool = False
    """Whether text that belongs to no diff has followed."""
    defect: str | None = None


class _DefectError(Exception):
    """The section at hand does not add up."""


def split(data: bytes) -> Iterator[Section]:
    """Yield the sections of a diff.

    Raises UsageError where the text is no unified diff at all. A whole diff with CRLF line ends is
    read as it was before the translation.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = (
            "the diff is UTF-16 text, as PowerShell's '>' writes it: write it with 'git diff --output=FILE', "
            "or pipe it through 'git diff | reviewbot ... --diff -'"
        )
        raise UsageError(message)
    data = _undo_translation(data.removeprefix(_BOM))
    walker = _Walker(data)
    found = False
    for section in walker.sections():
        found = True
        yield section
    if not found and data.strip():
        message = (
            "the input is no unified diff: it has neither 'diff --git' lines nor '---'/'+++' pairs. "
            "Give the output of 'git diff BASE HEAD'"
        )
        raise UsageError(message)


def _undo_translation(data: bytes) -> bytes:
    r"""Undo a CRLF translation of the whole text: git ends no header line of its own with ``\\r``."""
    first = _FIRST_HEADER.search(data)
    if first is None or not first[0].endswith(b"\r"):
        return data
    start = first.start()
    whole = data.count(b"\n", start) == data.count(b"\r\n", start)
    return data.replace(b"\r\n", b"\n") if whole else data


class _Walker:
    """A position in the text, moved line by line."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def sections(self) -> Iterator[Section]:
        section: Section | None = None
        while self.at < len(self.data):
            line = self._line()
            started = self._started(line, section)
            if started is None and not _closes(line, section):
                if section is not None:
                    self._feed(section, line)
                continue
            if section is not None:
                yield _checked(section)
            section = started
            if _MAIL.match(line):
                self._skip_message()
        if section is not None:
            yield _checked(section)

    def _line(self) -> bytes:
        end = self.data.find(b"\n", self.at)
        if end < 0:
            end = len(self.data)
        line = self.data[self.at : end]
        self.at = end + 1
        return line

    def _started(self, line: bytes, current: Section | None) -> Section | None:
        """Give a new section if this line begins one."""
        if line.startswith(b"diff --git "):
            return Section(git_line=line[11:])
        if line.startswith((b"diff --cc ", b"diff --combined ")):
            return self._combined(line.split(b" ", 2)[2])
        if submodule := _SUBMODULE.fullmatch(line):
            return _submodule(*submodule.groups())
        plain = current is None or current.git_line is None or bool(current.hunks)
        if line.startswith(b"Binary files ") and line.endswith(b" differ") and plain:
            return Section(header={b"Binary files ": line})
        if line.startswith(b"--- ") and self.data.startswith(b"+++ ", self.at):
            fresh = current is None or b"--- " in current.header or bool(current.hunks)
            return Section(header={b"--- ": line}) if fresh or plain else None
        return None

    def _combined(self, path: bytes) -> Section:
        named = b'+++ "b/' + path[1:] if path.startswith(b'"') else b"+++ b/" + path
        section = Section(header={b"+++ ": named})
        section.defect = "a combined diff of a merge has no two sides: give the diff against one parent"
        self._skip_to_next(section)
        return section

    def _feed(self, section: Section, line: bytes) -> None:
        try:
            if line.startswith(b"@@ "):
                section.hunks.append(self._hunk(line))
            elif section.hunks:
                _check_trailing(section, line)
            else:
                key = next((key for key in _HEADER_KEYS if line.startswith(key)), None)
                if key is not None:
                    section.header.setdefault(key, line)
        except _DefectError as defect:
            section.defect = str(defect)
            section.hunks.clear()
            self._skip_to_next(section)

    def _hunk(self, line: bytes) -> RawHunk:
        match = _HUNK.fullmatch(line)
        if match is None:
            shown = line[:60].decode("utf-8", "backslashreplace")
            message = f"a hunk header cannot be read: {shown}"
            raise _DefectError(message)
        old_start, new_start = int(match[1]), int(match[3])
        old_count = 1 if match[2] is None else int(match[2])
        new_count = 1 if match[4] is None else int(match[4])
        body, plain = self._body(old_count, new_count)
        return RawHunk(old_start, old_count, new_start, new_count, match[5], body, plain)

    def _body(self, old_left: int, new_left: int) -> tuple[bytes, bool]:
        data, begin, at, plain = self.data, self.at, self.at, True
        while old_left or new_left:
            kind = data[at : at + 1]
            if kind == b"+":
                new_left -= 1
            elif kind == b"-":
                old_left -= 1
            elif kind == b" ":
                old_left -= 1
                new_left -= 1
            elif kind in {b"\n", b"\r"}:  # a mail program took the space of an empty context line
                old_left -= 1
                new_left -= 1
                plain = False
            elif kind == b"\\" and at > begin:
                plain = False
            else:
                raise _DefectError(_ended(kind))
            if old_left < 0 or new_left < 0:
                message = "a hunk has more lines than its header says"
                raise _DefectError(message)
            end = data.find(b"\n", at)
            at = len(data) + 1 if end < 0 else end + 1
        if at > begin and data.startswith(b"\\", at):
            plain = False
            end = data.find(b"\n", at)
            at = len(data) + 1 if end < 0 else end + 1
        self.at = at
        return data[begin : at - 1], plain

    def _skip_to_next(self, section: Section) -> None:
        """Go to the next line that begins a file; in git's own text no line of content can begin so."""
        begin = max(self.at - 1, 0)
        if section.git_line is not None:
            found = self.data.find(b"\ndiff --", begin)
        else:
            header = _NEXT_HEADER.search(self.data, begin)
            found = -1 if header is None else header.start()
        self.at = len(self.data) if found < 0 else found + 1

    def _skip_message(self) -> None:
        """Leave out a mail's message, which may quote diffs: it ends at the diffstat, if there is one.

        The line ``---`` above the diffstat would not do: without a diffstat git writes none, and a
        removed ``--`` looks the same.
        """
        following = _NEXT_MAIL.search(self.data, max(self.at - 1, 0))
        end = len(self.data) if following is None else following.start()
        for found in _DIFFSTAT_END.finditer(self.data, self.at, end):
            self.at = found.end()


def _closes(line: bytes, section: Section | None) -> bool:
    """Tell whether a file is surely complete here: a mail, a commit or a mail's signature follows."""
    signature = section is not None and bool(section.hunks) and line.rstrip() == b"--"
    return signature or _COMMIT.match(line) is not None or _MAIL.match(line) is not None


def _checked(section: Section) -> Section:
    """Find the file whose header announces lines that never came: the text was cut off there."""
    if section.defect is None and not section.hunks and _announces_lines(section):
        section.defect = "the text ends behind its header: it was cut off"
    return section


def _announces_lines(section: Section) -> bool:
    header = section.header
    if b"Binary files " in header or b"GIT binary patch" in header:
        return False
    if b"--- " in header or b"+++ " in header:
        return True
    if b"new file mode " in header or b"deleted file mode " in header:
        ids = _IDS.match(header.get(b"index ", b""))
        return ids is not None and not any(blob.startswith(ids.groups()) for blob in _EMPTY_BLOBS)
    # An option such as -w can hide the lines of what was renamed or has a new mode.
    return b"new mode " not in header and b"rename to " not in header and b"copy to " not in header


def _submodule(path: bytes, old: bytes, new: bytes) -> Section:
    """Give what ``--submodule=log`` or ``=diff`` says in one line."""
    header = {b"index ": b"index " + old + b".." + new}
    if not old.strip(b"0"):
        header = {b"new file mode ": b"new file mode 160000"}
    elif not new.strip(b"0"):
        header = {b"deleted file mode ": b"deleted file mode 160000"}
    else:
        header |= {b"old mode ": b"old mode 160000", b"new mode ": b"new mode 160000"}
    return Section(git_line=b"a/" + path + b" b/" + path, header=header)


def _ended(kind: bytes) -> str:
    if kind == b"":
        return "the text ends inside a hunk: it was cut off"
    return "a hunk has fewer lines than its header says: the text was cut off or edited"


def _check_trailing(section: Section, line: bytes) -> None:
    """Refuse lines behind a complete hunk that look like content: they would be lost silently."""
    if line.startswith((b"+", b"-", b" ", b"\\")):
        if not section.ended:
            message = "lines follow a hunk that its header does not count: the text was edited"
            raise _DefectError(message)
    elif line.strip():
        section.ended = True
