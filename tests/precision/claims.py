"""Claims as a test means them."""

from dataclasses import replace

from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Span
from reviewbot.domain.patch import Side

_PLAIN = Finding(
    path="a.py",
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    category=Category.BUG,
    title="It is wrong",
    body="",
    quote="x = 1",
    source="llm",
)


def claim(lines: int | tuple[int, int] | None = 1, *, side: Side = Side.RIGHT, **fields: object) -> Finding:
    """Make a model's claim; without lines it is adrift."""
    first, last = (lines, lines) if isinstance(lines, int) else lines or (0, 0)
    span = Span(side=side, start=first, end=last) if lines is not None else None
    return replace(_PLAIN, span=span, side=side, **fields)  # type: ignore[arg-type]


def fact(lines: int | tuple[int, int] = 1, **fields: object) -> Finding:
    """Make a static rule's finding."""
    known = {"source": "ruff", "rule": "F401", "title": "`os` imported but unused", "confidence": Confidence.HIGH}
    return replace(claim(lines), **{**known, **fields})  # type: ignore[arg-type]
