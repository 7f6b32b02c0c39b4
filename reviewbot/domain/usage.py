"""What a run used: requests, tokens, money, time."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Tokens of one answer, as the provider counted them."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Those of the prompt that the provider had in its prefix cache; part of ``prompt_tokens``."""
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Totals of a run."""

    requests: int = 0
    """Upstream attempts, retries included."""
    cache_hits: int = 0
    coalesced: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    """None where the model's price is not known: unknown is not zero."""
    wall_s: float = 0.0
