"""Forged, replayed, oversized, malformed webhooks through the real app: refused, nothing in Redis, nothing told."""

import json
from collections.abc import Iterator, Mapping

import pytest
from gateway import hostile_hooks
from gateway.hostile_hooks import Case
from hooks_scene import (
    ALL_SECRETS,
    SHOP,
    Hooked,
    github_headers,
    gitlab_headers,
    hooked,
    merge_request,
    pull_request,
    signed_headers,
    spelt,
)
from redis_server import RedisServer, running_redis


def cases() -> list[Case]:
    return [
        *hostile_hooks.forged(),
        *hostile_hooks.oversized(),
        *hostile_hooks.malformed(),
        *hostile_hooks.elsewhere(),
        *hostile_hooks.late(),
        *hostile_hooks.misplaced(),
    ]


NAMES = [case.name for case in cases()]


@pytest.fixture(scope="module")
def made() -> Mapping[str, Case]:
    """Give the cases by name, made now: a signature's time must not be that of the tests' collection."""
    return {case.name: case for case in cases()}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture(scope="module")
def running(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooked]:
    with hooked(redis, tmp_path_factory.mktemp("hooks")) as found:
        yield found


@pytest.fixture
def at(running: Hooked) -> Hooked:
    running.forget()
    return running


def test_there_are_at_least_100_and_each_has_a_name() -> None:
    assert len(NAMES) >= 100
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_refused_and_nothing_is_queued_or_leaks(at: Hooked, made: Mapping[str, Case], name: str) -> None:
    case = made[name]
    target = case.target if case.target.startswith("/") else f"/webhooks/{case.forge}{case.target}"
    found = at.gateway.client.request(case.method, target, content=case.body, headers=dict(case.headers))
    assert (case.status, "application/json") == (found.status_code, found.headers["content-type"])
    assert {"message", "type", "param", "code"} == found.json()["error"].keys()
    assert [] == at.stored()
    for text in (found.text, str(found.headers), at.gateway.journal.getvalue()):
        assert [] == [word for word in (*ALL_SECRETS, "Traceback", "site-packages") if word in text]


@pytest.mark.parametrize("name", hostile_hooks.replayed())
def test_what_is_sent_again_is_done_once(at: Hooked, name: str) -> None:
    forge, body, headers, replay = hostile_hooks.replayed()[name]
    assert (202, "queued") == at.outcome(forge, body, headers)
    assert at.taken() is not None
    before = at.stored()
    again: tuple[bytes, Mapping[str, str]] = replay(body)
    assert (202, "duplicate") == at.outcome(forge, *again)
    assert (before, None) == (at.stored(), at.taken())


@pytest.mark.parametrize("name", ["x-gitlab-token", "idempotency-key", "content-type"])
def test_a_header_that_counts_is_refused_when_it_comes_twice(at: Hooked, name: str) -> None:
    headers = [*gitlab_headers(idempotency_key="1" * 36).items()]
    body = spelt(merge_request())
    found = at.gateway.client.post(
        "/webhooks/gitlab", content=body, headers=[*headers, *(pair for pair in headers if pair[0] == name)]
    )
    assert 400 == found.status_code
    assert [] == at.stored()


def test_a_refusal_does_not_tell_how_near_it_came(at: Hooked) -> None:
    body = spelt(merge_request())
    refusals = {
        json.dumps(at.send("gitlab", body, headers).json())
        for headers in (gitlab_headers("x"), gitlab_headers(SHOP), signed_headers(body + b" "))
    }
    assert 1 == len(refusals)


def test_what_the_hostile_ones_were_made_of_is_taken(at: Hooked) -> None:
    """Otherwise they might all be refused for something else."""
    lab, hub = spelt(merge_request()), spelt(pull_request())
    assert (202, "queued") == at.outcome("gitlab", lab, gitlab_headers())
    assert (202, "queued") == at.outcome("github", hub, github_headers(hub))
    other = spelt(merge_request())
    assert (202, "queued") == at.outcome("gitlab", other, signed_headers(other))
