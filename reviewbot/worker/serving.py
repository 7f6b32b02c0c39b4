"""A worker's life: it takes jobs until it is told to end, and then hands back what it has in hand."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from reviewbot.queue.connecting import QueueDownError
from reviewbot.queue.delivery import Delivery
from reviewbot.worker.telling import Log

_STOP_S: Final = 20.0
"""For reviews to end and jobs to be handed back, in all: mostly less than a second."""
_AGAIN_S: Final = 1.0
"""Between two looks for a Redis that does not answer yet."""
_INTERRUPTED: Final = 130


def serve(
    delivery: Delivery,
    stopping: threading.Event,
    log: Log,
    leave: Callable[[int], None],
    check: Callable[[], None],
) -> None:
    """Take jobs until SIGTERM or Ctrl-C. A second signal leaves at once; then the reviews' leashes end them.

    ``check`` asks whether Redis is there, and raises QueueDownError where it is not: that is waited for. What else it
    raises ends the worker.

    dramatiq's own command is not used: it starts processes that import a module by name, and a worker's slots are
    threads that wait for a child each.
    """

    def told(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():  # pragma: no cover - ends the process that would count it
            leave(_INTERRUPTED)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    if _answered(check, stopping, log):
        log("ready")
        delivery.start()
        stopping.wait()
        log("stopping")
        delivery.stop(_STOP_S)
    log("stopped")


def _answered(check: Callable[[], None], stopping: threading.Event, log: Log) -> bool:
    """Wait for Redis, and say why, once for each reason; tells whether it came before the worker is to end."""
    said = ""
    while not stopping.is_set():
        try:
            check()
        except QueueDownError as error:
            if str(error) != said:
                said = str(error)
                log("waiting", reason=said)
            stopping.wait(_AGAIN_S)
        else:
            return True
    return False
