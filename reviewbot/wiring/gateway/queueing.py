"""Opens what a gateway puts into the queue's Redis: jobs that webhooks ask for, and submitted tasks."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from starlette.routing import Route

from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import UsageError
from reviewbot.gateway import tasks, webhooks
from reviewbot.gateway.hooks_rules import Rules
from reviewbot.gateway.hooks_threads import OwnThreads
from reviewbot.gateway.tasks_keys import TaskKeys
from reviewbot.gateway.tasks_running import Runner
from reviewbot.gateway.webhooks import Desk
from reviewbot.queue.connecting import open_async
from reviewbot.queue.intake import Intake
from reviewbot.queue.tasks import TaskStore
from reviewbot.settings import environment
from reviewbot.wiring.gateway import hooks
from reviewbot.wiring.gateway.opening import Opened

_LOG = logging.getLogger("reviewbot")
_EVERY_S: Final = 1.5
"""As often as the tenants' files are looked at."""


class Hooks:
    """The rules of webhooks in force. Read again now and then, since secrets are mounted and change."""

    def __init__(self, load: Callable[[], Rules], world: Surroundings, every_s: float = _EVERY_S) -> None:
        """Take what reads them. Raises UsageError where they cannot be read at the start."""
        self._load = load
        self._world = world
        self._every_s = every_s
        self._rules = self._seen = load()
        self._told: str | None = None

    def rules(self) -> Rules:
        """Give them as they are now."""
        return self._rules

    async def watch(self) -> None:
        """Read them again for ever; what cannot be read leaves in force what was, with one line in the log."""
        while True:
            await self._world.sleep(self._every_s)
            await self.look()

    async def look(self) -> None:
        """Read them once. What two looks in a row see is put in force: a file may be half written at one."""
        try:
            found = await asyncio.to_thread(self._load)
        except UsageError as error:
            if str(error) != self._told:
                _LOG.warning("the rules of webhooks were not read again, and stay as they were: %s", error)
            self._told = str(error)
            return
        self._told = None
        if found == self._seen and found != self._rules:
            self._rules = found
            _LOG.warning("the rules of webhooks were read again")
        self._seen = found


@asynccontextmanager
async def open_queue(opened: Opened, environ: Mapping[str, str], world: Surroundings) -> AsyncIterator[Sequence[Route]]:
    """Open the queue for the length of a block, and give the addresses that put something into it.

    Raises UsageError for rules of webhooks that are not valid.
    """
    rules = Hooks(lambda: hooks.load(environ), world)
    url = environment.stores(environ).redis_url
    async with AsyncExitStack() as stack:
        desk, house = None, opened.house
        offered = tasks.Parts(house=house, store=None, keys=None, wake=_nothing)
        if url is not None:
            redis = open_async(url)
            stack.push_async_callback(redis.aclose)
            desk = Desk(intake=Intake(redis, world.now), threads=OwnThreads(redis))
            store = TaskStore(redis, world.now)
            runner = Runner(store, house, opened.inside.tenants)
            offered = tasks.Parts(house=house, store=store, keys=TaskKeys(redis), wake=runner.wake)
            stack.push_async_callback(_ended, asyncio.create_task(runner.run()))
        stack.push_async_callback(_ended, asyncio.create_task(rules.watch()))
        taken = webhooks.Parts(house=house, rules=rules.rules, desk=desk, new_id=_new_id)
        yield [*webhooks.routes(taken), *tasks.routes(offered)]


def _nothing() -> None:
    """Do without anybody to wake."""


def _new_id() -> str:
    return uuid.uuid4().hex


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
