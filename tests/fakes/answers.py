"""What the fake server answers: a completion, whole or as server-sent events, with every fault of real ones."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_PIECE = 16
_CREATED = 1_790_000_000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came in."""

    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def user(self) -> str:
        """The first user message."""
        return next(str(message["content"]) for message in self.body["messages"] if message["role"] == "user")

    @property
    def task(self) -> str:
        return self.headers.get("x-reviewbot-task", "review")

    @property
    def is_repair(self) -> bool:
        return self.headers.get("x-reviewbot-repair") == "1"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What to answer: a text in a completion, or an error. Streamed where the request asks for it."""

    text: str = '{"findings": []}'
    status: int = 200
    raw: bytes | None = None
    """A body of one's own instead of a completion; as JSON, unless ``headers`` give another content type."""
    finish_reason: str | None = "stop"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    """Before anything is sent, headers included."""
    model: str | None = None
    """As the answer names it; None for the one that was asked for."""

    tokens: int | None = None
    """Completion tokens in ``usage``; None for a quarter of the characters."""
    cached_tokens: int = 0
    usage: bool = True
    """Whether token counts are sent."""
    usage_apart: bool = False
    """Streamed: counts come in an event of their own with ``choices: []``, as OpenAI sends them."""

    sse: bool | None = None
    """None: as the request asks. False: plain JSON in spite of ``stream``."""
    pieces: Sequence[str] | None = None
    """The text as content events; it replaces ``text``. None for pieces of 16 characters."""
    ttft_s: float = 0.0
    """From the headers to the first content event. A plain answer takes as long as the stream would."""
    event_delay_s: float = 0.0
    """Between two content events."""
    keep_alives: int = 0
    """Comments and blank lines, spread over ``ttft_s``."""
    crlf: bool = False
    split_bytes: int | None = None
    """Writes of at most so many bytes, each in a packet of its own: 1 splits every character."""
    done: bool = True
    """Whether ``[DONE]`` ends the stream."""

    cut_after: int | None = None
    """The connection breaks after so many content events (plain: in the middle of the body)."""
    error_after: int | None = None
    """An error event, and no more, after so many content events (plain: a body with an error, status 200)."""
    stall_after: int | None = None
    """Nothing more comes after so many content events, and the connection stays (plain: after the headers)."""
    dropped: bool = False
    """The connection closes without a byte."""
    silent: bool = False
    """Never answers: not even headers, and the connection stays."""

    @property
    def content(self) -> Sequence[str]:
        """The text in its pieces."""
        if self.pieces is not None:
            return self.pieces
        return [self.text[at : at + _PIECE] for at in range(0, len(self.text), _PIECE)]

    @property
    def whole(self) -> str:
        return self.text if self.pieces is None else "".join(self.pieces)

    @property
    def duration_s(self) -> float:
        """From the headers to the last content event."""
        return self.ttft_s + self.event_delay_s * max(len(self.content) - 1, 0)


def findings(*claims: Mapping[str, object]) -> Answer:
    """Answer with findings."""
    return Answer(text=json.dumps({"findings": list(claims)}))


def verdict(*, accept: bool = True, reason: str = "It is plain to see.", evidence: str | None = None) -> Answer:
    """Answer a verify request."""
    return Answer(text=json.dumps({"accept": accept, "reason": reason, "evidence": evidence}))


def summary(text: str = "It changes what it says it does.", risk: str = "low") -> Answer:
    """Answer what a change does."""
    return Answer(text=json.dumps({"summary": text, "risk": risk}))


def accepting(asked: Asked, answer: Answer) -> Answer:
    """Turn findings that a script gave to a verify request into a yes, with the claim's quote as evidence.

    And into a few words where a summary is asked for. So scripts that know of reviews alone still say something
    sensible; faults and other answers stay as they are.
    """
    if answer.raw is not None or not answer.whole.startswith('{"findings"'):
        return answer
    if asked.task == "summary":
        return replace(answer, text=summary().text, pieces=None)
    if asked.task != "verify":
        return answer
    quote = asked.user.partition("\nquote:\n")[2].partition("\n</claim ")[0]
    return replace(answer, text=verdict(evidence=quote).text, pieces=None)


def refusal(status: int, message: str, kind: str = "invalid_request_error", **headers: str) -> Answer:
    """Answer with an error in the providers' form."""
    return Answer(status=status, raw=error(message, kind), headers=headers)


def error(message: str, kind: str = "server_error") -> bytes:
    """Spell an error as providers do."""
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": None}}).encode()


def completion(answer: Answer, request: Mapping[str, Any]) -> bytes:
    """Spell a whole answer."""
    if answer.error_after is not None:
        return error("The server had an error while processing your request")
    message = {"role": "assistant", "content": answer.whole}
    said = _head(answer, request, "chat.completion") | {
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}]
    }
    return json.dumps(said | ({"usage": _usage(answer, request)} if answer.usage else {})).encode()


def events(answer: Answer, request: Mapping[str, Any]) -> Iterator[tuple[float, bytes]]:
    """Spell a streamed answer: what is sent, each with the seconds to wait before."""
    end = b"\r\n\r\n" if answer.crlf else b"\n\n"
    waits = answer.keep_alives + 1
    for number in range(answer.keep_alives):
        # DeepSeek sends comments while a request waits, others blank lines.
        yield answer.ttft_s / waits, (b": keep-alive" if number % 2 == 0 else b"") + end
    wait_s = answer.ttft_s / waits
    yield 0.0, _event(answer, request, {"role": "assistant", "content": ""}) + end
    for number, piece in enumerate(answer.content):
        if number in (answer.cut_after, answer.stall_after, answer.error_after):
            break
        yield wait_s, _event(answer, request, {"content": piece}) + end
        wait_s = answer.event_delay_s
    if answer.error_after is not None:
        yield 0.0, b"data: " + error("The server had an error while processing your request") + end
    elif answer.cut_after is None and answer.stall_after is None:
        yield 0.0, b"".join(part + end for part in _ending(answer, request))


def _ending(answer: Answer, request: Mapping[str, Any]) -> Iterator[bytes]:
    usage = {"usage": _usage(answer, request)} if answer.usage else {}
    if answer.finish_reason is not None:
        yield _event(answer, request, {"content": ""}, {} if answer.usage_apart else usage, answer.finish_reason)
    if answer.usage_apart:
        yield b"data: " + json.dumps(_head(answer, request, "chat.completion.chunk") | {"choices": []} | usage).encode()
    if answer.done:
        yield b"data: [DONE]"


def _event(
    answer: Answer,
    request: Mapping[str, Any],
    delta: Mapping[str, str],
    usage: Mapping[str, object] | None = None,
    finish_reason: str | None = None,
) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    said = _head(answer, request, "chat.completion.chunk") | {"choices": [choice]} | dict(usage or {})
    # Not escaped, so that characters of several bytes are there to be split.
    return b"data: " + json.dumps(said, ensure_ascii=False).encode()


def _head(answer: Answer, request: Mapping[str, Any], kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-1", "object": kind, "created": _CREATED, "model": answer.model or request["model"]}


def _usage(answer: Answer, request: Mapping[str, Any]) -> dict[str, int]:
    prompt = sum(len(message["content"]) for message in request["messages"]) // 4
    completion_tokens = len(answer.whole) // 4 if answer.tokens is None else answer.tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt + completion_tokens,
        "prompt_cache_hit_tokens": answer.cached_tokens,
        "prompt_cache_miss_tokens": prompt - answer.cached_tokens,
    }
