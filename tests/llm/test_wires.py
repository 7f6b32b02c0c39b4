"""Both wires behave alike: the same tests over real HTTP on loopback."""

import asyncio
import gzip
import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from fakes.answers import Answer, Asked, refusal
from fakes.model_server import ModelServer, serving

from reviewbot.domain.wire import WireRequest
from reviewbot.errors import WireError
from reviewbot.llm.ports import Wire
from reviewbot.llm.wires.aiohttp_pool import AiohttpWire
from reviewbot.llm.wires.httpx_shards import HttpxWire

T = TypeVar("T")
Opener = Callable[[int], HttpxWire | AiohttpWire]


@pytest.fixture(params=[HttpxWire, AiohttpWire], ids=["httpx", "aiohttp"])
def opener(request: pytest.FixtureRequest) -> Opener:
    kind: Opener = request.param
    return kind


def run(opener: Opener, work: Callable[[Wire], Awaitable[T]], connections: int = 25) -> T:
    async def session() -> T:
        async with opener(connections) as wire:
            return await work(wire)

    return asyncio.run(session())


def request(
    server: ModelServer | str, body: bytes = b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}'
) -> WireRequest:
    base = server if isinstance(server, str) else server.base_url
    body = b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}'
    return WireRequest(
        url=f"{base}/chat/completions", body=body, headers={"content-type": "application/json"}, connect_timeout_s=5
    )


async def fetch(wire: Wire, asked: WireRequest) -> tuple[int, bytes]:
    async with wire.send(asked) as response:
        return response.status, b"".join([piece async for piece in response.pieces()])


def test_an_answer_comes_with_status_headers_and_body(opener: Opener) -> None:
    async def work(wire: Wire) -> tuple[int, str | None, bytes]:
        async with wire.send(request(server)) as response:
            body = b"".join([piece async for piece in response.pieces()])
            return response.status, response.headers.get("X-Test"), body

    with serving(lambda _: Answer(raw=b"hello", headers={"x-test": "yes"})) as server:
        assert run(opener, work) == (200, "yes", b"hello")


def test_an_error_status_is_no_exception(opener: Opener) -> None:
    with serving(lambda _: refusal(503, "busy")) as server:
        status, body = run(opener, lambda wire: fetch(wire, request(server)))
    assert status == 503
    assert b"busy" in body


def test_a_compressed_answer_is_unpacked(opener: Opener) -> None:
    packed = Answer(raw=gzip.compress(b"hello"), headers={"content-encoding": "gzip"})
    with serving(lambda _: packed) as server:
        assert run(opener, lambda wire: fetch(wire, request(server))) == (200, b"hello")


def test_a_redirect_is_not_followed_since_it_would_take_the_key_along(opener: Opener) -> None:
    with serving(lambda _: Answer(status=307, raw=b"", headers={"location": "http://127.0.0.1:9/"})) as server:
        assert run(opener, lambda wire: fetch(wire, request(server))) == (307, b"")


def test_a_connection_that_closes_without_a_byte_is_broken_and_may_pass(opener: Opener) -> None:
    with serving(lambda _: Answer(dropped=True)) as server, pytest.raises(WireError) as caught:
        run(opener, lambda wire: fetch(wire, request(server)))
    assert caught.value.passing
    assert caught.value.connected


def test_an_answer_cut_in_the_middle_is_broken(opener: Opener) -> None:
    with serving(lambda _: Answer(text="x" * 5_000, cut_after=1)) as server, pytest.raises(WireError) as caught:
        run(opener, lambda wire: fetch(wire, request(server)))
    assert caught.value.connected


def test_where_it_is_cut_is_heard_by_who_reads_it(opener: Opener) -> None:
    async def work(wire: Wire) -> None:
        async with wire.send(request(server)) as response:
            with pytest.raises(WireError):
                [piece async for piece in response.pieces()]

    with serving(lambda _: Answer(text="x" * 5_000, cut_after=1)) as server:
        run(opener, work)


def test_a_port_where_nobody_listens_is_unreachable(opener: Opener) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(WireError) as caught:
        run(opener, lambda wire: fetch(wire, request(f"http://127.0.0.1:{port}/v1")))
    assert caught.value.passing
    assert not caught.value.connected


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "nothing"])
def test_what_is_no_address_will_not_get_better(opener: Opener, url: str) -> None:
    with pytest.raises(WireError) as caught:
        run(opener, lambda wire: fetch(wire, request(url)))
    assert not caught.value.passing


def test_connections_are_kept_and_many_requests_run_at_once(opener: Opener) -> None:
    def script(_: Asked) -> Answer:
        return Answer(delay_s=0.05)

    async def work(wire: Wire) -> list[tuple[int, bytes]]:
        await asyncio.gather(*(fetch(wire, request(server)) for _ in range(25)))
        return await asyncio.gather(*(fetch(wire, request(server)) for _ in range(25)))

    with serving(script) as server:
        assert [status for status, _ in run(opener, work)] == [200] * 25
        assert server.most_at_once > 15


def test_no_repr_shows_the_key() -> None:
    asked = WireRequest(url="http://x", body=b"secret", headers={"authorization": "Bearer " + "k" * 8})
    assert "kkkk" not in repr(asked)
    assert "secret" not in repr(asked)


def test_a_wire_that_is_not_open_sends_nothing() -> None:
    async def work() -> None:
        async with AiohttpWire(1).send(request("http://127.0.0.1:9/v1")):
            pass

    with pytest.raises(WireError, match="not open") as caught:
        asyncio.run(work())
    assert not caught.value.passing


def test_the_proxy_that_the_environment_names_is_taken(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(wire: Wire) -> list[tuple[int, bytes]]:
        return [await fetch(wire, request(base)) for base in ("http://model.invalid/v1", direct.base_url)]

    # A proxy is asked with the whole address in its first line; to a server that is just another path.
    with serving(lambda _: Answer(raw=b"by proxy")) as proxy, serving(lambda _: Answer(raw=b"direct")) as direct:
        monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert run(opener, work) == [(200, b"by proxy"), (200, b"direct")]
