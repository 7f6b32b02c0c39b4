"""A section's header lines → paths, status and modes, for a diff without its repository.

git writes ``diff --git a/x b/x`` without marking where one name ends, so the other lines decide where
they can: ``rename from``, ``---`` and ``+++``. Prefixes may be absent or other than ``a/`` and ``b/``.
"""

import re
from dataclasses import dataclass

from reviewbot.domain.patch import Status
from reviewbot.steps.splitting import Section

_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_NULL = b"/dev/null"
_NO_BLOB = re.compile("0+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What a header says of a file."""

    path: str
    old_path: str | None
    status: Status
    binary: bool = False
    old_mode: str | None = None
    new_mode: str | None = None
    old_blob: str | None = None
    new_blob: str | None = None


def read(section: Section) -> Heading | None:
    """Read a section's header; None where no path can be made out."""
    names = _names(section)
    if names is None:
        return None
    old, new = names
    header = section.header
    old_mode, new_mode = _modes(section)
    old_blob, new_blob = _blobs(header)
    return Heading(
        path=_text(new),
        old_path=None if _status(section) is Status.ADDED else _text(old),
        status=_status(section),
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
    if code.isdigit():
        return bytes([int(code, 8) & 0xFF])
    return _LETTERS.get(code, code)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _status(section: Section) -> Status:
    header = section.header
    if b"new file mode " in header or (section.git_line is None and _side(header, b"--- ") == _NULL):
        return Status.ADDED
    if b"deleted file mode " in header or (section.git_line is None and _side(header, b"+++ ") == _NULL):
        return Status.DELETED
    if b"rename from " in header or b"copy from " in header:
        return Status.RENAMED
    return Status.MODIFIED


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
    if section.git_line is None:
        return _from_marks(_side(header, b"--- "), _side(header, b"+++ "))
    halves = _halves(section)
    return None if halves is None else _strip(*halves)


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
    if new in (None, _NULL) and old in (None, _NULL):
        return None
    if old is not None and new is not None and _NULL not in (old, new):
        stripped = _strip(old, new)
        return stripped if stripped[0] == stripped[1] else (new, new)
    name = old if new in (None, _NULL) else new
    if name is None:
        return None
    name = name[2:] if name[:2] in {b"a/", b"b/"} else name
    return name, name


def _halves(section: Section) -> tuple[bytes, bytes] | None:
    """Cut ``a/x b/y`` in two, by the names that other lines give, by quotes, or in the middle."""
    rest = section.git_line or b""
    if rest.startswith(b'"'):
        match = re.match(rb'("(?:[^"\\]|\\.)*") (.*)', rest, re.DOTALL)
        return None if match is None else (unquote(match[1]), unquote(match[2]))
    if rest.endswith(b'"'):
        at = rest.find(b' "')
        return None if at < 0 else (rest[:at], unquote(rest[at + 1 :]))
    old, new = _side(section.header, b"--- "), _side(section.header, b"+++ ")
    if new is not None and new != _NULL and rest.endswith(b" " + new):
        return rest[: -len(new) - 1], new
    if old is not None and old != _NULL and rest.startswith(old + b" "):
        return old, rest[len(old) + 1 :]
    middle = len(rest) // 2
    if len(rest) % 2 == 1 and rest[middle : middle + 1] == b" ":
        return rest[:middle], rest[middle + 1 :]
    return None


def _strip(old: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Take off the prefixes: the same name on both sides after different first folders."""
    old_first, old_slash, old_rest = old.partition(b"/")
    new_first, new_slash, new_rest = new.partition(b"/")
    if old_slash and new_slash and old_first != new_first and old_rest == new_rest:
        return old_rest, new_rest
    return old, new
