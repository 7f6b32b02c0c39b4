"""What coverage reports say of files, and what that makes of a change.

Sets of lines are kept as bit masks, bit *n* for line *n*: a report of a million lines then takes a few
hundred kilobytes, and uniting two reports is one operation.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """The branches that leave one line."""

    total: int
    taken: int
    """How many of them were taken; 0 to ``total``."""
    known: frozenset[str] | None = None
    """Names of those taken, where the format tells them apart; None where only counts are known.

    A name is ``naming:name``, such as ``arc:12``: names of two namings are never counted together, since the same
    branch may have one in each.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCoverage:
    """One file of a report."""

    path: str
    """As the report spells it: absolute, relative, with another machine's prefix."""
    measured: int
    """Mask of the lines that could be covered: statements, by the tool's own word."""
    covered: int
    """Mask of those that ran at least once; part of ``measured``."""
    branches: Mapping[int, Branches] = field(default_factory=dict)
    """By line; only for files whose detail was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReport:
    """A report as it was read. Two entries may name the same file; they are united later."""

    format: str
    """``coverage.py``, ``cobertura``, ``lcov``, ``jacoco``, ``clover``, ``go``."""
    name: str
    """The report's file, for people."""
    files: tuple[FileCoverage, ...]
    roots: tuple[str, ...] = ()
    """Folders that relative paths start from, as the report names them."""
    has_branches: bool = False
    commit: str | None = None
    """The commit that was measured, where the report names it."""
    created: datetime | None = None
    """When it was written, UTC, where it says so."""


class CoverageStatus(StrEnum):
    """Whether the gate lets the change pass."""

    PASSED = "passed"
    FAILED = "failed"
    UNMEASURED = "unmeasured"
    """There is no report that says anything of this change: never the same as passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchFileCoverage:
    """One changed file. Lines are first lines of changed statements (for other languages: changed lines)."""

    path: str
    covered: tuple[int, ...]
    missing: tuple[int, ...]
    partial: tuple[int, ...] = ()
    """Covered with a branch not taken; listed in ``covered`` too."""
    untouched: tuple[int, ...] = ()
    """Of ``missing``: lines that were uncovered before the change already, by the base's report."""
    by_statement: bool = False
    """Whether lines stand for whole statements (Python), or for themselves."""
    is_test: bool = False
    """Whether it is a test: kept out of the product's percentage."""
    note: str | None = None
    """For people, such as ``absent from the report``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndirectLoss:
    """Lines that the change did not touch, and that are covered no longer."""

    path: str
    lines: tuple[int, ...]
    """On the new side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageGate:
    """What the gate asks for. Percentages are exact."""

    fail_under: Fraction = Fraction(80)
    """Of the changed statements."""
    project_under: Fraction | None = None
    """Of the whole project."""
    allowed_drop: Fraction | None = None
    """Percentage points that the project may lose against the base's report."""
    file_under: Fraction | None = None
    """Of the changed statements of each single file."""
    branches: bool = False
    """Whether a statement with a branch not taken counts as uncovered."""
    informational: bool = False
    """Shown, and never failed."""
    asked: bool = False
    """Whether somebody asked for the gate (an option or the configuration), rather than a report being found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchCoverage:
    """The gate's answer."""

    status: CoverageStatus
    patch_percent: Fraction | None
    """None where nothing measurable changed, or nothing was measured."""
    project_percent: Fraction | None
    base_percent: Fraction | None = None
    """The project's before the change, where the base's report is given."""
    files: tuple[PatchFileCoverage, ...] = ()
    unmeasured: tuple[tuple[str, str], ...] = ()
    """Changed files that no report speaks of and that do not count, with the reason."""
    indirect: tuple[IndirectLoss, ...] = ()
    gate: CoverageGate = field(default_factory=CoverageGate)
    reasons: tuple[str, ...] = ()
    """Why it failed, or was not measured; and why it passed where nothing was measurable."""
    notes: tuple[str, ...] = ()
    untrusted: bool = False
    """Whether the report was written by a job that ran a stranger's code."""

    @property
    def blocks(self) -> bool:
        """Whether the gate stops the change."""
        return self.gate.asked and not self.gate.informational and self.status is not CoverageStatus.PASSED

    @property
    def gaps(self) -> bool:
        """Whether a changed line of the product is uncovered."""
        return any(file.missing or file.partial for file in self.files if not file.is_test)


def mask(lines: Iterable[int]) -> int:
    """Make a mask of line numbers, which start at 1."""
    numbers = list(lines)
    if not numbers:
        return 0
    # By way of binary digits: setting bit after bit copies the whole mask for each line.
    digits = bytearray(b"0") * (max(numbers) + 1)
    for number in numbers:
        digits[number] = _SET
    digits.reverse()
    return int(digits, 2)


def lines_of(bits: int) -> Iterator[int]:
    """Yield the line numbers of a mask, in order."""
    digits = f"{bits:b}"[::-1]
    line = digits.find("1")
    while line >= 0:
        yield line
        line = digits.find("1", line + 1)


def united(one: FileCoverage, other: FileCoverage) -> FileCoverage:
    """Unite two measurements of the same file: what either of them hit is hit.

    The order and the number of times do not matter. The first one's path is kept.
    """
    branches = dict(one.branches)
    for line, found in other.branches.items():
        branches[line] = joined(branches[line], found) if line in branches else found
    return FileCoverage(
        path=one.path,
        measured=one.measured | other.measured,
        covered=one.covered | other.covered,
        branches=branches,
    )


def joined(one: Branches, other: Branches) -> Branches:
    """Join what two reports say of the branches of one line.

    Counts alone cannot tell whether "1 of 2" and "1 of 2" are the same branch: the greater count is what is certain.
    Names can. A hit that a report tells of is never lost, and none is made up.
    """
    if one.known is None or other.known is None:
        known = one.known if other.known is None else other.known
    else:
        known = one.known | other.known
    named = Counter(name.partition(":")[0] for name in known or ())
    total = max(one.total, other.total)
    taken = max(one.taken, other.taken, *named.values())
    return Branches(total=total, taken=min(total, taken), known=known)


_SET: Final = ord("1")
