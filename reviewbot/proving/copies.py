"""Files of a project's copy: what is put into it for one process, and what the process has altered.

The processes run code that nobody has read, and may have left links where there were folders.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from reviewbot.errors import SandboxError
from reviewbot.sandbox.copying import read_back
from reviewbot.sandbox.scratch import remove

PLACE: Final = ".reviewbot"
"""Folder of a copy in which orders and measurements lie while a process runs."""
_LONGEST_FILE: Final = 20_000_000
Stamp = tuple[int, int, int, int]
"""Kind, size, time of change, and number of a file."""


def put(place: Path, files: Mapping[str, str]) -> dict[str, bytes | None]:
    """Put texts into a copy; give what was there before. Raises SandboxError for a path that leads out of it."""
    before: dict[str, bytes | None] = {}
    for name, text in files.items():
        before[name] = read_back(place, name, _LONGEST_FILE)
        write(place, name, text)
    (place / PLACE).mkdir(exist_ok=True)
    return before


def write(place: Path, name: str, text: str) -> Path:
    """Write a file of a copy; give its path. Raises SandboxError for one that leads out of it."""
    path = place / name
    if not path.parent.resolve().is_relative_to(place.resolve()) or path.is_symlink():
        message = f"a new test would be written outside of the copy: {name}"
        raise SandboxError(message)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", "surrogateescape", newline="")
    return path


def clear(place: Path) -> None:
    """Remove the folder of orders, whatever a process has made of it."""
    found = place / PLACE
    if found.is_symlink():
        found.unlink()
    elif found.exists():
        remove(found)


def stamps(place: Path) -> dict[str, Stamp]:
    """Take down what files a copy has; their kind, size, time of change and number."""
    found_stamps: dict[str, Stamp] = {}
    pending = [place]
    while pending:
        for entry in os.scandir(pending.pop()):
            name = os.path.relpath(entry.path, place)
            if name == PLACE:
                continue
            found = entry.stat(follow_symlinks=False)
            folder = entry.is_dir(follow_symlinks=False)
            found_stamps[name] = (found.st_mode, 0, 0, 0) if folder else _stamp(found)
            if folder:
                pending.append(Path(entry.path))
    return found_stamps


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_mode, found.st_size, found.st_mtime_ns, found.st_ino


def differing(before: Mapping[str, Stamp], after: Mapping[str, Stamp]) -> tuple[str, ...]:
    """Name what was made, altered or removed between two looks at a copy."""
    names: Iterable[str] = before.keys() | after.keys()
    return tuple(sorted(name for name in names if before.get(name) != after.get(name)))
