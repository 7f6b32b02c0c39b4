"""The command line of ``bwrap``: namespaces made by a program that is made for it."""

from collections.abc import Iterator
from itertools import chain
from pathlib import PurePosixPath

from reviewbot.sandbox.orders import Order, dumps

_OWN = (
    "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
)  # fmt: skip


def command(order: Order, marker: int) -> tuple[str, ...]:
    """Give the arguments for ``bwrap``; in its namespaces our own program starts again, for the last steps.

    It keeps the file descriptor ``marker`` open. Where root makes the namespaces, there is no user namespace: in one,
    files would still be used as root. Our program may then change its user, and nothing else.
    """
    user = ("--unshare-user",) if order.unshare_user else ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
    links = chain.from_iterable(("--symlink", says, place) for says, place in order.links)
    end = ("--remount-ro", "/", "--", *order.launcher, "entering", dumps(order), str(marker))
    return (order.program, *_OWN, *user, *links, "--proc", "/proc", "--dev", "/dev", *_binds(order), *end)


def _binds(order: Order) -> Iterator[str]:
    made: set[str] = {"/"}
    for bind in order.binds:
        for parent in reversed(PurePosixPath(bind.target).parents):
            if str(parent) not in made:
                made.add(str(parent))  # bwrap itself would make it for its own user only, who is root at times
                yield from ("--perms", "0755", "--dir", str(parent))
        made.add(bind.target)
        yield from ("--bind" if bind.writable else "--ro-bind", bind.source, bind.target)
    yield from ("--remount-ro", "/dev")
