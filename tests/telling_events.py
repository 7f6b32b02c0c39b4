"""Events as a client tells them, for tests of those who listen."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from reviewbot.domain.events import AttemptEnded, BreakerChanged, BudgetWarned, KeyChanged, RequestEnded
from reviewbot.domain.uptake import CommentTold, Uptake
from reviewbot.domain.usage import TokenUsage

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REQUEST = RequestEnded(
    at=NOW,
    task="review",
    tenant=None,
    endpoint="api.example:443",
    model="deepseek-flash",
    answered_by="deepseek-flash-1017",
    key_id="3f2a9c01",
    parameters=(("temperature", "0.2"), ("max_tokens", "8000")),
    prompt_version="review.system 1",
    attempts=1,
    outcome="ok",
    usage=TokenUsage(prompt_tokens=1_000, cached_tokens=400, completion_tokens=200),
    cost_usd=Decimal("0.000211"),
    latency_s=2.0,
    ttft_s=0.5,
)
ATTEMPT = AttemptEnded(
    at=NOW,
    task="review",
    endpoint="api.example:443",
    model="deepseek-flash",
    key_id="3f2a9c01",
    fault=None,
    status=200,
    latency_s=2.0,
    ttft_s=0.5,
)
KEY = KeyChanged(key_id="3f2a9c01", account="main", state="retired", reason="401: no such key")
BREAKER = BreakerChanged(endpoint="api.example:443", model="deepseek-flash", state="open")
BUDGET = BudgetWarned(period="day", spent_usd=Decimal("4.10"), limit_usd=Decimal(5))
COMMENT = CommentTold(
    forge="gitlab",
    project="42",
    number=7,
    fingerprint="0123456789abcdef" * 2,
    severity="high",
    category="bug",
    source="ruff",
    rule="F821",
    uptake=Uptake.CHANGED,
)


def comment(**changes: Any) -> CommentTold:  # noqa: ANN401 - any field's value
    return replace(COMMENT, **changes)


def request(**changes: Any) -> RequestEnded:  # noqa: ANN401 - any field's value
    return replace(REQUEST, **changes)
