"""On the path of a job in tests: a machine on which time passes quickly, so that nobody waits for real.

The command line waits as it always does, by `time.sleep`, between GitHub's writes and before another attempt;
here a second of that takes a hundredth. With ``HURRIED_TIMEOUTS`` set, sockets give up twenty times sooner too.
"""

import os
import socket
import time
from typing import SupportsIndex

_SLEEP, _TIMEOUTS = 100, 20
_sleep, _settimeout = time.sleep, socket.socket.settimeout  # noqa: TID251 - what is made quicker


def _nap(seconds: SupportsIndex | float) -> None:
    _sleep(float(seconds) / _SLEEP)


def _give_up_after(self: socket.socket, seconds: float | None) -> None:
    _settimeout(self, None if seconds is None else seconds / _TIMEOUTS)


time.sleep = _nap  # noqa: TID251 - for this process
if "HURRIED_TIMEOUTS" in os.environ:  # noqa: TID251 - there is no other door into an interpreter that starts
    socket.socket.settimeout = _give_up_after  # type: ignore[assignment, method-assign]
