"""Answers of a provider that are passed on, in pieces of the test's choice, and what came of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

from reviewbot.domain.call import Call
from reviewbot.domain.prompt import Completion
from reviewbot.llm import resuming
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.relaying import relay
from reviewbot.llm.stream import Answer, Limits
from reviewbot.llm.tape import Tape


def call(body: Mapping[str, object] | bytes = b'{"model": "m"}', **more: object) -> Call:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Call(**({"body": data, "shape": "0", "model": "m", "max_tokens": 1} | more))  # type: ignore[arg-type]


@dataclass
class Response:
    """An answer that comes in given pieces; an error in its place is raised."""

    parts: Iterable[bytes | Exception]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})

    async def pieces(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            await asyncio.sleep(0)
            if isinstance(part, Exception):
                raise part
            yield part


def event(content: str = "", finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]} | more, separators=(",", ":")).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}\n\n'
PLAIN = {"content-type": "application/json"}


@dataclass
class Heard:
    """What came of a relay."""

    tape: Tape
    answer: Answer | None = None
    fault: Fault | None = None

    @property
    def said(self) -> bytes:
        return self.tape.text().encode("utf-8", "surrogateescape")

    @property
    def completion(self) -> Completion:
        assert self.answer is not None
        return self.answer.completion


def relayed(
    *parts: bytes | Exception,
    headers: Mapping[str, str] | None = None,
    withhold: bool = False,
    choices: int = 1,
    tape: Tape | None = None,
) -> Heard:
    """Pass an answer on to a tape, an empty one by default."""

    async def work() -> Heard:
        heard = Heard(tape or Tape())
        response = Response(parts) if headers is None else Response(parts, headers=headers)
        limits = Limits(deadline_at=asyncio.get_running_loop().time() + 20)
        asked = call(choices=choices, streamed=True)
        if heard.tape.begun:
            await resuming.survey(asked, heard.tape)
        try:
            heard.answer = await relay(response, limits, heard.tape, asked, withhold=withhold)
        except Fault as fault:
            heard.fault = fault
        return heard

    return asyncio.run(work())


def kind(heard: Heard) -> FaultKind:
    assert heard.fault is not None
    return heard.fault.kind
