"""Jobs as JSON and back. What comes out of Redis is checked like any other text from outside."""

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Final

from reviewbot.domain.job import JobKind, ReviewJob

MOST_BYTES: Final = 65_536
"""Of one job. A webhook's whole payload does not belong into the queue."""
_FORGES: Final = ("gitlab", "github")


class MisspeltJobError(ValueError):
    """A text that is no job, or a job that is none; the message names the field."""


def spelt(job: ReviewJob) -> str:
    """Write a job as JSON. Raises MisspeltJobError for what could not be read again."""
    values = {field.name: getattr(job, field.name) for field in fields(job)}
    text = json.dumps(values | {"at": job.at.isoformat()}, separators=(",", ":"))
    read(text)
    return text


def read(text: str | bytes) -> ReviewJob:
    """Read a job. Raises MisspeltJobError."""
    if len(text) > MOST_BYTES:
        message = f"a job has {MOST_BYTES:,} bytes at most, this one {len(text):,}"
        raise MisspeltJobError(message)
    try:
        values = json.loads(text)
    except ValueError as error:
        message = f"a job is a JSON object: {error}"
        raise MisspeltJobError(message) from error
    if not isinstance(values, dict) or set(values) != set(_READERS):
        message = "a job has the fields " + ", ".join(_READERS)
        raise MisspeltJobError(message)
    return ReviewJob(**{name: _field(name, values[name]) for name in _READERS})  # type: ignore[arg-type]  # by _READERS


def _field(name: str, value: object) -> object:
    try:
        return _READERS[name](value)
    except (TypeError, ValueError) as error:
        message = f"{name} of a job: {error}"
        raise MisspeltJobError(message) from error


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        message = "no text"
        raise ValueError(message)
    value.encode()  # a lone surrogate cannot be sent to Redis
    return value


def _name(value: object) -> str:
    text = _text(value)
    if not text:
        message = "empty"
        raise ValueError(message)
    return text


def _forge(value: object) -> str:
    forge = _text(value)
    if forge not in _FORGES:
        message = f"none of {', '.join(_FORGES)}"
        raise ValueError(message)
    return forge


def _number(value: object) -> int:
    if type(value) is not int or value < 1:
        message = "no positive number"
        raise ValueError(message)
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        message = "neither true nor false"
        raise TypeError(message)
    return value


def _kind(value: object) -> JobKind:
    return JobKind(_text(value))


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        message = "without a time zone"
        raise ValueError(message)
    return moment


_READERS: Final[dict[str, Callable[[object], object]]] = {
    "id": _name,
    "kind": _kind,
    "forge": _forge,
    "server": _name,
    "project": _name,
    "project_id": _number,
    "number": _number,
    "head_sha": _name,
    "target_branch": _name,
    "at": _moment,
    "correlation": _name,
    "delivery": _text,
    "thread": _text,
    "note": _text,
    "again": _flag,
}
