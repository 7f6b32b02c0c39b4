"""A gateway on loopback in a thread of its own: the real server, and a model behind it."""

import asyncio
import io
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvloop
from fakes.model_server import ModelServer

from reviewbot.gateway.journal import Journal
from reviewbot.gateway.serving import Serving, bind
from reviewbot.wiring.gateway import tenants
from reviewbot.wiring.gateway.opening import Opened
from reviewbot.wiring.gateway.reloading import Reloading
from reviewbot.wiring.gateway.running import Running, run
from reviewbot.wiring.surroundings import real_world

TOKEN = "team-token"
OTHER = "other-token"
TENANTS = f"team={TOKEN},other={OTHER}"
MODEL = "deepseek-flash"
SLOW_S = 20.0


@dataclass
class Gateway:
    """A running gateway."""

    base: str
    journal: io.StringIO
    client: httpx.Client
    config: Path | None
    serving: Serving | None = None
    opened: Opened | None = None
    loop: asyncio.AbstractEventLoop | None = None
    stopped: bool = False
    ended: list[int] = field(default_factory=list)
    """Its exit code, when it has ended."""

    def ask(self, body: object = None, *, token: str | None = TOKEN, **headers: str) -> httpx.Response:
        """Ask for a completion."""
        return self.client.post(
            "/v1/chat/completions", json=question() if body is None else body, headers=told(token, headers)
        )

    def get(self, path: str, *, token: str | None = TOKEN, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=told(token, headers))

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it logged."""
        return [json.loads(line) for line in self.journal.getvalue().splitlines()]

    def stop(self) -> None:
        """Tell it to stop, as SIGTERM does."""
        assert self.loop is not None
        self.stopped, heard = True, threading.Event()

        def stop() -> None:
            assert self.serving is not None
            self.serving.stop()
            heard.set()

        self.loop.call_soon_threadsafe(stop)
        assert heard.wait(SLOW_S)


def told(token: str | None, headers: Mapping[str, str]) -> dict[str, str]:
    """Spell headers: ``x_request_id="1"`` is ``x-request-id: 1``."""
    known = {} if token is None else {"authorization": f"Bearer {token}"}
    return known | {name.replace("_", "-"): value for name, value in headers.items()}


def question(text: str = "hello", **more: object) -> dict[str, object]:
    """Make a request."""
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}


@contextmanager
def gateway(
    upstream: ModelServer | str, *, config: Path | None = None, notice_s: float = 0.0, **environ: str
) -> Iterator[Gateway]:
    """Run a gateway for the length of a block, and see that it ends well."""
    url = upstream if isinstance(upstream, str) else upstream.base_url
    known = {"REVIEWBOT_BASE_URL": url, "REVIEWBOT_API_KEY": "upstream-key", "REVIEWBOT_GATEWAY_TOKENS": TENANTS}
    known |= environ
    located, world, ready = tenants.located(config, known), real_world(), threading.Event()
    reloading = Reloading(lambda read: tenants.load(located, world.now(), read), world, every_s=0.05)
    plan = reloading.first()
    listening = bind("127.0.0.1", 0)
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    journal = io.StringIO()
    with httpx.Client(base_url=base, timeout=SLOW_S, trust_env=False) as client:
        found = Gateway(base=base, journal=journal, client=client, config=config)

        def begun(opened: Opened, serving: Serving) -> None:
            found.opened, found.serving, found.loop = opened, serving, asyncio.get_running_loop()
            ready.set()

        running = Running(
            reloading=reloading,
            plan=plan,
            environ=located,
            world=world,
            listening=listening,
            journal=Journal(journal),
            begun=begun,
            notice_s=notice_s,
        )

        def serve() -> None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                found.ended.append(runner.run(run(running)))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert ready.wait(SLOW_S)
        try:
            yield found
        finally:
            client.close()
            if not found.stopped:
                found.stop()
            thread.join(SLOW_S)
            assert not thread.is_alive()
