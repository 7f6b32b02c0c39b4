"""The one table of what can go wrong with a request, and what follows from it.

Sources: DeepSeek's and OpenAI's error pages; measurements of what other clients do wrong with 401, 429 and
broken streams (they call retired keys again, or give up while another key is about to return).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reviewbot.errors import ProviderError


class FaultKind(StrEnum):
    """What went wrong, as it shows in logs, the ledger and metrics."""

    REQUEST = "request"
    """The request itself is wrong (400, 404, 413, 422): the same again will fail again."""
    KEY = "key"
    """The key is refused (401, 403)."""
    BALANCE = "balance"
    """The account has no money (402)."""
    RATE = "rate"
    """Too many requests (429)."""
    SERVER = "server"
    """The provider failed (500, 502, 503, 504, 52x, 529), or said so within a stream."""
    CONFLICT = "conflict"
    """A passing state (408, 409, 425)."""
    UNREACHABLE = "unreachable"
    """No connection, or none in time."""
    BROKEN = "broken"
    """The connection broke off."""
    TIMEOUT = "timeout"
    """The answer stalled: no first content in time, or nothing between two pieces."""
    MALFORMED = "malformed"
    """An answer that is no completion."""
    TRUNCATED = "truncated"
    """A stream that ended before the answer was complete."""
    DIVERGED = "diverged"
    """A stream that broke off could not be taken up: asked again, the provider began another answer."""
    EMPTY = "empty"
    """A complete answer without text."""
    ADDRESS = "address"
    """The endpoint's URL is none."""


class KeyEffect(StrEnum):
    """What a fault does to the key that was used."""

    NONE = "none"
    SLOW = "slow"
    """Lowers its rate; repeated, the key rests."""
    REST = "rest"
    """Repeated, the key rests, longer each time."""
    RETIRE = "retire"
    """Never used again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What follows from a fault."""

    retried: bool
    key: KeyEffect = KeyEffect.NONE
    rests_account: bool = False
    """All keys of the account rest: money and rate limits belong to it."""
    trips_breaker: bool = False
    """Counts as a failure of the endpoint and model."""
    leaves_target: bool = False
    """Another attempt makes sense only with another key, account or fallback."""


TABLE: Mapping[FaultKind, Treatment] = {
    FaultKind.REQUEST: Treatment(retried=False),
    FaultKind.KEY: Treatment(retried=True, key=KeyEffect.RETIRE, leaves_target=True),
    FaultKind.BALANCE: Treatment(retried=True, rests_account=True, leaves_target=True),
    FaultKind.RATE: Treatment(retried=True, key=KeyEffect.SLOW),
    FaultKind.SERVER: Treatment(retried=True, key=KeyEffect.REST, trips_breaker=True),
    FaultKind.CONFLICT: Treatment(retried=True),
    FaultKind.UNREACHABLE: Treatment(retried=True, trips_breaker=True),
    FaultKind.BROKEN: Treatment(retried=True, trips_breaker=True),
    FaultKind.TIMEOUT: Treatment(retried=True, trips_breaker=True),
    FaultKind.MALFORMED: Treatment(retried=True, trips_breaker=True),
    FaultKind.TRUNCATED: Treatment(retried=True, trips_breaker=True),
    # A third one might be the first again; two are what a break may cost.
    FaultKind.DIVERGED: Treatment(retried=False),
    # Asked again in the same words it would be empty again more often than not; who asked can ask otherwise.
    FaultKind.EMPTY: Treatment(retried=False),
    FaultKind.ADDRESS: Treatment(retried=False),
}

_BY_STATUS: Mapping[int, FaultKind] = {
    400: FaultKind.REQUEST, 404: FaultKind.REQUEST, 405: FaultKind.REQUEST, 413: FaultKind.REQUEST,
    422: FaultKind.REQUEST, 401: FaultKind.KEY, 403: FaultKind.KEY, 402: FaultKind.BALANCE,
    408: FaultKind.CONFLICT, 409: FaultKind.CONFLICT, 425: FaultKind.CONFLICT, 429: FaultKind.RATE,
}  # fmt: skip
_SERVER_ERRORS = 500
_UNSPENT = frozenset(
    {FaultKind.REQUEST, FaultKind.KEY, FaultKind.BALANCE, FaultKind.RATE, FaultKind.UNREACHABLE, FaultKind.ADDRESS}
)


def of_status(status: int) -> FaultKind:
    """Give the kind of fault that an HTTP status tells."""
    return _BY_STATUS.get(status, FaultKind.SERVER if status >= _SERVER_ERRORS else FaultKind.REQUEST)


class Fault(ProviderError):  # noqa: N818 - the field's word, and what the table is about
    """One attempt failed. Never leaves the client but as the last word on a request."""

    def __init__(
        self,
        kind: FaultKind,
        message: str,
        *,
        wait_s: float | None = None,
        status: int | None = None,
        begun: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.wait_s = wait_s
        """How long the provider asked to wait, in seconds."""
        self.status = status
        self.begun = begun
        """Whether content had come by then."""

    @property
    def unspent(self) -> bool:
        """Whether the provider has read no token of the request; otherwise its estimate stays counted."""
        return self.kind in _UNSPENT

    @property
    def unbilled(self) -> bool:
        """Whether it proves that nothing was generated."""
        return self.status is not None or self.kind in {FaultKind.UNREACHABLE, FaultKind.ADDRESS}

    @property
    def treatment(self) -> Treatment:
        """What follows from it."""
        return TABLE[self.kind]
