"""What a client is put together from."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from reviewbot.domain.endpoint import ClientOptions
from reviewbot.domain.events import Event
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.budget import Budget
from reviewbot.llm.calibration import Calibration
from reviewbot.llm.ports import Cache, Coalescing
from reviewbot.llm.prices import Prices
from reviewbot.llm.reaching import Reach
from reviewbot.llm.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a client is put together from, all of it open."""

    targets: Sequence[Target]
    """In order of preference; the first is the configured endpoint."""
    options: ClientOptions
    budget: Budget
    coalescing: Coalescing
    prices: Prices
    world: Surroundings
    observe: Callable[[Event], None]
    cache: Cache | None = None
    calibration: Calibration = field(default_factory=Calibration)
    tenant: str | None = None
    scope: str = ""
    """Keeps its answers apart from those of others who use the same cache."""
    reach: Reach | None = None
    """Tells whether an endpoint can be connected to; None where that cannot be told."""
    gate: AbstractAsyncContextManager[object] | None = None
    """Entered for each call upstream, by several at once: it leaves ``options.concurrency`` through by default."""
