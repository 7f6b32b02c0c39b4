"""Prices are data with dates and peak hours."""

from datetime import UTC, datetime
from decimal import Decimal

from reviewbot.domain.usage import TokenUsage
from reviewbot.llm import prices

SATURDAY = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
MONDAY_NIGHT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_an_unknown_model_has_no_price() -> None:
    assert prices.at("nobody-knows", SATURDAY) is None


def test_a_price_does_not_hold_before_its_date() -> None:
    assert prices.at("deepseek-flash", datetime(2020, 1, 1, tzinfo=UTC)) is None


def test_peak_hours_cost_twice_as_much_on_working_days() -> None:
    quiet, peak = prices.at("deepseek-flash", MONDAY_NOON), prices.at("deepseek-flash", MONDAY_NIGHT)
    assert quiet is not None
    assert peak is not None
    assert peak.prompt == 2 * quiet.prompt
    assert prices.at("deepseek-flash", SATURDAY) == quiet


def test_cached_tokens_have_a_price_of_their_own() -> None:
    price = prices.at("deepseek-flash", MONDAY_NOON)
    assert price is not None
    used = TokenUsage(prompt_tokens=1_000_000, cached_tokens=400_000, completion_tokens=100_000)
    assert price.cost(used) == Decimal("0.09") + Decimal("0.0012") + Decimal("0.06")
    assert price.worst(1_000_000, 100_000) == Decimal("0.21")
