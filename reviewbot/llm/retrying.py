"""Tenacity, for requests whose first attempt failed.

Most requests end well with their first: they neither pay for tenacity's bookkeeping (a tenth of what the client costs)
nor for its import.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from reviewbot.llm.faults import Fault
from reviewbot.llm.retry import Wait

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When to try again, and when it is enough."""

    passing: Callable[[BaseException], bool]
    """Whether it makes sense to try again after an error."""
    enough: Callable[[int, float], bool]
    """Whether there were attempts enough, given their number and the seconds until the next."""
    wait: Wait
    rest: Callable[[float], Awaitable[None]]
    """Sleeps before another attempt."""


async def go_on(failed: list[Fault], attempt: Callable[[], Awaitable[_T]], rules: Rules) -> _T:
    """Try again after a fault, by the rules, and give what comes of it. Raises the last error.

    The fault is taken out of its list: who kept it would be kept alive by its traceback.
    """

    async def next_attempt() -> _T:
        if failed:
            raise failed.pop()  # the attempt that was made already
        return await attempt()

    def enough(state: RetryCallState) -> bool:
        return rules.enough(state.attempt_number, state.upcoming_sleep)

    def wait(state: RetryCallState) -> float:
        return rules.wait.seconds(state.outcome.exception() if state.outcome else None, state.attempt_number)

    retrying = AsyncRetrying(
        stop=enough, wait=wait, retry=retry_if_exception(rules.passing), sleep=rules.rest, reraise=True
    )
    try:
        return await retrying(next_attempt)
    finally:
        # Its actions refer to it: every request would wait for the garbage collector.
        retrying.iter_state.reset()
