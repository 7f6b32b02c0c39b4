"""Findings in the order of their weight → where each is shown: inline up to a cap, else in the summary.

Inline stands only what is sure and has a place: a static rule's finding, or a claim that a verifier accepted.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from reviewbot.domain.finding import Confidence, Finding, Placement, Severity

MANY: Final = 3
"""Places from which on the same problem is told once, with a list."""
_UNCAPPED: Final = (Severity.HIGH, Severity.CRITICAL)
_MOST_LISTED: Final = 10
_LISTED = re.compile(r"\n*The same stands at [^\n]*\.\Z")
"""The list of an earlier run, or of this report before it was saved."""

_Key = tuple[str, str, str]


def place(findings: Sequence[Finding], max_comments: int) -> tuple[Finding, ...]:
    """Give each finding its place; they come most severe first.

    ``max_comments`` caps the inline ones; 0 is no cap, also for what is of low severity, of which otherwise each file
    has one at most. High and critical ones are never capped.
    """
    groups: dict[_Key, list[Finding]] = {}
    for finding in findings:
        if _may_stand(finding) and finding.rule is None:
            groups.setdefault(_same(finding), []).append(finding)
    many = {key: group for key, group in groups.items() if len(group) >= MANY}
    desk = _Desk(max_comments)
    placed = []
    for finding in findings:
        group = many.get(_same(finding), []) if finding.rule is None else []
        body = _LISTED.sub("", finding.body)
        repeated = finding in group[1:]
        if group and finding == group[0]:
            body = f"{body}\n\n{_listed(group[1:])}".lstrip("\n")
        inline = _may_stand(finding) and not repeated and desk.takes(finding)
        placement = Placement.INLINE if inline else Placement.SUMMARY
        placed.append(replace(finding, placement=placement, body=body))
    return tuple(placed)


class _Desk:
    """How much room for inline comments is left."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._low: set[str] = set()

    def takes(self, finding: Finding) -> bool:
        """Take a comment if there is room for it."""
        low = finding.severity is Severity.LOW
        full = self._taken >= self._most or (low and finding.path in self._low)
        if self._most and full and finding.severity not in _UNCAPPED:
            return False
        self._taken += 1
        if low:
            self._low.add(finding.path)
        return True


def _may_stand(finding: Finding) -> bool:
    return finding.span is not None and finding.confidence is Confidence.HIGH


def _same(finding: Finding) -> _Key:
    return (finding.category.value, " ".join(finding.title.lower().split()), " ".join(finding.quote.split()))


def _listed(others: Sequence[Finding]) -> str:
    places = [f"`{_readable(other.path)}:{other.span.start}`" for other in others if other.span is not None]
    rest = f" and {len(places) - _MOST_LISTED} more places" if len(places) > _MOST_LISTED else ""
    return f"The same stands at {', '.join(places[:_MOST_LISTED])}{rest}."


def _readable(path: str) -> str:
    return "".join(char if char.isprintable() and char != "`" else "\ufffd" for char in path)
