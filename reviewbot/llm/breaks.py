"""Streams of one request that broke off after their first content: whether it goes on, and what follows for others.

A load balancer that restarts cuts all streams at once, and answers again at once: a breaker that opened would keep all
of them from being taken up. So the first break of a request does not count, unless its reader comes to see it. An
endpoint that breaks off again and again is noticed by the second one of each request; the others would be no news.
"""

from reviewbot.errors import ReviewbotError
from reviewbot.llm.breaker import Breaker
from reviewbot.llm.faults import Fault
from reviewbot.llm.orders import Order
from reviewbot.llm.tape import Tape

_COUNTED = 2


class Breaks:
    """The breaks of one request."""

    def __init__(self) -> None:
        self.goes_on = True
        """Whether another attempt makes sense, for what the reader has heard."""
        self.first: Fault | None = None
        self._number = 0
        self._spared: Breaker | None = None

    @property
    def taking_up(self) -> bool:
        """Whether the attempt to come is the first after a break."""
        return self._number == 1 and self.goes_on

    async def note(self, fault: Fault, order: Order, tape: Tape) -> None:
        """Take note of how an attempt failed."""
        if fault.begun:
            self._number += 1
            self.first = self.first or fault
        if tape.begun and order.survey is not None and fault.treatment.retried:
            self.goes_on = await order.survey(tape)

    def judge(self, fault: Fault, breaker: Breaker) -> bool:
        """Tell whether a fault counts against its endpoint and its key; remember a breaker that was spared it."""
        counts = not (fault.begun and self.goes_on) or self._number == _COUNTED
        if not counts and self._number < _COUNTED:
            self._spared = breaker
        return counts

    def seen(self, error: ReviewbotError) -> None:
        """Take note that the request ends with an error: it begins with what broke off, which counts after all."""
        if self.first is not None and error is not self.first:
            error.args = (f"{self.first}; asking again did not help: {error}",)
        if self._spared is not None:
            self._spared.count_failure()
