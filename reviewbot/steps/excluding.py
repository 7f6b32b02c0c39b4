"""coverage.py's configuration files → the lines that it is told to leave out.

Only to tell a report of another text from one that leaves something out on purpose: a statement that the text has
and the report does not is either. https://coverage.readthedocs.io/en/latest/excluding.html
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError

NAMES = ("pyproject.toml", ".coveragerc", "setup.cfg", "tox.ini")
"""Files that may hold it, at the repository's top."""
_KEYS = ("exclude_lines", "exclude_also")


def patterns(texts: Mapping[str, bytes]) -> tuple[str, ...]:
    """Read the regular expressions from files by their names; what cannot be read has none."""
    found = [pattern for name, text in texts.items() for pattern in _patterns(name, text.decode("utf-8", "replace"))]
    return tuple(pattern for pattern in dict.fromkeys(found) if _is_valid(pattern))


def _patterns(name: str, text: str) -> Iterator[str]:
    if name.endswith(".toml"):
        yield from _of_toml(text)
    else:
        yield from _of_ini(text, "report" if name == ".coveragerc" else "coverage:report")


def _of_toml(text: str) -> Iterator[str]:
    try:
        table: object = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    for part in ("tool", "coverage", "report"):
        table = table.get(part) if isinstance(table, dict) else None
    for key in _KEYS if isinstance(table, dict) else ():
        value = table.get(key) if isinstance(table, dict) else None
        for pattern in [value] if isinstance(value, str) else value if isinstance(value, list) else ():
            yield from str(pattern).splitlines()


def _of_ini(text: str, section: str) -> Iterator[str]:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except ConfigError:
        return
    for key in _KEYS:
        yield from parser.get(section, key, fallback="").splitlines()


def _is_valid(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return pattern.strip() != ""
