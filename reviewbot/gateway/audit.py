"""The audit log: a JSON line for every request for a completion, refused ones included, in a file for each day.

The ledger (`reviewbot.observers.ledger`) tells what calls of a model cost, of a job's client as of a gateway's; who was
refused at the door never gets there, and a client does not know under which id and status its answer left. So this is a
log of its own, and the id of a request leads from the one to the journal. Days are files: what is too old goes as a
whole, and nothing is written anew.

Neither bodies nor tokens nor keys are in it; a key shows by its short id.
"""

import json
import logging
import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from reviewbot.domain.served import Served

_LOG = logging.getLogger("reviewbot")
_NAME: Final = re.compile(r"audit-(\d{4}-\d{2}-\d{2})\.jsonl")
_LONGEST: Final = 200
"""Characters of a model's name or a path, which a client made up."""


class AuditLog:
    """Writes to a folder. One that cannot be written costs a line in the journal, never a request."""

    def __init__(self, folder: Path, now: Callable[[], datetime], keep_days: int) -> None:
        self._folder = folder
        self._now = now
        self._keep_days = keep_days
        self._today: date | None = None
        self._failed = False

    def __call__(self, served: Served, /) -> None:
        """Write a line; does not raise."""
        try:
            today = self._now().astimezone(UTC).date()
            if today != self._today:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._prune(today)
                self._today = today
            _append(self._folder / f"audit-{today}.jsonl", line(served))
            self._failed = False
        except OSError as error:
            if not self._failed:
                self._failed = True
                _LOG.warning(
                    "the audit log in %s cannot be written, requests go on without it: %s", self._folder, error
                )

    def _prune(self, today: date) -> None:
        oldest = today - timedelta(days=self._keep_days)
        for path in self._folder.iterdir():
            found = _NAME.fullmatch(path.name)
            if found is not None and found[1] < oldest.isoformat():
                path.unlink(missing_ok=True)  # another replica may have done it


def line(served: Served) -> bytes:
    """Spell a request. Keys are only added, never renamed."""
    fields = {
        "at": served.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "id": served.request_id,
        "path": served.path[:_LONGEST],
        "tenant": served.tenant,
        "task": served.task,
        "model": None if served.model is None else served.model[:_LONGEST],
        "answered_by": None if served.answered_by is None else served.answered_by[:_LONGEST],
        "parameters": dict(served.parameters),
        "stream": served.streamed,
        "status": served.status,
        "error": served.word,
        "cache": served.source,
        "key": served.key_id,
        "attempts": served.attempts,
        "prompt_tokens": served.usage.prompt_tokens,
        "cached_tokens": served.usage.cached_tokens,
        "completion_tokens": served.usage.completion_tokens,
        "cost_usd": None if served.cost_usd is None else format(served.cost_usd, "f"),
        "latency_s": round(served.latency_s, 6),
        "ttft_s": None if served.ttft_s is None else round(served.ttft_s, 6),
    }
    # ASCII alone: nothing that a stranger sent can end the line.
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def _append(path: Path, data: bytes) -> None:
    # One write for a line, so that processes may share a file. Opened each time: a file that was moved away stays so.
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, data)
    finally:
        os.close(file)
