"""Submitted completions: a model that can be held up, and hands on the Redis in which they are."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fakes.answers import Answer, Asked, refusal
from gateway_scene import TOKEN, Gateway, question, told
from redis_server import RedisServer

from reviewbot.gateway.tasks_keys import TaskKeys
from reviewbot.queue.connecting import open_async
from reviewbot.queue.tasks import TaskStore

GONE = "task_" + "0" * 32


class Model:
    """Says what it was told, and may be held up."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.told = threading.Event()
        self.told.set()

    def __call__(self, asked: Asked) -> Answer:
        if "refuse" in asked.user:
            return refusal(422, "this model has no eyes")
        self.asked.set()
        self.told.wait(20)
        return Answer(text=f"you said {asked.user}")


def submit(at: Gateway, text: str = "hello", *, token: str | None = TOKEN, **headers: str) -> httpx.Response:
    return at.client.post("/v1/tasks", json=question(text), headers=told(token, headers))


def state(at: Gateway, task_id: str, *, token: str | None = TOKEN) -> dict[str, Any]:
    found: dict[str, Any] = at.get(f"/v1/tasks/{task_id}", token=token).json()
    return found


def until(come: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)  # noqa: TID251 - the gateway works in its own time


def ended(at: Gateway, task_id: str, *, token: str = TOKEN) -> dict[str, Any]:
    until(lambda: state(at, task_id, token=token)["status"] not in {"queued", "running"})
    return state(at, task_id, token=token)


def on_redis(redis: RedisServer, do: Callable[[TaskStore], Any], ago_s: float = 0) -> Any:  # noqa: ANN401 - as `do` has it
    """Do something as another replica, whose clock may be late."""

    async def run() -> Any:  # noqa: ANN401
        connection = open_async(redis.url)
        try:
            return await do(TaskStore(connection, lambda: datetime.now(UTC) - timedelta(seconds=ago_s)))
        finally:
            await connection.aclose()

    return asyncio.run(run())


def on_keys(redis: RedisServer, do: Callable[[TaskKeys], Awaitable[object]]) -> None:
    async def run() -> None:
        connection = open_async(redis.url)
        try:
            await do(TaskKeys(connection))
        finally:
            await connection.aclose()

    asyncio.run(run())
