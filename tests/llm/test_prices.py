"""Prices are data with dates, peak hours and a currency."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from reviewbot.domain.usage import TokenUsage
from reviewbot.errors import UsageError
from reviewbot.llm.prices import Price, Prices

SATURDAY = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
MONDAY_NIGHT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OURS = Prices.load()
OWN: Mapping[str, object] = {"model": "own", "prompt": 1, "cached": 0.5, "completion": "4"}


def dollars(prompt: str, cached: str, completion: str) -> Price:
    return Price(prompt=Decimal(prompt), cached=Decimal(cached), completion=Decimal(completion))


def test_an_unknown_model_has_no_price() -> None:
    assert OURS.at("nobody-knows", SATURDAY) is None
    assert Prices.load().dearest("nobody-knows", SATURDAY, 600) is None


def test_a_price_does_not_hold_before_its_date() -> None:
    assert OURS.at("deepseek-flash", datetime(2020, 1, 1, tzinfo=UTC)) is None


def test_peak_hours_cost_twice_as_much_on_working_days() -> None:
    quiet, peak = OURS.at("deepseek-flash", MONDAY_NOON), OURS.at("deepseek-flash", MONDAY_NIGHT)
    assert quiet is not None
    assert peak is not None
    assert peak == quiet.times(Decimal(2))
    assert OURS.at("deepseek-flash", SATURDAY) == quiet


def test_peak_hours_are_utc_whatever_the_clock_shows() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert OURS.at("deepseek-flash", MONDAY_NIGHT) == OURS.at("deepseek-flash", MONDAY_NIGHT.astimezone(shanghai))


def test_cached_tokens_have_a_price_of_their_own() -> None:
    price = OURS.at("deepseek-flash", MONDAY_NOON)
    assert price is not None
    used = TokenUsage(prompt_tokens=1_000_000, cached_tokens=400_000, completion_tokens=100_000)
    assert Decimal("0.09") + Decimal("0.0012") + Decimal("0.06") == price.cost(used)
    assert Decimal("0.21") == price.worst(1_000_000, 100_000)


def test_a_provider_that_reports_more_cached_tokens_than_tokens_gives_no_discount_for_it() -> None:
    price = dollars("1", "0.5", "4")
    assert Decimal("0.5") == price.cost(TokenUsage(prompt_tokens=900_000, cached_tokens=1_000_000))


def test_a_cached_price_above_the_plain_one_is_the_worst_case() -> None:
    assert Decimal(3) == dollars("1", "3", "4").worst(1_000_000, 0)


@pytest.mark.parametrize(
    ("start", "within_s", "factor"),
    [
        (datetime(2026, 11, 23, 0, 55, tzinfo=UTC), 600, 2),  # the window opens while it runs
        (datetime(2026, 11, 23, 0, 50, tzinfo=UTC), 599, 1),  # a second before it opens
        (datetime(2026, 11, 23, 0, 50, tzinfo=UTC), 600, 2),  # at the very second
        (datetime(2026, 11, 23, 3, 55, tzinfo=UTC), 600, 2),  # it began in the window
        (datetime(2026, 11, 22, 0, 55, tzinfo=UTC), 600, 1),  # a Sunday
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), 3 * 3600, 2),  # from Sunday into Monday's window
        (datetime(2026, 11, 20, 9, 59, tzinfo=UTC), 7200, 2),
        (datetime(2026, 11, 20, 10, 0, tzinfo=UTC), 7200, 1),
    ],
)
def test_the_worst_case_is_priced_at_the_dearest_price_that_can_hold_while_a_request_runs(
    start: datetime, within_s: float, factor: int
) -> None:
    quiet = OURS.at("deepseek-flash", SATURDAY)
    assert quiet is not None
    assert quiet.times(Decimal(factor)) == Prices.load().dearest("deepseek-flash", start, within_s)


def test_a_new_row_that_begins_while_a_request_runs_counts_for_its_worst_case() -> None:
    turn = datetime(2026, 12, 1, 16, 30, tzinfo=UTC)
    book = Prices.load([OWN, {**OWN, "valid_from": turn, "prompt": 3, "cached": "0.1"}])
    assert dollars("3", "0.5", "4") == book.dearest("own", turn - timedelta(minutes=5), 600)
    assert dollars("1", "0.5", "4") == book.dearest("own", turn - timedelta(minutes=5), 299)


def test_an_operators_row_holds_over_ours_from_its_date_on() -> None:
    start = date(2026, 11, 23)
    book = Prices.load([{**OWN, "model": "deepseek-flash", "valid_from": start}])
    assert dollars("1", "0.5", "4") == book.at("deepseek-flash", MONDAY_NIGHT)
    assert OURS.at("deepseek-flash", SATURDAY) == book.at("deepseek-flash", SATURDAY)
    assert OURS.at("deepseek-v4-pro", MONDAY_NIGHT) == book.at("deepseek-v4-pro", MONDAY_NIGHT)


def test_the_latest_row_that_is_valid_holds() -> None:
    book = Prices.load([{**OWN, "valid_from": datetime(2027, 1, 1)}, {**OWN, "prompt": 2}])  # noqa: DTZ001 - as TOML has it
    assert dollars("2", "0.5", "4") == book.at("own", MONDAY_NOON)
    assert dollars("1", "0.5", "4") == book.at("own", datetime(2027, 1, 1, tzinfo=UTC))


def test_a_price_tells_the_row_it_is_from() -> None:
    ours, own = OURS.at("deepseek-flash", MONDAY_NIGHT), Prices.load([OWN]).at("own", MONDAY_NIGHT)
    assert ours is not None
    assert own is not None
    assert (ours.row, own.row) == ("deepseek-flash@2026-07-24", "own")


def test_yuan_are_converted_by_the_tables_rate_or_the_rows_own() -> None:
    by_table = Prices.load([{**OWN, "currency": "CNY"}]).at("own", MONDAY_NOON)
    by_row = Prices.load([{**OWN, "currency": "CNY", "usd_per_unit": "0.14"}]).at("own", MONDAY_NOON)
    assert dollars("0.15", "0.075", "0.60") == by_table
    assert dollars("0.14", "0.07", "0.56") == by_row


def test_without_a_cached_price_cached_tokens_cost_what_others_do() -> None:
    row = {"model": "own", "prompt": "2", "completion": "4"}
    assert dollars("2", "2", "4") == Prices.load([row]).at("own", MONDAY_NOON)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": ""}, "'model' is ''"),
        ({"prompt": "cheap"}, "'prompt' is 'cheap'"),
        ({"prompt": -1}, "'prompt' is -1"),
        ({"completion": "NaN"}, "'completion' is 'NaN'"),
        ({"completion": None}, "'completion' is None"),
        ({"currency": "XYZ"}, "'currency' is 'XYZ'"),
        ({"currency": 3}, "'currency' is 3"),
        ({"valid_from": "soon"}, "'valid_from' is 'soon'"),
        ({"peak_hours": "night"}, "'peak_hours' is 'night'"),
        ({"peak_hours": [[4, 1]]}, "'peak_hours' is \\[4, 1\\]"),
        ({"peak_factor": "twice"}, "'peak_factor' is 'twice'"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_what_is_wrong(change: Mapping[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Prices.load([{**OWN, **change}])


def test_a_row_with_other_names_is_told_which_keys_it_lacks_and_which_are_none() -> None:
    said = (
        "the price row of 'own' cannot be used: it has no prompt, completion and it knows no 'input', 'output'. A row"
    )
    with pytest.raises(UsageError, match=said):
        Prices.load([{"model": "own", "input": 1, "output": 2}])


def test_a_mistyped_key_beside_all_that_are_needed_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be used: it knows no 'peek_hours'"):
        Prices.load([{**OWN, "peek_hours": [[1, 4]]}])
