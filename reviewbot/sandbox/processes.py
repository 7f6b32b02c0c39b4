"""Processes of this machine, as /proc shows them."""

import os
from collections import defaultdict
from pathlib import Path

_PROC = Path("/proc")


def descendants(ancestor: int) -> tuple[int, ...]:
    """Give the processes below one, that one left out. Those whose own parent has ended belong to its subreaper."""
    children: dict[int, list[int]] = defaultdict(list)
    for name in os.listdir(_PROC):  # noqa: PTH208 - names, and many of them
        if name.isdigit() and (parent := _parent(name)) is not None:
            children[parent].append(int(name))
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        below = children[waiting.pop()]
        found += below
        waiting += below
    return tuple(found)


def resident_bytes(pids: tuple[int, ...]) -> int:
    """Add up the memory that processes hold; what they share is counted for each."""
    return sum(_resident_pages(pid) for pid in pids) * os.sysconf("SC_PAGE_SIZE")


def _parent(name: str) -> int | None:
    try:
        text = (_PROC / name / "stat").read_bytes()
    except OSError:
        return None  # it has ended
    # "pid (name) state parent ...", and a name may hold parentheses: proc(5)
    return int(text[text.rindex(b")") + 2 :].split()[1])


def _resident_pages(pid: int) -> int:
    try:
        return int((_PROC / str(pid) / "statm").read_bytes().split()[1])
    except OSError:
        return 0
