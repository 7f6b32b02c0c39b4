"""What a run tells while it works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the requests are."""

    done: int
    total: int
    failed: int = 0
