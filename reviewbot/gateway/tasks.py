"""``/v1/tasks``: a completion is submitted, and its answer asked for later. For who cannot keep a connection open."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reviewbot.domain.tenant import Tenant
from reviewbot.gateway import asking
from reviewbot.gateway.answering import Left
from reviewbot.gateway.arriving import body_of, headers_once, refused
from reviewbot.gateway.house import House
from reviewbot.gateway.identifying import identify, request_id
from reviewbot.gateway.refusing import model_not_allowed
from reviewbot.gateway.tasks_keys import LONGEST, OtherBodyError, PendingError, TaskKeys
from reviewbot.queue.connecting import QueueDownError
from reviewbot.queue.tasks import Task, TaskRefusedError, TaskState, TaskStore

MOST_BYTES: Final = 990_000
"""Of a task's body: the store takes a million with what is put before it."""
_KEPT: Final = ("x-reviewbot-cache", "x-reviewbot-repair", "x-reviewbot-task")
"""Headers that count when it is done."""
_ID: Final = re.compile(r"task_[0-9a-f]{32}")
_STATES: Final = {
    TaskState.WAITING: "queued",
    TaskState.RUNNING: "running",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "cancelled",
}
_ERROR: Final = 400
_LONGEST_HINT_S: Final = 10
_LEFT: Final = 499
_GIVEN_UP: Final = {
    "message": "every replica that took this task ended in the middle of it",
    "type": "api_error",
    "param": None,
    "code": "given_up",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What tasks are taken with."""

    house: House
    store: TaskStore | None
    """None without a Redis: then there are no tasks."""
    keys: TaskKeys | None
    wake: Callable[[], None]
    """Tells this replica that there is something to do."""


def routes(parts: Parts) -> list[Route]:
    """Give the addresses of tasks."""
    desk = _Desk(parts)
    return [
        Route("/v1/tasks", desk.submit, methods=["POST"]),
        Route("/v1/tasks/{id}", desk.show, methods=["GET"]),
        Route("/v1/tasks/{id}", desk.cancel, methods=["DELETE"]),
        Route("/v1/tasks/{id}/cancel", desk.cancel, methods=["POST"]),
    ]


def packed(headers: Mapping[str, str], body: bytes) -> bytes:
    """Put what counts of a request into one text."""
    return json.dumps({name: headers[name] for name in _KEPT if name in headers}).encode() + b"\n" + body


def unpacked(stored: bytes) -> tuple[Mapping[str, str], bytes]:
    """Take it apart again."""
    head, _, body = stored.partition(b"\n")
    return json.loads(head), body


class _Desk:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def submit(self, request: Request) -> Response:
        """Take a task in: 202, or what a completion would be refused with."""
        headers, tenant = self._who(request)
        house = self._parts.house
        try:
            limit = min(MOST_BYTES, house.tenancy.rules.max_body_bytes)
            body = await body_of(request, headers, limit, house.tenancy.rules.body_s)
        except Left:
            return Response(status_code=_LEFT)
        call = asking.read(body, headers, house.count)
        if not tenant.may_ask(call.model):
            raise model_not_allowed(call.model)
        if call.streamed:
            raise refused(400, "stream_in_task", "a task has no stream: leave 'stream' out, and ask for its result")
        key = headers.get("idempotency-key", "")
        if len(key) > LONGEST:
            raise refused(400, None, f"'Idempotency-Key' has at most {LONGEST} characters")
        try:
            task_id = await self._submitted(tenant, key, packed(headers, body))
            task = await self._store.find(task_id, tenant.name)
        except QueueDownError as error:
            raise _down() from error
        self._parts.wake()
        if task is None:
            raise _unknown()
        return self._told(request, task, 202)

    async def show(self, request: Request) -> Response:
        """Tell how a task stands, and what came of it."""
        _, tenant = self._who(request)
        try:
            task = await self._store.find(_id(request), tenant.name)
        except QueueDownError as error:
            raise _down() from error
        if task is None:
            raise _unknown()
        return self._told(request, task)

    async def cancel(self, request: Request) -> Response:
        """Cancel a task that has not ended; else tell how it ended."""
        _, tenant = self._who(request)
        try:
            task = await self._store.cancel(_id(request), tenant.name)
        except QueueDownError as error:
            raise _down() from error
        if task is None:
            raise _unknown()
        return self._told(request, task)

    async def _submitted(self, tenant: Tenant, key: str, stored: bytes) -> str:
        keys = self._parts.keys
        if not key or keys is None:
            return await self._put(tenant, stored)
        try:
            known = await keys.begin(tenant.name, key, stored)
        except OtherBodyError as error:
            raise refused(422, "key_reused", "this 'Idempotency-Key' was given with another body before") from error
        except PendingError as error:
            message = "another request with this 'Idempotency-Key' is being answered"
            raise refused(409, "key_pending", message, {"retry-after": "1"}) from error
        if known is not None:
            return known
        task_id: str | None = None
        try:
            task_id = await self._put(tenant, stored)
        finally:
            await keys.end(tenant.name, key, stored, task_id)
        return task_id

    async def _put(self, tenant: Tenant, stored: bytes) -> str:
        try:
            return await self._store.submit(tenant.name, stored)
        except TaskRefusedError as error:
            raise refused(429, "too_many_tasks", str(error), {"retry-after": str(_LONGEST_HINT_S)}) from error

    @property
    def _store(self) -> TaskStore:
        if self._parts.store is None:
            raise refused(404, "off", "tasks need a Redis: this gateway runs without REVIEWBOT_REDIS_URL")
        return self._parts.store

    def _who(self, request: Request) -> tuple[Mapping[str, str], Tenant]:
        headers = headers_once(request, ("idempotency-key",))
        return headers, identify(request.scope, headers, self._parts.house.tenancy)

    def _told(self, request: Request, task: Task, status: int = 200) -> Response:
        house = self._parts.house
        headers = {"x-request-id": request_id(request.scope, house.new_id), "cache-control": "no-store"}
        if task.state.open:
            age_s = (house.world.now() - task.created).total_seconds()
            headers["retry-after"] = str(min(max(round(age_s / 5), 1), _LONGEST_HINT_S))
        if status != 200:  # noqa: PLR2004 - HTTP's own
            headers["location"] = f"/v1/tasks/{task.id}"
        return JSONResponse(_fields(task), status, headers)


def _fields(task: Task) -> Mapping[str, object]:
    """Spell a task. Of one that is done, ``http_status`` is what a completion would have been answered with."""
    known = {"id": task.id, "object": "task", "created": int(task.created.timestamp())}
    if task.state is TaskState.FAILED:
        return {**known, "status": "failed", "error": _GIVEN_UP}
    if task.state is not TaskState.DONE:
        return {**known, "status": _STATES[task.state]}
    answer = json.loads(task.result or b"null")
    status = task.status or 0
    if status < _ERROR:
        return {**known, "status": "succeeded", "http_status": status, "result": answer}
    return {**known, "status": "failed", "http_status": status, "error": answer["error"]}


def _id(request: Request) -> str:
    found = str(request.path_params["id"])
    if not _ID.fullmatch(found):
        raise _unknown()
    return found


def _unknown() -> Exception:
    return refused(404, "task_not_found", "there is no such task, or it is forgotten, or another tenant's")


def _down() -> Exception:
    message = "the tasks' Redis does not answer: ask again"
    return refused(503, "queue_down", message, {"retry-after": "5"})
