"""Requests that are no HTTP, not ours, or that two servers would read in two ways; and strangers without a token."""

import base64
import json
from collections.abc import Iterator

from gateway.hostile_bodies import AUTHORIZED, CLOSE, GOOD, Case
from gateway.hostile_scene import PATIENCE_S, TOKENS, UPSTREAM_KEY, post

from reviewbot.gateway import tokens

_SHOP = TOKENS["shop"]
_BODY = json.dumps(GOOD).encode()
_CHUNKED = post(b"", AUTHORIZED, CLOSE).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
_INNER = b"GET /metrics HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"


def _get(target: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: gateway", *headers, CLOSE, "", ""]).encode("latin-1")


def strangers() -> Iterator[Case]:
    """Yield requests without a token that counts."""
    login = base64.b64encode(f"shop:{_SHOP}".encode()).decode()
    jwt = ".".join(base64.urlsafe_b64encode(part).decode() for part in (b'{"alg":"none"}', b'{"sub":"shop"}', b""))
    for value in (
        "",
        "Bearer",
        "Bearer ",
        _SHOP,
        f"Bearer{_SHOP}",
        f"Basic {login}",
        f"Digest username=shop, response={_SHOP}",
        f"Negotiate {login}",
        f"Token {_SHOP}",
        "Bearer wrong",
        "Bearer null",
        "Bearer shop",
        "Bearer *",
        f"Bearer {_SHOP[:-1]}",
        f"Bearer {_SHOP}x",
        f"Bearer {_SHOP.upper()}",
        f"Bearer {_SHOP} {_SHOP}",
        f"Bearer {_SHOP},{TOKENS['bank']}",
        f'Bearer "{_SHOP}"',
        f"Bearer {tokens.digest(_SHOP)}",
        f"Bearer {UPSTREAM_KEY}",
        f"Bearer {jwt}",
        f"Bearer {_SHOP}\xff",
        f"Bearer {'x' * 5_000}",
        f"Bearer shop={_SHOP}",
        "Bearer ' OR '1'='1",
        "Bearer {{7*7}}${7*7}%s%n",
    ):
        # Latin-1, as bytes travel in headers; `post` spells UTF-8.
        request = post(_BODY, "Authorization: @", CLOSE).replace(b"@", value.encode("latin-1"))
        yield Case(f"Authorization: {value[:60]!r}", (request,), (401,))
    for header in ("X-Api-Key", "Api-Key", "Proxy-Authorization", "Cookie", "X-Authorization", "Authorization-"):
        yield Case(f"the token in {header}", (post(_BODY, f"{header}: Bearer {_SHOP}", CLOSE),), (401,))
    for query in ("api_key", "access_token", "token", "key", "authorization"):
        target = f"/v1/chat/completions?{query}={_SHOP}"
        yield Case(f"the token in the query as {query}", (post(_BODY, CLOSE, target=target),), (401,))
    yield Case("the token in the body", (post(json.dumps({**GOOD, "api_key": _SHOP}).encode(), CLOSE),), (401,))
    login_target = _get(f"http://shop:{_SHOP}@gateway/v1/models")
    yield Case("the token in the address", (login_target,), (401, 400))
    for target in ("/v1/models", "/v1/models/deepseek-flash", "/status", "/metrics"):
        yield Case(f"{target} without a token", (_get(target),), (401,))
        yield Case(f"{target} with a wrong one", (_get(target, "Authorization: Bearer wrong"),), (401,))
    for spoofed in ("X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Real-IP: ::1", "Host: localhost"):
        yield Case(f"no token, and {spoofed}", (_get("/status", spoofed),), (401, 400))


def headers() -> Iterator[Case]:
    """Yield heads that are no good, or that try to write into ours. None has a token that counts."""
    for name, line in {
        "a bare CR": b"X-Request-Id: a\rInjected: yes",
        "a bare LF": b"X-Request-Id: a\nInjected: yes",
        "a NUL": b"X-Request-Id: a\0Injected: yes",
        "a folded line": b"X-Request-Id: a\r\n Injected: yes",
        "an escape": b"X-Request-Id: \x1b[2JInjected",
        "an encoded line break": b"X-Request-Id: a%0d%0aInjected:%20yes",
        "a line break in UTF-7": b"X-Request-Id: a+AA0ACg-Injected: yes",
        "a script": b"X-Request-Id: <script>Injected</script>",
        "a quote": b'X-Request-Id: ","Injected":"yes',
        "10,000 characters": b"X-Request-Id: Injected" + b"a" * 10_000,
        "letters beyond ASCII": b"X-Request-Id: Injected\xc4\x8d\xc4\x8a",
        "a space before the colon": b"X-Request-Id : Injected",
        "no colon": b"Injected",
        "no name": b": Injected",
        "a name with a space": b"X Request Id: Injected",
        "a name with a NUL": b"X-Request\0-Id: Injected",
        "a name beyond ASCII": b"X-R\xe9quest-Id: Injected",
    }.items():
        request = b"GET /v1/models HTTP/1.1\r\nHost: gateway\r\n" + line + b"\r\nConnection: close\r\n\r\n"
        yield Case(f"a header with {name}", (request,), (400, 401))
    many = b"".join(b"X-%d: x\r\n" % number for number in range(20_000))
    yield Case("20,000 headers", (b"GET /v1/models HTTP/1.1\r\n" + many + b"\r\n",), (431, 400), closed=True)
    long = b"GET /v1/models HTTP/1.1\r\nX-Long: " + b"x" * 500_000 + b"\r\n\r\n"
    yield Case("a header of 500,000 bytes", (long,), (431, 400), closed=True)
    yield Case(
        "a target of 500,000 bytes", (b"GET /" + b"x" * 500_000 + b" HTTP/1.1\r\n\r\n",), (414, 431, 400), closed=True
    )
    for second in ("Authorization: Bearer wrong", "Host: other", "Content-Type: text/plain", "Content-Length: 9999"):
        yield Case(f"a second {second}", (post(_BODY, AUTHORIZED, second, CLOSE),), (400,))


def framing() -> Iterator[Case]:
    """Yield requests whose end two servers would see in two places. All have a good token."""
    both = post(b"", AUTHORIZED, "Transfer-Encoding: chunked").replace(b"Content-Length: 0", b"Content-Length: 5")
    yield Case("a length and chunks", (both + b"0\r\n\r\n" + _INNER,), (400,), closed=True)
    for value in ("-1", "+5", "0x5", "5,5", "5 5", "", "five", "1e1", "\u0665", "9" * 100):
        bad = post(b"", AUTHORIZED).replace(b"Content-Length: 0", f"Content-Length: {value}".encode())
        yield Case(f"the length {value[:20]!r}", (bad + _INNER,), (400,), closed=True)
    for line in (
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding:\tchunked, gzip",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        "Transfer-Encoding: 'chunked'",
    ):
        bad = post(b"", AUTHORIZED).replace(b"Content-Length: 0", line.encode())
        yield Case(repr(line), (bad + b"0\r\n\r\n" + _INNER,), (400, 415, 411), closed=True)
    for size in (b"-1", b"0x5", b"zz", b"", b" 5", b"5 5", b"ffffffffffffffffff", b"5\x00", b"+5"):
        yield Case(f"a chunk of the size {size!r}", (_CHUNKED + size + b"\r\nhello\r\n0\r\n\r\n",), (400,), closed=True)
    yield Case("a chunk that is longer than it says", (_CHUNKED + b"2\r\nhello\r\n0\r\n\r\n",), (400,), closed=True)
    yield Case("a chunk with a bare LF", (_CHUNKED + b"5\nhello\n0\n\n",), (400,), closed=True)
    extension = b"2;" + b"x" * 200_000 + b"\r\n{}\r\n0\r\n\r\n"
    yield Case("a chunk with an endless extension", (_CHUNKED + extension,), (400, 413, 431), closed=True)
    trailers = _CHUNKED.replace(AUTHORIZED.encode(), b"X: y") + b"%x\r\n%b\r\n0\r\n" % (len(_BODY), _BODY)
    late = trailers.replace(b"X: y", CLOSE.encode()) + f"{AUTHORIZED}\r\n\r\n".encode()
    yield Case("a token that comes after the body", (late,), (401,))
    endless = b"".join(b"X-%d: %b\r\n" % (number, b"x" * 100) for number in range(10_000))
    trailing = (_CHUNKED + b"2\r\n{}\r\n0\r\n" + endless + b"\r\n",)
    yield Case("10,000 headers after the body", trailing, (400, 413, 431), closed=True)
    stranger = _get("/v1/models").replace(f"{CLOSE}\r\n".encode(), b"")
    yield Case("50 strangers in a row", (stranger * 49 + _get("/status"),), (401,) * 50)
    yield Case("a stranger behind a tenant", (post(b"{}", AUTHORIZED) + _get("/status"),), (400, 401))


def protocols() -> Iterator[Case]:
    """Yield what is no HTTP/1.1, or not for us."""
    for name, data in {
        "HTTP/0.9": b"GET /v1/models\r\n\r\n",
        "HTTP/9.9": b"GET /v1/models HTTP/9.9\r\n\r\n",
        "HTTP/1.1 with a space too many": b"GET  /v1/models  HTTP/1.1\r\nConnection: close\r\n\r\n",
        "HTTP in small letters": b"GET /v1/models http/1.1\r\n\r\n",
        "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        "a TLS greeting": b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(range(190)),
        "an SSH greeting": b"SSH-2.0-OpenSSH_9.6\r\n",
        "SOCKS": b"\x05\x01\x00",
        "Redis": b"*1\r\n$8\r\nFLUSHALL\r\n",
        "SMTP": b"EHLO example.org\r\nMAIL FROM:<a@example.org>\r\n",
        "an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "PROXY of haproxy": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET /status HTTP/1.1\r\n\r\n",
        "noise": bytes((7 * number * number + 3) % 256 for number in range(3_000)),
        "NULs": bytes(3_000),
        "line breaks": b"\r\n" * 3_000,
    }.items():
        yield Case(name, (data,), (400, 401, 404, 408), closed=True)
    for target in (
        "/../../etc/passwd",
        "/v1/../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/models/..%2f..%2fstatus",
        "/v1/%00",
        "/v1/chat%2fcompletions",
        "//status",
        "/status/",
        "/STATUS",
        "/status;a=b",
        "/status%00",
        "/.env",
        "/.git/config",
        "/docs",
        "/openapi.json",
        "/debug/pprof",
        "/admin",
        "/v1/completions",
        "/v1/embeddings",
        "/server-status",
        "/\xff\xfe",
        "/%ff%fe",
        "/?/status",
    ):
        yield Case(f"GET {target!r}", (_get(target),), (400, 401, 404, 405))
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "GET", "HEADER", "get"):
        yield Case(
            f"{method} of a completion", (_get("/v1/chat/completions", method=method),), (405, 400, 404), closed=True
        )
    for method, target in (
        ("CONNECT", "example.org:443"),
        ("OPTIONS", "*"),
        ("GET", "http://example.org/status"),
        ("GET", "status"),
    ):
        yield Case(f"{method} {target}", (_get(target, method=method),), (400, 401, 404, 405), closed=True)
    for upgrade in ("websocket", "h2c", "TLS/1.2"):
        lines = (
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            "HTTP2-Settings: AAMAAABkAAQ",
        )
        request = _get("/status", f"Upgrade: {upgrade}", *lines).replace(CLOSE.encode(), b"Connection: Upgrade, close")
        yield Case(f"an upgrade to {upgrade}", (request,), (400, 401))
    yield Case("an expectation, and no token", (post(_BODY, "Expect: 100-continue", CLOSE),), (401,))
    yield Case("an expectation that nobody meets", (post(b"{}", AUTHORIZED, "Expect: miracles", CLOSE),), (400, 417))


def slow() -> Iterator[Case]:
    """Yield requests that take for ever. The gateway hangs up by itself."""
    drip = PATIENCE_S / 3
    head = post(b"", AUTHORIZED).replace(b"Content-Length: 0", b"Content-Length: 500")
    yield Case("nothing at all", (b"",), (408,), closed=True)
    yield Case("one byte", (b"G",), (408,), closed=True)
    yield Case("half a head", (head[:60],), (408,), closed=True)
    yield Case("a head by the byte", tuple(bytes([byte]) for byte in head[:9]), (408,), closed=True, pause_s=drip)
    yield Case("a head by the header", (head[:-2], *[b"X: y\r\n"] * 8), (408,), closed=True, pause_s=drip)
    yield Case("no body", (head,), (408,), closed=True)
    yield Case("a body by the byte", (head, *[b"x"] * 8), (408,), closed=True, pause_s=drip)
    yield Case("a chunk by the byte", (_CHUNKED + b"ff\r\n", *[b"x"] * 8), (408,), closed=True, pause_s=drip)
    yield Case("chunks without an end", (_CHUNKED, *[b"1\r\nx\r\n"] * 8), (408,), closed=True, pause_s=drip)
    yield Case(
        "half a request behind a whole one", (_get("/x").replace(b"close", b"keep-alive") + head[:60],), (404, 408)
    )
