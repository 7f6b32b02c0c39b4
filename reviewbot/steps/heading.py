"""A section's header lines → paths, status and modes, for a diff without its repository.

git writes ``diff --git a/x b/x`` without marking where one name ends, so the other lines decide where
they can: ``rename from``, ``---`` and ``+++``. Prefixes may be absent or other than ``a/`` and ``b/``.
"""

import re

from reviewbot.domain.patch import FilePatch, Status
from reviewbot.steps.splitting import Section

_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_NULL = b"/dev/null"
_USUAL = (b"a", b"b")
_NO_BLOB = re.compile("0+")
_EPOCH = re.compile(rb"\t(?:1969-12-31|1970-01-01) ")


def read(section: Section) -> FilePatch | None:
    """Read a section's header; None where no path can be made out."""
    old, new = _names(section) or (b"", b"")
    if not old or not new:
        return None
    header = section.header
    status = _status(section, renamed=old != new)
    old_mode, new_mode = _modes(section)
    old_blob, new_blob = _blobs(header)
    return FilePatch(
        path=_text(new),
        old_path=None if status is Status.ADDED else _text(old),
        status=status,
        binary=b"Binary files " in header or b"GIT binary patch" in header,
        old_mode=old_mode,
        new_mode=new_mode,
        old_blob=old_blob,
        new_blob=new_blob,
    )


def unquote(name: bytes) -> bytes:
    """Undo git's C-style quoting of a path; a name without quotes is given back as it is."""
    if len(name) < 2 or not (name.startswith(b'"') and name.endswith(b'"')):  # noqa: PLR2004 - a pair of quotes
        return name
    return _ESCAPE.sub(_unescape, name[1:-1])


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code[0] in b"01234567":
        return bytes([int(code, 8) & 0xFF])
    return _LETTERS.get(code, code)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _status(section: Section, *, renamed: bool) -> Status:
    if b"new file mode " in section.header or _absent(section, b"--- "):
        return Status.ADDED
    if b"deleted file mode " in section.header or _absent(section, b"+++ "):
        return Status.DELETED
    return Status.RENAMED if renamed else Status.MODIFIED


def _absent(section: Section, key: bytes) -> bool:
    """Tell a file that one side does not have, where only its ``---`` or ``+++`` line can say so.

    ``diff -N`` writes the name all the same, with no lines and the time zero.
    """
    if section.git_line is not None:
        return False
    if _side(section.header, key) == _NULL:
        return True
    first = section.hunks[0] if section.hunks else None
    empty = first is not None and (first.old_start, first.old_count) == (0, 0)
    if key == b"+++ ":
        empty = first is not None and (first.new_start, first.new_count) == (0, 0)
    return empty and _EPOCH.search(section.header.get(key, b"")) is not None


def _modes(section: Section) -> tuple[str | None, str | None]:
    header = section.header

    def mode(key: bytes) -> str | None:
        line = header.get(key)
        return None if line is None else line[len(key) :].strip().decode("ascii", "replace")

    index = header.get(b"index ", b"").split(b" ")
    both = index[2].decode("ascii", "replace") if len(index) > 2 else None  # noqa: PLR2004 - index, ids, mode
    old = mode(b"old mode ") or mode(b"deleted file mode ") or both
    new = mode(b"new mode ") or mode(b"new file mode ") or both
    return old, new


def _blobs(header: dict[bytes, bytes]) -> tuple[str | None, str | None]:
    match = re.match(rb"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})", header.get(b"index ", b""))
    if match is None:
        return None, None
    old, new = match[1].decode(), match[2].decode()
    return (None if _NO_BLOB.fullmatch(old) else old, None if _NO_BLOB.fullmatch(new) else new)


def _names(section: Section) -> tuple[bytes, bytes] | None:
    """Give old and new path in bytes; for an added or deleted file both are the one that there is."""
    header = section.header
    for verb in (b"rename", b"copy"):
        old, new = header.get(verb + b" from "), header.get(verb + b" to ")
        if old is not None and new is not None:
            return unquote(old[len(verb) + 6 :]), unquote(new[len(verb) + 4 :])
    if section.git_line is not None:
        return _from_git_line(section.git_line, _side(header, b"--- "), _side(header, b"+++ "))
    if b"Binary files " in header:
        halves = header[b"Binary files "][13:-7].split(b" and ")
        return _from_marks(*halves) if len(halves) == 2 else None  # noqa: PLR2004 - else ambiguous
    return _from_marks(_side(header, b"--- "), _side(header, b"+++ "))


def _side(header: dict[bytes, bytes], key: bytes) -> bytes | None:
    """Give the name in a ``---`` or ``+++`` line, without the tab and time that may follow."""
    line = header.get(key)
    if line is None:
        return None
    name = line[4:]
    if name.startswith(b'"'):
        end = name.rfind(b'"')
        return unquote(name[: end + 1])
    return name.split(b"\t", 1)[0]


def _from_marks(old: bytes | None, new: bytes | None) -> tuple[bytes, bytes] | None:
    """Names of a diff that has no ``diff --git`` lines."""
    there = [name for name in (old, new) if name not in (None, _NULL)]
    if len(there) == 1:
        name = there[0] or b""
        name = name[2:] if name[:2] in {b"a/", b"b/"} else name
        return name, name
    if old is None or new is None or not there:
        return None
    _, stripped = _strip(old, new)
    return stripped, stripped


def _from_git_line(rest: bytes, old: bytes | None, new: bytes | None) -> tuple[bytes, bytes] | None:
    """Cut ``a/x b/y`` in two, by the names that other lines give, by quotes, or in the middle."""
    if rest.startswith(b'"'):
        match = re.match(rb'("(?:[^"\\]|\\.)*") (.*)', rest, re.DOTALL)
        return None if match is None else _strip(unquote(match[1]), unquote(match[2]))
    if rest.endswith(b'"'):
        at = rest.find(b' "')
        return None if at < 0 else _strip(rest[:at], unquote(rest[at + 1 :]))
    if new is not None and new != _NULL and rest.endswith(b" " + new):
        return _strip(rest[: -len(new) - 1], new)
    if old is not None and old != _NULL and rest.startswith(old + b" "):
        return _strip(old, rest[len(old) + 1 :])
    # Nothing else names the file, so it was not renamed: both halves are the same but for the prefix.
    middle = len(rest) // 2
    halves = _strip(rest[:middle], rest[middle + 1 :])
    return halves if rest[middle : middle + 1] == b" " and halves[0] == halves[1] else None


def _strip(old: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Take off the prefixes: the same name on both sides after different first folders, or a/ and b/."""
    old_first, old_slash, old_rest = old.partition(b"/")
    new_first, new_slash, new_rest = new.partition(b"/")
    if not old_slash or not new_slash or old_first == new_first:
        return old, new
    return (old_rest, new_rest) if old_rest == new_rest or (old_first, new_first) == _USUAL else (old, new)
