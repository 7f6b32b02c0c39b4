"""The last steps before a job's program takes over: they only ever take away.

Runs in the child, alone in its process. Started as a program it reads an order from its arguments (inside bubblewrap).
"""

import os
import resource
import signal
import sys
from contextlib import suppress
from typing import Final, NoReturn

from reviewbot.sandbox import kernel, landlock, seccomp
from reviewbot.sandbox.orders import LANDLOCK, Limits, Order, loads

STARTED: Final = b"s"
FAULT: Final = b"e"
_FIRST_FREE = 3
"""After standard input, output and error."""


def enter(order: Order, marker: int) -> NoReturn:
    """Become the job. ``marker`` is a pipe for what happens: `STARTED`, or `FAULT` with a text."""
    try:
        os.set_inheritable(marker, False)
        _close_all_but(marker)
        _lower(order)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and a new program would inherit that
            signal.signal(ignored, signal.SIG_DFL)
        os.write(marker, STARTED)
        os.execve(order.argv[0], order.argv, dict(order.environ))  # noqa: S606 - no shell is wanted
    except BaseException as error:  # noqa: BLE001 - nothing above may go on in this process
        fail(marker, error)


def fail(marker: int, error: BaseException) -> NoReturn:
    """Say what went wrong, and end."""
    with suppress(OSError):
        os.write(marker, FAULT + str(error).encode("utf-8", "replace")[:2000])
    os._exit(1)


def become_ordinary(uid: int | None) -> None:
    """Turn root into a user without rights, without groups and without capabilities."""
    if uid is not None and os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    kernel.drop_capabilities()


def _lower(order: Order) -> None:
    os.umask(0o022)
    kernel.forbid_new_privileges()
    become_ordinary(order.uid)
    os.chdir(order.folder)
    _limit(order.limits)
    abi = landlock.restrict(order.binds) if order.level == LANDLOCK else None
    seccomp.install(seccomp.rules(abi))


def _limit(limits: Limits) -> None:
    wanted = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.files,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        low = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (low, low))


def _close_all_but(marker: int) -> None:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names
        if int(name) >= _FIRST_FREE and int(name) != marker:
            with suppress(OSError):  # the one that did the listing
                os.close(int(name))


def main() -> NoReturn:
    """Read an order and the number of the marker's pipe from the arguments, and become the job."""
    *_, order, marker = sys.argv
    enter(loads(order), int(marker))
