"""Whether a server that everybody asks is down, and who finds out that it is back: one at a time, after a rest."""

from collections.abc import Callable


class Outage:
    """What is known of one server. Times in seconds of ``monotonic``."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.down = False
        """Whether it failed when it was last asked."""
        self._monotonic = monotonic
        self._until_s = float("-inf")

    @property
    def resting(self) -> bool:
        """Whether it is left alone, so that not every request waits for it to fail."""
        return self._monotonic() < self._until_s

    def trying(self, try_s: float) -> None:
        """Take note that somebody asks, for so long at most: while it is down, nobody else does."""
        if self.down:
            self._until_s = self._monotonic() + try_s

    def failed(self, rest_s: float) -> bool:
        """Take a failure, and leave it alone for a while; tells whether it was the first."""
        self._until_s = self._monotonic() + rest_s
        first, self.down = not self.down, True
        return first

    def answered(self) -> bool:
        """Take an answer; tells whether it was the first after a failure."""
        first, self.down = self.down, False
        self._until_s = float("-inf")
        return first
