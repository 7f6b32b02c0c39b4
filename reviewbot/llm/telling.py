"""What is known of a request while it runs, and the events that tell of it when it is over."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import AttemptEnded, RequestEnded
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.usage import TokenUsage
from reviewbot.llm.faults import Fault
from reviewbot.llm.keypool import Lease
from reviewbot.llm.targets import Target

_OK = 200


@dataclass(slots=True)
class Record:
    """A request under way; becomes a line of the ledger. Times in seconds."""

    at: datetime
    started: float
    target: Target | None = None
    lease: Lease | None = None
    attempts: int = 0
    cost_usd: Decimal | None = Decimal(0)
    ttft_s: float | None = None


def attempt_ended(  # noqa: PLR0913, PLR0917 - all that there is to tell
    prompt: Prompt,
    model: ModelOptions,
    target: Target,
    lease: Lease,
    began: datetime,
    fault: Fault | None,
    latency_s: float,
    ttft_s: float | None,
) -> AttemptEnded:
    """Tell of one upstream attempt."""
    return AttemptEnded(
        at=began,
        task=prompt.task.value,
        endpoint=target.exchange.endpoint.host,
        model=model.name,
        key_id=lease.key_id,
        fault=None if fault is None else fault.kind.value,
        status=_OK if fault is None else fault.status,
        latency_s=latency_s,
        ttft_s=ttft_s,
    )


def request_ended(  # noqa: PLR0913, PLR0917 - all that there is to tell
    prompt: Prompt,
    model: ModelOptions,
    target: Target,
    record: Record,
    outcome: str,
    answer: Completion | None,
    latency_s: float,
    tenant: str | None,
) -> RequestEnded:
    """Tell of a request with all its attempts; ``outcome`` as `RequestEnded` names it."""
    return RequestEnded(
        at=record.at,
        task=prompt.task.value,
        tenant=tenant,
        endpoint=target.exchange.endpoint.host,
        model=model.name,
        answered_by=None if answer is None else answer.model,
        key_id=None if record.lease is None else record.lease.key_id,
        parameters=_parameters(model),
        prompt_version=prompt.version,
        attempts=record.attempts,
        outcome=outcome,
        usage=TokenUsage() if answer is None else answer.usage,
        cost_usd=record.cost_usd,
        latency_s=latency_s,
        ttft_s=record.ttft_s,
    )


def _parameters(options: ModelOptions) -> tuple[tuple[str, str], ...]:
    return (
        ("temperature", str(options.temperature)),
        ("max_tokens", str(options.max_tokens)),
        ("thinking", str(options.thinking).lower()),
    )
