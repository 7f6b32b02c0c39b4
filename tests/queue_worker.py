"""A worker process over a real queue, whose reviews are naps. Ends well on SIGTERM.

    python queue_worker.py REDIS_URL LOG SLOTS HEARTBEAT_S

A job naps for as many seconds as its target branch says. What happens is appended to LOG, a JSON line each:
``{"event": "ready|start|end|superseded|returned", "pid", "request", "head", "at_s"}``.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from reviewbot.queue.connecting import open_blocking
from reviewbot.queue.delivery import Delivery
from reviewbot.queue.outcomes import Ended, Ending, Taken, Unfinished
from reviewbot.queue.reviews import ReviewQueue

_LOOK_S = 0.02


class Napping:
    """Does jobs, and writes down when."""

    def __init__(self, queue: ReviewQueue, log: Path) -> None:
        self._queue = queue
        self._log = log
        self.stopping = threading.Event()

    def say(self, event: str, request: int = 0, head: str = "") -> None:
        """Append a line, in one write."""
        line = {"event": event, "pid": os.getpid(), "request": request, "head": head, "at_s": time.monotonic()}
        with self._log.open("ab", buffering=0) as log:
            log.write(f"{json.dumps(line)}\n".encode())

    def __call__(self, taken: Taken) -> Ending:
        """Nap, unless something better comes up."""
        request, head = taken.job.number, taken.job.head_sha
        self.say("start", request, head)
        if head == "broken":
            message = "made to fail"
            raise ValueError(message)
        until_s = time.monotonic() + float(taken.job.target_branch)
        while time.monotonic() < until_s:
            if self.stopping.wait(_LOOK_S):
                self.say("returned", request, head)
                return Unfinished()
            if self._queue.superseded(taken):
                self.say("superseded", request, head)
                return Ended(outcome="superseded")
        self.say("end", request, head)
        return Ended()


def main() -> None:
    """Work until told to stop."""
    url, log, slots, heartbeat_s = sys.argv[1:]
    redis = open_blocking(url)
    queue = ReviewQueue(redis, lambda: datetime.now(UTC), random.random)  # noqa: TID251 - a real world
    napping = Napping(queue, Path(log))
    signal.signal(signal.SIGTERM, lambda *_: napping.stopping.set())
    delivery = Delivery(redis, queue, napping, slots=int(slots), heartbeat_s=float(heartbeat_s))
    delivery.start()
    napping.say("ready")
    napping.stopping.wait()
    delivery.stop(timeout_s=5)
    redis.close()


if __name__ == "__main__":
    main()
