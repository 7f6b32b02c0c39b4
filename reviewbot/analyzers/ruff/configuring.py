"""Which configuration ruff runs with: the repository's own, from the trusted side, or the built-in profile.

A linter that runs under the configuration of the change under review does what the change wants: a bot
was taken over that way in 2025. Ruff has no plugins, yet ``extend`` reads any file, so a configuration
counts only with everything that it extends among the trusted files.
"""

import posixpath
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

NAMES: Final = frozenset({"pyproject.toml", "ruff.toml", ".ruff.toml"})
_PRECEDENCE: Final = (".ruff.toml", "ruff.toml", "pyproject.toml")
_LOWER_BOUND: Final = re.compile(r"(?:>=|~=|==|>|\^|~)\s*3\.(\d{1,3})")
_KNOWN_MINORS: Final = range(7, 15)
"""Minor versions of Python 3 that every supported ruff knows as a target."""

_LONGEST_PATH: Final = 4096
"""Characters; no file system takes a longer one, so that the file fails later, with that reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the trusted files say of ruff, by folder; the top folder is the empty string."""

    files: Mapping[str, bytes]
    """Path and text of every configuration file that is valid TOML."""
    faults: Mapping[str, str | None]
    """Folders with a ruff configuration, and why it cannot be used, if so."""
    extended: Mapping[str, tuple[str, ...]]
    """Folders with a ruff configuration, and the files that it extends."""
    targets: Mapping[str, str]
    """Folders whose project says which Python it needs, as ruff's target, for example ``py311``."""

    def uses_own(self, path: str) -> bool:
        """Tell whether a configuration of the repository governs a file, and can be used."""
        folder = self._governing(path)
        return folder is not None and self.faults[folder] is None

    def fault(self, path: str) -> str | None:
        """Say why the configuration that governs a file cannot be used, if so."""
        folder = self._governing(path)
        return None if folder is None else self.faults[folder]

    def target(self, path: str) -> str | None:
        """Give the oldest Python that the nearest project supports.

        None where it does not say: ruff then reads the newest syntax and offers only what is old enough.
        """
        return next((self.targets[folder] for folder in _above(path) if folder in self.targets), None)

    def files_for(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Give the files that ruff needs for these paths and no other: it would stumble over any fault."""
        folders = {folder for path in paths for folder in _above(path)}
        wanted = {path for path in self.files if posixpath.dirname(path) in folders}
        for folder in folders & self.extended.keys():
            wanted.update(self.extended[folder])
        return {path: self.files[path] for path in sorted(wanted)}

    def _governing(self, path: str) -> str | None:
        return next((folder for folder in _above(path) if folder in self.faults), None)


def configuration(trusted: Mapping[str, bytes]) -> Configuration:
    """Sort the trusted files by what they configure."""
    tables = {path: _table(text) for path, text in sorted(trusted.items()) if posixpath.basename(path) in NAMES}
    faults: dict[str, str | None] = {}
    extended: dict[str, tuple[str, ...]] = {}
    for folder in sorted({posixpath.dirname(path) for path in tables}):
        path = _configuring(folder, tables)
        if path is not None:
            fault, extended[folder] = _follow(path, tables)
            faults[folder] = f"{path} {fault}" if fault else None
    return Configuration(
        files={path: trusted[path] for path, table in tables.items() if table is not None},
        faults=faults,
        extended=extended,
        targets=_targets(tables),
    )


_Table = dict[str, object]


def _table(text: bytes) -> _Table | None:
    try:
        return dict(tomllib.loads(text.decode("utf-8")))
    except (ValueError, RecursionError):
        return None


def _configuring(folder: str, tables: Mapping[str, _Table | None]) -> str | None:
    for name in _PRECEDENCE:
        path = posixpath.join(folder, name)
        if path in tables and (name != "pyproject.toml" or _ruff_part(tables[path]) is not None):
            return path
    return None


def _ruff_part(table: _Table | None) -> _Table | None:
    return _sub(_sub(table, "tool"), "ruff")


def _sub(table: _Table | None, key: str) -> _Table | None:
    value = table.get(key) if table else None
    return value if isinstance(value, dict) else None


def _follow(path: str, tables: Mapping[str, _Table | None]) -> tuple[str | None, tuple[str, ...]]:
    """Follow ``extend`` to its end: why the configuration cannot be used, if so, and what it extends."""
    seen: list[str] = []
    while path not in seen:
        seen.append(path)
        table = tables[path]
        if table is None:
            return "is no valid TOML" if len(seen) == 1 else f"extends {path}, which is no valid TOML", ()
        part = _ruff_part(table) if posixpath.basename(path) == "pyproject.toml" else table
        extended = (part or {}).get("extend")
        if extended is None:
            return None, tuple(seen[1:])
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), str(extended)))
        if path not in tables:
            return f"extends {extended}, which is not among the trusted configuration files", ()
    return "extends itself", ()


def _targets(tables: Mapping[str, _Table | None]) -> dict[str, str]:
    targets: dict[str, str] = {}
    for path, table in tables.items():
        required = _required(table) if posixpath.basename(path) == "pyproject.toml" else None
        minors = [int(minor) for minor in _LOWER_BOUND.findall(required or "")]
        if minors and max(minors) in _KNOWN_MINORS:
            targets[posixpath.dirname(path)] = f"py3{max(minors)}"
    return targets


def _required(table: _Table | None) -> str | None:
    required = (_sub(table, "project") or {}).get("requires-python")
    if required is None:
        required = (_sub(_sub(_sub(table, "tool"), "poetry"), "dependencies") or {}).get("python")
    return required if isinstance(required, str) else None


def _above(path: str) -> list[str]:
    """Give the folders above a file, nearest first, down to the empty string."""
    if len(path) > _LONGEST_PATH:
        return []
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
