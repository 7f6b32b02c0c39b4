"""Streams XML reports through expat: little memory, nothing fetched, no entities.

JaCoCo and Cobertura name an external DTD. Expat reads none by itself, and nothing here makes it. Only the
elements named ``line`` are many, so they are kept as they come and looked at later, together.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from xml.parsers import expat

from reviewbot.coverage import opening

Row = list[str]
"""Attributes as expat gives them: name, value, name, value."""
Element = Callable[[expat.XMLParserType, Mapping[str, str]], None]
"""What is done where an element begins."""

_CHUNK_BYTES: Final = 1 << 17
_COMMENT: Final = re.compile(r"<!--.*?(-->|$)", re.DOTALL)
_ROOT: Final = re.compile(r"<([A-Za-z_][\w.-]*)([^>]*)")
_MILLISECONDS: Final = 100_000_000_000
"""As seconds this is the year 5138, as milliseconds 1973."""


def root(head: bytes) -> tuple[str, str]:
    """Give the first element's name and its attributes as text, both empty where a file's head is no XML."""
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = head.decode(encoding, "replace").lstrip()
    found = _ROOT.search(_COMMENT.sub("", text)) if text.startswith("<") else None
    return (found[1], found[2]) if found else ("", "")


def feed(path: Path, keep: Callable[[Row], None], elements: Mapping[str, Element], settle: Callable[[], None]) -> None:
    """Read a report: ``line`` elements go to ``keep``, others to ``elements``.

    ``settle`` is called after every piece of the file, so that what was kept never grows. Raises UsageError;
    a ValueError of the functions is taken for the report's fault.
    """
    opening.check(path)
    parser = expat.ParserCreate()
    parser.ordered_attributes = True
    parser.EntityDeclHandler = _refuse

    def start(name: str, row: Row) -> None:
        if name == "line":
            keep(row)
        elif (element := elements.get(name)) is not None:
            element(parser, dict(zip(row[::2], row[1::2], strict=True)))

    parser.StartElementHandler = start
    with opening.reading(path), path.open("rb") as file:
        try:
            while piece := file.read(_CHUNK_BYTES):
                parser.Parse(piece)
                settle()
            parser.Parse(b"", True)
            settle()
        except expat.ExpatError as error:
            message = f"line {error.lineno}: {expat.ErrorString(error.code)}"
            raise ValueError(message) from error
        except (ValueError, LookupError) as error:  # of a look-up: an encoding that nobody knows
            message = f"up to line {parser.CurrentLineNumber}: {error}"
            raise ValueError(message) from error


def skip(parser: expat.XMLParserType, name: str) -> None:
    """Hear of nothing until the element that has just begun ends."""
    heard = parser.StartElementHandler

    def end(ended: str) -> None:
        if ended == name:
            parser.StartElementHandler = heard
            parser.EndElementHandler = None

    parser.StartElementHandler = None
    parser.EndElementHandler = end


def text(parser: expat.XMLParserType, keep: Callable[[str], None]) -> None:
    """Give the text of the element that has just begun, once it ends."""
    pieces: list[str] = []

    def end(_: str) -> None:
        parser.CharacterDataHandler = parser.EndElementHandler = None
        keep("".join(pieces).strip())

    parser.CharacterDataHandler = pieces.append
    parser.EndElementHandler = end


def values(row: Row, names: Sequence[str]) -> list[str]:
    """Pick attributes in the order of their names. Raises ValueError where one is missing."""
    given = dict(zip(row[::2], row[1::2], strict=True))
    missing = [name for name in names if name not in given]
    if missing:
        message = f"a line without {missing[0]!r}"
        raise ValueError(message)
    return [given[name] for name in names]


def value(attributes: Mapping[str, str], name: str) -> str:
    """Pick an attribute. Raises ValueError where it is missing."""
    if name not in attributes:
        message = f"an element without {name!r}"
        raise ValueError(message)
    return attributes[name]


def moment(epoch: str | None) -> datetime | None:
    """Read a time since 1970, in seconds or milliseconds, as tools write either. None for what is no time."""
    try:
        number = int(epoch or 0)
        seconds = number / 1000 if number > _MILLISECONDS else number
        return datetime.fromtimestamp(seconds, UTC) if number > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _refuse(name: str, *_: object) -> None:
    """Refuse any entity: no tool writes one into a report, and a few nested ones fill the memory."""
    message = f"it declares the entity {name[:40]!r}, which no coverage tool does"
    raise ValueError(message)
