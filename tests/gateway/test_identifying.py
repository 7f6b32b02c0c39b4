"""Who asks where no token is wanted: a program on this machine, and no page in its browser."""

from collections.abc import Iterator

import pytest
from fakes.answers import Answer
from fakes.model_server import serving
from gateway_scene import Gateway, gateway, question
from starlette.types import Scope

from reviewbot.domain.gateway import Rules
from reviewbot.domain.tenant import Tenant
from reviewbot.gateway.house import Tenancy
from reviewbot.gateway.identifying import identify, request_id
from reviewbot.gateway.refusing import Refused
from reviewbot.gateway.tokens import Directory

LOCAL = Tenant(name="local")
OPEN = Tenancy(directory=Directory(()), clients={}, rules=Rules(), models=(), anybody=LOCAL)


@pytest.fixture(scope="module")
def alone() -> Iterator[Gateway]:
    with serving(lambda _: Answer(text="fine")) as upstream, gateway(upstream, REVIEWBOT_GATEWAY_TOKENS="") as running:
        yield running


def test_without_tokens_a_program_on_this_machine_is_served(alone: Gateway) -> None:
    assert [200, 200] == [alone.ask(token=token).status_code for token in (None, "any")]


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8080"])
def test_by_any_name_of_this_machine(alone: Gateway, host: str) -> None:
    assert 200 == alone.ask(token=None, host=host).status_code


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1"])
def test_a_name_that_a_stranger_gave_to_this_machine_is_refused(alone: Gateway, host: str) -> None:
    found = alone.ask(token=None, host=host)
    assert (403, "not_local") == (found.status_code, found.json()["error"]["code"])


def test_what_a_page_can_send_without_being_asked_first_is_refused(alone: Gateway) -> None:
    found = alone.client.post("/v1/chat/completions", json=question(), headers={"content-type": "text/plain"})
    assert 415 == found.status_code
    assert 405 == alone.client.options("/v1/chat/completions").status_code


@pytest.mark.parametrize("client", [None, ("192.0.2.1", 1), ("not an address", 1)])
def test_who_is_not_on_this_machine_is_refused(client: tuple[str, int] | None) -> None:
    scope: Scope = {"type": "http", "client": client}
    with pytest.raises(Refused):
        identify(scope, {"host": "localhost"}, OPEN)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_who_is_on_it_is_served(address: str) -> None:
    assert LOCAL == identify({"type": "http", "client": (address, 1)}, {}, OPEN)


@pytest.mark.parametrize(("given", "kept"), [(b"a-1:b_2.c", True), (b"", False), (b"a\xff", False), (b"a b", False)])
def test_an_id_is_kept_where_it_can_stand_in_a_log(given: bytes, *, kept: bool) -> None:
    found = request_id({"type": "http", "headers": [(b"X-Request-Id", given)]}, lambda: "new")
    assert (given.decode("latin-1") if kept else "new") == found
