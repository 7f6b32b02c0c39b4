"""Money set aside from accounts, in whole micro-dollars: what is claimed, how accounts stand, and the ruling."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """An account and its limit."""

    period: str
    """``run``, ``day`` or ``month``."""
    account: str
    """Its name in the store, as ``day:2026-11-22``."""
    limit: int | None
    """In micro-dollars; None is no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one request may cost at most, for several accounts at once."""

    id: str
    micros: int
    caps: tuple[Cap, ...]
    at_s: float
    """When it was made, in seconds since 1970."""
    until_s: float
    """When its request is surely over. A claim that is still open then belonged to a process that died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an account stands, in micro-dollars."""

    cap: Cap
    spent: int
    """Settled, or set aside by a process that died."""
    held: int
    """Set aside for requests in flight."""

    def fits(self, micros: int) -> bool:
        """Tell whether so much more is surely within the limit."""
        return self.may_fit(micros + self.held)

    def may_fit(self, micros: int) -> bool:
        """Tell whether it would be, if all requests in flight turned out to cost nothing."""
        return self.cap.limit is None or self.spent + micros <= self.cap.limit


class Fit(StrEnum):
    """The answer to a claim."""

    NOW = "now"
    """It is set aside."""
    LATER = "later"
    """It may fit when requests in flight are settled."""
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The answer to a claim, and how its accounts stand."""

    fit: Fit
    standings: tuple[Standing, ...]
