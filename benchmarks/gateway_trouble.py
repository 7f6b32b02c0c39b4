"""What replicas of the gateway save in a day, and what happens when a replica, Redis or the provider goes away.

    python benchmarks/gateway_trouble.py coalesced        100 identical requests at once on two replicas
    python benchmarks/gateway_trouble.py day              24 hours in 120 seconds, and the TTL as much shorter
    python benchmarks/gateway_trouble.py trouble          each goes away in turn, the provider for 60 s
    python benchmarks/gateway_trouble.py soak             the fault mix of fast_server.py on one replica, 30 minutes

Replicas are real processes on a real Redis that writes every change to disk; the provider is in this process and
numbers its answers, so that each tells which call it came from. A client asks the other replica when a connection ends
before an answer began, as real ones do; whatever status it gets, it keeps.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

_HERE = Path(__file__).parent
sys.path[:0] = [str(_HERE.parent / "tests")]

import aiohttp
from aiohttp import web
from gateway import free_port, started
from redis_server import RedisServer, running_redis

_PROMPT_TOKENS, _TOKENS, _MOST_TOKENS = 10, 40, 50
_USAGE = {"prompt_tokens": _PROMPT_TOKENS, "completion_tokens": _TOKENS, "total_tokens": _PROMPT_TOKENS + _TOKENS}
_PROMPT_USD, _TOKEN_USD = 0.0001, 0.001
_ANSWER_USD = _PROMPT_TOKENS * _PROMPT_USD + _TOKENS * _TOKEN_USD
_PRICE = f'[[price]]\nmodel = "fake"\nprompt = {_PROMPT_USD * 1e6:.0f}\ncompletion = {_TOKEN_USD * 1e6:.0f}\n'
_MODEL = '[model]\nname = "fake"\n'
_CAPPED_USD = 5.0
_SETTLING_S = 75.0
"""After the provider is back: longer than a breaker is open."""
_WINDOW_S = 3.0
"""Over which a success rate is taken."""


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
        self._environ = {"PATH": path, "PYTHONPATH": str(_HERE.parent), "HOME": str(folder), **environ}
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
                f"{base}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {_token(tenant)}"}
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


def _token(tenant: str) -> str:
    return f"token-of-{tenant}"


def _table(tenant: str, *rows: str) -> str:
    digest = hashlib.sha256(_token(tenant).encode()).hexdigest()
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


async def coalesced() -> None:
    """Put 100 identical requests on two replicas at once, in one JSON body and streamed."""
    provider = Provider(took_s=1.0)
    await provider.start()
    async with scene(_MODEL + _table("shop"), f"http://127.0.0.1:{provider.port}/v1") as found:
        for stream in (False, True):
            before, found.replies = len(provider.calls), []
            await asyncio.gather(*(found.ask(number, "shop", "the same", stream=stream) for number in range(100)))
            outcomes, calls = Counter(each.outcome for each in found.replies), len(provider.calls) - before
            print(f"100 identical at once, {'streamed' if stream else 'plain'}: {dict(outcomes)}, calls: {calls}")
            assert (outcomes["whole"], calls) == (100, 1)


_GROUPS = {f"team-{number}": "x" if number < 6 else "y" if number < 10 else f"alone-{number}" for number in range(20)}
"""Who shares answers: six, four, and ten tenants each on their own."""


def _traffic(count: int, seconds: float, ttl_s: float) -> list[tuple[float, str, str]]:
    """Make a day: when, who, what. 40 % are repeats within a group, many in bursts; all groups ask the same."""
    chance = random.Random(7)  # noqa: S311 - a load, not a secret
    tenants, members, asked = list(_GROUPS), defaultdict(list), Counter[str]()
    for tenant, group in _GROUPS.items():
        members[group].append(tenant)
    made: list[tuple[float, str, str]] = []
    for _ in range(round(count * 0.6)):
        tenant = chance.choice(tenants)
        # Most of a day's requests come around noon.
        made.append((seconds * chance.betavariate(3, 3), tenant, f"question {asked[_GROUPS[tenant]]}"))
        asked[_GROUPS[tenant]] += 1
    repeats: list[tuple[float, str, str]] = []
    while len(repeats) < count - len(made):
        at_s, tenant, text = chance.choice(made)
        several = chance.random() < 0.15
        for _ in range(min(chance.randint(4, 8) if several else 1, count - len(made) - len(repeats))):
            later_s = at_s if several else at_s + chance.expovariate(2 / ttl_s)
            repeats.append((later_s, chance.choice(members[_GROUPS[tenant]]), text))
    return sorted(made + repeats)


async def day(count: int, seconds: float) -> None:
    """Replay a day's traffic, and see by each answer's number which call it came from."""
    ttl_s = seconds / 24
    sharing = [_table(name, *([] if "-" in group else [f'answers = "{group}"'])) for name, group in _GROUPS.items()]
    provider = Provider(took_s=0.3)
    await provider.start()
    config = f"{_MODEL}[gateway]\ncache_ttl_s = {ttl_s}\n" + "".join(sharing)
    async with scene(config, f"http://127.0.0.1:{provider.port}/v1") as found, asyncio.TaskGroup() as group:
        began = time.monotonic()
        traffic = _traffic(count, seconds, ttl_s)
        for number, (at_s, tenant, text) in enumerate(traffic):
            await asyncio.sleep(max(began + at_s - time.monotonic(), 0))
            group.create_task(found.ask(number, tenant, text))
    print(f"{count} requests of 20 tenants in {seconds:g} s, TTL {ttl_s:g} s")
    _judge_day(found.replies, provider.calls, ttl_s)


def _judge_day(replies: Sequence[Reply], calls: Sequence[Call], ttl_s: float) -> None:
    """Print what was saved, and fail where an answer went to a stranger, was asked for too early or served too late."""
    readers, stale = defaultdict[int, set[str]](set), 0
    for reply in replies:
        assert reply.outcome == "whole", reply
        readers[reply.call].add(_GROUPS[reply.tenant])
        stale += reply.sent_s > (calls[reply.call].ended_s or 0) + ttl_s + 1
    asked = defaultdict[tuple[str, str], list[float]](list)
    for number, groups in sorted(readers.items()):
        asked[min(groups), calls[number].text].append(calls[number].begun_s)
    early = sum(b - a < ttl_s for begun in asked.values() for a, b in pairwise(begun))
    crossed, unread = sum(len(groups) > 1 for groups in readers.values()), len(calls) - len(readers)
    repeats, anew = len(replies) - len(asked), len(calls) - len(asked)
    print(f"repeats: {repeats} ({100 * repeats / len(replies):.1f} %), of these asked anew after the TTL: {anew}")
    print(f"calls of the provider: {len(calls)}; saved: {len(replies) - len(calls)}")
    print(f"repeats within the TTL asked anew: {early}; answers nobody read: {unread}; served too late: {stale}")
    print(
        f"calls while another group had the answer already: {_tempting(asked, ttl_s)}; answers that crossed: {crossed}"
    )
    assert early == unread == stale == crossed == 0


def _tempting(asked: Mapping[tuple[str, str], Sequence[float]], ttl_s: float) -> int:
    """Count the calls that a shared cache would have spared, at the price of telling strangers."""
    moments = sorted((text, at_s, group) for (group, text), begun in asked.items() for at_s in begun)
    return sum(a[0] == b[0] and a[2] != b[2] and b[1] - a[1] < ttl_s for a, b in pairwise(moments))


async def _steady(found: Scene, rate: float, ended: Callable[[], bool], tenants: Sequence[str]) -> None:
    """Ask so often a second whether answers come or not, one in four streamed, until told to end."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        number = 0
        while not ended():
            await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
            tenant = tenants[number % len(tenants)]
            group.create_task(found.ask(number, tenant, f"{tenant} {number}", stream=number // 2 % 4 == 0))
            number += 1


async def trouble(cut_s: float, rate: float) -> None:
    """Let a replica, Redis and the provider go away one after the other, under load."""
    provider = Provider(took_s=0.5)
    await provider.start()
    tenants = _table("free") + _table("paying", "budget_day_usd = 100000")
    config = _MODEL + _PRICE + tenants + _table("capped", f"budget_day_usd = {_CAPPED_USD}")
    marks: dict[str, float] = {}
    async with scene(config, f"http://127.0.0.1:{provider.port}/v1") as found:
        rota = ["free", "paying"] * 4 + ["free", "capped"]
        async with asyncio.TaskGroup() as group:
            over = asyncio.Event()
            group.create_task(_steady(found, rate, over.is_set, rota))
            await _troubles(found, provider, cut_s, marks)
            over.set()
    _judge_trouble(found.replies, provider.calls)
    usual = rate * sum(each != "capped" for each in rota) / len(rota)
    for name, ended_s in marks.items():
        print(f"{name}: {_recovery(found.replies, usual, ended_s)}")


async def _troubles(found: Scene, provider: Provider, cut_s: float, marks: dict[str, float]) -> None:
    await asyncio.sleep(12)
    found.replicas[0].kill()
    await asyncio.sleep(2)
    marks["replica killed, 2 s"] = time.monotonic()
    found.replicas[0].start()
    await asyncio.sleep(20)
    found.redis.stop()
    await asyncio.sleep(2)
    marks["Redis killed, 2 s"] = time.monotonic()
    await asyncio.to_thread(found.redis.start)
    await asyncio.sleep(20)
    await provider.cut()
    await asyncio.sleep(cut_s)
    await provider.start()
    marks[f"provider cut, {cut_s:g} s"] = time.monotonic()
    await asyncio.sleep(_SETTLING_S)


def _recovery(replies: Sequence[Reply], usual: float, ended_s: float) -> str:
    """Say when answers came again, and when as many as are asked for, from the moment at which a trouble ended."""
    counted = [each for each in replies if each.tenant != "capped"]
    whole = sorted(each.ended_s for each in counted if each.outcome == "whole")
    first_s = next((at_s - ended_s for at_s in whole if at_s >= ended_s), _SETTLING_S)
    for tenth in range(int(first_s * 10), int(_SETTLING_S * 10)):
        begun_s = ended_s + tenth / 10
        good = sum(begun_s <= at_s < begun_s + _WINDOW_S for at_s in whole)
        every = sum(begun_s <= each.ended_s < begun_s + _WINDOW_S for each in counted)
        if good >= 0.95 * usual * _WINDOW_S and good >= 0.95 * every:
            return f"first answer after {first_s:.1f} s, 95 % of {usual:.1f} answers/s after {tenth / 10:.1f} s"
    return f"first answer after {first_s:.1f} s, 95 % of {usual:.1f} answers/s never again"


def _judge_trouble(replies: Sequence[Reply], calls: Sequence[Call]) -> None:
    """Print what came of the requests, and fail where an answer was lost, doubled or too dear."""
    whole = [each for each in replies if each.outcome == "whole"]
    made, given = Counter(call.text for call in calls if call.ended_s), Counter(each.call for each in whole)
    for tenant in ("free", "paying", "capped"):
        print(f"{tenant}: {dict(Counter(each.outcome for each in replies if each.tenant == tenant))}")
    broken = Counter("streamed" if each.streamed else "plain" for each in replies if each.outcome == "broken off")
    print(f"{len(replies)} requests, {len(whole)} answered; broken off after the answer began: {dict(broken)}")
    unread = made.total() - len(whole)
    print(f"answers made: {made.total()}, not read: {unread}, made twice: {sum(n > 1 for n in made.values())}")
    spent = _ANSWER_USD * sum(number for text, number in made.items() if text.startswith("capped"))
    print(f"budget {_CAPPED_USD:.2f} USD, billed {spent:.2f}")
    assert len({each.text for each in replies}) == len(replies)
    assert max(given.values()) == 1, "one answer went to two requests"
    assert all(made[each.text] for each in whole)
    assert not broken["plain"]
    assert spent <= _CAPPED_USD


async def soak(minutes: float, rate: float) -> None:
    """Ask one replica for long while the provider fails often, and look at its memory."""
    # Told no limit, the client takes the rate at its first 429 for one, and a cold start's is far too low.
    client = "[client]\nfirst_content_s = 5\nidle_s = 5\nrequests_per_minute = 3000\n"
    command = [sys.executable, str(_HERE / "fast_server.py"), f"--seconds={minutes * 60 + 600}"]
    with started(command, {}, None) as process:
        assert process.stdout is not None
        url = (
            f"http://127.0.0.1:{int(process.stdout.readline())}/p/fault=mix,seed=9,ttft=50,total=300,tok=20,ra=0.05/v1"
        )
        async with scene(_MODEL + client + _table("shop"), url, replicas=1) as found, asyncio.TaskGroup() as group:
            over = asyncio.Event()
            group.create_task(_steady(found, rate, over.is_set, ["shop"]))
            for tenth in range(11):
                memory_mb = found.replicas[0].memory_mb
                print(f"{tenth * minutes / 10:5.1f} min: {memory_mb:6.1f} MB, {len(found.replies)} replies", flush=True)
                await asyncio.sleep(minutes * 6 if tenth < 10 else 0)
            over.set()
    for streamed in (False, True):
        outcomes = Counter(each.outcome for each in found.replies if each.streamed is streamed)
        share = 100 * outcomes["whole"] / outcomes.total()
        print(f"{'streamed' if streamed else 'plain'}: {share:.2f} % whole, {dict(outcomes)}")


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=["coalesced", "day", "trouble", "soak"])
    parser.add_argument("--count", type=int, default=3_000, help="requests of a day")
    parser.add_argument("--seconds", type=float, default=120, help="that a day takes")
    parser.add_argument("--cut", type=float, default=60, help="seconds without a provider")
    parser.add_argument("--minutes", type=float, default=30, help="of the soak")
    parser.add_argument("--rate", type=float, default=20, help="requests a second in trouble and soak")
    asked = parser.parse_args()
    runs: Mapping[str, Callable[[], Coroutine[None, None, None]]] = {
        "coalesced": coalesced,
        "day": lambda: day(asked.count, asked.seconds),
        "trouble": lambda: trouble(asked.cut, asked.rate),
        "soak": lambda: soak(asked.minutes, asked.rate),
    }
    asyncio.run(runs[asked.run]())


if __name__ == "__main__":
    main()
