"""Three replicas that spend one budget over one Redis, and what may happen to them meanwhile."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from redis_server import RedisServer

import reviewbot

LIMIT = 50_000
"""Micro-dollars."""
Trouble = Callable[["BudgetFleet"], None]


class BudgetFleet:
    """Real processes; what they billed is in one file, whatever became of them."""

    def __init__(self, server: RedisServer, *, fail_open: bool, seconds: float) -> None:
        self.server = server
        script = Path(__file__).with_name("budget_process.py")
        self._argv = [sys.executable, str(script), server.url]
        self._rest = [str(LIMIT / 1_000_000), str(seconds), "open" if fail_open else "closed"]
        root = str(Path(reviewbot.__file__).parent.parent)
        self._environ = {**os.environ, "PYTHONPATH": root}  # noqa: TID251 - passed on
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, seed: int) -> None:
        """Start a replica."""
        argv = [*self._argv, str(seed), *self._rest]
        self._running.append(subprocess.Popen(argv, stdout=self._bill, env=self._environ))

    def kill(self) -> None:
        """End the first one without a word."""
        victim = self._running.pop(0)
        victim.send_signal(signal.SIGKILL)
        victim.wait()

    def billed_so_far(self) -> int:
        """Give what the provider has billed, in micro-dollars."""
        with Path(self._bill.name).open(encoding="ascii") as lines:
            return sum(int(line) for line in lines if line.endswith("\n"))

    def wait_for(self, micros: int) -> None:
        """Wait until so much is billed, and the trouble may come."""
        until_s = time.monotonic() + 20
        while self.billed_so_far() < micros and time.monotonic() < until_s:
            time.sleep(0.02)  # noqa: TID251 - real processes take real time

    def run(self, seed: int, trouble: Trouble) -> int:
        """Let three replicas spend, make trouble, and give what was billed in the end."""
        with tempfile.NamedTemporaryFile("wb", prefix="bill-") as self._bill:
            for number in range(3):
                self.start(3 * seed + number)
            trouble(self)
            codes = [process.wait() for process in self._running]
            assert [0] * len(codes) == codes
            return self.billed_so_far()


def no_trouble(_: BudgetFleet) -> None:
    """Nothing happens."""


def killed(fleet: BudgetFleet) -> None:
    """One replica is killed with requests in flight, and another takes its place."""
    fleet.wait_for(LIMIT // 5)
    fleet.kill()
    fleet.start(99)


def restarted(fleet: BudgetFleet) -> None:
    """Redis is killed, and started again a second later; whether it has its data is its own matter."""
    fleet.wait_for(LIMIT // 5)
    fleet.server.stop()
    time.sleep(1)  # noqa: TID251 - real processes take real time
    fleet.server.start()


def flushed(fleet: BudgetFleet) -> None:
    """Redis forgets everything."""
    fleet.wait_for(LIMIT // 5)
    fleet.server.flush()


def hung(fleet: BudgetFleet) -> None:
    """Redis takes everything and answers nothing for 5 s."""
    fleet.wait_for(LIMIT // 5)
    with fleet.server.hanging():
        time.sleep(5)  # noqa: TID251 - real processes take real time


def all_at_once(fleet: BudgetFleet) -> None:
    """Redis goes away, a replica is killed while it does, and both come back."""
    fleet.wait_for(LIMIT // 5)
    fleet.server.stop()
    time.sleep(0.5)  # noqa: TID251 - real processes take real time
    fleet.kill()
    fleet.start(98)
    time.sleep(0.5)  # noqa: TID251 - real processes take real time
    fleet.server.start()


TROUBLES: Mapping[str, Trouble] = {
    "none": no_trouble,
    "killed": killed,
    "hung": hung,
    "flushed": flushed,
    "restarted": restarted,
    "all at once": all_at_once,
}
