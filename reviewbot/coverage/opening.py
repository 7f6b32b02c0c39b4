"""Opens reports: bounded, and with words instead of tracebacks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from reviewbot.errors import UsageError

_LARGEST_BYTES: Final = 2 << 30
"""A report of ten million lines has less than half of it as XML."""
_CHUNK_CHARS: Final = 1 << 16
_LONGEST_LINE_CHARS: Final = 1 << 20


def check(path: Path, largest_bytes: int = _LARGEST_BYTES) -> None:
    """Raise UsageError unless the path is a file of a size that can be read."""
    if not path.exists():
        message = f"{path}: there is no such coverage report."
        raise UsageError(message)
    if not path.is_file():
        message = f"{path}: not a file; name the coverage report itself."
        raise UsageError(message)
    size = path.stat().st_size
    if size > largest_bytes:
        message = f"{path}: {size:,} bytes, more than the {largest_bytes:,} that a report of its kind may have."
        raise UsageError(message)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file that is read into UsageError: the system's word, or a ValueError's."""
    try:
        yield
    except OSError as error:
        message = f"{path}: the coverage report cannot be read: {error.strerror or error}."
        raise UsageError(message) from error
    except ValueError as error:
        message = f"{path}: {error}. The report is damaged, cut off, or of another format; write it anew."
        raise UsageError(message) from error


def each_line(path: Path, take: Callable[[str], None]) -> None:
    """Give a text report's lines, without their ends (LF or CRLF), to a function.

    Bytes that are not UTF-8 stay as surrogate escapes, as in git's paths. Raises UsageError; the function's
    ValueError gets the number of its line.
    """
    check(path)
    number = 0
    with reading(path):
        try:
            for number, line in enumerate(_lines(path), 1):  # noqa: B007 - wanted where the loop breaks off
                take(line)
        except ValueError as error:
            message = f"line {number}: {error}"
            raise ValueError(message) from error


def _lines(path: Path) -> Iterator[str]:
    rest = ""
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        while chunk := file.read(_CHUNK_CHARS):
            *whole, rest = (rest + chunk).split("\n")
            yield from whole
            if len(rest) > _LONGEST_LINE_CHARS:
                message = "a line of more than a million characters follows"
                raise ValueError(message)
    if rest:
        yield rest
