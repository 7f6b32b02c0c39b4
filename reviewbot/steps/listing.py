"""``git diff --raw --numstat -z`` → entries: git's own word on paths, status, modes and counts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reviewbot.domain.patch import Status

_STATUS = {b"A": Status.ADDED, b"D": Status.DELETED, b"R": Status.RENAMED, b"C": Status.RENAMED}
_ABSENT = b"000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of git's list."""

    path: str
    old_path: str | None
    status: Status
    old_mode: str | None
    new_mode: str | None
    old_blob: str | None
    new_blob: str | None
    binary: bool | None = None
    """None for the halves of a type change, which git counts together."""
    counts: tuple[int, int] | None = None
    """Added and removed lines; None for a binary file or half of a type change."""


def entries(data: bytes) -> tuple[Entry, ...]:
    """Read the list, in git's order. A type change gives two entries: deleted, then added."""
    raw: dict[tuple[bytes, bytes], list[Entry]] = {}
    tokens = iter(data.split(b"\0"))
    for token in tokens:
        if token.startswith(b":"):
            key, listed = _raw(token, tokens)
            raw[key] = listed
        elif token:
            key, binary, counts = _numstat(token, tokens)
            listed = raw[key]
            if len(listed) == 1:
                raw[key] = [replace(listed[0], binary=binary, counts=counts)]
    return tuple(entry for listed in raw.values() for entry in listed)


def _raw(token: bytes, tokens: Iterator[bytes]) -> tuple[tuple[bytes, bytes], list[Entry]]:
    old_mode, new_mode, old_blob, new_blob, status = token[1:].split(b" ")
    old = new = next(tokens)
    if status[:1] in {b"R", b"C"}:
        new = next(tokens)
    kind = _STATUS.get(status[:1], Status.MODIFIED)
    entry = Entry(
        path=_text(new),
        old_path=None if kind is Status.ADDED else _text(old),
        status=kind,
        old_mode=None if old_mode == _ABSENT else old_mode.decode(),
        new_mode=None if new_mode == _ABSENT else new_mode.decode(),
        old_blob=_blob(old_blob),
        new_blob=_blob(new_blob),
    )
    if status[:1] == b"T":
        gone = replace(entry, status=Status.DELETED, new_mode=None, new_blob=None)
        come = replace(entry, status=Status.ADDED, old_path=None, old_mode=None, old_blob=None)
        return (old, new), [gone, come]
    return (old, new), [entry]


def _numstat(token: bytes, tokens: Iterator[bytes]) -> tuple[tuple[bytes, bytes], bool, tuple[int, int] | None]:
    added, removed, path = token.split(b"\t", 2)
    key = (path, path) if path else (next(tokens), next(tokens))
    if added == b"-":
        return key, True, None
    return key, False, (int(added), int(removed))


def _blob(sha: bytes) -> str | None:
    return None if not sha.strip(b"0") else sha.decode()


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
