"""Identical calls in flight are one call; nobody's leaving harms the others."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

import pytest

from reviewbot.llm.coalescing import Coalescer
from reviewbot.llm.tape import Tape

T = TypeVar("T")


class Upstream:
    """A call that ends when it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.cancelled = 0
        self.cleaned = 0
        self.end = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, _: Tape) -> int:
        self.calls += 1
        number = self.calls
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            await asyncio.sleep(0)
            self.cleaned += 1
            raise
        if self.error is not None:
            raise self.error
        return number


def run(work: Callable[[Coalescer[int], Upstream], Coroutine[object, object, T]]) -> T:
    async def session() -> T:
        return await work(Coalescer(), Upstream())

    return asyncio.run(session())


async def started(*work: Awaitable[T]) -> "list[asyncio.Future[T]]":
    """Start some work, and let it go as far as it can."""
    tasks: list[asyncio.Future[T]] = [asyncio.ensure_future(one) for one in work]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


def test_identical_calls_in_flight_are_one_and_all_but_the_first_know_that_they_joined() -> None:
    async def work(coalescer: Coalescer[int], upstream: Upstream) -> list[tuple[int, bool]]:
        tasks = await started(*(coalescer.share("k", upstream) for _ in range(100)))
        upstream.end.set()
        return await asyncio.gather(*tasks)

    assert run(work) == [(1, False)] + [(1, True)] * 99


def test_different_calls_are_not_shared() -> None:
    async def work(coalescer: Coalescer[int], upstream: Upstream) -> list[tuple[int, bool]]:
        upstream.end.set()
        return list(await asyncio.gather(coalescer.share("a", upstream), coalescer.share("b", upstream)))

    assert run(work) == [(1, False), (2, False)]


def test_an_answer_is_not_kept() -> None:
    async def work(coalescer: Coalescer[int], upstream: Upstream) -> list[tuple[int, bool]]:
        upstream.end.set()
        return [await coalescer.share("k", upstream) for _ in range(2)]

    assert run(work) == [(1, False), (2, False)]


def test_who_comes_in_the_moment_in_which_a_call_ends_calls_anew() -> None:
    async def work(coalescer: Coalescer[int], upstream: Upstream) -> tuple[int, bool]:
        late: list[asyncio.Task[tuple[int, bool]]] = []

        async def ends(_: Tape) -> int:
            await asyncio.sleep(0)
            late.append(asyncio.create_task(coalescer.share("k", upstream)))
            return 0

        upstream.end.set()
        await coalescer.share("k", ends)
        return await late[0]

    assert run(work) == (1, False)


@pytest.mark.parametrize("leaving", [0, 1, 2])
def test_a_waiter_that_leaves_cancels_nobody_else(leaving: int) -> None:
    async def work(coalescer: Coalescer[int], upstream: Upstream) -> list[object]:
        tasks = await started(*(coalescer.share("k", upstream) for _ in range(3)))
        tasks[leaving].cancel()
        await started()
        upstream.end.set()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        return ["left" if isinstance(end, asyncio.CancelledError) else end for end in ends]

    expected: list[object] = [(1, False), (1, True), (1, True)]
    expected[leaving] = "left"
    assert expected == run(work)


def test_the_call_is_cancelled_when_nobody_is_left_and_the_last_waits_until_it_has_cleaned_up() -> None:
    async def work(coalescer: Coalescer[int], upstream: Upstream) -> tuple[int, int, tuple[int, bool]]:
        tasks = await started(coalescer.share("k", upstream), coalescer.share("k", upstream))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        cancelled, cleaned = upstream.cancelled, upstream.cleaned
        upstream.end.set()
        return cancelled, cleaned, await coalescer.share("k", upstream)

    assert run(work) == (1, 1, (2, False))


def test_who_comes_while_an_abandoned_call_cleans_up_calls_anew() -> None:
    async def work(coalescer: Coalescer[int], upstream: Upstream) -> tuple[int, bool]:
        (task,) = await started(coalescer.share("k", upstream))
        task.cancel()
        await asyncio.sleep(0)  # the waiter has cancelled the call, which has not yet heard of it
        (late,) = await started(coalescer.share("k", upstream))
        upstream.end.set()
        await asyncio.gather(task, return_exceptions=True)
        return await late

    assert run(work) == (2, False)


def test_a_call_that_is_abandoned_before_it_begins_is_never_made() -> None:
    async def work(coalescer: Coalescer[int], upstream: Upstream) -> int:
        task = asyncio.ensure_future(coalescer.share("k", upstream))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return upstream.calls

    assert run(work) in {0, 1}


def test_an_error_is_heard_by_all_who_wait_and_by_nobody_later() -> None:
    async def work(coalescer: Coalescer[int], upstream: Upstream) -> tuple[set[str], tuple[int, bool]]:
        upstream.error = ValueError("no answer")
        tasks = await started(*(coalescer.share("k", upstream) for _ in range(10)))
        upstream.end.set()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        upstream.error = None
        return {str(end) for end in ends}, await coalescer.share("k", upstream)

    assert run(work) == ({"no answer"}, (2, False))


def test_an_error_that_nobody_is_left_to_hear_is_no_complaint_of_asyncio() -> None:
    complaints: list[object] = []

    async def stubborn(_: Tape) -> int:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            message = "while cleaning up"
            raise ValueError(message) from None
        return 0

    async def work(coalescer: Coalescer[int], _: Upstream) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        (task,) = await started(coalescer.share("k", stubborn))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gc.collect()

    run(work)
    assert complaints == []
