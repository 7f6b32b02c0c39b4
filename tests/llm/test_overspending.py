"""What is said where a budget is too small: to a job, to a tenant, and to who shares the gateway's budget."""

import pytest

from reviewbot.domain.claim import Cap, Fit, Ruling, Standing
from reviewbot.llm.overspending import GATEWAY, JOB, Remedies, exceeded, of_tenant

LIMIT = 50_000
OR_LESS = " (UTC), or ask with a smaller max_tokens"


def said(remedies: Remedies, *, spent: int, micros: int, period: str = "day") -> str:
    """Give what helps, for a budget of $0.05."""
    standing = Standing(cap=Cap(period=period, account="a", limit=LIMIT), spent=spent, held=0)
    return str(exceeded(Ruling(fit=Fit.NEVER, standings=(standing,)), micros, remedies))


def test_a_request_dearer_than_the_whole_budget_is_told_to_be_smaller_and_not_to_wait() -> None:
    assert (
        "the day's budget of $0.05 has $0.0350 left: $0.0150 spent, and the next request could cost $0.1010. "
        "Have budget_day_usd of [tenant.shop] raised, or ask with a smaller max_tokens"
    ) == said(of_tenant("shop"), spent=15_000, micros=101_000)


def test_what_is_used_up_is_helped_by_no_smaller_request() -> None:
    assert (
        "the day's budget of $0.05 is used up: $0.0500 spent, and the next request could cost $0.0100. "
        "Have budget_day_usd of [tenant.shop] raised, or wait for the next day (UTC)"
    ) == said(of_tenant("shop"), spent=LIMIT, micros=10_000)


@pytest.mark.parametrize(
    ("remedies", "period", "helps"),
    [
        (JOB, "run", "Raise --budget, or review a smaller change, or lower model.max_tokens"),
        (JOB, "day", "Raise REVIEWBOT_BUDGET_DAY, or wait for the next day (UTC), or lower model.max_tokens"),
        (JOB, "month", "Raise REVIEWBOT_BUDGET_MONTH, or wait for the next month (UTC), or lower model.max_tokens"),
        (GATEWAY, "run", "Have REVIEWBOT_BUDGET_RUN raised, or ask with a smaller max_tokens"),
        (
            GATEWAY,
            "day",
            f"Have REVIEWBOT_BUDGET_DAY raised, or wait for the next day{OR_LESS}",
        ),
        (of_tenant("a"), "month", f"Have budget_month_usd of [tenant.a] raised, or wait for the next month{OR_LESS}"),
    ],
)
def test_each_is_told_of_what_it_can_change_itself(remedies: Remedies, period: str, helps: str) -> None:
    assert helps == said(remedies, spent=LIMIT - 1, micros=2, period=period).partition("0000. ")[2]
