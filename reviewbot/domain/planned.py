"""What a review would send, before anything is sent."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from reviewbot.domain.outcome import Comparison, FileReport, LineCounts, counted

CLAIMS_PER_CHUNK: Final = 3
"""Claims that an answer is reckoned with: an assumption, since nobody knows before the model is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChunk:
    """One request."""

    id: int
    paths: tuple[str, ...]
    prompt_tokens: int
    """Estimate, instructions included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What all requests together would use."""

    requests: int
    verify_requests: int
    """Of these: one for each claim, see `CLAIMS_PER_CHUNK`."""
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Decimal | None
    """At the price that holds now, with nothing cached; None where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPlan:
    """The answer of ``reviewbot plan``."""

    model: str
    comparison: Comparison
    files: tuple[FileReport, ...]
    """``reviewed`` reads as "would be reviewed"."""
    chunks: tuple[PlannedChunk, ...]
    estimate: Estimate
    exit_code: int = 0

    @property
    def lines(self) -> LineCounts:
        """Count the changed lines of all files by outcome."""
        return counted(self.files)
