"""How bad a ruff rule is, and of which kind: ruff itself only knows errors.

Ranks follow what the rules turned out to be on real changes: what breaks when it runs is high, what is
likely a mistake is medium, what could be written better is low.
"""

import re
from typing import Final

from reviewbot.domain.finding import Category, Severity

SYNTAX: Final = "invalid-syntax"
UNREADABLE: Final = "E902"
"""The text is not UTF-8, or could not be opened: a failure of the reading, not a finding."""

_SEVERITIES: Final = (
    (Severity.HIGH, r"invalid-syntax|E9\d\d|F82[13]|F7\d\d|PLE\d+|S(102|301|302|307|501|506|60[25])"),
    (Severity.LOW, r"S10[567]|F401|F541|F841|B007|B009|B010|B905|(UP|SIM|LOG|G|PERF|PT|C4)\d+"),
    (Severity.MEDIUM, r"(S|B|F|ASYNC|BLE|DTZ|FAST|PLW|T10)\d+|RUF006|TRY203"),
)
_CATEGORIES: Final = (
    (Category.SECURITY, r"S\d+"),
    (Category.PERFORMANCE, r"PERF\d+"),
    (Category.TEST, r"PT\d+"),
    (Category.MAINTAINABILITY, r"F401|F541|F841|B007|B009|B010|B905"),
    (Category.BUG, r"invalid-syntax|E9\d\d|(F|B|PLE|PLW|ASYNC|BLE|DTZ|FAST|T10)\d+|RUF006"),
)
UNSURE: Final = frozenset({"INP001", "EXE001", "EXE002", "I001"})
"""Rules that look at files beside the one they speak of, or at its mode: a temporary folder with the
changed files alone would make them wrong."""


def severity(code: str) -> Severity:
    """Rank a rule; what the tables do not name is style, which only the repository's own rules ask for."""
    return next((rank for rank, codes in _SEVERITIES if re.fullmatch(codes, code)), Severity.LOW)


def category(code: str) -> Category:
    """Sort a rule."""
    kinds = (kind for kind, codes in _CATEGORIES if re.fullmatch(codes, code))
    return next(kinds, Category.MAINTAINABILITY)
