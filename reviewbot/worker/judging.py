"""How a review ended → what the queue is told."""

import signal
from typing import Final

from reviewbot.queue.outcomes import Ended, Ending, Failed

_REVIEWED: Final = {0: "reviewed", 1: "reviewed", 5: "partial"}
"""A gate that fails, or a budget that ends, is a result: it is posted."""
_PASSING: Final = {3: "the forge", 4: "the model"}
_LASTING: Final = {2: "its configuration", 6: "the sandbox", 70: "a bug in reviewbot"}


def ending(code: int, *, reviewed: bool, again: bool, last_words: str) -> Ending:
    """Judge a review by its exit code, and by whether there is a report of it.

    ``again`` tells whether the forge is to be asked once more where it shows another commit.
    """
    if code == 0 and not reviewed:
        return Failed(reason=last_words) if again else Ended(outcome="superseded")
    if code in _REVIEWED and not reviewed:
        return Failed(reason=f"exit code {code} without a report: {last_words}")
    if code in _REVIEWED:
        return Ended(outcome=_REVIEWED[code])
    if code < 0:
        name = signal.Signals(-code).name
        return Failed(reason=f"the review was ended by {name}, as for want of memory: {last_words}")
    cause = _PASSING.get(code) or _LASTING.get(code) or f"exit code {code}"
    return Failed(reason=f"{cause}: {last_words}", lasting=code not in _PASSING)
