"""Passes a call on in the bytes that came, and its answer while it comes; a stream that broke off is taken up again."""

import asyncio
import json
from collections.abc import AsyncIterator

from reviewbot.domain.call import Call
from reviewbot.errors import WireError
from reviewbot.llm import resuming
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.passing import Passage
from reviewbot.llm.ports import WireResponse
from reviewbot.llm.stream import Answer, Limits, Patience, whole
from reviewbot.llm.tallying import OVERLOADED, WHOLE, Tally
from reviewbot.llm.tape import Tape


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
    it. On a tape that has begun, the stream goes on where that one breaks off. Raises Fault for whatever is not a whole
    answer.
    """
    content_type = response.headers.get("content-type", "application/json")
    pieces = response.pieces()
    if "event-stream" in content_type:
        return await _streamed(pieces, limits, _passage(tape, content_type, call, withhold=withhold))
    if tape.begun:
        raise resuming.differs()
    try:
        body = await whole(pieces, limits)
    except (TimeoutError, WireError) as error:
        raise _broken(error) from error
    return _plain(body, content_type)


def _broken(error: TimeoutError | WireError, *, begun: bool = False) -> Fault:
    if isinstance(error, TimeoutError):
        return Fault(FaultKind.TIMEOUT, "the answer stalled", begun=begun)
    return Fault(FaultKind.BROKEN, f"the answer broke off: {error}", begun=begun)


def _passage(tape: Tape, content_type: str, call: Call, *, withhold: bool) -> Passage:
    if not tape.begun:
        return Passage(tape, content_type, withhold=withhold, choices=call.choices)
    if tape.told is None:  # pragma: no cover - the client does not ask again then
        raise resuming.differs()
    return resuming.Resumption(tape, content_type, tape.told, withhold=withhold)


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
    return Answer(tally.completion(text, content_type), None, fit=tally.begun and tally.reason in WHOLE)


async def _streamed(pieces: AsyncIterator[bytes], limits: Limits, passage: Passage) -> Answer:
    try:
        await _passed(pieces, limits, passage)
        passage.close()
    except (TimeoutError, WireError) as error:
        if not passage.cut():
            raise _broken(error, begun=passage.tally.begun) from error
    except Fault as fault:
        fault.begun = passage.tally.begun
        raise
    tally = passage.tally
    first_at = passage.tape.begun_at if tally.begun else None
    return Answer(passage.completion(), first_at, fit=tally.begun and tally.reason in WHOLE)


async def _passed(pieces: AsyncIterator[bytes], limits: Limits, passage: Passage) -> None:
    loop, tape = asyncio.get_running_loop(), passage.tape
    async with Patience(limits) as patience:
        async for piece in pieces:
            now = loop.time()
            passage.feed(piece)
            if tape.full:
                # It is not the provider that is slow: its limits rest.
                patience.rest()
                await tape.room()
                now = loop.time()
            patience.heard(now, begun=passage.tally.begun)
