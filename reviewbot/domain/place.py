"""Where a tool's report stands in a change: on added lines, with a quote that can be found again.

Shared by the analyzers, which may not import each other. Line numbers are those of the new side.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from reviewbot.domain import secret
from reviewbot.domain.finding import Span, Suggestion
from reviewbot.domain.patch import FilePatch, Side

T = TypeVar("T")

MOST_LINES: Final = 10
"""Longest quote and longest suggestion, in lines; beyond that nobody reads them in a comment."""
_VISIBLE: Final = 8
"""A quote of part of a line is matched from this many visible characters on."""
_LONGEST_PREFIX: Final = 160
"""Characters of a line quoted before a secret: minified code has very long lines."""


@dataclass(frozen=True, slots=True)
class Added:
    """The added lines of a file: their texts, and the run of neighbours in one hunk each belongs to."""

    texts: Mapping[int, str]
    runs: Mapping[int, int]

    def holds(self, start: int, end: int) -> bool:
        """Tell whether all lines from ``start`` to ``end`` are added, neighbours, and in one hunk."""
        return start <= end and start in self.runs and self.runs.get(end) == self.runs[start]

    def takes(self, change: Suggestion) -> bool:
        """Tell whether a suggestion can be offered: on added lines, short, and without a secret."""
        long = max(change.line - change.start_line, change.replacement.count("\n")) >= MOST_LINES
        return not long and self.holds(change.start_line, change.line) and not secret.find(change.replacement)

    def quote(self, start: int, end: int) -> tuple[Span, str]:
        """Give span and verbatim text; ``start`` has to be an added line.

        Of what is longer than `MOST_LINES`, or leaves the added lines, only the first line; and nothing
        of a secret: the quote then ends before it.
        """
        last = end if end - start < MOST_LINES and self.holds(start, end) else start
        rows = [self.texts[number] for number in range(start, last + 1)]
        for index, row in enumerate(rows):
            secrets = secret.find(row)
            if secrets and index:
                return Span(side=Side.RIGHT, start=start, end=start + index - 1), "\n".join(rows[:index])
            if secrets:
                text = before(row, secrets[0].start, secrets[0].end)
                return Span(side=Side.RIGHT, start=start, end=start), text
        return Span(side=Side.RIGHT, start=start, end=last), "\n".join(rows)


def added(file: FilePatch) -> Added:
    """Index the added lines of a file."""
    texts: dict[int, str] = {}
    runs: dict[int, int] = {}
    for hunk in file.hunks:
        previous = None
        for line in hunk.lines():
            if line.kind == "+" and line.new is not None:
                texts[line.new] = line.text.removesuffix("\r")
                runs[line.new] = runs[line.new - 1] if previous == line.new - 1 else line.new
                previous = line.new
    return Added(texts, runs)


def before(row: str, start: int, end: int, *, since: int = 0) -> str:
    """Quote a line up to a secret at ``row[start:end]`` and its `secret.hint`.

    ``since`` is where the secret before it ends: nothing of that one is quoted either. Where too little
    is left to be found again, the hint alone.
    """
    shown = secret.hint(row[start:end])
    quote = row[max(0, start - _LONGEST_PREFIX, since) : start] + shown
    visible = sum(not character.isspace() for character in quote)
    return quote if visible >= _VISIBLE or not shown else shown


def one_line(text: str, *, most: int = 200) -> str:
    """Make a title of a tool's message: one line, no control characters, no final full stop, no secret."""
    spaced = "".join(character if character.isprintable() else " " for character in text)
    clean = secret.mask(" ".join(spaced.split())).removesuffix(".")
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def first_of_each(
    items: Iterable[T], *, key: Callable[[T], Hashable], line: Callable[[T], int]
) -> Iterator[tuple[T, tuple[int, ...]]]:
    """Yield the item with the lowest line of each group, with the lines of the others.

    One comment for each rule and file: the tenth unused import says nothing that the first did not.
    """
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    for group in groups.values():
        first = min(group, key=line)
        yield first, tuple(sorted({line(item) for item in group} - {line(first)}))
