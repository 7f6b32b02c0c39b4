"""Whether a claim fits into its accounts, and the accounts of one process.

Money is whole micro-dollars. What is set aside counts until it is settled; if its process dies, it counts as
spent: an account may say too much, never too little.
"""

from collections.abc import Sequence

from reviewbot.domain.claim import Claim, Fit, Ruling, Standing


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
