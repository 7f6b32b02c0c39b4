"""An empty queue with strict rules, its clock standing still, and one worker's hand on it."""

from collections.abc import Iterator

import pytest
from redis_server import RedisServer, running_redis
from review_queue import RULES, Desk, Hand, a_desk


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture
def desk(server: RedisServer) -> Iterator[Desk]:
    server.flush()
    with a_desk(server.url, RULES) as desk:
        yield desk


@pytest.fixture
def hand(desk: Desk) -> Hand:
    return Hand(desk)
