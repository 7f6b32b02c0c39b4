"""Finds the strongest level of isolation that works here, by trying."""

import os
import platform
import pwd
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

from reviewbot.domain.isolation import Isolation
from reviewbot.errors import SandboxError
from reviewbot.sandbox import kernel
from reviewbot.sandbox.interpreting import Interpreter, own
from reviewbot.sandbox.orders import BUBBLEWRAP, LANDLOCK, LEVELS, NAMESPACES
from reviewbot.sandbox.probing import probe
from reviewbot.sandbox.running import LeveledSandbox
from reviewbot.sandbox.scratch import PROGRAMS

_CAP_SYS_ADMIN: Final = 21
_FIRST_UID, _UIDS = 60_100, 4_000
"""Users that Debian and systemd leave alone, below 65,536: a container may have no more."""
_WORKS: Final = {
    BUBBLEWRAP: "bubblewrap: own user, process, network and mount namespaces.",
    NAMESPACES: "Own user, process, network and mount namespaces, without bubblewrap.",
    LANDLOCK: "Landlock and seccomp: no network, also not 127.0.0.1; for changes from the same repository only.",
}
_RESTRICTED: Final = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_NONE: Final = "No test is run: no level of isolation works here."


def choose(
    levels: Sequence[str] = LEVELS,
    *,
    python: Interpreter | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[LeveledSandbox | None, Isolation]:
    """Give the first level that works, and how it came to that; no sandbox where none does.

    The levels are tried from the strongest down, with the Python that jobs will use (our own by default). The last of
    them makes this process undumpable, for good.
    """
    reasons: list[str] = []
    for level in levels:
        try:
            sandbox = open_level(level, python=python, clock=clock)
        except SandboxError as error:
            reasons.append(f"{level}: {error}")
        else:
            isolation = replace(sandbox.isolation, detail=_detail(sandbox.isolation.detail, reasons))
            return replace(sandbox, isolation=isolation), isolation
    return None, Isolation(name="none", strong=False, loopback=False, detail=_detail(_NONE, reasons))


def open_level(
    level: str,
    *,
    python: Interpreter | None = None,
    clock: Callable[[], float] = time.monotonic,
    programs: str = PROGRAMS,
) -> LeveledSandbox:
    """Open one level, and try it; ``bwrap`` is looked for in ``programs``, folders with colons between.

    Raises SandboxError that says why it cannot be used.
    """
    if platform.system() != "Linux":
        message = "only Linux has it"
        raise SandboxError(message)
    program = shutil.which("bwrap", path=programs) or "" if level == BUBBLEWRAP else ""
    if level == BUBBLEWRAP and not program:
        message = f"bwrap is not installed in {programs}"
        raise SandboxError(message)
    if level == LANDLOCK:
        kernel.set_dumpable(dumpable=False)
    strong = level != LANDLOCK
    sandbox = LeveledSandbox(
        level=level,
        isolation=Isolation(name=level, strong=strong, loopback=strong, detail=_WORKS[level]),
        clock=clock,
        program=program,
        uid=_free_uid() if os.geteuid() == 0 else None,
        unshare_user=not _may_make_namespaces(),
    )
    try:
        probe(sandbox, python or own())
    except SandboxError as error:
        message = f"{error}{_hint(level)}"
        raise SandboxError(message) from error
    return sandbox


def _detail(first: str, reasons: Sequence[str]) -> str:
    return " ".join([first, *(f"Not {reason.rstrip('.')}." for reason in reasons)])


def _free_uid() -> int:
    """Give a user that nobody is: limits of processes count, and signals reach, all processes of a user."""
    known = {user.pw_uid for user in pwd.getpwall()}
    return next(uid for uid in count(_FIRST_UID + os.getpid() % _UIDS) if uid not in known)


def _may_make_namespaces() -> bool:
    """Whether this process may make namespaces without a user namespace: root in a container often may not."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    capabilities = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    return os.geteuid() == 0 and bool(int(capabilities, 16) >> _CAP_SYS_ADMIN & 1)


def _hint(level: str) -> str:
    if level == LANDLOCK or not _RESTRICTED.exists() or _RESTRICTED.read_text(encoding="ascii").strip() != "1":
        return ""
    return f" (AppArmor restricts user namespaces here: {_RESTRICTED} is 1)"
