"""What the layers below raise, as a client hears it."""

import json

import pytest

from reviewbot.domain.tenant import Tenant
from reviewbot.errors import BudgetExceeded, BudgetLost, LimitLost, ProviderError, ReviewbotError
from reviewbot.gateway.fairness import Full
from reviewbot.gateway.rates import TooFast
from reviewbot.gateway.refusing import Refusal, of_error
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.keypool import KeysExhausted
from reviewbot.llm.limiting import LimitWait

TENANT = Tenant(name="team", requests_per_minute=1)


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (Full("team", 3, 2.2), 429, "rate_limit_exceeded", "3"),
        (TooFast(TENANT, 8.1), 429, "rate_limit_exceeded", "9"),
        (LimitWait(0.2), 429, "rate_limit_exceeded", "1"),
        (BudgetLost("Redis is away", 2.0), 503, "shared_state_lost", "2"),
        (LimitLost("Redis is away", 2.0), 503, "shared_state_lost", "2"),
        (BudgetExceeded("used up"), 429, "insufficient_quota", None),
        (KeysExhausted("all rest", 30.0), 503, "no_key", "30"),
        (KeysExhausted("all retired", None), 503, "no_key", None),
        (Fault(FaultKind.REQUEST, "too long", status=413), 413, "refused_by_provider", None),
        (Fault(FaultKind.REQUEST, "no form is left"), 400, "refused_by_provider", None),
        (Fault(FaultKind.RATE, "slow down", wait_s=4.5, status=429), 429, "rate_limit_exceeded", "5"),
        (Fault(FaultKind.RATE, "slow down", status=429), 429, "rate_limit_exceeded", None),
        (Fault(FaultKind.SERVER, "left alone", wait_s=12.0), 503, "breaker_open", "12"),
        (Fault(FaultKind.SERVER, "boom", wait_s=12.0, status=500), 502, "provider_server", None),
        (Fault(FaultKind.TIMEOUT, "stalled"), 504, "provider_timeout", None),
        (Fault(FaultKind.KEY, "wrong key", status=401), 502, "provider_key", None),
        (Fault(FaultKind.BALANCE, "no money", status=402), 502, "provider_balance", None),
        (Fault(FaultKind.UNREACHABLE, "nobody there"), 502, "provider_unreachable", None),
        (ProviderError("something"), 502, "provider_error", None),
    ],
)
def test_every_error_has_its_status(error: ReviewbotError, status: int, code: str, retry_after: str | None) -> None:
    refusal = of_error(error)
    assert (status, code, retry_after) == (refusal.status, refusal.code, refusal.headers.get("retry-after"))
    assert str(error) == json.loads(refusal.body)["error"]["message"]


def test_a_budget_that_is_used_up_is_no_reason_to_ask_again() -> None:
    assert "false" == of_error(BudgetExceeded("used up")).headers["x-should-retry"]


def test_an_error_is_in_openais_form_alone_and_in_a_stream() -> None:
    refusal = Refusal(status=400, message='a "quoted" ünicode\nline', code="c", param="p")
    error = {"message": 'a "quoted" ünicode\nline', "type": "invalid_request_error", "param": "p", "code": "c"}
    assert {"error": error} == json.loads(refusal.body)
    assert b"data: " + refusal.body + b"\n\n" == refusal.event
    assert b"\n" not in refusal.body


def test_a_key_that_a_provider_echoes_is_masked() -> None:
    key = "sk-" + "a1B2c3D4" * 4
    assert key.encode() not in Refusal(status=502, message=f"Incorrect API key provided: {key}").body
