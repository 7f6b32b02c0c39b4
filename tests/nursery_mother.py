"""What a `nursery.Nursery` runs: imports modules, then forks a process for every order that comes.

Beside each process stands another that waits for it, and tells its number and its end: so this one only ever waits
for orders, and needs no threads, which do not survive a fork.
"""

import gc
import json
import os
import runpy
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import coverage

_ORDER_BYTES = 150_000


def ordered(control: socket.socket) -> list[str]:
    """Wait for orders, and come back in the process that one of them is for; gives its arguments."""
    while True:
        text, handles, _, _ = socket.recv_fds(control, _ORDER_BYTES, 3)
        _bury(os.WNOHANG)
        if not text:
            _bury(0)
            sys.exit()
        if os.fork() == 0:
            control.close()
            break
        for handle in handles:
            os.close(handle)
    out, err, tell = handles
    pid = os.fork()
    if pid != 0:
        _wait(pid, tell, (out, err))
    os.setsid()
    os.write(tell, b"%d\n" % os.getpid())
    os.close(tell)
    order = json.loads(text)
    _settle(order["folder"], order["environ"], (out, err))
    argv: list[str] = order["argv"]
    return argv


def _bury(options: int) -> None:
    """Take note of those who waited and have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def _wait(pid: int, tell: int, others: tuple[int, int]) -> NoReturn:
    for handle in others:
        os.close(handle)
    _, status = os.waitpid(pid, 0)
    os.write(tell, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _settle(folder: str, environ: dict[str, str], outputs: tuple[int, int]) -> None:
    """Take over folder, environment and output, as a new interpreter finds them."""
    for number, handle in enumerate(outputs, 1):
        os.dup2(handle, number)
        os.close(handle)
    os.chdir(folder)
    given = set(os.environ.get("PYTHONPATH", "").split(os.pathsep))  # noqa: TID251 - as the interpreter does
    os.environ.clear()  # noqa: TID251
    os.environ.update(environ)  # noqa: TID251
    path = environ.get("PYTHONPATH", "")
    own = path.split(os.pathsep) if path else []
    sys.path[:] = [folder, *own, *(entry for entry in sys.path[1:] if entry not in given)]
    coverage.process_startup(force=True)  # where the variables that it looks for are set


def run(argv: list[str]) -> None:
    """Run a module, or code."""
    kind, what, *rest = argv
    if kind == "-c":
        sys.argv[:] = [kind, *rest]
        exec(what, {"__name__": "__main__"})  # noqa: S102 - what `python -c` does
    else:
        sys.argv[:] = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _, number, *modules = sys.argv
    for module in modules:
        import_module(module)
    gc.collect()
    gc.freeze()  # what is shared is not to be looked through, and so not copied, by every fork
    with socket.socket(fileno=int(number)) as orders:
        argv = ordered(orders)
    run(argv)
