"""What the gateway says while it runs: a JSON line for each request, without bodies and tokens."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TextIO

from reviewbot.domain.served import Served


class Journal:
    """Writes lines to a stream. Where nobody reads it any more, the gateway goes on without."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def served(self, served: Served) -> None:
        """Tell of a request."""
        self._write(
            {
                "at": _time(served.at),
                "kind": "request",
                "id": served.request_id,
                "path": served.path[:200],
                "tenant": served.tenant,
                "task": served.task,
                "model": served.model,
                "status": served.status,
                "error": served.error,
                "ms": round(1_000 * served.latency_s, 1),
                "ttft_ms": None if served.ttft_s is None else round(1_000 * served.ttft_s, 1),
                "stream": served.streamed,
                "cache": served.source,
                "key": served.key_id,
                "attempts": served.attempts,
                "prompt_tokens": served.usage.prompt_tokens,
                "completion_tokens": served.usage.completion_tokens,
            }
        )

    def said(self, at: datetime, level: str, message: str) -> None:
        """Tell something else."""
        self._write({"at": _time(at), "kind": "log", "level": level, "message": message})

    def _write(self, fields: Mapping[str, object]) -> None:
        # ASCII alone: nothing that a stranger sent can end the line, or steer a terminal.
        with suppress(OSError, ValueError):
            self._stream.write(json.dumps(fields, separators=(",", ":")) + "\n")
            self._stream.flush()


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
