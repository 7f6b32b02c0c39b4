"""A worker's life: it takes jobs until it is told to end, and then hands back what it has in hand."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from reviewbot.queue.delivery import Delivery
from reviewbot.worker.telling import Log

_STOP_S: Final = 20.0
"""For reviews to end and jobs to be handed back: a second or two, unless Redis is away."""
_INTERRUPTED: Final = 130


def serve(delivery: Delivery, stopping: threading.Event, log: Log, leave: Callable[[int], None]) -> None:
    """Take jobs until SIGTERM or Ctrl-C. A second signal leaves at once; then the reviews' leashes end them.

    dramatiq's own command is not used: it starts processes that import a module by name, and a worker's slots are
    threads that wait for a child each.
    """

    def told(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():  # pragma: no cover - ends the process that would count it
            leave(_INTERRUPTED)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    log("ready")
    delivery.start()
    stopping.wait()
    log("stopping")
    delivery.stop(_STOP_S)
    log("stopped")
