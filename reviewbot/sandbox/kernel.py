"""System calls that Python 3.11 has no function for, through the C library.

Every function raises OSError, with the name of the call in it.
"""

import ctypes
import os
import struct
from functools import cache

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
MNT_DETACH = 2

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 4, 22, 36, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_MOUNT_SETATTR = 442  # the same number on every architecture, as all calls since 5.1
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def syscall(what: str, number: int, *arguments: object) -> int:
    """Make a system call by its number; integers are passed as longs, and buffers by address."""
    longs = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _checked(_libc().syscall(ctypes.c_long(number), *longs), what)


def _prctl(what: str, option: int, *arguments: object) -> None:
    values = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    values += [ctypes.c_ulong(0)] * (4 - len(values))
    _checked(_libc().prctl(option, *values), what)


def set_dumpable(*, dumpable: bool) -> None:
    """Open this process's memory and environment to others of the same user, or close them.

    Once closed, its files in /proc belong to root, and ptrace(2) is refused: PR_SET_DUMPABLE in prctl(2).
    """
    _prctl("PR_SET_DUMPABLE", _PR_SET_DUMPABLE, int(dumpable))


def become_subreaper() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl("PR_SET_CHILD_SUBREAPER", _PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """Make setuid programs (sudo, su) powerless, for this process and all that it starts."""
    _prctl("PR_SET_NO_NEW_PRIVS", _PR_SET_NO_NEW_PRIVS, 1)


def install_filter(instructions: bytes, count: int) -> None:
    """Install a seccomp filter: so many ``struct sock_filter``."""
    filters = ctypes.create_string_buffer(instructions)
    program = ctypes.create_string_buffer(struct.pack("@HP", count, ctypes.addressof(filters)))
    _prctl("PR_SET_SECCOMP", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program)


def drop_capabilities() -> None:
    """Give up every capability, also those that a program started later would get."""
    _prctl("PR_CAP_AMBIENT", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    syscall("capset", _CAPSET[os.uname().machine], header, (ctypes.c_uint32 * 6)())


def unshare(flags: int) -> None:
    """Leave namespaces for new ones."""
    _checked(_libc().unshare(flags), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Mount a file system, or a place at another place."""
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    _checked(_libc().mount(*texts[:3], ctypes.c_ulong(flags), texts[3]), f"mount {target}")


def restrict_mount(target: str, attributes: int, *, recursive: bool) -> None:
    """Set attributes of a mount, and where recursive of all below: mount_setattr(2), Linux 5.12."""
    settings = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
    what = f"mount_setattr {target}"
    syscall(what, _MOUNT_SETATTR, _AT_FDCWD, os.fsencode(target), flags, settings, ctypes.sizeof(settings))


def pivot_into(folder: str) -> None:
    """Make a mounted folder the root, and let go of the old one: pivot_root(2), "pivot_root(".", ".")"."""
    os.chdir(folder)
    syscall("pivot_root", _PIVOT_ROOT[os.uname().machine], b".", b".")
    _checked(_libc().umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")
