"""What tenants used, and how their budgets stand."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from telling_events import request

from reviewbot.domain.events import BudgetMoved
from reviewbot.domain.served import Served
from reviewbot.domain.usage import TokenUsage
from reviewbot.gateway.tally import Tally, Used

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SERVED = Served(
    at=NOON, request_id="r", path="/v1/chat/completions", tenant="shop", status=200, usage=TokenUsage(), latency_s=1.0
)


def moved(period: str, spent: int, scope: str = "shop") -> BudgetMoved:
    return BudgetMoved(period=period, spent_usd=Decimal(spent), held_usd=Decimal(0), limit_usd=Decimal(9), scope=scope)


def test_the_cache_rate_is_of_the_answers_and_not_of_refusals() -> None:
    tally = Tally()
    for source in ("hit", "joined", "miss", "miss"):
        tally.served(replace(SERVED, source=source))
    tally.served(replace(SERVED, status=429))
    assert (5, 1, 0.5) == (tally.used("shop").requests, tally.used("shop").refused, tally.used("shop").cache_rate)


def test_before_any_answer_there_is_no_cache_rate() -> None:
    assert Used().cache_rate is None
    assert Used(requests=2, refused=2).cache_rate is None


def test_what_is_nobodys_is_counted_for_nobody() -> None:
    tally = Tally()
    tally.served(replace(SERVED, tenant=None))
    tally.ended(request(tenant=None))
    assert Used() == tally.used("shop")


def test_a_call_whose_price_is_not_known_is_counted_apart() -> None:
    tally = Tally()
    tally.ended(request(tenant="shop", cost_usd=Decimal("0.25")))
    tally.ended(request(tenant="shop", cost_usd=None))
    tally.ended(request(tenant="shop", cost_usd=None, outcome="timeout"))
    used = tally.used("shop")
    assert (Decimal("0.25"), 1, 3_000) == (used.cost_usd, used.unpriced, used.prompt_tokens)


def test_looking_at_a_tenant_that_never_asked_makes_none() -> None:
    tally = Tally()
    assert tally.used("shop") == tally.used("shop") == Used()
    tally.used("shop").requests = 7
    assert 0 == tally.used("shop").requests


def test_a_budget_is_as_it_last_moved_and_its_tenants_own() -> None:
    tally = Tally()
    for event in (moved("day", 1), moved("day", 2), moved("day", 7, "other")):
        tally.moved(event, NOON)
    assert [moved("day", 2)] == list(tally.budgets("shop", NOON))


def test_yesterdays_budget_says_nothing_of_today() -> None:
    tally = Tally()
    for period in ("run", "day", "month"):
        tally.moved(moved(period, 1), NOON.replace(day=29))
    assert ["month", "run"] == [event.period for event in tally.budgets("shop", NOON)]
    assert ["run"] == [event.period for event in tally.budgets("shop", NOON.replace(month=12, day=1))]
