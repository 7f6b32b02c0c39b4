"""Who hears of a gateway's requests: the journal and the watch always, the ledger and the audit log where asked for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from reviewbot.domain.events import Event
from reviewbot.domain.served import Served
from reviewbot.domain.surroundings import Surroundings
from reviewbot.gateway.audit import AuditLog
from reviewbot.gateway.house import Told
from reviewbot.gateway.journal import Journal
from reviewbot.gateway.watching import Watch
from reviewbot.observers.aside import Aside
from reviewbot.observers.ledger import Ledger
from reviewbot.queue.connecting import open_async
from reviewbot.queue.intake import Intake
from reviewbot.queue.outcomes import QueueStats
from reviewbot.settings import environment
from reviewbot.wiring.gateway.opening import Hearing
from reviewbot.wiring.gateway.tenants import GatewayPlan

AUDIT: Final = "REVIEWBOT_AUDIT"
_T = TypeVar("_T")


@asynccontextmanager
async def gathered(
    plan: GatewayPlan, environ: Mapping[str, str], world: Surroundings, journal: Journal
) -> AsyncIterator[tuple[Hearing, Watch]]:
    """Gather them for the length of a block, at whose end the logs are written to their end."""
    async with AsyncExitStack() as stack:
        stores, rules = environment.stores(environ), plan.config.rules
        asides: dict[str, Aside[Event] | Aside[Served]] = {}
        watch = Watch(
            world, _queue(stores.redis_url, world, stack), lambda: {log: aside.dropped for log, aside in asides.items()}
        )
        observers: list[Callable[[Event], None]] = [watch.observe, lambda event: journal.happened(world.now(), event)]
        listeners: list[Callable[[Served], None]] = [journal.served, watch.served]
        if stores.ledger is not None:
            ledger = Ledger(stores.ledger, world.now, keep_days=plan.settings.ledger.keep_days)
            written = asides["ledger"] = stack.enter_context(Aside[Event](ledger))
            observers.append(written)
        folder = environ.get(AUDIT) or rules.audit
        if folder:
            log = AuditLog(Path(folder), world.now, rules.audit_days)
            audited = asides["audit"] = stack.enter_context(Aside[Served](log))
            listeners.append(audited)
        told = Told(metrics=watch.metrics, metrics_type=watch.content_type, status=watch.status, refused=watch.refused)
        yield Hearing(observe=_to_all(observers), served=_to_all(listeners), told=told), watch


def _queue(url: str | None, world: Surroundings, stack: AsyncExitStack) -> Callable[[], Awaitable[QueueStats]] | None:
    """Give how to ask how the queue of reviews stands; it is in the same Redis as what replicas share."""
    if url is None:
        return None
    redis = open_async(url)
    stack.push_async_callback(redis.aclose)
    return Intake(redis, world.now).stats


def _to_all(listeners: Sequence[Callable[[_T], None]]) -> Callable[[_T], None]:
    def tell(told: _T) -> None:
        for listener in listeners:
            listener(told)

    return tell
