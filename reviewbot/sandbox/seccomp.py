"""Seccomp: which system calls a process may make. Inherited, and never lifted again.

A classic BPF program, seccomp(2), looks at the number of a call and at single arguments. It refuses what is listed:
code under test must be able to do nearly everything else. Arguments are compared by their lower 32 bits, which is all
that the kernel takes of each one looked at here.
"""

import errno
import os
import stat
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Final

from reviewbot.sandbox import kernel, landlock
from reviewbot.sandbox.syscalls import KEEPING, KERNEL, LAST, METADATA, OTHERS, SIGNALS, SINGLE

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMNS: Final = {"x86_64": 0, "aarch64": 1}

_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_NAMESPACES = (
    kernel.CLONE_NEWNS | kernel.CLONE_NEWCGROUP | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET
)  # fmt: skip

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand: ``struct sock_filter``."""


class When(Enum):
    """When an argument is refused."""

    ALWAYS = "always"
    AMONG = "among"
    NOT_AMONG = "not among"
    BITS = "any bit"


@dataclass(frozen=True, slots=True)
class Rule:
    """A call that is refused, with EPERM where nothing else is said."""

    call: str
    when: When = When.ALWAYS
    argument: int = 0
    values: tuple[int, ...] = ()
    error: int = errno.EPERM


_SELF_ONLY: Final = (
    "prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
)  # fmt: skip
_SETUID_BITS: Final = stat.S_ISUID | stat.S_ISGID
# Calls that set a file's mode, and the argument that says it: what a job leaves behind lends nobody its user.
_MODES: Final = {
    "chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "creat": 1, "open": 2, "openat": 3, "mknod": 1,
    "mknodat": 2,
}  # fmt: skip
_ALWAYS: Final = (
    *(Rule(call) for call in chain(KERNEL, OTHERS, KEEPING)),
    Rule("clone", When.BITS, 0, (_NAMESPACES,)),
    # Its flags lie in memory, where no filter looks. The C library falls back to clone.
    Rule("clone3", error=errno.ENOSYS),
    Rule("ioctl", When.AMONG, 1, (_TIOCSTI, _TIOCLINUX)),  # would type into a terminal, for its shell to run
    *(Rule(call, When.NOT_AMONG, 0, (0,)) for call in _SELF_ONLY),
    *(Rule(call, When.BITS, argument, (_SETUID_BITS,)) for call, argument in _MODES.items()),
    Rule("openat2", error=errno.ENOSYS),  # as clone3
    Rule("setpriority", When.NOT_AMONG, 0, (0,)),
    Rule("setpriority", When.NOT_AMONG, 1, (0,)),
)
# AF_VSOCK reaches the host of a virtual machine, whatever the network namespace.
_FAMILIES: Final = Rule("socket", When.NOT_AMONG, 0, (_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK))


def rules(abi: int | None) -> tuple[Rule, ...]:
    """Give the rules inside namespaces, where ``abi`` is None, or beside Landlock of an ABI."""
    if abi is None:
        return (*_ALWAYS, _FAMILIES)
    found = [*_ALWAYS, Rule("socket"), *map(Rule, METADATA)]
    if abi < landlock.TRUNCATE_SINCE:
        found.append(Rule("truncate"))
    if abi < landlock.SIGNALS_SINCE:
        found += [*map(Rule, SIGNALS), Rule("fcntl", When.AMONG, 1, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX))]
    return tuple(found)


def program(found: Sequence[Rule], machine: str) -> tuple[Instruction, ...]:
    """Compile rules. Raises OSError (ENOSYS) for an architecture whose numbers are not known."""
    if machine not in _COLUMNS:
        raise OSError(errno.ENOSYS, f"system calls of {machine} are not known")
    return (
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),  # 32-bit calls of a 64-bit process have other numbers
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_AT_LEAST, 0, 1, LAST + 1),  # also those of x32
        _refusal(errno.ENOSYS),
        *chain.from_iterable(_compiled(rule, _COLUMNS[machine]) for rule in found),
        (_RETURN, 0, 0, _ALLOW),
    )


def install(found: Sequence[Rule]) -> None:
    """Hold this process, and all that it starts, to the rules. Needs no_new_privs. Raises OSError."""
    instructions = program(found, os.uname().machine)
    kernel.install_filter(b"".join(struct.pack("=HBBI", *each) for each in instructions), len(instructions))


def numbers(column: int) -> Mapping[str, int]:
    """Give the numbers of all calls known here: of x86_64 in column 0, of aarch64 in column 1."""
    tables = chain.from_iterable(table.items() for table in (KERNEL, OTHERS, KEEPING, METADATA, SIGNALS, SINGLE))
    return {call: number for call, pair in tables if (number := pair[column]) is not None}


def _refusal(error: int) -> Instruction:
    return (_RETURN, 0, 0, _REFUSE | error)


def _compiled(rule: Rule, column: int) -> Iterator[Instruction]:
    """Compile a rule: it jumps past its own end where it does not apply, and leaves the call's number loaded."""
    number = numbers(column).get(rule.call)
    if number is None:
        return
    if rule.when is When.ALWAYS:
        body: tuple[Instruction, ...] = (_refusal(rule.error),)
    else:
        load = (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * rule.argument)
        body = (load, *_tested(rule), _refusal(rule.error), (_LOAD, 0, 0, _NUMBER_AT))
    yield (_JUMP_EQUAL, 0, len(body), number)
    yield from body


def _tested(rule: Rule) -> Iterator[Instruction]:
    """Compare the loaded argument: fall through to be refused, jump over the refusal to be let pass."""
    last = len(rule.values) - 1
    for index, value in enumerate(rule.values):
        left = last - index
        match rule.when:
            case When.NOT_AMONG:
                yield (_JUMP_EQUAL, left + 1, 0, value)
            case When.AMONG:
                yield (_JUMP_EQUAL, left, 0 if left else 1, value)
            case _:
                yield (_JUMP_BITS, left, 0 if left else 1, value)
