"""What a run tells while it works."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reviewbot.domain.uptake import CommentTold
from reviewbot.domain.usage import TokenUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the requests are."""

    done: int
    total: int
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded:
    """One upstream attempt is over."""

    at: datetime
    """When it began, UTC."""
    task: str
    endpoint: str
    """Host and port."""
    model: str
    """As asked for."""
    key_id: str | None
    """Short id of the key, never the key: the first 8 hex digits of its SHA-256."""
    fault: str | None
    """Kind of fault, None for success."""
    status: int | None
    latency_s: float
    ttft_s: float | None
    """To the first content, where the answer was streamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEnded:
    """A request is over, with all its attempts."""

    at: datetime
    """When it began, UTC."""
    task: str
    tenant: str | None
    endpoint: str
    model: str
    """As asked for."""
    answered_by: str | None
    """The model as the provider names it."""
    key_id: str | None
    parameters: tuple[tuple[str, str], ...]
    """Temperature, longest answer and so on, as text."""
    prompt_version: str
    attempts: int
    outcome: str
    """``ok``, ``cached``, ``coalesced``, ``budget``, ``left`` by who asked, or the kind of the last fault."""
    usage: TokenUsage
    cost_usd: Decimal | None
    latency_s: float
    ttft_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChanged:
    """A key's state changed: it rests, returns, is retired, goes offline, or its failures pass the alert line."""

    key_id: str
    account: str
    state: str
    """``active``, ``canary``, ``slowed``, ``resting``, ``offline``, ``retired`` or ``alert``."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerChanged:
    """A circuit breaker opened, half-opened or closed."""

    endpoint: str
    model: str
    state: str
    """``closed``, ``open`` or ``half-open``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetWarned:
    """A budget passed its warning line."""

    period: str
    """``run``, ``day`` or ``month``."""
    spent_usd: Decimal
    limit_usd: Decimal
    scope: str = "all"
    """Whose budget: a tenant's name, or ``all``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetMoved:
    """Money was set aside from a budget, or settled: how it stands now."""

    period: str
    """``run``, ``day`` or ``month``."""
    spent_usd: Decimal
    """Settled, or set aside by a process that died."""
    held_usd: Decimal
    """Set aside for requests in flight."""
    limit_usd: Decimal | None
    """None where there is no limit."""
    scope: str = "all"
    """Whose budget: a tenant's name, or ``all``."""


Event = AttemptEnded | RequestEnded | KeyChanged | BreakerChanged | BudgetWarned | BudgetMoved | CommentTold
