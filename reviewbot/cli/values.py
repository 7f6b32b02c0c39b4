"""What stands after an option → a value, or a sentence about what is wrong with it."""

from argparse import ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Final

FORMATS: Final = ("text", "markdown", "html", "json", "sarif", "codequality", "junit", "annotations")
_MOST: Final = 1_000_000
_LAST_PORT: Final = 65_535


def amount(text: str) -> float:
    """Read a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= _MOST:
        message = f"'{text}' is no number above 0, up to {_MOST:,}"
        raise ArgumentTypeError(message)
    return value


def port(text: str) -> int:
    """Read a port; 0 for any that is free."""
    if not text.isdecimal() or int(text) > _LAST_PORT:
        message = f"'{text}' is no port from 0 (any that is free) to {_LAST_PORT}"
        raise ArgumentTypeError(message)
    return int(text)


def count(text: str) -> int:
    """Read a whole number from 1."""
    return _whole(text, 1)


def count_or_none(text: str) -> int:
    """Read a whole number from 0."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= _MOST:
        message = f"'{text}' is no number from {least} to {_MOST:,}"
        raise ArgumentTypeError(message)
    return value


def day(text: str) -> date:
    """Read a day."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"'{text}' is no day: write it as 2026-11-22"
        raise ArgumentTypeError(message) from error


def output(text: str) -> tuple[str, Path]:
    """Read a format and where it goes."""
    name, mark, path = text.partition("=")
    if not mark or name not in FORMATS or not path:
        message = f"'{text}' is not FORMAT=PATH with one of {', '.join(FORMATS)}"
        raise ArgumentTypeError(message)
    return name, Path(path)
