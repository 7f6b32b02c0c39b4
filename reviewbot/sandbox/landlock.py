"""Landlock: what files a process may use, whatever its user may. Inherited, and never lifted again.

The numbers are those of <linux/landlock.h>; what each ABI added stands in landlock(7).
"""

import ctypes
import os
import stat
import struct
from collections.abc import Sequence

from reviewbot.sandbox import kernel
from reviewbot.sandbox.orders import Bind

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights each ABI knows; later ones as many as the fifth."""
_NET_SINCE, _SCOPES_SINCE = 4, 6
_TCP = 0b11
_SCOPES = 0b11
TRUNCATE_SINCE = 3
SIGNALS_SINCE = 6

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def version() -> int:
    """Ask for the ABI. Raises OSError where the kernel has no Landlock, or it is switched off."""
    return kernel.syscall("landlock", _CREATE_RULESET, None, 0, _VERSION)


def restrict(binds: Sequence[Bind]) -> int:
    """Close every file but these to this process and all that it starts; give the ABI.

    Also TCP (ABI 4), and signals and abstract sockets of others (ABI 6). Needs no_new_privs. Raises OSError.
    """
    abi = version()
    rights = (1 << _RIGHTS[min(abi, max(_RIGHTS))]) - 1
    words = [rights, _TCP, _SCOPES][: 1 + (abi >= _NET_SINCE) + (abi >= _SCOPES_SINCE)]
    attributes = (ctypes.c_uint64 * len(words))(*words)
    rules = kernel.syscall("landlock", _CREATE_RULESET, attributes, ctypes.sizeof(attributes), 0)
    for bind in binds:
        _allow(rules, bind.source, rights if bind.writable else _READ & rights)
    for device in _DEVICES:
        _allow(rules, device, rights)
    kernel.syscall("landlock", _RESTRICT_SELF, rules, 0)
    os.close(rules)
    return abi


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what this user cannot reach needs no rule
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        rights &= _OF_FILES
    kernel.syscall("landlock", _ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    os.close(place)
