"""``reviewbot gateway``."""

import argparse
import asyncio
import gc
import logging
import sys
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from reviewbot.cli import streams
from reviewbot.domain.view import plural
from reviewbot.errors import UsageError
from reviewbot.settings import environment
from reviewbot.wiring.surroundings import real_world, utc_now

if TYPE_CHECKING:
    from reviewbot.gateway.journal import Journal
    from reviewbot.gateway.serving import Serving
    from reviewbot.wiring.gateway.opening import Opened
    from reviewbot.wiring.gateway.tenants import GatewayPlan

_EXTRA: Final = ("aiohttp", "httptools", "redis", "starlette", "uvicorn")


def gateway(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Serve until told to stop; gives the exit code."""
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        message = (
            f"the gateway needs packages that are not installed ({', '.join(missing)}): "
            "pip install 'reviewbot[gateway]'"
        )
        raise UsageError(message)
    if options.hash_token:
        from reviewbot.wiring.gateway.tenants import hashed

        streams.write_text(f"{hashed(sys.stdin.readline())}\n")
        return 0
    return _serve(options, environ)


def _serve(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from reviewbot.gateway.journal import Journal
    from reviewbot.gateway.serving import bind
    from reviewbot.wiring.gateway import tenants
    from reviewbot.wiring.gateway.reloading import Reloading
    from reviewbot.wiring.gateway.running import Running, run

    environ, world = tenants.located(options.config, environ), real_world()
    reloading = Reloading(lambda read: tenants.load(environ, world.now(), read), world)
    plan = reloading.first()
    _check_host(options.host, plan)
    journal = Journal(sys.stderr)
    _log_into(journal)
    with bind(options.host, options.port) as listening, asyncio.Runner(loop_factory=_loop) as runner:
        running = Running(
            reloading=reloading,
            plan=plan,
            environ=environ,
            world=world,
            listening=listening,
            journal=journal,
            begun=partial(_begun, options.host, listening.getsockname()[1], plan, environ),
        )
        return runner.run(run(running))


def _loop() -> asyncio.AbstractEventLoop:
    """Make uvloop's event loop where there is one: it takes half the time for what a stream's pieces need."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _check_host(host: str, plan: "GatewayPlan") -> None:
    if plan.config.open_loopback and not _is_loopback(host):
        message = (
            f"without a token anybody who reaches {host} could spend your keys: give tenants in --config FILE or "
            "REVIEWBOT_GATEWAY_TOKENS=tenant=token, or leave out --host to serve this machine alone"
        )
        raise UsageError(message)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _begun(
    host: str, port: int, plan: "GatewayPlan", environ: Mapping[str, str], opened: "Opened", serving: "Serving"
) -> None:
    """Tell people what is served; what comes after that on standard error is for machines."""
    serving.heed_signals()
    # What is loaded stays. Looking through it for garbage, now and then, held all streams up for 30 to 130 ms.
    gc.collect()
    gc.freeze()
    shown = f"[{host}]" if ":" in host else host
    config, stores = plan.config, environment.stores(environ)
    who = (
        "this machine alone, without tokens"
        if config.open_loopback
        else f"{plural(len(config.tenants), 'tenant')} ({', '.join(tenant.name for tenant in config.tenants)})"
    )
    kept = "shared over Redis" if stores.redis_url else f"kept in {stores.folder}" if stores.folder else "in memory"
    streams.tell(f"gateway at http://{shown}:{port}/v1 for {who}")
    streams.tell(f"passes on to {', '.join(opened.hosts)}; models {', '.join(config.rules.models)}; state {kept}")


class _Handler(logging.Handler):
    """Brings what modules log into the journal."""

    def __init__(self, journal: "Journal") -> None:
        super().__init__(logging.INFO)
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        self._journal.said(utc_now(), record.levelname.lower(), text)


def _log_into(journal: "Journal") -> None:
    log = logging.getLogger("reviewbot")
    log.addHandler(_Handler(journal))
    log.setLevel(logging.INFO)
    log.propagate = False
