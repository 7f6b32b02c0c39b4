"""Runs a gateway: its configuration, who hears of it, the app, and the server around it."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from reviewbot.domain.surroundings import Surroundings
from reviewbot.gateway.app import build
from reviewbot.gateway.journal import Journal
from reviewbot.gateway.serving import NOTICE_S, Patience, Serving
from reviewbot.wiring.gateway.audience import gathered
from reviewbot.wiring.gateway.opening import Opened, open_gateway
from reviewbot.wiring.gateway.queueing import open_queue
from reviewbot.wiring.gateway.reloading import Reloading
from reviewbot.wiring.gateway.tenants import GatewayPlan

FORCED: Final = 130
"""Exit code where a second signal did not wait for what was under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a gateway is run with."""

    reloading: Reloading
    """Its configuration, and what it becomes; read already."""
    plan: GatewayPlan
    environ: Mapping[str, str]
    world: Surroundings
    listening: socket.socket
    journal: Journal
    begun: Callable[[Opened, Serving], None]
    """Called when it is about to serve."""
    notice_s: float = NOTICE_S


async def run(running: Running) -> int:
    """Serve until told to stop; gives the exit code. Raises UsageError where it cannot begin."""
    plan, world = running.plan, running.world
    rules = plan.config.rules
    async with (
        gathered(plan, running.environ, world, running.journal) as (hearing, watch),
        open_gateway(plan, running.environ, world, hearing) as opened,
        open_queue(opened, running.environ, world) as more,
    ):
        watch.look_into(opened.inside)
        patience = Patience(
            header_s=rules.header_s, body_s=rules.body_s, drain_s=rules.drain_s, notice_s=running.notice_s
        )
        serving = Serving(build(opened.house, more), opened.house, patience)
        watching = asyncio.create_task(running.reloading.watch(opened.apply))
        running.begun(opened, serving)
        try:
            await serving.run(running.listening)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
    return FORCED if serving.forced else 0
