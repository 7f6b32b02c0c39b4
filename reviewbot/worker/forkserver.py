"""A process that has its imports done, and forks itself for every order: ``python -m reviewbot.worker.forkserver``.

Two thirds of a small review's processor time are the start of its interpreter and its imports, the same every time. A
fork has them at once. It is a process of its own all the same: with its own folder, environment, standard streams and
session, killed and ended as every other.

Not Python's own fork server (`multiprocessing`), whose children share an environment, and so a worker's secrets.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Final

ORDER_BYTES: Final = 150_000
HANDLES: Final = 4
"""That come with an order: standard input, output and error, and a pipe to tell number and end of the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a process is to do."""

    entry: str
    """``module:function``, which is called with ``argv``."""
    argv: Sequence[str]
    folder: str
    environ: Mapping[str, str]


class _Server:
    """Forks, and tells of every process when it has ended. It has one thread: others would not survive a fork."""

    def __init__(self, control: socket.socket, idle_s: float | None) -> None:
        self._control = control
        self._idle_s = idle_s
        self._tells: dict[int, int] = {}
        """By process."""

    def next(self) -> Order:
        """Wait for orders, and come back in the process that one of them is for. Else ends, when nobody orders."""
        control = self._control.fileno()
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler, nothing is written to the pipe
        signal.set_wakeup_fd(wake)
        order = None
        while order is None:
            ready, _, _ = select.select([control, woken], [], [], None if self._tells else self._idle_s)
            if not ready and not self._tells:
                sys.exit()
            if woken in ready:
                os.read(woken, 4_096)
                self._bury()
            if control in ready:
                order = self._begun()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for handle in (woken, wake, *self._tells.values()):
            os.close(handle)
        self._control.close()
        return order

    def _begun(self) -> Order | None:
        """Fork for an order; gives it to the process that is to do it."""
        text, handles, _, _ = socket.recv_fds(self._control, ORDER_BYTES, HANDLES)
        if not text:
            sys.exit()  # whoever orders is gone; what was begun is not ours to end
        *streams, tell = handles
        pid = os.fork()
        if pid != 0:
            for handle in streams:
                os.close(handle)
            self._tells[pid] = tell
            return None
        os.setsid()
        try:
            os.write(tell, b"%d\n" % os.getpid())
        except BrokenPipeError:
            os._exit(0)  # whoever ordered is gone
        os.close(tell)
        for number, handle in enumerate(streams):
            os.dup2(handle, number)
            os.close(handle)
        return Order(**json.loads(text))

    def _bury(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                tell = self._tells.pop(ended[0])
                with suppress(BrokenPipeError):
                    os.write(tell, b"%d\n" % os.waitstatus_to_exitcode(ended[1]))
                os.close(tell)


def _settle(order: Order) -> None:
    """Take over folder and environment, as a new process finds them."""
    os.chdir(order.folder)
    os.environ.clear()  # noqa: TID251 - this is the world of the process that begins here
    os.environ.update(order.environ)  # noqa: TID251


def main() -> None:
    """Import, serve, and be the process that was ordered."""
    _, number, idle_s, *modules = sys.argv
    for name in modules:
        import_module(name)
    gc.collect()
    gc.freeze()  # what is shared is not to be looked through, and so not copied, by every fork
    with socket.socket(fileno=int(number)) as control:
        order = _Server(control, float(idle_s) or None).next()
    _settle(order)
    module, _, function = order.entry.partition(":")
    getattr(import_module(module), function)(order.argv)


if __name__ == "__main__":
    main()
