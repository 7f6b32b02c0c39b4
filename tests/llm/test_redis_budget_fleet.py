"""Three real replicas with 50 requests each at once spend $0.05 from one Redis, and never more, whatever happens.

`benchmarks/shared_budget.py` does this as often as you like.
"""

import pytest
from budget_fleet import LIMIT, TROUBLES, BudgetFleet
from redis_server import running_redis

SECONDS = 30.0


def billed(trouble: str, *, lasting: bool = True, fail_open: bool = False) -> int:
    for server in running_redis(lasting=lasting):
        return BudgetFleet(server, fail_open=fail_open, seconds=SECONDS).run(1, TROUBLES[trouble])
    raise AssertionError


def test_three_replicas_use_the_budget_up_and_no_more() -> None:
    assert 0.9 * LIMIT <= billed("none") <= LIMIT


@pytest.mark.parametrize(
    ("trouble", "lasting", "fail_open"),
    [
        ("killed", True, False),
        ("hung", True, True),
        ("flushed", True, False),
        ("restarted", True, True),
        ("restarted", False, False),
        ("all at once", True, True),
    ],
)
def test_no_trouble_lets_them_spend_more(trouble: str, *, lasting: bool, fail_open: bool) -> None:
    assert 0.1 * LIMIT <= billed(trouble, lasting=lasting, fail_open=fail_open) <= LIMIT
