"""What the gateway's log says besides requests: what people should know, and nothing else."""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from reviewbot.domain.events import BreakerChanged, BudgetWarned, Event, KeyChanged
from reviewbot.gateway.journal import Journal

AT = datetime(2026, 11, 1, tzinfo=UTC)
KEY = "sk-" + "0123456789abcdef" * 2


def said(event: Event) -> list[tuple[str, str]]:
    stream = io.StringIO()
    Journal(stream).happened(AT, event)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [(line["level"], line["message"]) for line in lines]


def key(state: str, reason: str = "401 no such key") -> KeyChanged:
    return KeyChanged(key_id="3f2a9c01", account="shop", state=state, reason=reason)


def breaker(state: str) -> BreakerChanged:
    return BreakerChanged(endpoint="api.example", model="m", state=state)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (key("retired"), ("warning", "key 3f2a9c01 is retired: 401 no such key")),
        (key("offline"), ("warning", "key 3f2a9c01 is offline: 401 no such key")),
        (key("alert"), ("warning", "key 3f2a9c01 fails often: 401 no such key")),
        (breaker("open"), ("warning", "api.example (m) fails too often and is left alone for a while")),
        (breaker("closed"), ("info", "api.example (m) answers again")),
        (BreakerChanged(endpoint="api.example", model="", state="closed"), ("info", "api.example answers again")),
        (
            BudgetWarned(period="day", spent_usd=Decimal(8), limit_usd=Decimal(10), scope="shop"),
            ("warning", "tenant shop's budget of the day is nearly used up: $8.0000 of $10"),
        ),
        (
            BudgetWarned(period="month", spent_usd=Decimal(8), limit_usd=Decimal(10)),
            ("warning", "the gateway's own budget of the month is nearly used up: $8.0000 of $10"),
        ),
    ],
)
def test_what_people_should_know_is_a_line(event: Event, expected: tuple[str, str]) -> None:
    assert [expected] == said(event)


@pytest.mark.parametrize("event", [key("active"), key("canary"), key("slowed"), key("resting"), breaker("half-open")])
def test_what_passes_by_itself_is_none(event: Event) -> None:
    assert [] == said(event)


def test_a_key_that_the_provider_echoes_does_not_show() -> None:
    ((_, message),) = said(key("retired", f"no such key {KEY}"))
    assert KEY not in message
