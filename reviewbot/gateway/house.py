"""What a running gateway has: who may ask and through which client, and the layers that all of them share."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from reviewbot.domain.gateway import Rules
from reviewbot.domain.served import Served
from reviewbot.domain.surroundings import Surroundings
from reviewbot.domain.tenant import Tenant
from reviewbot.gateway.rates import Rates
from reviewbot.gateway.tokens import Directory
from reviewbot.llm.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """Who may ask, and by which rules. Replaced as a whole when the configuration changes."""

    directory: Directory
    clients: Mapping[str, Client]
    """By tenant. Requests under way keep the one that they began with."""
    rules: Rules
    models: tuple[str, ...]
    """What ``/v1/models`` lists, as far as a tenant may ask for it."""
    anybody: Tenant | None = None
    """Who everybody is that asks without a token from this machine; None where tokens are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a gateway tells of itself."""

    metrics: Callable[[], Awaitable[bytes]]
    """All metrics, as text for a scrape."""
    metrics_type: str
    status: Callable[[Tenant], Awaitable[Mapping[str, object]]]
    """How it stands, as far as a tenant may know."""
    refused: Callable[[int, str | None], None]
    """Is told the status and code of what other addresses than that of completions refuse."""
    troubles: Callable[[], tuple[str, ...]] = lambda: ()
    """Why it cannot serve everybody right now; nothing where it can."""


@dataclass(slots=True, eq=False)
class UnderWay:
    """A request that is not answered to its end."""

    tenant: str = ""
    """Nobody's until its token is known."""
    streaming: bool = False


@dataclass(slots=True, kw_only=True)
class House:
    """A gateway's state."""

    tenancy: Tenancy
    rates: Rates
    count: Callable[[str], int]
    """Estimates the tokens of a text."""
    heard: Callable[[Served], None]
    """Is told of every request that is over; must not raise."""
    world: Surroundings
    new_id: Callable[[], str]
    """Makes the id of a request that brings none."""
    told: Told
    visits: set[UnderWay] = field(default_factory=set)
    draining: bool = False
    """Whether it is about to stop: no new work should be sent to it."""
