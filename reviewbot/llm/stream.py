"""Reads an answer piece by piece, so that a stalled one is seen at once, and joins it to a completion.

Three limits in seconds hold at once: to the first content (keep-alives do not count), between any two
pieces, and in total. A server may answer a streamed request with one JSON body as well.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from reviewbot.domain.prompt import Completion
from reviewbot.errors import WireError
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.sse import EventReader
from reviewbot.llm.wire import error_in, read_usage
from reviewbot.ports import WireResponse

_DONE = b"[DONE]"
_LIMIT_BYTES = 16_000_000
"""Unpacked: far more than any model writes, and far less than a machine has."""
_ENDLESS = "the answer does not end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long an answer may take, in seconds."""

    first_s: float = 120.0
    idle_s: float = 30.0
    deadline_at: float
    """On the event loop's clock."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, and when its first content came."""

    completion: Completion
    first_at: float | None
    """On the event loop's clock; None where nothing was streamed."""


async def read(response: WireResponse, limits: Limits, completion: Callable[[bytes], Completion]) -> Answer:
    """Read a successful answer to its end. Raises Fault for whatever is not a whole completion."""
    pieces = response.pieces()
    try:
        if "event-stream" in response.headers.get("content-type", ""):
            return await _streamed(pieces, limits)
        body = await whole(pieces, limits)
    except TimeoutError as error:
        raise Fault(FaultKind.TIMEOUT, "the answer stalled") from error
    except WireError as error:
        raise Fault(FaultKind.BROKEN, f"the answer broke off: {error}") from error
    fault = _error_with_status_200(body)
    if fault is not None:
        raise Fault(FaultKind.SERVER, f"the provider broke off: {fault}")
    try:
        return Answer(completion(body), None)
    except ValueError as error:
        raise Fault(FaultKind.MALFORMED, f"the answer is no completion: {error}") from error


async def whole(pieces: AsyncIterator[bytes], limits: Limits) -> bytes:
    """Read a body that is no stream; it has the time of a first content. Raises TimeoutError, and Fault if endless."""
    loop = asyncio.get_running_loop()
    parts: list[bytes] = []
    size = 0
    async with asyncio.timeout_at(min(loop.time() + limits.first_s, limits.deadline_at)):
        async for piece in pieces:
            size += len(piece)
            if size > _LIMIT_BYTES:
                raise Fault(FaultKind.MALFORMED, _ENDLESS)
            parts.append(piece)
    return b"".join(parts)


async def _streamed(pieces: AsyncIterator[bytes], limits: Limits) -> Answer:
    loop = asyncio.get_running_loop()
    events: list[bytes] = []
    reader = EventReader()
    first_by = loop.time() + limits.first_s
    first_at: float | None = None
    size = 0
    async with asyncio.timeout_at(min(first_by, limits.deadline_at)) as patience:
        # Read on to the end after [DONE]: breaking off here would close the connection.
        async for piece in pieces:
            now = loop.time()
            size += len(piece)
            if size > _LIMIT_BYTES:
                raise Fault(FaultKind.MALFORMED, _ENDLESS)
            for event in reader.feed(piece):
                events.append(event)
                if first_at is None and _has_content(event):
                    first_at = now
            until = now + limits.idle_s if first_at is not None else min(now + limits.idle_s, first_by)
            patience.reschedule(min(until, limits.deadline_at))
    last = reader.close()
    if last is not None:
        events.append(last)
    return Answer(_joined(events), first_at)


def _error_with_status_200(body: bytes) -> str | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return error_in(said) if isinstance(said, dict) else None


def _has_content(event: bytes) -> bool:
    """Tell whether an event brings text; role and usage events do not."""
    if event == _DONE:
        return False
    delta = _delta(_parsed(event))
    return bool(delta.get("content") or delta.get("reasoning_content"))


def _parsed(event: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(event)
    except (ValueError, RecursionError) as error:
        raise Fault(FaultKind.MALFORMED, "an event of the answer is no JSON") from error
    if not isinstance(value, dict):
        raise Fault(FaultKind.MALFORMED, "an event of the answer is no object")
    return value


def _choice(event: Mapping[str, object]) -> Mapping[str, object]:
    choices = event.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _delta(event: Mapping[str, object]) -> Mapping[str, object]:
    delta = _choice(event).get("delta")
    return delta if isinstance(delta, dict) else {}


def _joined(events: list[bytes]) -> Completion:
    """Join the events to one completion. Without a finish reason the answer was cut off."""
    parts: list[str] = []
    reason: str | None = None
    model: str | None = None
    usage: object = None
    for data in events:
        if data == _DONE:
            continue
        event = _parsed(data)
        fault = error_in(event)
        if fault is not None:
            raise Fault(FaultKind.SERVER, f"the provider broke off: {fault}")
        content = _delta(event).get("content")
        if isinstance(content, str):
            parts.append(content)
        finish, said = _choice(event).get("finish_reason"), event.get("model")
        reason = finish if isinstance(finish, str) else reason
        model = said if isinstance(said, str) else model
        usage = event.get("usage") or usage
    if reason is None:
        raise Fault(FaultKind.TRUNCATED, "the answer ended before it was complete")
    return Completion(text="".join(parts), finish_reason=reason, model=model, usage=read_usage(usage))
