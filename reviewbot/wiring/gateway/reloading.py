"""The gateway's configuration, read again when its files change: by an editor, or by a secret manager that mounts them.

Files are looked at in a thread, since a mount may hang. A change is read when two looks in a row see the same: a file
that is still being written may read like a shorter one, and its last tenants would be thrown out for a moment.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import UsageError
from reviewbot.wiring import operator
from reviewbot.wiring.gateway.tenants import GatewayPlan, Read

_LOG = logging.getLogger("reviewbot")
_EVERY_S: Final = 1.5
"""Two looks and the reading are over within 5 s of a change."""
_Signature = tuple[tuple[int, int, int] | None, ...]
"""How files looked: time of change, file number and size; None for one that is not there."""
_FROM_THE_START: Final = ("header_s", "body_s", "drain_s", "cache", "cache_ttl_s", "fail_open", "audit", "audit_days")
"""Keys of ``[gateway]`` that are looked at once, when it opens."""
Apply = Callable[[GatewayPlan], Awaitable[None]]
"""Puts another plan in force. Raises UsageError where that cannot be, and has then changed nothing."""


class Reloading:
    """Reads a plan at the start, and again when one of the files changes that it was read from."""

    def __init__(self, load: Callable[[Read], GatewayPlan], world: Surroundings, *, every_s: float = _EVERY_S) -> None:
        """Take what reads the plan with a given way to read files, and raises UsageError."""
        self._load = load
        self._world = world
        self._every_s = every_s
        self._plan: GatewayPlan | None = None
        """In force."""
        self._begun: GatewayPlan | None = None
        """With which it began."""
        self._paths: tuple[Path, ...] = ()
        """The files of the last attempt, whether it was good or not."""
        self._read: _Signature = ()
        """How they looked before it."""
        self._seen: _Signature = ()
        """How they looked last."""
        self._told: str | None = None
        """What is wrong with them; None where nothing is."""

    def first(self) -> GatewayPlan:
        """Read it at the start. Raises UsageError."""
        self._plan = self._begun = self._attempt()
        return self._plan

    async def watch(self, apply: Apply) -> None:
        """Look at the files for ever."""
        while True:
            await self._world.sleep(self._every_s)
            await self.look(apply)

    async def look(self, apply: Apply) -> None:
        """Look at the files once, and put a plan in force that changed.

        Whatever is wrong is told once in the log, tried again each time, and leaves in force what was.
        """
        try:
            plan = await asyncio.to_thread(self._changed)
            if plan is None:
                return
            await apply(plan)
        except UsageError as error:
            if str(error) != self._told:
                _LOG.warning("the gateway's configuration was not read again, and stays as it was: %s", error)
            self._told = str(error)
        else:
            self._plan, self._told = plan, None
            names = ", ".join(tenant.name for tenant in plan.config.tenants)
            _LOG.info("the gateway's configuration was read again, with tenants %s%s", names, self._later(plan))

    def _later(self, plan: GatewayPlan) -> str:
        """Name what has changed and is not in force."""
        rules, begun = plan.config.rules, (self._begun or plan).config.rules
        keys = [key for key in _FROM_THE_START if getattr(rules, key) != getattr(begun, key)]
        return f"; a restart is needed for {', '.join(keys)} of [gateway]" if keys else ""

    def _changed(self) -> GatewayPlan | None:
        """Give a plan that is another one, where the files have come to rest. Raises UsageError."""
        now = _signature(self._paths)
        at_rest, self._seen = now == self._seen, now
        if not at_rest or (now == self._read and self._told is None):
            return None
        plan = self._attempt()
        if self._plan is not None and plan.config.open_loopback > self._plan.config.open_loopback:
            # An empty file is a valid one.
            message = "no tenant has a token any more, and then anybody could ask"
            raise UsageError(message)
        if plan == self._plan:
            self._told = None
            return None
        return plan

    def _attempt(self) -> GatewayPlan:
        looked: dict[Path, tuple[int, int, int] | None] = {}

        def read(path: Path, kind: str) -> str:
            # Looked at before it is read: what is written in between shows the next time.
            looked.setdefault(path, _look(path))
            return operator.text_of(path, kind)

        try:
            return self._load(read)
        finally:
            self._paths, self._read = tuple(looked), tuple(looked.values())
            self._seen = self._read


def _signature(paths: tuple[Path, ...]) -> _Signature:
    return tuple(map(_look, paths))


def _look(path: Path) -> tuple[int, int, int] | None:
    # Follows links: Kubernetes changes a mounted secret by pointing a link to another folder.
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_ino, seen.st_size
