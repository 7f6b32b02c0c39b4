"""The texts around a change, and the files that steer the bot, each from the side that may be trusted."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from reviewbot.domain.patch import FilePatch, Status
from reviewbot.repository.git import Git
from reviewbot.repository.snapshot import Snapshot

_SYMLINK = "120000"
_BLOB = re.compile(rb"[0-9a-f]{40,64} blob [0-9]+")


class WorkTreeTrust:
    """On a local run the user's own work tree steers the bot."""

    def __init__(self, git: Git) -> None:
        self._git = git

    def read(self, path: str) -> bytes | None:
        """Give a file's bytes, or None if it is not there."""
        return _read_within(self._git.folder, path)

    def files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        """Give every file with one of these base names, by path."""
        patterns = [f":(glob)**/{name}" for name in sorted(names)]
        listed = self._git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns)
        return dict(_present(_paths(listed), self.read))

    def attributes(self, paths: Sequence[str], names: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """Give git attributes by path and name; unspecified ones are left out."""
        return _attributes(self._git, ("check-attr", "-z", "--stdin", *names), paths, {})


class TargetTrust:
    """In a pipeline the target of the change steers the bot: the change cannot switch off its own review."""

    def __init__(self, git: Git, target: str, snapshot: Snapshot) -> None:
        self._git = git
        self._target = target
        self._snapshot = snapshot

    def read(self, path: str) -> bytes | None:
        """Give a file's bytes, or None if it is not there; symlinks are followed within the target's tree."""
        if "\n" in path or not _is_plain(path):  # git is asked by lines
            return None
        name = f"{self._target}:{path}\n".encode("utf-8", "surrogateescape")
        answer = self._git.run("cat-file", "--batch", "--follow-symlinks", stdin=name, extra=self._snapshot.environ)
        head, _, text = answer.partition(b"\n")
        return text[:-1] if _BLOB.fullmatch(head) else None

    def files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        """Give every file with one of these base names, by path."""
        listed = self._git.run(
            "ls-tree", "-r", "-z", "--name-only", "--full-tree", self._target, extra=self._snapshot.environ
        )
        wanted = (path for path in _paths(listed) if path.rpartition("/")[2] in names)
        return dict(_present(wanted, self.read))

    def attributes(self, paths: Sequence[str], names: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """Give git attributes by path and name; unspecified ones are left out."""
        index = self._snapshot.index_of(self._target)
        command = ("check-attr", "--cached", "-z", "--stdin", *names)
        return _attributes(self._git, command, paths, {"GIT_INDEX_FILE": str(index)})


Trust = WorkTreeTrust | TargetTrust


class TreeSources:
    """Sources of a change between two trees."""

    def __init__(self, read_blob: Callable[[str], bytes | None], trust: Trust) -> None:
        self._read_blob = read_blob
        self._trust = trust

    def new_text(self, file: FilePatch) -> bytes | None:
        """Give the whole new text, or None for what is no text file of its own."""
        if file.new_blob is None or file.status is Status.DELETED or file.new_mode == _SYMLINK or file.is_submodule:
            return None
        return self._read_blob(file.new_blob)

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        """Give the trusted side's files with these base names."""
        return self._trust.files(names)


class DiffSources:
    """Sources of a bare diff: what the diff holds whole, and what a folder holds that fits it."""

    def __init__(self, folder: Path | None, trust: Trust | None) -> None:
        self._folder = folder
        self._trust = trust

    def new_text(self, file: FilePatch) -> bytes | None:
        """Give an added file's text, or that of a file in the folder on which the diff's new side stands."""
        if file.status is Status.DELETED or file.new_mode == _SYMLINK or file.is_submodule or file.binary:
            return None
        if file.status is Status.ADDED:
            return _whole(file)
        text = None if self._folder is None else _read_within(self._folder, file.path)
        return text if text is not None and _fits(file, text) else None

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        """Give the folder's files with these base names; none without a folder."""
        return {} if self._trust is None else self._trust.files(names)


def _read_within(folder: Path, path: str) -> bytes | None:
    """Read a regular file of a folder; None where it is none, or where its path or a symlink leads out."""
    try:
        top = folder.resolve()
        found = (top / path).resolve()
        if not found.is_relative_to(top) or ".git" in found.relative_to(top).parts or not found.is_file():
            return None
        return found.read_bytes()
    except (OSError, ValueError, RuntimeError):  # a NUL, no permission, a ring of symlinks
        return None


def _present(paths: Iterator[str], read: Callable[[str], bytes | None]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        data = read(path)
        if data is not None:
            yield path, data


def _paths(listed: bytes) -> Iterator[str]:
    return (path.decode("utf-8", "surrogateescape") for path in listed.split(b"\0") if path)


def _attributes(
    git: Git, command: tuple[str, ...], paths: Sequence[str], extra: Mapping[str, str]
) -> Mapping[str, Mapping[str, str]]:
    # A bare diff may name what no repository can hold, and git would not go on after it.
    asked = [path for path in paths if _is_plain(path)]
    if not asked:
        return {}
    stdin = b"\0".join(path.encode("utf-8", "surrogateescape") for path in asked) + b"\0"
    fields = list(_fields(git.run(*command, stdin=stdin, extra=extra)))
    result: dict[str, dict[str, str]] = {}
    for path, name, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        if value != "unspecified":
            result.setdefault(path, {})[name] = value
    return result


def _fields(data: bytes) -> Iterator[str]:
    return (part.decode("utf-8", "surrogateescape") for part in data.split(b"\0")[:-1])


def _whole(file: FilePatch) -> bytes:
    rows = [row[1:] for hunk in file.hunks for row in hunk.body.split("\n")]
    text = "\n".join(rows)
    ended = not any(hunk.no_newline for hunk in file.hunks)
    return (text + "\n" if rows and ended else text).encode("utf-8", "surrogateescape")


def _fits(file: FilePatch, text: bytes) -> bool:
    """Tell whether every line of the diff's new side stands in the text at its number."""
    lines = text.decode("utf-8", "surrogateescape").split("\n")
    return all(
        line.new is None or (line.new <= len(lines) and lines[line.new - 1] == line.text)
        for hunk in file.hunks
        for line in hunk.lines()
    )


def _is_plain(path: str) -> bool:
    return "\0" not in path and not {"", ".", ".."} & set(path.split("/"))
