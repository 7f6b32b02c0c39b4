"""Accounts of money: what a request sets aside, what is spent, and what fits.

Money is whole micro-dollars. What is set aside counts until it is settled; if its process dies, it counts as
spent: an account may say too much, never too little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


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


class BudgetStore(Protocol):
    """A place for accounts. Each call is atomic, among all that use the same place."""

    async def reserve(self, claim: Claim) -> Ruling:
        """Set money aside if it fits into every account. Raises BudgetExceeded where the store fails."""
        ...

    async def settle(self, claim: Claim, micros: int) -> tuple[Standing, ...]:
        """Book what a request did cost, and free what was set aside for it.

        An unknown claim is booked all the same. Where the store fails, the claim stays: it counts as spent.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the store."""
        ...


def judged(claim: Claim, standings: Sequence[Standing]) -> Fit:
    """Tell whether a claim fits, given how its accounts stand without it."""
    if all(standing.fits(claim.micros) for standing in standings):
        return Fit.NOW
    return Fit.LATER if all(standing.may_fit(claim.micros) for standing in standings) else Fit.NEVER


class MemoryBudgetStore:
    """Accounts of this process."""

    def __init__(self) -> None:
        self._spent: dict[str, int] = {}
        self._held: dict[str, int] = {}
        self._open: set[str] = set()

    async def reserve(self, claim: Claim) -> Ruling:
        """Set money aside if it fits into every account."""
        standings = self._standings(claim)
        fit = judged(claim, standings)
        if fit is Fit.NOW:
            self._open.add(claim.id)
            self._hold(claim, claim.micros)
        return Ruling(fit=fit, standings=standings)

    async def settle(self, claim: Claim, micros: int) -> tuple[Standing, ...]:
        """Book what a request did cost, and free what was set aside for it."""
        if claim.id in self._open:
            self._open.discard(claim.id)
            self._hold(claim, -claim.micros)
        for cap in claim.caps:
            self._spent[cap.account] = self._spent.get(cap.account, 0) + micros
        return self._standings(claim)

    async def aclose(self) -> None:
        """Nothing to close."""

    def _hold(self, claim: Claim, micros: int) -> None:
        for cap in claim.caps:
            self._held[cap.account] = self._held.get(cap.account, 0) + micros

    def _standings(self, claim: Claim) -> tuple[Standing, ...]:
        return tuple(
            Standing(cap=cap, spent=self._spent.get(cap.account, 0), held=self._held.get(cap.account, 0))
            for cap in claim.caps
        )
