"""The process between reviewbot and a job: it starts the one for the other, and leaves nothing alive.

It stands outside the sandbox, without keys: its environment is empty. It ends the job when its standard input is
closed, which also happens when reviewbot is killed. As a subreaper, prctl(2), it becomes the parent of each process
whose own parent ends, so that a daemon cannot slip away.
"""

import errno
import json
import os
import select
import signal
import sys
from typing import Final, NoReturn

from reviewbot.sandbox import bubblewrap, kernel, namespaces
from reviewbot.sandbox.entering import STARTED, become_ordinary, enter, fail
from reviewbot.sandbox.orders import BUBBLEWRAP, NAMESPACES, Order, loads
from reviewbot.sandbox.processes import descendants

_CONTROL: Final = 0
_TICK_MS: Final = 200
_PAUSE_S: Final = 0.005
_ROUNDS: Final = 2000
_TOLD_BYTES: Final = 4000


def main() -> None:
    """Read an order from the arguments, carry it out, and report to the file descriptor that they name."""
    *_, text, report = sys.argv
    order = loads(text)
    os.set_inheritable(int(report), False)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    kernel.become_subreaper()
    told, marker = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(int(report))
        os.close(told)
        _begin(order, marker)
    os.close(marker)
    status = _watch(child)
    gone = _end_all()
    told_text = os.read(told, _TOLD_BYTES) if gone else b""
    answer = {"code": _code(status), "gone": gone, "started": told_text == STARTED, "fault": _fault(told_text)}
    os.write(int(report), json.dumps(answer).encode())


def _begin(order: Order, marker: int) -> NoReturn:
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, _CONTROL)
        if order.unshare_user:  # no root, or one that may not make namespaces: an ordinary user may do more
            become_ordinary(order.uid)
        if order.level == BUBBLEWRAP:
            os.set_inheritable(marker, True)
            os.execv(order.program, bubblewrap.command(order, marker))  # noqa: S606 - no shell is wanted
        if order.level == NAMESPACES:
            namespaces.enter(order, marker)
        enter(order, marker)
    except BaseException as error:  # noqa: BLE001 - nothing above may go on in this process
        fail(marker, error)


def _watch(child: int) -> int | None:
    """Wait until a child ends, and give its status; None where we are told to end it."""
    poll = select.poll()
    poll.register(_CONTROL, select.POLLIN | select.POLLHUP)
    poll.register(os.pidfd_open(child), select.POLLIN)
    while True:
        ended = dict(_buried())
        if child in ended:
            return ended[child]
        if any(where == _CONTROL for where, _ in poll.poll(_TICK_MS)):
            return None


def _buried() -> list[tuple[int, int]]:
    """Take note of every child that has ended: who stays unburied counts against the limit of processes."""
    ended = []
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append(found)
    except ChildProcessError:
        pass
    return ended


def _end_all() -> bool:
    """Kill every descendant, until there is none. Who is quick to fork can escape one round, but not all."""
    for _ in range(_ROUNDS):
        for pid in descendants(os.getpid()):
            _kill(pid)
        _buried()
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        signal.sigtimedwait({signal.SIGCHLD}, _PAUSE_S)
    return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError as error:
        if error.errno != errno.ESRCH:
            raise


def _code(status: int | None) -> int | None:
    """Give an exit code; None where a signal ended it, of which ``bwrap`` and `namespaces` tell by 128 + signal."""
    code = -1 if status is None else os.waitstatus_to_exitcode(status)
    return code if 0 <= code <= 128 else None  # noqa: PLR2004


def _fault(told: bytes) -> str:
    return told.removeprefix(STARTED)[1:].decode("utf-8", "replace")
