"""Passes an answer on while it comes, in the bytes that came, and reads beside it what the client has to know of it.

Whole events are passed on, never half of one, so that a stream that breaks off can end in an event that tells so. Until
the first event with content nothing is handed out: what fails before that can be tried again, and nobody sees it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Final

from reviewbot.domain.call import Call
from reviewbot.domain.prompt import Completion
from reviewbot.errors import WireError
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.ports import WireResponse
from reviewbot.llm.sse import EventReader
from reviewbot.llm.stream import DONE, ENDLESS, LIMIT_BYTES, Answer, Limits, Patience, all_parsed, whole
from reviewbot.llm.tape import Tape
from reviewbot.llm.wire import error_in, read_usage

OVERLOADED: Final = "insufficient_system_resource"
"""DeepSeek's finish reason for an answer that it had to give up."""
_WHOLE: Final = frozenset({"stop", "tool_calls", "function_call"})
_SILENT: Final = frozenset({"role", "name"})
"""What a message has that is none of its content."""


def body_for(call: Call, model: str, *, usage: bool) -> bytes:
    """Give the bytes to send: those that came, but for another model, or with the wish to report usage added."""
    if not usage and model == call.model:
        return call.body
    if model == call.model and b'"stream_options"' not in call.body:
        # The rest stays as it is spelt, and long bodies are not parsed again.
        rest = call.body.lstrip().removeprefix(b"{")
        return b'{"stream_options":{"include_usage":true},' + rest
    fields = json.loads(call.body)
    fields["model"] = model
    if usage:
        fields["stream_options"] = {**(fields.get("stream_options") or {}), "include_usage": True}
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


async def relay(response: WireResponse, limits: Limits, tape: Tape, call: Call, *, withhold: bool) -> Answer:
    """Read a successful answer to its end; a stream goes to the tape as it comes.

    With ``withhold`` the one event that only tells the usage is kept back: whoever did not ask for it may not expect
    it. Raises Fault for whatever is not a whole answer.
    """
    content_type = response.headers.get("content-type", "application/json")
    pieces = response.pieces()
    try:
        if "event-stream" in content_type:
            passage = _Passage(tape, content_type, withhold=withhold, careful=call.choices > 1)
            return await _streamed(pieces, limits, passage)
        return _plain(await whole(pieces, limits), content_type)
    except TimeoutError as error:
        raise Fault(FaultKind.TIMEOUT, "the answer stalled") from error
    except WireError as error:
        raise Fault(FaultKind.BROKEN, f"the answer broke off: {error}") from error


def _plain(body: bytes, content_type: str) -> Answer:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Fault(FaultKind.MALFORMED, "the answer is no JSON") from error
    if not isinstance(said, dict):
        raise Fault(FaultKind.MALFORMED, "the answer is no object")
    tally = Tally()
    tally.take(said, "message")
    if not tally.reasons:
        raise Fault(FaultKind.MALFORMED, "the answer is no completion: it has no choices")
    if tally.reason == OVERLOADED:
        raise Fault(FaultKind.SERVER, "the provider ran out of resources during the answer")
    text = body.decode("utf-8", "surrogateescape")
    return Answer(tally.completion(text, content_type), None, fit=tally.begun and tally.reason in _WHOLE)


async def _streamed(pieces: AsyncIterator[bytes], limits: Limits, passage: "_Passage") -> Answer:
    loop = asyncio.get_running_loop()
    tape = passage.tape
    first_at: float | None = None
    async with Patience(limits) as patience:
        async for piece in pieces:
            now = loop.time()
            passage.feed(piece)
            if first_at is None and tape.begun:
                first_at = now
            if tape.full:
                # It is not the provider that is slow: its limits rest.
                patience.rest()
                await tape.room()
                now = loop.time()
            patience.heard(now, begun=tape.begun)
    passage.close()
    return Answer(passage.completion(), first_at, fit=passage.tally.begun and passage.tally.reason in _WHOLE)


class _Passage:
    """Bytes of a stream on their way to the tape."""

    def __init__(self, tape: Tape, content_type: str, *, withhold: bool, careful: bool) -> None:
        """Take whether every event is to be read, as where several choices have to end."""
        self.tape = tape
        self.tally = Tally()
        self._content_type = content_type
        self._withhold = withhold
        self._careful = careful
        self._rest = b""
        """Of an event whose end has not come yet."""
        self._held: list[bytes] = []
        """What came before the first content."""
        self._size = 0

    def feed(self, piece: bytes) -> None:
        """Take in what came, and pass on the events that are whole. Raises Fault for one that is none."""
        self._size += len(piece)
        if self._size > LIMIT_BYTES:
            raise Fault(FaultKind.MALFORMED, ENDLESS)
        block = self._rest + piece if self._rest else piece
        end = _end_of_events(block)
        self._rest = block[end:]
        if not end:
            return
        whole_events = block[:end]
        if self.tape.begun and not self._careful and _is_more_text(whole_events):
            self.tape.write(whole_events)
        else:
            self._pass(whole_events)

    def close(self) -> None:
        """Pass on what is left: an event whose blank line never came."""
        if self._rest:
            self._pass(self._rest)
        if self.tally.reason is None:
            raise Fault(FaultKind.TRUNCATED, "the answer ended before it was complete")
        if self.tally.reason == OVERLOADED and not self.tape.begun:
            raise Fault(FaultKind.SERVER, "the provider ran out of resources during the answer")
        self._hand_out(b"")

    def completion(self) -> Completion:
        """Give the whole answer."""
        return self.tally.completion(self.tape.text(), self._content_type)

    def _pass(self, block: bytes) -> None:
        events = _events(block)
        if self.tape.begun and not self._careful:
            events = [event for event in events if not _is_more_text(event + b"\n\n")]
        if self._read(events):
            block = _without_usage(block)
        if self.tape.begun:
            self.tape.write(block)
        elif self.tally.begun:
            self._hand_out(block)
        else:
            self._held.append(block)

    def _hand_out(self, block: bytes) -> None:
        """Begin, with all that came before."""
        if not self.tape.begun:
            self.tape.begin(self._content_type)
            self.tape.write(b"".join((*self._held, block)))

    def _read(self, events: list[bytes]) -> bool:
        """Read events; tell whether one of them is to be kept back."""
        withheld = False
        for said in all_parsed(events):
            self.tally.take(said, "delta")
            withheld = withheld or (self._withhold and _only_usage(said))
        return withheld


class Tally:
    """What is known of an answer: how each of its choices ended, who gave it, and what it used."""

    def __init__(self) -> None:
        self.begun = False
        """Whether anything of its content was there."""
        self.reasons: dict[object, str | None] = {}
        """By choice, how it ended; None while it has not."""
        self._model: str | None = None
        self._usage: object = None

    @property
    def reason(self) -> str | None:
        """How the answer ended: as the choice that ended worst. None where one has not, or where there is none."""
        found = list(self.reasons.values())
        if not found or None in found:
            return None
        return next((reason for reason in found if reason not in _WHOLE), found[0])

    def take(self, said: Mapping[str, object], part: str) -> None:
        """Take in an event, or a whole answer; ``part`` is where a choice has its content.

        Raises Fault for one that tells of an error.
        """
        fault = error_in(said)
        if fault is not None:
            raise Fault(FaultKind.SERVER, f"the provider broke off: {fault}")
        choices = said.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._take_choice(choice, part)
        model = said.get("model")
        self._model = model if isinstance(model, str) else self._model
        self._usage = said.get("usage") or self._usage

    def completion(self, body: str, content_type: str) -> Completion:
        """Give the answer with its whole body."""
        return Completion(
            text=body,
            finish_reason=self.reason,
            model=self._model,
            usage=read_usage(self._usage),
            content_type=content_type,
        )

    def _take_choice(self, choice: Mapping[str, object], part: str) -> None:
        number, reason, content = choice.get("index", 0), choice.get("finish_reason"), choice.get(part)
        key = number if isinstance(number, int) else 0
        self.reasons[key] = reason if isinstance(reason, str) else self.reasons.get(key)
        if not self.begun:
            self.begun = isinstance(content, dict) and any(
                value for name, value in content.items() if name not in _SILENT
            )


def _end_of_events(block: bytes) -> int:
    """Give where the last whole event ends; 0 where none does."""
    if block.endswith(b"\n\n"):
        return len(block)
    end = block.rfind(b"\n\n")
    crlf = block.rfind(b"\n\r\n")
    return max(end + 2 if end >= 0 else 0, crlf + 3 if crlf >= 0 else 0)


def _only_usage(said: Mapping[str, object]) -> bool:
    """Tell the event that a stream ends with when it is asked to report its usage."""
    return said.get("choices") == [] and isinstance(said.get("usage"), dict)


def _events(block: bytes) -> list[bytes]:
    """Give the data of the events in a block of whole ones, but for the word that ends a stream."""
    reader = EventReader()
    found, last = list(reader.feed(block)), reader.close()
    return [event for event in (*found, last) if event is not None and event != DONE]


def _is_more_text(block: bytes) -> bool:
    """Tell whether a block has nothing to be read: whole objects that tell of no end, no usage and no error.

    Reading every event costs more than passing it on. This may say no to what it does not understand, never yes: within
    a text, these names would have a backslash before their quotes.
    """
    return (
        0 < block.count(b"\n\n") == block.count(b"}\n\n")
        and block.count(b'"finish_reason"') == block.count(b'"finish_reason":null')
        and b'"error"' not in block
        and (b'"usage"' not in block or block.count(b'"usage"') == block.count(b'"usage":null'))
    )


def _without_usage(block: bytes) -> bytes:
    """Leave out the events that only tell the usage; all others stay as they came."""
    kept, at = [], 0
    while at < len(block):
        end = _end_of_event(block, at)
        event, at = block[at:end], end
        if not any(_only_usage(said) for said in all_parsed(_events(event))):
            kept.append(event)
    return b"".join(kept)


def _end_of_event(block: bytes, at: int) -> int:
    ends = [found + len(mark) for mark in (b"\n\n", b"\n\r\n") if (found := block.find(mark, at)) >= 0]
    return min(ends, default=len(block))
