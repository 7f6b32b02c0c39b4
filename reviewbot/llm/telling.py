"""What is known of requests while they run, and the events that tell of one when it is over."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import AttemptEnded, RequestEnded
from reviewbot.domain.prompt import Completion
from reviewbot.domain.usage import TokenUsage, Usage
from reviewbot.llm.breaks import Breaks
from reviewbot.llm.faults import Fault
from reviewbot.llm.keypool import Lease
from reviewbot.llm.orders import Order
from reviewbot.llm.targets import Route, Target

_OK = 200


@dataclass(slots=True)
class Attempt:
    """One attempt of a request."""

    target: Target
    lease: Lease
    model: ModelOptions
    """What this target is asked for."""
    at: datetime
    started: float


@dataclass(slots=True)
class Record:
    """A request under way; becomes a line of the ledger. Times in seconds, on ``world.monotonic``."""

    order: Order
    route: Route
    at: datetime
    started: float
    patience: float = 0.0
    """Until then all its attempts may take."""
    last: Attempt | None = None
    attempts: int = 0
    cost_usd: Decimal | None = Decimal(0)
    """As budgets have it: what broke off, or was left, at the worst that it can have cost."""
    ttft_s: float | None = None
    breaks: Breaks = field(default_factory=Breaks)

    def began(self, first_at: float | None, started: float) -> None:
        """Take note of when the first content of an attempt came, and when that was sent, on one clock."""
        if self.ttft_s is None and first_at is not None:
            self.ttft_s = first_at - started

    def owe(self, usd: Decimal | None) -> None:
        """Add the cost of an attempt; one that is not known makes the sum unknown."""
        self.cost_usd = None if usd is None or self.cost_usd is None else self.cost_usd + usd

    @property
    def key_id(self) -> str | None:
        """Under which key it was asked for last."""
        return None if self.last is None else self.last.lease.key_id


class Totals:
    """What all requests of a client used, counted in place: an attempt moves several of them."""

    def __init__(self) -> None:
        self.requests = self.retries = self.cache_hits = self.coalesced = 0
        self._prompt_tokens = self._cached_tokens = self._completion_tokens = 0
        self._cost_usd: Decimal | None = Decimal(0)

    def bill(self, used: TokenUsage, cost_usd: Decimal | None) -> None:
        """Add an answer; a cost that is not known makes the sum unknown."""
        self._prompt_tokens += used.prompt_tokens
        self._cached_tokens += used.cached_tokens
        self._completion_tokens += used.completion_tokens
        self._cost_usd = None if cost_usd is None or self._cost_usd is None else self._cost_usd + cost_usd

    def usage(self) -> Usage:
        """Give the totals so far."""
        return Usage(
            requests=self.requests,
            cache_hits=self.cache_hits,
            coalesced=self.coalesced,
            retries=self.retries,
            prompt_tokens=self._prompt_tokens,
            cached_tokens=self._cached_tokens,
            completion_tokens=self._completion_tokens,
            cost_usd=self._cost_usd,
        )


def attempt_ended(record: Record, attempt: Attempt, fault: Fault | None, ended: float) -> AttemptEnded:
    """Tell of one upstream attempt."""
    return AttemptEnded(
        at=attempt.at,
        task=record.order.task,
        endpoint=attempt.target.exchange.endpoint.host,
        model=attempt.model.name,
        key_id=attempt.lease.key_id,
        fault=None if fault is None else fault.kind.value,
        status=_OK if fault is None else fault.status,
        latency_s=ended - attempt.started,
        ttft_s=record.ttft_s if fault is None else None,
    )


def request_ended(
    record: Record, outcome: str, answer: Completion | None, ended: float, tenant: str | None
) -> RequestEnded:
    """Tell of a request with all its attempts; ``outcome`` as `RequestEnded` names it."""
    last = record.last
    target = record.route.targets[0] if last is None else last.target
    model = target.options(record.order.model)
    return RequestEnded(
        at=record.at,
        task=record.order.task,
        tenant=tenant,
        endpoint=target.exchange.endpoint.host,
        model=model.name,
        answered_by=None if answer is None else answer.model,
        key_id=None if last is None else last.lease.key_id,
        parameters=record.order.parameters,
        prompt_version=record.order.version,
        attempts=record.attempts,
        outcome=outcome,
        usage=TokenUsage() if answer is None else answer.usage,
        cost_usd=record.cost_usd,
        latency_s=ended - record.started,
        ttft_s=record.ttft_s,
    )
