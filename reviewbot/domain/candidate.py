"""Tests that a model wrote, from the gap that they are for to what became of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Point:
    """What a test is asked to reach: a line, or the branch of a line that no test takes."""

    path: str
    line: int
    """The first line of a statement, on the new side."""
    branch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Changed lines of one definition that no test runs, and what a test of them must know."""

    path: str
    name: str
    """The enclosing definition, such as ``Cart.total``; empty for lines outside of all."""
    start: int
    """Number of the first line of ``code``."""
    code: tuple[str, ...]
    """The definition's lines; those around the gap where it belongs to none."""
    missing: tuple[int, ...]
    partial: tuple[int, ...] = ()
    """Lines that run, with a branch that is never taken."""
    imports: tuple[str, ...] = ()
    """The module's imports."""
    header: str = ""
    """The head of the class that a method stands in."""
    testable: bool = True
    """Whether its language is one that tests are written for: Python."""

    @property
    def points(self) -> frozenset[Point]:
        """All that a test of it is asked to reach."""
        lines = (Point(path=self.path, line=line) for line in self.missing)
        return frozenset((*lines, *(Point(path=self.path, line=line, branch=True) for line in self.partial)))


class Filter(StrEnum):
    """What a candidate has to pass, in this order."""

    STATIC = "static"
    """It parses, asserts something, and does nothing that a test has no need of."""
    COLLECTED = "collected"
    PASSES = "passes"
    """Alone, in time, leaving nothing behind."""
    COVERS = "covers"
    """At least one of the lines or branches that were asked for, which no test reached before."""
    REPEATS = "repeats"
    """In fresh processes with other hash seeds and orders."""
    MUTANTS = "mutants"
    """It fails when its target returns None, and when a changed line is altered."""
    SUITE = "suite"
    """The whole suite passes with it, whether it runs first or last."""
    MINIMISED = "minimised"
    """It covers something that no other does."""


class CandidateStatus(StrEnum):
    """What became of a candidate."""

    PROVEN = "proven"
    REJECTED = "rejected"
    SUSPECTED = "suspected-bug"
    """It fails by its own assertion, and the code may be what is wrong: shown to people, never committed."""


class Kind(StrEnum):
    """What a proven test says of the change, by how it fares on the base."""

    SPECIFIC = "specific"
    """It fails there: it holds what the change brought."""
    CHARACTERISATION = "characterisation"
    """It passes there: it holds what was so before."""
    UNKNOWN = "unknown"
    """There is no base to run it on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A test file that a model proposes; nobody has read it."""

    path: str
    """A new file in a folder of tests: checked."""
    code: str
    why: str = ""
    gap: str = ""
    """For people: what it was asked for."""
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A candidate, and what became of it."""

    candidate: Candidate
    status: CandidateStatus
    filter: Filter | None = None
    """The one that stopped it; None for a proven one."""
    reason: str | None = None
    """For people; of a suspected bug what fails, and why the code is suspected."""
    covers: tuple[Point, ...] = ()
    """What it newly reaches, of all that was asked for."""
    kind: Kind = Kind.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedFile:
    """A new test file as it would be committed: proven tests, merged and formatted."""

    path: str
    code: str
    covers: tuple[Point, ...]
    made_of: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """A gap, or what is left of it, and why no test was proven for it."""

    gap: Gap
    points: tuple[Point, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What came of it all."""

    tests: tuple[Judged, ...] = ()
    """Every candidate, those that were rejected included."""
    files: tuple[SuggestedFile, ...] = ()
    covered: tuple[Point, ...] = ()
    """What the suite reaches with the new files, of all that was asked for: for computing the gate anew."""
    unreached: tuple[Unreached, ...] = ()
    notes: tuple[str, ...] = ()
    processes: int = 0
    """How many were run in the sandbox."""
    processes_s: float = 0.0
    """Their wall time, summed up."""
    redacted: int = 0
    """Secrets that were taken out of what the model was sent."""
    budget_ended: str | None = None
    """Why, if money was the reason that a request was not sent."""
    failed: str | None = None
    """Why a request failed for good."""
    bug: str | None = None
    """What went wrong, if it was our own fault."""
    interrupted: bool = False


def by_path(points: Iterable[Point]) -> dict[str, tuple[int, ...]]:
    """Group lines by their file; a branch counts as its line."""
    lines: dict[str, set[int]] = {}
    for point in points:
        lines.setdefault(point.path, set()).add(point.line)
    return {path: tuple(sorted(found)) for path, found in sorted(lines.items())}
