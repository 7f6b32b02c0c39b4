"""An endpoint that nobody could connect to is asked again soon after somebody can."""

import asyncio
import socket

import pytest
from fakes.model_server import findings, refusal, serving
from talking import World, prompt, talk
from world import VirtualWorld

from reviewbot.domain.endpoint import ClientOptions, Endpoint, ModelOptions
from reviewbot.errors import ProviderError
from reviewbot.llm.breaker import LOOK_S, Breaker
from reviewbot.llm.client import Client
from reviewbot.llm.faults import Fault
from reviewbot.llm.reaching import reachable


@pytest.fixture
def world() -> World:
    return World()


def opened(virtual: VirtualWorld, *, connected: bool) -> Breaker:
    guard = Breaker("api.example", "m", virtual.surroundings, lambda _: None)
    for _ in range(10):
        guard.record(ok=False, connected=connected)
    assert guard.state == "open"
    return guard


def test_a_lost_endpoint_is_looked_at_by_one_caller_at_a_time() -> None:
    virtual = VirtualWorld()
    guard = opened(virtual, connected=False)
    assert [guard.look() for _ in range(3)] == [True, False, False]
    virtual.advance(LOOK_S)
    assert [guard.look() for _ in range(3)] == [True, False, False]


def test_when_it_is_back_one_probe_goes_at_once() -> None:
    guard = opened(VirtualWorld(), connected=False)
    assert guard.admit() == 60
    guard.returned()
    assert guard.admit() is None
    assert guard.state == "half-open"
    assert guard.admit() is not None
    guard.record(ok=True)
    assert guard.state == "closed"


def test_one_that_answers_errors_is_left_alone_for_all_of_its_60_s() -> None:
    guard = opened(VirtualWorld(), connected=True)
    assert not guard.lost
    assert not guard.look()
    guard.returned()
    assert guard.admit() == 60


def test_a_probe_that_is_refused_makes_it_an_endpoint_that_fails() -> None:
    guard = opened(VirtualWorld(), connected=False)
    guard.returned()
    assert guard.admit() is None
    guard.record(ok=False)
    assert (guard.state, guard.lost) == ("open", False)


def test_a_client_goes_on_as_soon_as_the_provider_is_back(world: World) -> None:
    """Ten calls find nobody, the breaker opens; the eleventh waits, meanwhile the provider starts."""
    with serving(lambda _: findings()) as server:
        port = server.port
    url = f"http://127.0.0.1:{port}/v1"

    async def work(client: Client) -> int:
        for _ in range(10):
            with pytest.raises(ProviderError):
                await client.complete(prompt(), ModelOptions(name="m"))
        waiting = asyncio.create_task(client.complete(prompt("later"), ModelOptions(name="m")))
        while len(world.slept) < 5:
            assert not waiting.done()
            await asyncio.sleep(0)
        with serving(lambda _: findings(), port=port) as back:
            await waiting
            return back.hits

    assert talk(url, world, work, options=ClientOptions(attempts=1, deadline_s=50)) == 1
    assert set(world.slept) == {LOOK_S}


def test_who_is_not_to_wait_for_long_is_told_at_once_and_asks_nobody(world: World) -> None:
    """A gateway's requests: people wait in front of it."""

    async def work(client: Client) -> list[float]:
        for _ in range(10):
            with pytest.raises(ProviderError, match="answered 500"):
                await client.complete(prompt(), ModelOptions(name="m"))
        before = len(world.slept)
        with pytest.raises(ProviderError, match="left alone") as caught:
            await client.complete(prompt(), ModelOptions(name="m"))
        assert isinstance(caught.value, Fault)
        assert caught.value.wait_s == pytest.approx(60)
        return world.slept[before:]

    options = ClientOptions(attempts=1, left_alone_s=10)
    with serving(lambda _: refusal(500, "oops")) as server:
        assert talk(server, world, work, options=options) == []
        assert server.hits == 10


def test_without_time_to_wait_the_caller_is_told_how_long_it_takes(world: World) -> None:
    async def work(client: Client) -> None:
        for _ in range(10):
            with pytest.raises(ProviderError, match="cannot be reached"):
                await client.complete(prompt(), ModelOptions(name="m"))
        with pytest.raises(ProviderError, match="left alone"):
            await client.complete(prompt(), ModelOptions(name="m"))

    talk("http://127.0.0.1:9/v1", world, work, options=ClientOptions(attempts=1, deadline_s=1))


def test_a_listening_port_is_reachable_and_others_are_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert asyncio.run(reachable(Endpoint(base_url=f"http://127.0.0.1:{port}/v1")))
    assert not asyncio.run(reachable(Endpoint(base_url=f"http://127.0.0.1:{port}/v1")))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/v1", "http://127.0.0.1:70000/v1", "no url"])
def test_an_address_that_is_none_is_not_reachable(url: str) -> None:
    assert not asyncio.run(reachable(Endpoint(base_url=url)))
