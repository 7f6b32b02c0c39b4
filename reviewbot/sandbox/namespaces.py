"""Namespaces by system calls: what ``bwrap`` does, where there is no ``bwrap``.

Runs in the child, alone in its process. Needs Linux 5.12, and either root or leave to make user namespaces.
"""

import fcntl
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reviewbot.sandbox import kernel
from reviewbot.sandbox.entering import become_ordinary, fail
from reviewbot.sandbox.orders import Bind, Order

_OWN: Final = (
    kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP
)  # fmt: skip
_SAFE: Final = kernel.MS_NOSUID | kernel.MS_NODEV
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS: Final = (
    ("/proc/self/fd", "fd"), ("/proc/self/fd/0", "stdin"), ("/proc/self/fd/1", "stdout"), ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
)  # fmt: skip
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def enter(order: Order, marker: int) -> None:
    """Go into namespaces of one's own; returns in the process that is to become the job.

    The caller stays behind and ends as the job does. Between the two stands the first process of the PID namespace:
    when it ends, the kernel kills every other process in there. Raises OSError.
    """
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(_OWN | (kernel.CLONE_NEWUSER if order.unshare_user else 0))
    if order.unshare_user:
        kernel.set_dumpable(dumpable=True)  # who was root a moment ago is not, and could not write its own maps
        Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="utf-8")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="utf-8")
    _wait_for_child(marker)
    build_root(order)
    _raise_loopback()
    become_ordinary(order.uid)
    _wait_for_child(marker)


def build_root(order: Order) -> None:
    """Make a root that holds what the order names, and nothing else; then change to it. Raises OSError."""
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", order.root, "tmpfs", _SAFE, "mode=0755,size=1m")
    root = Path(order.root)
    for says, place in order.links:
        (root / place.lstrip("/")).symlink_to(says)
    for bind in order.binds:
        _bind(bind, root)
    _mount_proc(root / "proc")
    _make_devices(root / "dev")
    kernel.pivot_into(order.root)
    kernel.restrict_mount("/", kernel.MOUNT_ATTR_RDONLY, recursive=False)


def _bind(bind: Bind, root: Path) -> None:
    target = root / bind.target.lstrip("/")
    _make_place(target, folder=os.path.isdir(bind.source))  # noqa: PTH112 - a text
    kernel.mount(bind.source, str(target), None, kernel.MS_BIND | kernel.MS_REC)
    attributes = kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV
    read_only = 0 if bind.writable else kernel.MOUNT_ATTR_RDONLY
    kernel.restrict_mount(str(target), attributes | read_only, recursive=True)


def _make_place(target: Path, *, folder: bool) -> None:
    """Make what can be mounted upon; where it is there already, a folder above was bound before."""
    if target.exists():
        return
    parent = target if folder else target.parent
    parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not folder:
        target.touch()


def _mount_proc(place: Path) -> None:
    place.mkdir()
    kernel.mount("proc", str(place), "proc", _SAFE | kernel.MS_NOEXEC)


def _make_devices(place: Path) -> None:
    place.mkdir(exist_ok=True)
    for name in _DEVICES:
        (place / name).touch()
        kernel.mount(f"/dev/{name}", str(place / name), None, kernel.MS_BIND)
    (place / "pts").mkdir()
    options = "newinstance,ptmxmode=0666,mode=620"
    kernel.mount("devpts", str(place / "pts"), "devpts", kernel.MS_NOSUID | kernel.MS_NOEXEC, options)
    for says, name in _DEVICE_LINKS:
        (place / name).symlink_to(says)


def _raise_loopback() -> None:
    """Bring 127.0.0.1 up: a new network namespace has it, but down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _wait_for_child(marker: int) -> None:
    """Fork: the child returns; the caller keeps no hold of the marker, and ends as the child does."""
    child = os.fork()
    if child == 0:
        return
    try:
        os.close(marker)
        os._exit(_ending(child, os.wait))
    except BaseException as error:  # noqa: BLE001 - the caller must never run what the child runs
        fail(marker, error)


def _ending(child: int, wait: Callable[[], tuple[int, int]]) -> int:
    """Wait for a child, and bury everybody else who dies meanwhile; give a code as shells do: 128 + signal."""
    while True:
        pid, status = wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
