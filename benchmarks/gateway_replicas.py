"""Replicas of the gateway on one Redis before a provider that numbers its answers, and clients that keep the replies.

Replicas are real processes on a real Redis that writes every change to disk; the provider is in this process, and each
answer tells which call it came from. A client asks the other replica when a connection ends before an answer began, as
real ones do; whatever status it gets, it keeps.
"""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests")]

import aiohttp
from aiohttp import web
from gateway import free_port
from redis_server import RedisServer, running_redis

_PROMPT_TOKENS, _TOKENS, _MOST_TOKENS = 10, 40, 50
_USAGE = {"prompt_tokens": _PROMPT_TOKENS, "completion_tokens": _TOKENS, "total_tokens": _PROMPT_TOKENS + _TOKENS}
_PROMPT_USD, _TOKEN_USD = 0.0001, 0.001
ANSWER_USD = _PROMPT_TOKENS * _PROMPT_USD + _TOKENS * _TOKEN_USD
PRICE = f'[[price]]\nmodel = "fake"\nprompt = {_PROMPT_USD * 1e6:.0f}\ncompletion = {_TOKEN_USD * 1e6:.0f}\n'
MODEL = '[model]\nname = "fake"\n'


@dataclass(slots=True, kw_only=True)
class Call:
    """A request as the provider saw it; times are of this process's monotonic clock, in seconds."""

    text: str
    begun_s: float
    ended_s: float | None = None
    """When all of the answer had been made, and so has to be paid for."""


class Provider:
    """A model that says which of its calls an answer belongs to."""

    def __init__(self, took_s: float) -> None:
        self.calls: list[Call] = []
        self.port = free_port()
        self._took_s = took_s
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, shutdown_timeout=0).start()

    async def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        text = asked["messages"][0]["content"]
        call, content = Call(text=text, begun_s=time.monotonic()), f"{len(self.calls)}:{text}"
        self.calls.append(call)
        said = {"id": "x", "created": 1, "model": "fake"}
        if asked.get("stream"):
            return await self._stream(request, call, content, said)
        await asyncio.sleep(self._took_s)
        call.ended_s = time.monotonic()
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        return web.json_response({**said, "object": "chat.completion", "choices": [choice], "usage": _USAGE})

    async def _stream(
        self, request: web.Request, call: Call, content: str, said: Mapping[str, object]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        with suppress(aiohttp.ClientConnectionError):  # whoever left does not want the rest
            for part in (content[:1], content[1:], None):
                choice = {
                    "index": 0,
                    "delta": {"content": part} if part else {},
                    "finish_reason": None if part else "stop",
                }
                event = {
                    **said,
                    "object": "chat.completion.chunk",
                    "choices": [choice],
                    "usage": None if part else _USAGE,
                }
                await asyncio.sleep(self._took_s / 3)
                await response.write(b"data: %s\n\n" % json.dumps(event).encode())
            call.ended_s = time.monotonic()
            await response.write(b"data: [DONE]\n\n")
        return response


class Replica:
    """A gateway in a process of its own, which comes back at the same address."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self._argv = [sys.executable, "-m", "reviewbot", "gateway", f"--port={port}"]
        path = os.environ["PATH"]  # noqa: TID251 - where Python is
        self._environ = {"PATH": path, "PYTHONPATH": str(HERE.parent), "HOME": str(folder), **environ}
        self._log = folder / f"{port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting."""
        with self._log.open("ab") as sink:
            self._process = subprocess.Popen(self._argv, env=self._environ, stdout=sink, stderr=sink)

    async def ready(self, session: aiohttp.ClientSession) -> None:
        """Wait until it may be sent work."""
        while True:
            assert self._process is not None
            assert self._process.poll() is None, self._log.read_text("utf-8")
            try:
                async with session.get(f"{self.base}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def memory_mb(self) -> float:
        """Resident memory."""
        assert self._process is not None
        lines = Path(f"/proc/{self._process.pid}/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a request ended for the client."""

    tenant: str
    text: str
    streamed: bool
    sent_s: float
    ended_s: float
    outcome: str
    """``whole``, or what came instead."""
    content: str = ""

    @property
    def call(self) -> int:
        """The provider's call that this is the answer of."""
        number, _, text = self.content.partition(":")
        assert text == self.text, f"asked {self.text!r}, answered {self.content!r}"
        return int(number)


@dataclass(slots=True, kw_only=True)
class Scene:
    """What is running, and what came of the requests."""

    replicas: Sequence[Replica]
    redis: RedisServer
    session: aiohttp.ClientSession
    replies: list[Reply] = field(default_factory=list)

    async def ask(self, number: int, tenant: str, text: str, *, stream: bool = False) -> None:
        """Ask one replica, the other one when the connection ends before an answer began, and keep the reply."""
        sent_s, outcome, content = time.monotonic(), "", ""
        body = {"model": "fake", "max_tokens": _MOST_TOKENS, "messages": [{"role": "user", "content": text}]}
        for turn in range(len(self.replicas)):
            base = self.replicas[(number + turn) % len(self.replicas)].base
            outcome, content = await self._asked(base, tenant, {**body, "stream": stream})
            if outcome != "no connection":
                break
        ended_s = time.monotonic()
        self.replies.append(
            Reply(
                tenant=tenant,
                text=text,
                streamed=stream,
                sent_s=sent_s,
                ended_s=ended_s,
                outcome=outcome,
                content=content,
            )
        )

    async def _asked(self, base: str, tenant: str, body: Mapping[str, object]) -> tuple[str, str]:
        try:
            response = await self.session.post(
                f"{base}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {token_of(tenant)}"}
            )
        except aiohttp.ClientConnectionError:
            return "no connection", ""
        try:
            said = await response.text()
        except aiohttp.ClientError:
            return "broken off", ""
        if response.status != 200:
            return f"{response.status} {json.loads(said)['error']['code']}", ""
        if not body["stream"]:
            return "whole", str(json.loads(said)["choices"][0]["message"]["content"])
        if "data: [DONE]" not in said:
            return "broken off", ""
        events = [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: {")]
        return "whole", "".join(event["choices"][0]["delta"].get("content") or "" for event in events)


def token_of(tenant: str) -> str:
    """Give a tenant's token."""
    return f"token-of-{tenant}"


def table(tenant: str, *rows: str) -> str:
    """Write a tenant's table of the configuration."""
    digest = hashlib.sha256(token_of(tenant).encode()).hexdigest()
    return "\n".join([f"[tenant.{tenant}]", f'tokens_sha256 = ["{digest}"]', *rows]) + "\n"


@asynccontextmanager
async def scene(config: str, url: str, replicas: int = 2) -> AsyncIterator[Scene]:
    """Run replicas in front of a provider."""
    with contextmanager(running_redis)(lasting=True) as redis, tempfile.TemporaryDirectory() as name:
        (Path(name) / "gateway.toml").write_text(config, "utf-8")
        environ = {
            "REVIEWBOT_BASE_URL": url,
            "REVIEWBOT_API_KEYS": ",".join("sk-" + each for each in "abc"),
            "REVIEWBOT_REDIS_URL": redis.url,
            "REVIEWBOT_CONFIG": str(Path(name) / "gateway.toml"),
        }
        running = [Replica(Path(name), environ) for _ in range(replicas)]
        connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            try:
                for replica in running:
                    replica.start()
                for replica in running:
                    await replica.ready(session)
                yield Scene(replicas=running, redis=redis, session=session)
            finally:
                for replica in running:
                    replica.kill()


async def steadily(found: Scene, rate: float, ended: Callable[[], bool], tenants: Sequence[str]) -> None:
    """Ask so often a second whether answers come or not, one in four streamed, until told to end."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        number = 0
        while not ended():
            await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
            tenant = tenants[number % len(tenants)]
            group.create_task(found.ask(number, tenant, f"{tenant} {number}", stream=number // 2 % 4 == 0))
            number += 1
