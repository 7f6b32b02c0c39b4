"""A team or project that uses the gateway: what it may ask for, and how much of it."""

from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One tenant. Its tokens are known by their digests alone."""

    name: str
    """Shown in metrics, logs and the ledger."""
    token_digests: tuple[str, ...] = ()
    """SHA-256 of each of its tokens, in hexadecimal."""
    pool: str | None = None
    """Name of the pool of keys that it asks under; None for the gateway's own keys."""
    models: tuple[str, ...] = ("*",)
    """Globs of the models that it may ask for."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    """Requests upstream at once; None for as many as the gateway has room for."""
    weight: float = 1.0
    """Its share of the room under load, against the others' weights."""
    budget_day_usd: Decimal | None = None
    budget_month_usd: Decimal | None = None
    answers: str | None = None
    """Tenants with the same word here share cached answers and calls in flight; None: nobody else's are seen."""
    operator: bool = False
    """Whether it may see the status of all tenants."""

    @property
    def scope(self) -> str:
        """What keeps its cached answers apart from others'. No tenant's name can be taken for a shared word."""
        return f"tenant:{self.name}" if self.answers is None else f"shared:{self.answers}"

    def may_ask(self, model: str) -> bool:
        """Tell whether it may ask for a model."""
        return any(fnmatchcase(model, glob) for glob in self.models)
