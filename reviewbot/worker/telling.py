"""What a worker says: a line of JSON for each event, on standard error, without a secret in it."""

import json
import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, TextIO

_HIDDEN: Final = "[secret]"
_SHORTEST: Final = 6
"""Characters; hiding less would hide words."""


class Log:
    """Writes lines; from any thread, whole."""

    def __init__(self, stream: TextIO, now: Callable[[], datetime], secrets: Iterable[str] = ()) -> None:
        self._stream = stream
        self._now = now
        self._lock = threading.Lock()
        self._secrets: set[str] = set()
        self.hide(*secrets)

    def hide(self, *secrets: str) -> None:
        """Let these never be written."""
        with self._lock:
            self._secrets |= {secret for secret in secrets if len(secret) >= _SHORTEST}

    def masked(self, text: str) -> str:
        """Take the secrets out of a text, the longest first: one may be part of another."""
        with self._lock:
            secrets = sorted(self._secrets, key=len, reverse=True)
        for secret in secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write a line. Where nobody listens, it goes on without."""
        told = {"time": self._now().isoformat(timespec="milliseconds"), "event": event}
        shown = {name: self.masked(value) if isinstance(value, str) else value for name, value in fields.items()}
        line = json.dumps(told | shown, default=str)
        with self._lock:
            try:
                self._stream.write(f"{line}\n")
                self._stream.flush()
            except (OSError, ValueError):
                return


class Records(logging.Handler):
    """Makes lines of what libraries log: dramatiq and the queue speak of lost connections that way."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        error = record.exc_info[1] if record.exc_info else None
        trouble = {} if error is None else {"error": f"{type(error).__name__}: {error}"}
        self._log("log", level=record.levelname.lower(), logger=record.name, text=record.getMessage(), **trouble)
