"""How long to wait, and when there were enough retries."""

from datetime import UTC, datetime

import pytest

from reviewbot.llm.retry import RetryBudget, asked_wait_s

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30"}, 30.0),
        ({"retry-after-ms": "x", "retry-after": "2"}, 2.0),
        ({"x-ratelimit-reset-requests": "20ms"}, 0.02),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-tokens": "soon"}, None),
        ({"x-ratelimit-reset-tokens": ""}, None),
    ],
)
def test_every_form_of_a_wait_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait_s(headers, NOW) == (None if seconds is None else pytest.approx(seconds))


def test_an_outage_does_not_multiply_the_load() -> None:
    clock = [0.0]
    budget = RetryBudget(lambda: clock[0])
    for _ in range(50):
        budget.note(retry=False)
        budget.note(retry=True)
    assert not budget.spent
    budget.note(retry=True)
    budget.note(retry=True)
    assert budget.spent
    clock[0] = 61.0
    budget.note(retry=False)
    assert not budget.spent
