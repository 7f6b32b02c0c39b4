"""Reads an answer piece by piece, so that a stalled one is seen at once, and joins it to a completion.

Three limits in seconds hold at once: to the first content (keep-alives do not count), between any two
pieces, and in total. A server may answer a streamed request with one JSON body as well.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from reviewbot.domain.prompt import Completion
from reviewbot.errors import WireError
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.ports import WireResponse
from reviewbot.llm.sse import EventReader
from reviewbot.llm.wire import error_in, read_usage

DONE = b"[DONE]"
LIMIT_BYTES = 16_000_000
"""Of an answer, unpacked: far more than any model writes, and far less than a machine has."""
_PATIENCE = 0.1
"""Of the idle limit: how exactly it is kept. Setting a timer for each of 300 pieces costs more than reading them."""
_BATCH = 32
ENDLESS = "the answer does not end"


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
    fit: bool = True
    """Whether it may be kept, as far as can be told without knowing what was asked."""


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
            if size > LIMIT_BYTES:
                raise Fault(FaultKind.MALFORMED, ENDLESS)
            parts.append(piece)
    return b"".join(parts)


async def _streamed(pieces: AsyncIterator[bytes], limits: Limits) -> Answer:
    loop = asyncio.get_running_loop()
    reader, joined = EventReader(), _Joined()
    first_at: float | None = None
    size = 0
    async with Patience(limits) as patience:
        # Read on to the end after [DONE]: breaking off here would close the connection.
        async for piece in pieces:
            now = loop.time()
            size += len(piece)
            if size > LIMIT_BYTES:
                raise Fault(FaultKind.MALFORMED, ENDLESS)
            fresh = list(reader.feed(piece))
            if first_at is None and any(map(_has_content, fresh)):
                first_at = now
            joined.take(fresh)
            patience.heard(now, begun=first_at is not None)
    last = reader.close()
    joined.take([] if last is None else [last])
    return Answer(joined.completion(), first_at)


class Patience:
    """Keeps the limits of a stream for the length of a block. Raises TimeoutError at its end."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._first_by = asyncio.get_running_loop().time() + limits.first_s
        self._until = min(self._first_by, limits.deadline_at)
        self._timeout = asyncio.timeout_at(self._until)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._timeout.__aexit__(kind, error, trace)

    def heard(self, now: float, *, begun: bool) -> None:
        """Take note of a piece, and whether there was content by then."""
        limits = self._limits
        wanted = min(now + limits.idle_s, limits.deadline_at, limits.deadline_at if begun else self._first_by)
        if wanted < self._until or wanted - self._until > _PATIENCE * limits.idle_s:
            self._until = wanted
            self._timeout.reschedule(wanted)

    def rest(self) -> None:
        """Let no limit hold until something is heard again."""
        self._until = float("-inf")
        self._timeout.reschedule(None)


def _error_with_status_200(body: bytes) -> str | None:
    if b'"error"' not in body:
        return None  # a whole answer need not be parsed twice
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return error_in(said) if isinstance(said, dict) else None


def _has_content(event: bytes) -> bool:
    """Tell whether an event brings text; role and usage events do not."""
    if event == DONE:
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


def all_parsed(events: list[bytes]) -> list[Mapping[str, object]]:
    """Parse all events in one go; one by one where that fails, to say which is at fault."""
    try:
        values = json.loads(b"[" + b",".join(events) + b"]")
    except (ValueError, RecursionError):
        values = None
    if isinstance(values, list) and len(values) == len(events) and all(isinstance(value, dict) for value in values):
        return values
    return [_parsed(event) for event in events]


def _choice(event: Mapping[str, object]) -> Mapping[str, object]:
    choices = event.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _delta(event: Mapping[str, object]) -> Mapping[str, object]:
    delta = _choice(event).get("delta")
    return delta if isinstance(delta, dict) else {}


class _Joined:
    """Joins events to one completion, in batches: parsing each costs more, and all in the end would be felt."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._parts: list[str] = []
        self._reason: str | None = None
        self._model: str | None = None
        self._usage: object = None

    def take(self, events: Iterable[bytes]) -> None:
        """Take in events. Raises Fault for one that is none, or that tells of an error."""
        self._waiting += (event for event in events if event != DONE)
        if len(self._waiting) >= _BATCH:
            self._parse()

    def completion(self) -> Completion:
        """Give the whole. Without a finish reason the answer was cut off: raises Fault."""
        self._parse()
        if self._reason is None:
            raise Fault(FaultKind.TRUNCATED, "the answer ended before it was complete")
        return Completion(
            text="".join(self._parts), finish_reason=self._reason, model=self._model, usage=read_usage(self._usage)
        )

    def _parse(self) -> None:
        events, self._waiting = self._waiting, []
        for event in all_parsed(events):
            fault = error_in(event)
            if fault is not None:
                raise Fault(FaultKind.SERVER, f"the provider broke off: {fault}")
            choice = _choice(event)
            content, finish, said = _delta(event).get("content"), choice.get("finish_reason"), event.get("model")
            if isinstance(content, str):
                self._parts.append(content)
            self._reason = finish if isinstance(finish, str) else self._reason
            self._model = said if isinstance(said, str) else self._model
            self._usage = event.get("usage") or self._usage
