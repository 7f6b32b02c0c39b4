"""A fake OpenAI-compatible server that is fast enough to measure clients with: asyncio, no framework.

What it does stands in the URL, ``http://127.0.0.1:PORT/p/<profile>/v1/chat/completions``, where the profile is
comma-separated ``name=value``:

    ttft=600    milliseconds to the first content        total=2000  milliseconds to the end of the answer
    tok=300     completion tokens, an event each         fault=mix   faults by the table below, seeded with
    seed=1      the number of the call                   ra=1        Retry-After of a 429, in seconds
    plain=1     one JSON body, even where a stream was asked for
    limit=60    requests of any 60 seconds under one key; the next gets 429, counted by when it arrives

Keys that begin with ``sk-bad`` get 401 before anything else. ``GET /stats`` gives counters by profile.
"""

import argparse
import asyncio
import json
import random
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Mapping

# One draw a call, u = Random(seed * 1_000_003 + call).random(): up to the limit, this fault.
FAULTS = ((0.10, "429"), (0.15, "500"), (0.18, "drop"), (0.20, "hang"), (0.22, "malformed"))
_STATS: dict[str, Counter[str]] = defaultdict(Counter)
_HANG_S = 60.0
_DROP_AFTER = 10
_LIMITED_S = 60.0


class Profile:
    """How one URL answers."""

    def __init__(self, text: str) -> None:
        values = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
        self.ttft_s = float(values.get("ttft", 0)) / 1_000
        self.total_s = float(values.get("total", 0)) / 1_000
        self.tokens = int(values.get("tok", 50))
        self.faulty = values.get("fault") == "mix"
        self.seed = int(values.get("seed", 1))
        self.retry_after = values.get("ra", "1")
        self.plain = values.get("plain") == "1"
        self.calls = 0
        self.limit = int(values.get("limit", 0))
        self._taken: dict[bytes, deque[float]] = defaultdict(deque)

    def refuses(self, key: bytes, now_s: float) -> bool:
        """Count a request under a key, unless it is one too many."""
        taken = self._taken[key]
        while taken and taken[0] <= now_s - _LIMITED_S:
            taken.popleft()
        if self.limit and len(taken) >= self.limit:
            return True
        taken.append(now_s)
        return False

    def fault(self) -> str | None:
        """Draw the next call's fault."""
        if not self.faulty:
            return None
        draw = random.Random(self.seed * 1_000_003 + self.calls).random()  # noqa: S311 - repeatable on purpose
        self.calls += 1
        return next((name for limit, name in FAULTS if draw < limit), None)


_PROFILES: dict[str, Profile] = {}


def _event(delta: Mapping[str, str], finish: str | None = None, usage: Mapping[str, int] | None = None) -> bytes:
    said: dict[str, object] = {
        "id": "chatcmpl-x",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "fake",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
    }
    if usage is not None:
        said["usage"] = usage
    data = b"data: " + json.dumps(said, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 500, "completion_tokens": tokens, "total_tokens": 500 + tokens}


_ROLE = _event({"role": "assistant", "content": ""})
_TOKEN = _event({"content": " tok"})
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_DONE = b"data: [DONE]\n\n"
_STREAM_END = b"%x\r\n%s\r\n0\r\n\r\n" % (len(_DONE), _DONE)


def _plain(body: bytes, status: bytes = b"200 OK", extra: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n"
    return head % (status, extra, len(body)) + body


def _error(status: bytes, message: str, extra: bytes = b"") -> bytes:
    return _plain(json.dumps({"error": {"message": message, "type": "error"}}).encode(), status, extra)


def _completion(tokens: int) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": " tok" * tokens}, "finish_reason": "stop"}
    said = {"id": "chatcmpl-x", "object": "chat.completion", "model": "fake", "choices": [choice]}
    return json.dumps({**said, "usage": _usage(tokens)}).encode()


class Connection(asyncio.Protocol):
    """One connection; a request at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._data = b""
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop answering somebody who is gone."""
        del exc
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer once a whole request is there."""
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return
        lines = self._data[:end].split(b"\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in lines[1:])
        length = int(headers.get(b"content-length", b"0"))
        if len(self._data) < end + 4 + length:
            return
        body, self._data = self._data[end + 4 : end + 4 + length], self._data[end + 4 + length :]
        self._answer(lines[0].split(b" ")[1].decode(), headers.get(b"authorization", b""), body)

    def _answer(self, path: str, authorization: bytes, body: bytes) -> None:
        if path.startswith("/stats"):
            self._write(_plain(json.dumps({name: dict(found) for name, found in _STATS.items()}).encode()))
            return
        name = path.split("/")[2].replace("%3D", "=").replace("%2C", ",")
        profile = _PROFILES.setdefault(name, Profile(name))
        stats = _STATS[name]
        stats["calls"] += 1
        if authorization.startswith(b"bearer sk-bad"):
            stats["401"] += 1
            self._write(_error(b"401 Unauthorized", "Authentication Fails"))
            return
        fault = "429" if profile.limit and profile.refuses(authorization, self._loop.time()) else profile.fault()
        stats[fault or "ok"] += 1
        streamed = not profile.plain and (b'"stream": true' in body or b'"stream":true' in body)
        self._task = self._loop.create_task(self._play(profile, fault, streamed=streamed))

    async def _play(self, profile: Profile, fault: str | None, *, streamed: bool) -> None:
        if fault == "429":
            self._write(
                _error(
                    b"429 Too Many Requests",
                    "Rate limit reached",
                    b"retry-after: %s\r\n" % profile.retry_after.encode(),
                )
            )
        elif fault == "500":
            self._write(_error(b"500 Internal Server Error", "boom"))
        elif fault == "hang":
            await asyncio.sleep(_HANG_S)
            self._close()
        elif streamed:
            await self._stream(profile, fault)
        else:
            await self._whole(profile, fault)

    async def _whole(self, profile: Profile, fault: str | None) -> None:
        body = _completion(profile.tokens)
        await asyncio.sleep(profile.total_s)
        if fault == "drop":
            self._write(_plain(body)[: -len(body) // 2])
            self._close()
        else:
            self._write(_plain(body[: len(body) // 2] if fault == "malformed" else body))

    async def _stream(self, profile: Profile, fault: str | None) -> None:
        start = self._loop.time()
        await asyncio.sleep(profile.ttft_s)
        self._write(_STREAM_HEAD + _ROLE)
        gap_s = max(profile.total_s - profile.ttft_s, 0.0) / max(profile.tokens, 1)
        sent = 0
        while sent < profile.tokens:
            # All tokens due by now, each in a chunk of its own, as a real server under load sends them.
            due = profile.tokens
            if gap_s:
                due = min(profile.tokens, int((self._loop.time() - start - profile.ttft_s) / gap_s) + 1)
            self._write(_TOKEN * max(due - sent, 0))
            sent = max(sent, due)
            if fault == "drop" and sent >= _DROP_AFTER:
                self._close()
                return
            if fault == "malformed" and sent >= _DROP_AFTER:
                broken = b'data: {"id":"chatcmpl-x","choices":[{"index":0,"delta":{"content":" to\n\n'
                self._write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(broken), broken))
                return
            if sent < profile.tokens:
                await asyncio.sleep(gap_s)
        await asyncio.sleep(max(start + profile.total_s - self._loop.time(), 0.0))
        self._write(_event({}, "stop", _usage(profile.tokens)) + _STREAM_END)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def main(seconds: float) -> None:
    """Serve on a free port, which is printed, for a bounded time."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=2_048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=900.0)
    try:
        asyncio.run(main(parser.parse_args().seconds))
    except KeyboardInterrupt:
        sys.exit(0)
