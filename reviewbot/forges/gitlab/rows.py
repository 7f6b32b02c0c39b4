"""GitLab's JSON, read with care: a field of another kind than documented counts as absent, or ends the run."""

from collections.abc import Mapping

from reviewbot.errors import ForgeError

Row = Mapping[str, object]
"""One JSON object of an answer."""

_STRANGE = "GitLab answered something else than documented: is the address that of a GitLab server?"


def row(value: object) -> Row:
    """Take a value for an object. Raises ForgeError if it is none."""
    if isinstance(value, dict):
        return value
    raise ForgeError(_STRANGE)


def listed(value: object) -> tuple[Row, ...]:
    """Take a value for a list of objects. Raises ForgeError if it is none."""
    if isinstance(value, list):
        return tuple(map(row, value))
    raise ForgeError(_STRANGE)


def table(source: Row, key: str) -> Row:
    """Give a nested object, or an empty one."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def items(source: Row, key: str) -> tuple[Row, ...]:
    """Give the objects of a nested list."""
    value = source.get(key)
    return tuple(entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else ()


def words(source: Row, key: str) -> tuple[str, ...]:
    """Give the strings of a nested list."""
    value = source.get(key)
    return tuple(entry for entry in value if isinstance(entry, str)) if isinstance(value, list) else ()


def text(source: Row, key: str) -> str:
    """Give a string, or the empty one."""
    value = source.get(key)
    return value if isinstance(value, str) else ""


def number(source: Row, key: str) -> int | None:
    """Give an integer, or None."""
    value = source.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(source: Row, key: str) -> bool:
    """Tell whether a field is there and true."""
    return source.get(key) is True
