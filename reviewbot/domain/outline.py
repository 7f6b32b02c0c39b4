r"""What a source file defines and calls: enough to say what stands around a hunk, and nothing more.

Line numbers count from 1; a line ends at ``\n`` and nowhere else, as in `reviewbot.domain.patch`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A class, a function, or what a language has of the kind."""

    name: str
    start: int
    """Line where it begins, with its decorators."""
    end: int
    """Its last line."""
    header: str
    """What stands before its body, its decorators last; it may have several lines, and secrets among its defaults."""
    summary: str = ""
    """First line of its docstring; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A place where something is called by its name."""

    name: str
    line: int
    receiver: str = ""
    """The last name before the dot; empty for a bare call, ``?`` for what has no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """All of one file."""

    definitions: tuple[Definition, ...] = ()
    """In the order of their first lines, an outer one before its inner ones."""
    calls: tuple[Call, ...] = ()
    """In the order of their lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliner:
    """What reads the languages that we do not read ourselves."""

    suffixes: tuple[str, ...] = ()
    """Of their files."""
    outline: Callable[[Mapping[str, str]], Mapping[str, Outline]]
    """Texts by path → outlines by path, without those that could not be read; raises nothing."""


NO_OUTLINER = Outliner(outline=lambda _: {})
"""Reads nothing."""


def ordered(definitions: Iterable[Definition], calls: Iterable[Call]) -> Outline:
    """Put together an outline from what comes in any order."""
    return Outline(
        definitions=tuple(sorted(definitions, key=lambda item: (item.start, -item.end))),
        calls=tuple(sorted(calls, key=lambda item: item.line)),
    )
