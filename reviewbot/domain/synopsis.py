"""What a change is about, in a few sentences and one word."""

from dataclasses import dataclass
from enum import StrEnum


class Risk(StrEnum):
    """How much can go wrong with a change."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Synopsis:
    """What a model says of a change as a whole. It steers nothing: no verdict, no exit code."""

    text: str
    """Markdown, untrusted."""
    risk: Risk
