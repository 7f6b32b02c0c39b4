"""The cache of a gateway that is alone."""

import asyncio
from dataclasses import replace

import pytest
from world import VirtualWorld

from reviewbot.domain.prompt import Completion
from reviewbot.llm.memory_cache import MemoryCache

ANSWER = Completion(text="x" * 1_000, finish_reason="stop", model="m")


def test_an_answer_is_there_until_its_time_is_over() -> None:
    world = VirtualWorld()
    cache = MemoryCache(world.surroundings, ttl_s=60)

    async def work() -> None:
        assert await cache.get("k") is None
        await cache.put("k", ANSWER)
        world.advance(59.9)
        assert ANSWER == await cache.get("k")
        world.advance(0.1)
        assert await cache.get("k") is None

    asyncio.run(work())


def test_a_newer_answer_takes_the_place_of_an_older_one() -> None:
    world = VirtualWorld()
    cache = MemoryCache(world.surroundings, ttl_s=60)
    newer = replace(ANSWER, text="newer")

    async def work() -> None:
        await cache.put("k", ANSWER)
        world.advance(50)
        await cache.put("k", newer)
        world.advance(50)
        assert newer == await cache.get("k")

    asyncio.run(work())


def test_where_the_room_is_used_up_what_was_not_used_for_longest_goes() -> None:
    cache = MemoryCache(VirtualWorld().surroundings, max_bytes=6_000)

    async def work() -> None:
        for name in ("a", "b", "c"):
            await cache.put(name, ANSWER)
        await cache.get("a")
        await cache.put("d", ANSWER)
        assert [True, False, True, True] == [await cache.get(name) is not None for name in ("a", "b", "c", "d")]
        await cache.put("huge", replace(ANSWER, text="".join(map(chr, range(0x4E00, 0x7000)))))
        assert await cache.get("huge") is None

    asyncio.run(work())


@pytest.mark.parametrize("text", ["x" * 100_000, "é世🎉\udcff" * 2_000])
def test_a_long_answer_comes_back_as_it_was_and_takes_little_room(text: str) -> None:
    cache = MemoryCache(VirtualWorld().surroundings, max_bytes=6_000)
    answer = replace(ANSWER, text=text)

    async def work() -> None:
        for name in ("a", "b"):
            await cache.put(name, answer)
        assert [answer, answer] == [await cache.get(name) for name in ("a", "b")]

    asyncio.run(work())


def test_a_closed_cache_is_empty() -> None:
    cache = MemoryCache(VirtualWorld().surroundings)

    async def work() -> None:
        await cache.put("k", ANSWER)
        await cache.aclose()
        assert await cache.get("k") is None

    asyncio.run(work())
