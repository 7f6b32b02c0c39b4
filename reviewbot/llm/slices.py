"""What one process may still send under a shared limit while nobody can count for all.

Nothing may be sent that another process could send too. So, until everything from before is past: what was leased to
this process for such a time, and as much again as of its own requests no longer counts. After that its share of the
limit. Together that is never more than the limit, for as many processes as there were. Times are in seconds of any
clock that only grows.
"""

from dataclasses import dataclass

from reviewbot.llm.rates import GUARD, Rates

UNKNOWN_REPLICAS = 10
"""How many share a limit when Redis was never reached, so that nobody knows: as many as a deployment scales to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceLease:
    """What Redis has set aside for this process, for when it is lost."""

    requests: int = 0
    tokens: int = 0


@dataclass(slots=True)
class Slice:
    """A process's part of one account's limits."""

    requests: int | None
    """Its share; None for no limit."""
    tokens: int | None
    lease: SliceLease
    before: Rates
    """What it had used when Redis was lost."""
    since_s: float
    began: tuple[float, float]
    """Requests and tokens that counted then."""

    def fits(self, rates: Rates, tokens: int, now_s: float) -> bool:
        """Tell whether one more request fits, with so many tokens."""
        rates.log.trim(now_s)
        self.before.log.trim(now_s)
        requests, used = len(rates.log.times), rates.tokens.used(now_s)
        requests_before, used_before = len(self.before.log.times), self.before.tokens.used(now_s)
        past = now_s >= self.since_s + rates.log.window_s * (2 if self.tokens is not None else 1 + GUARD)
        return all(
            limit is None or self._within(limit, leased, now, before, then, asked, past=past)
            for limit, leased, now, before, then, asked in (
                (self.requests, self.lease.requests, requests, requests_before, self.began[0], 1),
                (self.tokens, self.lease.tokens, used, used_before, self.began[1], tokens),
            )
        )

    @staticmethod
    def _within(  # noqa: PLR0913 - the same six numbers for requests and for tokens
        limit: int, leased: int, now: float, before: float, then: float, asked: int, *, past: bool
    ) -> bool:
        if past:
            return now + asked <= limit
        return now - before + asked <= min(limit, leased + then - before)


def sliced(
    limits: tuple[int | None, int | None], replicas: int | None, lease: SliceLease, rates: Rates, now_s: float
) -> Slice:
    """Give this process's slice from now on. With ``replicas`` None, Redis was never reached: nothing is known."""
    requests, tokens = (_share(limit, replicas or UNKNOWN_REPLICAS) for limit in limits)
    before = rates.copy()
    before.log.trim(now_s)
    began = (float(len(before.log.times)), before.tokens.used(now_s))
    since_s = now_s if replicas is not None else float("-inf")
    return Slice(requests, tokens, lease, before, since_s, began)


def _share(limit: int | None, replicas: int) -> int | None:
    return None if limit is None else max(limit // replicas, 1)
