"""Requests and tokens a minute of each tenant, over the limiters of keys: in memory, or shared over Redis.

Nobody waits here. Who is too fast hears so at once, and how long to stay away: its own client knows better than we
what to do meanwhile.
"""

from collections.abc import Callable, Mapping
from math import ceil

from reviewbot.domain.tenant import Tenant
from reviewbot.errors import ReviewbotError
from reviewbot.llm.limiting import LimitsOf, LimitWait
from reviewbot.llm.ports import Limiter

_ACCOUNT = "tenant:"
_LEAST_S = 1.0
"""Retry-After is in whole seconds, and 0 would be an invitation."""


class TooFast(ReviewbotError):  # noqa: N818 - what the caller was, not what went wrong
    """A tenant's own limit has no room now."""

    def __init__(self, tenant: Tenant, wait_s: float) -> None:
        self.retry_after_s = max(float(ceil(wait_s)), _LEAST_S)
        """Seconds after which there is room, if nobody else of the tenant takes it."""
        super().__init__(
            f"the limit of '{tenant.name}' ({_limits(tenant)}) has no room for {self.retry_after_s:.0f} s: ask again "
            "then, or have the limit raised in the gateway's configuration"
        )


class Rates:
    """Lets requests of tenants through, or refuses them."""

    def __init__(self, limiter: Limiter, monotonic: Callable[[], float]) -> None:
        """Take the limiter of the tenants' accounts, which tells limits by `limits_of`; and the clock, in seconds."""
        self._limiter = limiter
        self._monotonic = monotonic

    async def admit(self, tenant: Tenant, tokens: int) -> None:
        """Count a request with so many tokens. Raises TooFast, and ProviderError where shared limits are out of reach.

        More tokens than a minute's are let through alone. Whoever was let through is to be settled.
        """
        account = _account(tenant)
        if not _limited(tenant) or self._limiter.admit(account, tokens):
            return
        try:
            await self._limiter.acquire(account, tokens, self._monotonic())
        except LimitWait as error:
            raise TooFast(tenant, error.wait_s) from error

    async def settle(self, tenant: Tenant, reserved: int, used: int) -> None:
        """Replace the tokens that were counted by those that were used; the request itself stays counted."""
        if tenant.tokens_per_minute is not None:
            await self._limiter.settle(_account(tenant), reserved, used)


def limits_of(tenants: Callable[[], Mapping[str, Tenant]]) -> LimitsOf:
    """Give what tells a limiter the limits of a tenant's account, as ``tenants`` has them by name at that moment."""

    def told(account: str) -> tuple[int | None, int | None]:
        tenant = tenants().get(account.removeprefix(_ACCOUNT))
        return (None, None) if tenant is None else (tenant.requests_per_minute, tenant.tokens_per_minute)

    return told


def _account(tenant: Tenant) -> str:
    return f"{_ACCOUNT}{tenant.name}"


def _limited(tenant: Tenant) -> bool:
    return tenant.requests_per_minute is not None or tenant.tokens_per_minute is not None


def _limits(tenant: Tenant) -> str:
    parts = [
        f"{limit} {what} a minute"
        for limit, what in ((tenant.requests_per_minute, "requests"), (tenant.tokens_per_minute, "tokens"))
        if limit is not None
    ]
    return ", ".join(parts)
