"""Completions to submit now and to ask for later: what is open, whose it is, which replica does it, what came of it.

No dramatiq here: a replica of the gateway does them with its own client. It holds a lease and renews it; when it dies,
another replica claims the task. So a task may be asked upstream twice, and has one result.
"""

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from reviewbot.queue.connecting import ANSWER_S, QueueDownError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_NAMES: Final = "reviewbot:tasks"


class TaskRefusedError(Exception):
    """A task that is not taken in; the message says why, for the tenant."""


class TaskState(StrEnum):
    """How a task stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    """There is an answer, which may be an error of the provider's."""
    FAILED = "failed"
    """Its replicas died in the middle of it, too often."""
    CANCELLED = "cancelled"

    @property
    def open(self) -> bool:
        """Whether there may be an answer later."""
        return self in {TaskState.WAITING, TaskState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRules:
    """How many, how large, how long."""

    open: int = 100
    """Tasks of one tenant that have not ended."""
    body_bytes: int = 1_000_000
    result_bytes: int = 16_000_000
    lease_s: float = 30.0
    """After so long without a renewal a replica counts as dead. Renew three times as often."""
    attempts: int = 5
    """Replicas that may die in the middle of one task."""
    patience_s: float = 86_400.0
    """A task that waits longer is forgotten."""
    kept_s: float = 86_400.0
    """For how long a result can be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What its tenant may know of a task."""

    id: str
    state: TaskState
    created: datetime
    """UTC."""
    status: int | None
    """HTTP status of the answer; None while there is none."""
    result: bytes | None
    """The answer's body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedTask:
    """A task in a replica's hands."""

    id: str
    tenant: str
    body: bytes
    """As it was submitted."""
    attempt: int
    lease: str


class TaskStore:
    """Tasks in Redis. Every method raises QueueDownError where Redis gives no answer within two seconds."""

    def __init__(self, redis: "Redis", now: Callable[[], datetime], rules: TaskRules | None = None) -> None:
        """Use a connection of `connecting.open_async`, which stays its opener's to close."""
        from redis.exceptions import RedisError

        self._errors = (RedisError, OSError, TimeoutError)
        self._script = redis.register_script(files(__package__).joinpath("tasks.lua").read_text(encoding="utf-8"))
        self._rules = rules or TaskRules()
        self._now = now

    async def submit(self, tenant: str, body: bytes) -> str:
        """Take a task in, and give its id, which nobody can guess. Raises TaskRefusedError."""
        if len(body) > self._rules.body_bytes:
            message = f"a task has {self._rules.body_bytes:,} bytes at most, this one {len(body):,}"
            raise TaskRefusedError(message)
        task_id = f"task_{secrets.token_hex(16)}"
        if not await self._ask("submit", body, id=task_id, tenant=tenant, most=self._rules.open):
            message = f"{self._rules.open} tasks are open: wait for one to end, or cancel one"
            raise TaskRefusedError(message)
        return task_id

    async def find(self, task_id: str, tenant: str) -> Task | None:
        """Tell how a task stands; None for one that is not known, is forgotten, or is another tenant's."""
        return _task(task_id, await self._ask("state", id=task_id, tenant=tenant))

    async def cancel(self, task_id: str, tenant: str) -> Task | None:
        """Cancel a task unless it has ended, and tell how it stands now. Its replica hears of it when it renews."""
        return _task(task_id, await self._ask("cancel", id=task_id, tenant=tenant))

    async def claim(self) -> ClaimedTask | None:
        """Take the next task, in turns among tenants, or one whose replica died; None where there is no work."""
        lease = secrets.token_hex(16)
        answer = await self._ask("claim", lease=lease)
        if answer is None:
            return None
        task_id, tenant, body, attempt = answer
        return ClaimedTask(id=task_id.decode(), tenant=tenant.decode(), body=body, attempt=int(attempt), lease=lease)

    async def renew(self, claimed: ClaimedTask) -> bool:
        """Say that this replica is alive. False: the task was cancelled, or is another's by now; stop it."""
        return bool(await self._ask("renew", id=claimed.id, lease=claimed.lease))

    async def finish(self, claimed: ClaimedTask, status: int, result: bytes) -> bool:
        """Keep an answer. False: it is not wanted any more. Raises TaskRefusedError for one that is too long."""
        if len(result) > self._rules.result_bytes:
            message = f"an answer has {self._rules.result_bytes:,} bytes at most, this one {len(result):,}"
            raise TaskRefusedError(message)
        return bool(await self._ask("finish", result, id=claimed.id, lease=claimed.lease, code=status))

    async def hand_back(self, claimed: ClaimedTask) -> bool:
        """Let another replica do it, since this one stops; first in its tenant's line. False as for `renew`."""
        return bool(await self._ask("hand_back", id=claimed.id, lease=claimed.lease))

    async def _ask(self, operation: str, body: bytes = b"", **what: object) -> Any:  # noqa: ANN401 - each knows its own
        rules = self._rules
        asked = {
            "now": round(self._now().timestamp() * 1_000),
            "attempts": rules.attempts,
            "held": round(rules.lease_s * 1_000),
            "patience": round(rules.patience_s * 1_000),
            "kept": round(rules.kept_s * 1_000),
        }
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                return await self._script(keys=[_NAMES], args=[operation, json.dumps(asked | what), body])
        except self._errors as error:
            message = f"the tasks' Redis gives no answer: {str(error) or type(error).__name__}"
            raise QueueDownError(message) from error


def _task(task_id: str, answer: list[bytes | None] | None) -> Task | None:
    if answer is None:
        return None
    state, created, code, result = answer
    return Task(
        id=task_id,
        state=TaskState((state or b"").decode()),
        created=datetime.fromtimestamp(int(created or 0) / 1_000, UTC),
        status=None if code is None else int(code),
        result=result,
    )
