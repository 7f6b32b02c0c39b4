"""What the gateway tells of a request that it has answered."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reviewbot.domain.usage import TokenUsage


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
