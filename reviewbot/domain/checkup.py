"""What ``doctor`` finds: one line for each thing that a review needs."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How it is."""

    GOOD = "ok"
    DOUBTFUL = "warning"
    """A review works, with less than there could be."""
    BAD = "failed"
    ABSENT = "not used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    health: Health
    finding: str
    """What was seen; holds no secret."""
    advice: str = ""
    """What to do about it."""
    exit_code: int = 0
    """What the program exits with if this is bad."""
