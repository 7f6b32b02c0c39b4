"""Untrusted JSON → single values of a known form. What is missing or of another form refuses the whole webhook."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NoReturn

_SEGMENT: Final = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.][A-Za-z0-9_.-]*"
_PATH: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})+")
"""Of a project. It becomes part of an address, so nothing in it may lead anywhere else."""
_LONGEST_PATH: Final = 1_000
_SHA: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NO_BRANCH: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$|/\.")
"""What git lets no branch be called, and a leading dash, which git would take for an option."""
_LONGEST_NAME: Final = 255
_LARGEST: Final = 2**53
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_TIMES: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z| UTC|[+-]\d\d:?\d\d| [+-]\d{4})")


class Misread(ValueError):  # noqa: N818 - what happened to the reader
    """A body that is no such event; the message names the field, and never its value."""


def decoded(body: bytes) -> "Fields":
    """Read a body. Raises Misread for what is no JSON object, or would be read in another way by others."""
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_unambiguous, parse_constant=_no_number)
    except RecursionError as error:
        message = "the body is nested too deeply"
        raise Misread(message) from error
    except Misread:
        raise
    except ValueError as error:
        message = "the body is no valid JSON in UTF-8"
        raise Misread(message) from error
    if not isinstance(found, dict):
        message = "the body is no JSON object"
        raise Misread(message)
    return Fields(found)


def _unambiguous(pairs: Sequence[tuple[str, object]]) -> Mapping[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "the body gives a name twice"
        raise Misread(message)
    return found


def _no_number(_: str) -> NoReturn:
    message = "the body has a number that JSON has not"
    raise Misread(message)


class Fields:
    """A JSON object, asked for its fields by name. Every method raises Misread."""

    def __init__(self, values: Mapping[str, object], place: str = "") -> None:
        self._values = values
        self._place = place

    def has(self, name: str) -> bool:
        """Tell whether a field is there, and is not null."""
        return self._values.get(name) is not None

    def at(self, name: str) -> "Fields":
        """Give an object in this one."""
        value = self._values.get(name)
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return Fields(value, f"{self._place}{name}.")

    def maybe(self, name: str) -> "Fields":
        """Give an object that may be missing: then an empty one."""
        return self.at(name) if self.has(name) else Fields({}, f"{self._place}{name}.")

    def rows(self, name: str) -> tuple["Fields", ...]:
        """Give a list of objects, which may be missing."""
        value = self._values.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise self._wrong(name, "a list of objects")
        return tuple(Fields(row, f"{self._place}{name}.") for row in value)

    def text(self, name: str, default: str | None = None) -> str:
        """Give a text."""
        value = self._values.get(name, default)
        value = default if value is None else value
        if not isinstance(value, str) or _unsendable(value):
            raise self._wrong(name, "a text")
        return value

    def number(self, name: str) -> int:
        """Give a number of something: positive, and one that every reader of JSON can hold."""
        value = self._values.get(name)
        if type(value) is not int or not 0 < value < _LARGEST:
            raise self._wrong(name, "a positive number")
        return value

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """Give a yes or no."""
        value = self._values.get(name)
        value = default if value is None else value
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def path(self, name: str) -> str:
        """Give a project's path."""
        return self._formed(name, _PATH, _LONGEST_PATH, "the path of a project")

    def sha(self, name: str) -> str:
        """Give a commit's id."""
        return self._formed(name, _SHA, _LONGEST_NAME, "a commit")

    def id(self, name: str) -> str:
        """Give an id, which may be a number."""
        value = self._values.get(name)
        return str(self.number(name)) if type(value) is int else self._formed(name, _ID, _LONGEST_NAME, "an id")

    def branch(self, name: str) -> str:
        """Give a branch that git could have."""
        value = self.text(name)
        if not 0 < len(value) <= _LONGEST_NAME or _NO_BRANCH.search(value):
            raise self._wrong(name, "the name of a branch")
        return value

    def time(self, name: str) -> datetime:
        """Give a time; GitLab has spelt its times in several ways over the years."""
        value = self.text(name)
        if not _TIMES.fullmatch(value):
            raise self._wrong(name, "a time with its zone")
        try:
            return datetime.fromisoformat(value.replace(" UTC", "Z").replace(" +", "+").replace(" -", "-")).astimezone(
                UTC
            )
        except (ValueError, OverflowError) as error:
            raise self._wrong(name, "a time with its zone") from error

    def _formed(self, name: str, form: re.Pattern[str], longest: int, kind: str) -> str:
        value = self.text(name)
        if len(value) > longest or not form.fullmatch(value):
            raise self._wrong(name, kind)
        return value

    def _wrong(self, name: str, kind: str) -> Misread:
        return Misread(f"'{self._place}{name}' is not {kind}")


def _unsendable(text: str) -> bool:
    """Tell texts that cannot be stored, for a NUL or half a character in them."""
    return "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text)
