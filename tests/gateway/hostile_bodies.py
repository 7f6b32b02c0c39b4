"""Bodies of requests that nobody should send, by what is wrong with them. Each with the statuses that are right."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gateway.hostile_scene import LIMIT_BYTES, MODELS, TOKENS, post

AUTHORIZED = f"Authorization: Bearer {TOKENS['shop']}"
CLOSE = "Connection: close"
GOOD: Mapping[str, object] = {"model": MODELS["shop"], "messages": [{"role": "user", "content": "hello"}]}


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile request."""

    name: str
    sent: tuple[bytes, ...]
    statuses: tuple[int, ...] = (400,)
    """Those that are right, one for each answer; any of them where there is one answer."""
    closed: bool = False
    """Whether hanging up without a word is right too."""
    pause_s: float = 0.0
    """Between the pieces."""

    @property
    def asked_for(self) -> bytes:
        """All that it sends: an answer may name what was asked for."""
        return unquote_to_bytes(b"".join(self.sent))


def _sent(name: str, body: bytes, *headers: str, statuses: tuple[int, ...] = (400,)) -> Case:
    return Case(name, (post(body, AUTHORIZED, CLOSE, *headers),), statuses)


def _json(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


_TEXT = json.dumps(GOOD)
_MALFORMED: Mapping[str, bytes] = {
    "nothing": b"",
    "a space": b" ",
    "an opening brace": b"{",
    "a closing brace": b"}",
    "a list": b"[]",
    "a list around it": f"[{_TEXT}]".encode(),
    "null": b"null",
    "true": b"true",
    "a number": b"1",
    "a string": b'"messages"',
    "a string of JSON": json.dumps(_TEXT).encode(),
    "single quotes": _TEXT.replace('"', "'").encode(),
    "names without quotes": b"{model: 1}",
    "a trailing comma": _TEXT[:-1].encode() + b",}",
    "a missing comma": _TEXT.replace(", ", " ").encode(),
    "a missing colon": _TEXT.replace(":", "").encode(),
    "cut short": _TEXT[:-7].encode(),
    "an open string": _TEXT[:12].encode(),
    "twice": _TEXT.encode() * 2,
    "two lines": f"{_TEXT}\n{_TEXT}".encode(),
    "a comment": f"/* hello */ {_TEXT}".encode(),
    "a comment at its end": f"{_TEXT} // hello".encode(),
    "a line break in a string": _TEXT.replace("hello", "hel\nlo").encode(),
    "a NUL in a string": _TEXT.replace("hello", "hel\0lo").encode(),
    "a NUL behind it": _TEXT.encode() + b"\0",
    "a bad escape": _TEXT.replace("hello", r"hel\xlo").encode(),
    "half an escape": _TEXT.replace("hello", r"hel\u12").encode(),
    "NaN": _json(temperature=float("nan")),
    "Infinity": _json(temperature=float("inf")),
    "minus Infinity": _json(temperature=float("-inf")),
    "a hexadecimal number": _json(seed=7).replace(b"7", b"0x7"),
    "a leading zero": _json(seed=7).replace(b"7", b"07"),
    "a leading plus": _json(seed=7).replace(b"7", b"+7"),
    "a bare point": _json(seed=7).replace(b"7", b".7"),
    "a number of 6,000 digits": _json(seed=7).replace(b"7", b"7" * 6_000),
    "UTF-16": _TEXT.encode("utf-16"),
    "UTF-32": _TEXT.encode("utf-32"),
    "a byte-order mark": _TEXT.encode("utf-8-sig"),
    "Latin-1": _TEXT.replace("hello", "h\xe9llo").encode("latin-1"),
    "an overlong NUL": _TEXT.encode().replace(b"hello", b"\xc0\x80"),
    "a surrogate in UTF-8": _TEXT.encode().replace(b"hello", b"\xed\xa0\x80"),
    "a cut character": _TEXT.encode().replace(b"hello", b"\xe2\x82"),
    "9,000 open lists": b"[" * 9_000,
    "3,000 objects in each other": b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    "9,000 lists in each other": b"[" * 9_000 + b"]" * 9_000,
    "2,000 lists in a message": _json(messages=[{"role": "user", "content": 7}]).replace(
        b"7", b"[" * 2_000 + b"]" * 2_000
    ),
    "200 lists in a parameter nobody knows": _json(extra=7).replace(b"7", b"[" * 200 + b"]" * 200),
    "two models": b'{"model": "bank-model", ' + _TEXT[1:].encode(),
    "two models, one escaped": b'{"mod\\u0065l": "bank-model", ' + _TEXT[1:].encode(),
    "two lists of messages": _TEXT[:-1].encode() + b', "messages": []}',
    "two roles": _TEXT.replace('"role"', '"role": "system", "role"').encode(),
    "18,000 names, and the last again": b"{" + b",".join(b'"n%d":0' % min(n, 17_999) for n in range(18_001)) + b"}",
    "a form": b"model=deepseek-flash&messages=hello",
    "XML": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "YAML": b"model: deepseek-flash\nmessages:\n- role: user",
    "a pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
}
_NO_MODELS: Sequence[object] = (
    *(None, 5, True, "", "  ", [], ["deepseek-flash"], {}),
    *("m" * 5_000, "a\nb", "a\x00b", "\ud800"),
)
_NO_CONTENTS: Sequence[object] = (None, 5, True, {}, ["hello"])
_NO_FLAGS: Sequence[object] = ("yes", "true", 1, [], {})
_NO_MESSAGES: Sequence[object] = (
    *(None, "hello", 5, {}, [], [None], ["hello"], [5], [[]], [{}], {"role": "user", "content": "hello"}),
    [{"role": "user"}],
    [{"content": "hello"}],
    [{"role": "user", "content": "hello"}, None],
    *([{"role": role, "content": "hello"}] for role in (None, "", 5, ["user"])),
    *([{"role": "user", "content": content}] for content in _NO_CONTENTS),
)
_NO_NUMBERS: Sequence[object] = (0, -1, 1.5, "2", True, [])
_MISSHAPEN: Mapping[str, bytes] = {
    "a prompt": json.dumps({"model": "deepseek-flash", "prompt": "hello"}).encode(),
    "nothing in it": b"{}",
    "no model": json.dumps({"messages": GOOD["messages"]}).encode(),
    "no messages": json.dumps({"model": "deepseek-flash"}).encode(),
    **{f"the model {value!r}": _json(model=value) for value in _NO_MODELS},
    **{f"the messages {value!r}": _json(messages=value) for value in _NO_MESSAGES},
    **{f"stream {value!r}": _json(stream=value) for value in _NO_FLAGS},
    "stream_options true": _json(stream=True, stream_options=True),
    **{
        f"{name} {value!r}": _json(**{name: value})
        for name in ("n", "max_tokens", "max_completion_tokens")
        for value in _NO_NUMBERS
    },
}


def malformed() -> Iterator[Case]:
    """Yield bodies that are no JSON object, or that two readers would read in two ways."""
    yield from (_sent(f"body: {name}", body) for name, body in _MALFORMED.items())


def misshapen() -> Iterator[Case]:
    """Yield JSON objects that are no chat."""
    yield from (_sent(f"object: {name}", body) for name, body in _MISSHAPEN.items())


def oversized() -> Iterator[Case]:
    """Yield bodies that are longer than allowed, and heads that announce such."""
    large = _json(messages=[{"role": "user", "content": "x" * LIMIT_BYTES}])
    head = post(b"", AUTHORIZED, CLOSE).replace(b"Content-Length: 0\r\n", b"")
    yield _sent("too long by a little", large, statuses=(413,))
    yield _sent("too long by a lot", large * 20, statuses=(413,))
    for announced in (10**6, 10**12):
        announcing = head.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % announced)
        yield Case(f"{announced:,} bytes announced, none sent", (announcing,), (413,))
    chunk = b"%x\r\n%b\r\n" % (len(large), large)
    chunked = head.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    yield Case("too long in one chunk", (chunked + chunk + b"0\r\n\r\n",), (413,))
    yield Case("too long in many chunks", (chunked, *[chunk] * 50, b"0\r\n\r\n"), (413,))
    yield Case(
        "too long in chunks of one byte", (chunked, b"1\r\nx\r\n" * (2 * LIMIT_BYTES + 1) + b"0\r\n\r\n"), (413,)
    )
    yield _sent("compressed", gzip.compress(_json()), "Content-Encoding: gzip", statuses=(415,))
    bomb = gzip.compress(b" " * 5_000_000)
    yield _sent("a compressed bomb", bomb, "Content-Encoding: gzip", statuses=(415,))
    yield _sent("compressed twice", bomb, "Content-Encoding: gzip, gzip", statuses=(415,))
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
    ):
        request = post(_json(), AUTHORIZED, CLOSE).replace(b"application/json", kind.encode())
        yield Case(f"of the type {kind}", (request,), (415,))


def crossing() -> Iterator[Case]:
    """Yield requests of one tenant for what is another's."""
    for model in (
        "bank-model",
        "BANK-MODEL",
        " bank-model",
        "*",
        "deepseek-*",
        "[a-z]*",
        "deepseek-flash ",
        "../bank-model",
    ):
        yield _sent(f"the model {model!r}", _json(model=model), statuses=(404, 400))
    for header in ("X-Tenant: bank", "X-Reviewbot-Tenant: bank", "X-Forwarded-User: bank", "X-Model: deepseek-flash"):
        yield _sent(f"another's model, with {header}", _json(model="bank-model"), header, statuses=(404,))
    for name in ("tenant", "pool", "user", "metadata"):
        yield _sent(
            f"another's model, with the field {name}", _json(model="bank-model", **{name: "bank"}), statuses=(404,)
        )
    for target in ("/metrics", "/v1/models/bank-model", "/v1/models/%62ank-model", "/v1/models/bank-model/"):
        head = f"GET {target} HTTP/1.1\r\nHost: gateway\r\n{AUTHORIZED}\r\n{CLOSE}\r\n\r\n"
        yield Case(f"a look at {target}", (head.encode(),), (403, 404))
