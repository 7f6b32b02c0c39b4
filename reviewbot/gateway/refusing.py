"""Every refusal, in the form that OpenAI gave errors and that its clients read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Final, NoReturn

from reviewbot.domain.secret import mask
from reviewbot.errors import BudgetExceeded, ReviewbotError, SharingLost
from reviewbot.gateway.fairness import Full
from reviewbot.gateway.rates import TooFast
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.keypool import KeysExhausted
from reviewbot.llm.limiting import LimitWait

INVALID: Final = "invalid_request_error"
_SERVER: Final = "api_error"
_RATE: Final = "rate_limit_error"


class Refused(Exception):  # noqa: N818 - says what happened to the request
    """A request is not answered, and why. Nothing of an answer has been sent."""

    def __init__(self, refusal: "Refusal") -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error as a client hears it."""

    status: int
    message: str
    kind: str = INVALID
    """OpenAI's ``type``."""
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The error as JSON."""
        # Some providers echo the key that they refuse.
        error = {"message": mask(self.message), "type": self.kind, "param": self.param, "code": self.code}
        return json.dumps({"error": error}).encode("ascii")

    @property
    def event(self) -> bytes:
        """The error as the last event of a stream."""
        return b"data: " + self.body + b"\n\n"


def reject(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> NoReturn:
    """Refuse a request that is none, or that no other attempt would help. Raises Refused."""
    raise Refused(Refusal(status=status, message=message, param=param, code=code))


def unknown_token() -> Refused:
    """Refuse somebody who is nobody's. Which part of the token is wrong is not said."""
    message = "this gateway wants a token of one of its tenants, as 'Authorization: Bearer TOKEN'"
    headers = {"www-authenticate": "Bearer"}
    # Not OpenAI's own kind, which is that of any bad request: litellm takes it for one.
    kind, code = "authentication_error", "invalid_api_key"
    return Refused(Refusal(status=401, message=message, kind=kind, code=code, headers=headers))


def model_not_allowed(model: str) -> Refused:
    """Refuse a model that a tenant may not ask for; whether there is such a model is not said."""
    message = f"the model '{model}' does not exist, or this token may not ask for it: see /v1/models"
    return Refused(Refusal(status=404, message=message, param="model", code="model_not_found"))


def of_error(error: ReviewbotError) -> Refusal:
    """Spell what the layers below raise."""
    match error:
        case Full() | TooFast():
            return _too_many(error, error.retry_after_s)
        case LimitWait():
            return _too_many(error, error.wait_s)
        case SharingLost():
            return _unavailable(error, error.wait_s, "shared_state_lost")
        case KeysExhausted():
            return _unavailable(error, error.wait_s, "no_key")
        case BudgetExceeded():
            return _out_of_money(error)
        case _:
            return _of_provider(error)


def _of_provider(error: ReviewbotError) -> Refusal:
    if isinstance(error, Fault):
        return _of_fault(error)
    return Refusal(status=502, message=str(error), kind=_SERVER, code="provider_error")


def _of_fault(fault: Fault) -> Refusal:
    if fault.kind is FaultKind.REQUEST:
        return Refusal(status=fault.status or 400, message=str(fault), code="refused_by_provider")
    if fault.kind is FaultKind.RATE:
        return _too_many(fault, fault.wait_s)
    if fault.kind is FaultKind.SERVER and fault.status is None and fault.wait_s is not None:
        return _unavailable(fault, fault.wait_s, "breaker_open")
    status = 504 if fault.kind is FaultKind.TIMEOUT else 502
    # The kinds are those of the ledger and the metrics: who reads both finds them again.
    return Refusal(status=status, message=str(fault), kind=_SERVER, code=f"provider_{fault.kind.value}")


def _too_many(error: ReviewbotError, wait_s: float | None) -> Refusal:
    headers = _retry_after(wait_s)
    return Refusal(status=429, message=str(error), kind=_RATE, code="rate_limit_exceeded", headers=headers)


def _out_of_money(error: ReviewbotError) -> Refusal:
    # As OpenAI does it, whose clients ask again after any other 429.
    code = "insufficient_quota"
    return Refusal(status=429, message=str(error), kind=code, code=code, headers={"x-should-retry": "false"})


def _unavailable(error: ReviewbotError, wait_s: float | None, code: str) -> Refusal:
    return Refusal(status=503, message=str(error), kind=_SERVER, code=code, headers=_retry_after(wait_s))


def _retry_after(wait_s: float | None) -> Mapping[str, str]:
    return {} if wait_s is None else {"retry-after": str(max(ceil(wait_s), 1))}
