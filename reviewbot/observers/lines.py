"""The ledger's lines: events to JSON and back.

The contract with whoever reads a ledger: one object a line, ``kind`` first (``request``, ``key``, ``breaker``,
``budget`` or ``comment``), times in UTC, money as decimal strings in USD, durations in seconds, null where nothing is
known. Keys are only added, never renamed, and readers ignore those that they do not know.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite

from reviewbot.domain.events import (
    AttemptEnded,
    BreakerChanged,
    BudgetMoved,
    BudgetWarned,
    Event,
    KeyChanged,
    RequestEnded,
)
from reviewbot.domain.secret import mask
from reviewbot.domain.uptake import CommentTold, Uptake
from reviewbot.domain.usage import TokenUsage

Logged = RequestEnded | KeyChanged | BreakerChanged | BudgetWarned | CommentTold
"""What a ledger holds. Attempts are counted in their request, and so is what moves a budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of a ledger."""

    at: datetime
    """UTC: when a request began, or when anything else was told."""
    event: Logged


COMMENT = b'{"kind":"comment",'
"""What a line that tells of a comment begins with: the others of a long ledger need not be read for it."""


class ForeignLineError(ValueError):
    """A line that no ledger of ours has."""


def encode(event: Event, now: datetime) -> bytes | None:
    """Spell an event as a line, or None where it is none for the ledger."""
    fields = _fields(event, now)
    if fields is None:
        return None
    # ASCII only: no character of a model's name can end the line, or fail to be encoded.
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def decode(line: bytes) -> Entry:
    """Read a line. Raises ForeignLineError where it is none of a ledger's."""
    try:
        said = json.loads(line)
        if not isinstance(said, dict):
            message = "no object"
            raise ForeignLineError(message)
        at = datetime.fromisoformat(_text(said, "at")).astimezone(UTC)
        return Entry(at=at, event=_event(said, at))
    except (KeyError, ValueError, TypeError, RecursionError, OverflowError, InvalidOperation) as error:
        raise ForeignLineError(str(error)) from error


def _fields(event: Event, now: datetime) -> dict[str, object] | None:
    told = _time(now)
    match event:
        case RequestEnded():
            return _request(event)
        case KeyChanged():
            # A reason holds the provider's words, and some providers echo the key that they refuse.
            place = {"key_id": event.key_id, "account": event.account}
            return {"kind": "key", "at": told, **place, "state": event.state, "reason": mask(event.reason)}
        case BreakerChanged():
            place = {"endpoint": event.endpoint, "model": event.model}
            return {"kind": "breaker", "at": told, **place, "state": event.state}
        case BudgetWarned():
            money = {"spent_usd": format(event.spent_usd, "f"), "limit_usd": format(event.limit_usd, "f")}
            return {"kind": "budget", "at": told, "period": event.period, **money}
        case CommentTold():
            return {"kind": "comment", "at": told, **_comment(event)}
        case AttemptEnded() | BudgetMoved():
            return None


def _request(event: RequestEnded) -> dict[str, object]:
    return {
        "kind": "request",
        "at": _time(event.at),
        "task": event.task,
        "tenant": event.tenant,
        "endpoint": event.endpoint,
        "model": event.model,
        "answered_by": event.answered_by,
        "key_id": event.key_id,
        "parameters": dict(event.parameters),
        "prompt_version": event.prompt_version,
        "attempts": event.attempts,
        "outcome": event.outcome,
        "prompt_tokens": event.usage.prompt_tokens,
        "cached_tokens": event.usage.cached_tokens,
        "completion_tokens": event.usage.completion_tokens,
        "cost_usd": None if event.cost_usd is None else format(event.cost_usd, "f"),
        "latency_s": round(event.latency_s, 6),
        "ttft_s": None if event.ttft_s is None else round(event.ttft_s, 6),
    }


def _comment(event: CommentTold) -> dict[str, object]:
    return {
        "forge": event.forge,
        "project": event.project,
        "number": event.number,
        "fingerprint": event.fingerprint,
        "severity": event.severity,
        "category": event.category,
        "source": event.source,
        "rule": event.rule,
        "outcome": event.uptake.value,
    }


def _read_comment(said: Mapping[str, object]) -> CommentTold:
    texts = {name: _text(said, name) for name in ("forge", "project", "fingerprint", "severity", "category", "source")}
    rule, uptake = _text_or_none(said, "rule"), Uptake(_text(said, "outcome"))
    return CommentTold(**texts, number=_count(said, "number"), rule=rule, uptake=uptake)


def _event(said: Mapping[str, object], at: datetime) -> Logged:
    kind = said["kind"]
    if kind == "request":
        return _read_request(said, at)
    if kind == "key":
        texts = {name: _text(said, name) for name in ("key_id", "account", "state", "reason")}
        return KeyChanged(**texts)
    if kind == "breaker":
        return BreakerChanged(endpoint=_text(said, "endpoint"), model=_text(said, "model"), state=_text(said, "state"))
    if kind == "budget":
        spent, limit = _money(said["spent_usd"]), _money(said["limit_usd"])
        return BudgetWarned(period=_text(said, "period"), spent_usd=spent, limit_usd=limit)
    if kind == "comment":
        return _read_comment(said)
    message = "an unknown kind"
    raise ForeignLineError(message)


def _read_request(said: Mapping[str, object], at: datetime) -> RequestEnded:
    parameters = said["parameters"]
    if not isinstance(parameters, dict):
        message = "parameters are no object"
        raise ForeignLineError(message)
    return RequestEnded(
        at=at,
        task=_text(said, "task"),
        tenant=_text_or_none(said, "tenant"),
        endpoint=_text(said, "endpoint"),
        model=_text(said, "model"),
        answered_by=_text_or_none(said, "answered_by"),
        key_id=_text_or_none(said, "key_id"),
        parameters=tuple((name, str(value)) for name, value in parameters.items()),
        prompt_version=_text(said, "prompt_version"),
        attempts=_count(said, "attempts"),
        outcome=_text(said, "outcome"),
        usage=TokenUsage(
            prompt_tokens=_count(said, "prompt_tokens"),
            cached_tokens=_count(said, "cached_tokens"),
            completion_tokens=_count(said, "completion_tokens"),
        ),
        cost_usd=None if said["cost_usd"] is None else _money(said["cost_usd"]),
        latency_s=_seconds(said["latency_s"]),
        ttft_s=None if said["ttft_s"] is None else _seconds(said["ttft_s"]),
    )


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(said: Mapping[str, object], name: str) -> str:
    value = said[name]
    if not isinstance(value, str):
        message = f"{name} is no text"
        raise ForeignLineError(message)
    return value


def _text_or_none(said: Mapping[str, object], name: str) -> str | None:
    return None if said[name] is None else _text(said, name)


def _count(said: Mapping[str, object], name: str) -> int:
    value = said[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        message = f"{name} is no count"
        raise ForeignLineError(message)
    return value


def _money(value: object) -> Decimal:
    amount = Decimal(value) if isinstance(value, str) else Decimal("NaN")
    if not amount.is_finite():
        message = "no amount of money"
        raise ForeignLineError(message)
    return amount


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value) or value < 0:
        message = "no duration"
        raise ForeignLineError(message)
    return float(value)
