"""What the gateway says while it runs: JSON lines, for each request without bodies and tokens, and for troubles."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TextIO

from reviewbot.domain.events import BreakerChanged, BudgetWarned, Event, KeyChanged
from reviewbot.domain.secret import mask
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
                "error": served.word,
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

    def happened(self, at: datetime, event: Event) -> None:
        """Tell of a key that is out of use or fails often, a breaker, a budget that is nearly used up."""
        told = _sentence(event)
        if told is not None:
            level, message = told
            self.said(at, level, message)

    def said(self, at: datetime, level: str, message: str) -> None:
        """Tell something else."""
        self._write({"at": _time(at), "kind": "log", "level": level, "message": message})

    def _write(self, fields: Mapping[str, object]) -> None:
        # ASCII alone: nothing that a stranger sent can end the line, or steer a terminal.
        with suppress(OSError, ValueError):
            self._stream.write(json.dumps(fields, separators=(",", ":")) + "\n")
            self._stream.flush()


def _sentence(event: Event) -> tuple[str, str] | None:
    """Give the level and words for what people should know."""
    match event:
        case KeyChanged(state="retired" | "offline" | "alert"):
            is_now = "fails often" if event.state == "alert" else f"is {event.state}"
            # It holds the provider's words, and some providers echo the key that they refuse.
            return "warning", f"key {event.key_id} {is_now}: {mask(event.reason)}"
        case BreakerChanged(state="open"):
            return "warning", f"{_place(event)} fails too often and is left alone for a while"
        case BreakerChanged(state="closed"):
            return "info", f"{_place(event)} answers again"
        case BudgetWarned():
            whose = "the gateway's own" if event.scope == "all" else f"tenant {event.scope}'s"
            spent = f"${event.spent_usd:.4f} of ${event.limit_usd}"
            return "warning", f"{whose} budget of the {event.period} is nearly used up: {spent}"
        case _:
            return None


def _place(event: BreakerChanged) -> str:
    return f"{event.endpoint} ({event.model})" if event.model else event.endpoint


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
