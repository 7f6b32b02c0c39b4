"""What the gateway tells of a request that it has answered."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from reviewbot.domain.usage import TokenUsage

UNCODED: Final = "invalid_request"
"""What a refusal without a code is called in logs and metrics: OpenAI's form has null there."""
_ERROR: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A request of a tenant's client is over, whatever came of it. Neither text nor token is in it."""

    at: datetime
    """When it began, UTC."""
    request_id: str
    path: str
    tenant: str | None = None
    """None where its token is nobody's."""
    task: str | None = None
    """What its sender says it is for; None where nothing was asked of a model."""
    model: str | None = None
    """As asked for; None where it was refused before that was known."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Temperature, longest answer and so on, as text."""
    status: int
    """HTTP status that it was answered with; 499 where its client left before there was one."""
    source: str | None = None
    """``hit``, ``joined`` or ``miss``: where its answer is from; None without an answer."""
    key_id: str | None = None
    """Short id of the key that it was asked for under, never the key."""
    answered_by: str | None = None
    """The model as the provider names it."""
    attempts: int = 0
    """Upstream, for this request."""
    streamed: bool = False
    error: str | None = None
    """Code of the refusal, or of what broke a stream off; None for an answer that is whole."""
    usage: TokenUsage
    """Nothing for answers that nobody paid for."""
    cost_usd: Decimal | None = None
    """None where there was no call of its own, or its price is not known."""
    latency_s: float
    ttft_s: float | None = None
    """To the first byte of the answer's content."""

    @property
    def word(self) -> str | None:
        """What became of it, as logs and metrics call it; None for an answer that is whole."""
        return self.error or (UNCODED if self.status >= _ERROR else None)
