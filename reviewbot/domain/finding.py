"""What a reviewer found: a claim, the code that it speaks of, and where that code stands."""

from dataclasses import dataclass
from enum import StrEnum

from reviewbot.domain.patch import Side


class Severity(StrEnum):
    """How bad it is if the claim is true, from the least to the worst."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low up to 3 for critical."""
        return list(Severity).index(self)


class Confidence(StrEnum):
    """How sure the claim is; never a model's own word for it."""

    LOW = "low"
    MEDIUM = "medium"
    """A model's claim that nothing has verified."""
    HIGH = "high"
    """A static rule, or a claim that a verifier confirmed."""


class Category(StrEnum):
    """What kind of problem it is. Style is not among them: that belongs to formatters."""

    BUG = "bug"
    SECURITY = "security"
    PERFORMANCE = "performance"
    TEST = "test"
    MAINTAINABILITY = "maintainability"


class Placement(StrEnum):
    """Where a finding is shown."""

    INLINE = "inline"
    """At its line: the quoted code stands exactly there."""
    FILE = "file"
    """At its file as a whole."""
    SUMMARY = "summary"
    """In the summary: adrift, or beyond the cap on comments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Lines from ``start`` to ``end``, both included, on one side."""

    side: Side
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """New text for whole lines of the new side, ``start_line`` to ``line``, both included."""

    start_line: int
    line: int
    replacement: str
    """Without a final newline; the empty string deletes the lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem. Without a ``span`` it is adrift: kept, counted, told in the summary."""

    path: str
    severity: Severity
    confidence: Confidence
    category: Category
    title: str
    """One line, plain text."""
    body: str
    """Markdown; may be empty."""
    quote: str
    """The code that it speaks of, verbatim; for a secret only what stands before it."""
    source: str
    """Which analyzer or engine said it: ``ruff``, ``secrets``, ``llm``…"""
    rule: str | None = None
    side: Side = Side.RIGHT
    hint: int | None = None
    """The line number that a model named. Only a hint: the quote decides."""
    span: Span | None = None
    suggestion: Suggestion | None = None
    also_at: tuple[int, ...] = ()
    """Further start lines in the same file with the same problem, on the same side."""
    fingerprint: str = ""
    """Hex; the same after line shifts. Empty until merged."""
    placement: Placement = Placement.SUMMARY
    """Decided last, when all findings are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A finding that is not shown, and why."""

    path: str
    title: str
    reason: str
