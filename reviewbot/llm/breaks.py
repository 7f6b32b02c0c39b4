"""Streams of one request that broke off after their first content: whether it goes on, and what follows for others."""

from reviewbot.errors import ReviewbotError
from reviewbot.llm.faults import Fault
from reviewbot.llm.orders import Order
from reviewbot.llm.tape import Tape

_COUNTED = 2


class Breaks:
    """The breaks of one request."""

    def __init__(self) -> None:
        self.goes_on = True
        """Whether another attempt makes sense, for what the reader has heard."""
        self._first: Fault | None = None
        self._number = 0

    async def note(self, fault: Fault, order: Order, tape: Tape) -> None:
        """Take note of how an attempt failed."""
        if fault.begun:
            self._number += 1
            self._first = self._first or fault
        if tape.begun and order.survey is not None:
            self.goes_on = await order.survey(tape)

    def tells_of(self, fault: Fault) -> bool:
        """Tell whether a fault says something of its endpoint: of the breaks that a reader does not see, the second.

        A load balancer that restarts cuts all streams at once, and answers again at once. An endpoint that breaks off
        again and again does so with every request.
        """
        return not (fault.begun and self.goes_on) or self._number == _COUNTED

    def explain(self, error: ReviewbotError) -> None:
        """Put into an error's words what it was that broke off, where it is about another attempt."""
        if self._first is not None and error is not self._first:
            error.args = (f"{self._first}; asking again did not help: {error}",)
