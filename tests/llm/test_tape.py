"""A tape: heard from its start by all who follow it, and no longer than the foremost of them can bear."""

import asyncio
from collections.abc import Coroutine

from hypothesis import given
from hypothesis import strategies as st

from reviewbot.llm.tape import Follower, Tape


async def settled() -> None:
    """Let everybody go as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def all_of(follower: Follower) -> bytes:
    return b"".join([block async for block in follower])


def run(work: Coroutine[object, object, None]) -> None:
    asyncio.run(work)


@given(before=st.lists(st.binary(min_size=1)), after=st.lists(st.binary(min_size=1)))
def test_whoever_follows_hears_all_whenever_they_begin(before: list[bytes], after: list[bytes]) -> None:
    async def work() -> None:
        tape = Tape()
        first = asyncio.create_task(all_of(tape.follow()))
        for piece in before:
            tape.write(piece)
            await asyncio.sleep(0)
        second = asyncio.create_task(all_of(tape.follow()))
        await asyncio.sleep(0)
        for piece in after:
            tape.write(piece)
        tape.close()
        late = asyncio.create_task(all_of(tape.follow()))
        whole = b"".join(before + after)
        assert whole == tape.text().encode("utf-8", "surrogateescape")
        assert [whole] * 3 == [await first, await second, await late]
        assert len(whole) == tape.size

    run(work())


def test_what_has_gathered_is_taken_in_one_block() -> None:
    async def work() -> None:
        tape = Tape()
        for piece in (b"a", b"b", b"c"):
            tape.write(piece)
        tape.close()
        assert [b"abc"] == [block async for block in tape.follow()]

    run(work())


def test_the_writer_waits_for_the_foremost_follower_alone() -> None:
    async def work() -> None:
        tape = Tape(ahead_bytes=10)
        quick, slow = aiter(tape.follow()), aiter(tape.follow())
        tape.write(b"x" * 11)
        assert tape.full
        writing = asyncio.create_task(tape.room())
        assert b"x" * 11 == await anext(slow)
        await settled()
        assert not writing.done()  # taken is what was passed on, and that is told by asking for more
        assert b"x" * 11 == await anext(quick)
        more = asyncio.ensure_future(anext(quick))
        await settled()
        assert (True, False) == (writing.done(), tape.full)
        tape.write(b"y" * 10)
        assert b"y" * 10 == await more
        assert not tape.full
        tape.close()

    run(work())


def test_when_the_slowest_leaves_the_writer_goes_on() -> None:
    async def work() -> None:
        tape = Tape(ahead_bytes=10)
        follower = tape.follow()
        tape.write(b"x" * 11)
        writing = asyncio.create_task(tape.room())
        await settled()
        assert not writing.done()
        follower.leave()
        follower.leave()
        await writing

    run(work())


def test_a_tape_that_nobody_follows_is_never_full() -> None:
    tape = Tape(ahead_bytes=1)
    tape.write(b"abc")
    assert not tape.full


def test_a_tape_has_begun_when_that_is_said() -> None:
    async def work() -> None:
        tape = Tape()
        assert (False, "", None) == (tape.begun, tape.content_type, tape.begun_at)
        tape.begin("text/event-stream")
        assert (True, "text/event-stream") == (tape.begun, tape.content_type)
        assert tape.begun_at is not None

    asyncio.run(work())
