"""The files of one report, as they come: checked, made masks of, and united where a path comes again.

A report may be anybody's. What it says is bounded, so that a few hostile bytes cannot take the memory away.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from reviewbot.domain import coverage
from reviewbot.domain.coverage import Branches, FileCoverage

HIGHEST_LINE: Final = 10_000_000
"""No source file has more lines; a mask takes a bit for each."""
_LONGEST_PATH: Final = 4096
"""Characters; Linux takes no longer paths (PATH_MAX)."""
_MOST_LINES: Final = 500_000_000
"""Of all files together: 60 MB for a set of masks."""


class Gathered:
    """The files of a report. Whatever is wrong with one is a ValueError that says what."""

    def __init__(self) -> None:
        self._files: dict[str, FileCoverage] = {}
        self._room = _MOST_LINES
        self.has_branches = False
        """Whether any line had branches, whether or not they were kept."""

    def add(self, path: str, measured: int, covered: int, branches: Mapping[int, Branches] | None = None) -> None:
        """Add masks of a file's lines, or more of a known file's."""
        if not path or len(path) > _LONGEST_PATH or "\0" in path:
            message = f"{path[:60]!r} is no path of a file"
            raise ValueError(message)
        known = self._files.get(path)
        # What is hit is measured, also where a format's lists disagree.
        file = FileCoverage(path=path, measured=measured | covered, covered=covered, branches=branches or {})
        self._room += known.measured.bit_length() if known else 0
        self._files[path] = coverage.united(known, file) if known else file
        self._room -= self._files[path].measured.bit_length()
        if self._room < 0:
            message = f"its files have more than {_MOST_LINES:,} lines"
            raise ValueError(message)

    def files(self) -> tuple[FileCoverage, ...]:
        """Give what was gathered, in the order of first appearance."""
        return tuple(self._files.values())


def mask(lines: Iterable[int]) -> int:
    """Make a mask of line numbers. Some tools write line 0 or -1 for code without a source: left out."""
    numbers = list(lines)
    if numbers and min(numbers) < 1:
        numbers = [number for number in numbers if number > 0]
    if numbers and max(numbers) > HIGHEST_LINE:
        message = f"line {max(numbers)} is more than any source file has"
        raise ValueError(message)
    return coverage.mask(numbers)


def counted(total: int, taken: int) -> Branches:
    """Make branches of which only the counts are known."""
    if not 0 <= taken <= total:
        message = f"{taken} of {total} branches cannot be"
        raise ValueError(message)
    return Branches(total=total, taken=taken)


def named(naming: str, outcomes: Mapping[str, bool]) -> Branches:
    """Make branches of their names and whether each was taken."""
    taken = frozenset(f"{naming}:{name}" for name, hit in outcomes.items() if hit)
    return Branches(total=len(outcomes), taken=len(taken), known=taken)
