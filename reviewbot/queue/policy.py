"""What is asked of the policy in Redis, and its answers as values; the same for those who await it and who block."""

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

from reviewbot.domain.job import ReviewJob
from reviewbot.queue import spelling
from reviewbot.queue.outcomes import (
    TIMES_S,
    Admission,
    DeadJob,
    Enqueued,
    Failed,
    Later,
    ProjectStats,
    QueueStats,
    Taken,
)

NAMESPACE: Final = "reviewbot:tickets"
"""dramatiq's own names begin so."""
QUEUE: Final = "reviews"
ACTOR: Final = "review"
_NAMES: Final = "reviewbot:reviews"
_SCRIPT: Final = ("entries.lua", "admitting.lua", "working.lua")
_REASON: Final = 2_000
"""Characters of a dead job's reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRules:
    """How much the queue takes, and how often it tries."""

    waiting: int = 1_000
    """Requests of one project that may wait."""
    attempts: int = 5
    """Failures until a job is dead."""
    deliveries: int = 20
    """Workers that may die, or be killed, in the middle of one job until it is dead."""
    first_wait_s: float = 15.0
    """About the time until the second attempt; it doubles with each."""
    most_wait_s: float = 900.0
    kept_s: float = 30 * 86_400.0
    """For how long webhooks, the newest event of each request, dead jobs and idle projects are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One run of the script."""

    keys: tuple[str, ...]
    args: tuple[str, ...]


class Policy:
    """Words the questions by one set of rules."""

    def __init__(self, rules: QueueRules) -> None:
        self._rules = rules

    def enqueue(self, job: ReviewJob, now: datetime, nonce: str) -> Call:
        """Ask to let a job in. Raises MisspeltJobError."""
        since = _ms(now)
        entry = {
            "job": spelling.spelt(job),
            "id": job.id,
            "subject": job.subject,
            "request": job.request,
            "project": job.place,
            "version": job.version,
            "at": _ms(job.at),
            "since": since,
            "attempt": 1,
            "deliveries": 0,
            "tied": (),
        }
        delivery = f"{job.server} {job.delivery}" if job.delivery else ""
        return self._call("enqueue", now, nonce=nonce, entry=entry, delivery=delivery, again=job.again)

    def take(self, ticket: str, now: datetime, nonce: str, *, spare: bool = False) -> Call:
        """Ask for a ticket's job; with ``spare`` for one of a project of which none runs."""
        return self._call("take", now, nonce=nonce, ticket=ticket, spare=spare)

    def finish(self, taken: Taken, outcome: str, now: datetime) -> Call:
        """Tell that a job is done."""
        return self._held("finish", taken, now, outcome=outcome, times=TIMES_S)

    def fail(self, taken: Taken, failed: Failed, now: datetime, chance: float) -> Call:
        """Tell that a job went wrong: it waits for its next attempt, or is dead."""
        dead = failed.lasting or taken.attempt >= self._rules.attempts
        due = 0 if dead else _ms(now) + round(1_000 * self.wait_s(taken.attempt, failed, chance))
        return self._held("fail", taken, now, due=due, reason=_sendable(failed.reason)[-_REASON:], times=TIMES_S)

    def wait_s(self, attempt: int, failed: Failed, chance: float) -> float:
        """Give the seconds until the next attempt: doubling, between half and all of it by ``chance``."""
        wait_s = min(self._rules.first_wait_s * 2.0 ** min(attempt - 1, 32), self._rules.most_wait_s)
        return max(wait_s * (1 + chance) / 2, failed.wait_s or 0.0)

    def hand_back(self, taken: Taken, now: datetime) -> Call:
        """Put a job back to where it was."""
        return self._held("hand_back", taken, now)

    def superseded(self, taken: Taken, now: datetime) -> Call:
        """Ask whether to stop."""
        return self._held("superseded", taken, now)

    def sweep(self, now: datetime, nonce: str) -> Call:
        """Let those attempts begin that are due, and repair what crashes left."""
        return self._call("sweep", now, nonce=nonce)

    def requeue(self, job_id: str | None, now: datetime, nonce: str) -> Call:
        """Put dead jobs back."""
        return self._call("requeue", now, nonce=nonce, id=job_id or "")

    def dead(self, now: datetime) -> Call:
        """Ask for the dead jobs."""
        return self._call("dead", now)

    def stats(self, now: datetime) -> Call:
        """Ask how the queue stands."""
        return self._call("stats", now)

    def _held(self, operation: str, taken: Taken, now: datetime, **what: object) -> Call:
        # The nonce is for tickets of those that waited for this job; a lease is used up when it is shown.
        request, lease = taken.job.request, taken.lease
        return self._call(operation, now, nonce=f"{lease}-{operation}", request=request, lease=lease, **what)

    def _call(self, operation: str, now: datetime, **what: object) -> Call:
        rules = self._rules
        asked = {
            "now": _ms(now),
            "queue": QUEUE,
            "actor": ACTOR,
            "most": rules.waiting,
            "deliveries": rules.deliveries,
            "kept": round(1_000 * rules.kept_s),
        }
        return Call(keys=(_NAMES, f"{NAMESPACE}:{QUEUE}"), args=(operation, json.dumps(asked | what)))


def nonce() -> str:
    """Make a name for a lease, or for the tickets of one call, that nothing else ever has."""
    return secrets.token_hex(16)


def script() -> str:
    """Read the policy: one script in three files."""
    return "\n".join(files(__package__).joinpath(name).read_text(encoding="utf-8") for name in _SCRIPT)


def enqueued(answer: Sequence[bytes]) -> Enqueued:
    """Read what became of a job."""
    admission, reason = (value.decode() for value in answer)
    return Enqueued(admission=Admission(admission), reason=reason)


def taken(answer: Sequence[bytes | int] | bytes | None, ticket: str, nonce: str) -> Taken | Later | None:
    """Read a ticket's job; None for no work."""
    if answer is None:
        return None
    if isinstance(answer, bytes):
        return Later(answer.decode())
    job, attempt, tied = answer
    return Taken(job=spelling.read(_bytes(job)), attempt=int(attempt), ticket=ticket, lease=nonce, tied=int(tied) > 0)


def dead(answer: Sequence[bytes | int]) -> Iterator[DeadJob]:
    """Read the dead jobs."""
    for job, attempts, reason, died in zip(*(answer[at::4] for at in range(4)), strict=True):
        yield DeadJob(
            job=spelling.read(_bytes(job)),
            attempts=int(attempts),
            reason=_bytes(reason).decode(),
            at=datetime.fromtimestamp(int(died) / 1_000, UTC),
        )


def stats(answer: Sequence[bytes | int], now: datetime) -> QueueStats:
    """Read how the queue stands."""
    return QueueStats(projects=tuple(_projects(answer, now)))


def _projects(answer: Sequence[bytes | int], now: datetime) -> Iterator[ProjectStats]:
    at = 0
    while at < len(answer):
        place, since, size = answer[at : at + 3]
        at += 3 + int(size)
        values = answer[at - int(size) : at]
        tally = {_bytes(name).decode(): int(value) for name, value in zip(values[::2], values[1::2], strict=True)}
        age_s = (_ms(now) - int(since)) / 1_000 if int(since) else 0.0
        yield _project(_bytes(place).decode(), max(age_s, 0.0), tally)


def _project(place: str, oldest_s: float, tally: dict[str, int]) -> ProjectStats:
    ended = {name.removeprefix("ended:"): value for name, value in tally.items() if name.startswith("ended:")}
    return ProjectStats(
        place=place,
        waiting=tally.get("waiting", 0),
        oldest_s=oldest_s,
        running=tally.get("running", 0),
        retrying=tally.get("retrying", 0),
        dead=tally.get("dead", 0),
        retries=tally.get("retries", 0),
        ended=tuple(sorted(ended.items())),
        job_s=tally.get("ms", 0) / 1_000,
        times=tuple(tally.get(f"time:{number}", 0) for number in range(len(TIMES_S) + 1)),
    )


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)


def _bytes(value: bytes | int) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _sendable(text: str) -> str:
    """Replace what UTF-8 cannot hold: a child's last words may be of any bytes."""
    return text.encode("utf-8", "replace").decode()
