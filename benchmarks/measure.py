"""Runs a command and reads its CPU time, wall time and peak memory from the kernel."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a process used."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    code: int


def run(command: Sequence[str], environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Cost:
    """Run a command with its output thrown away."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=None if environ is None else dict(environ),
        cwd=cwd,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        wall_s=time.monotonic() - started,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / 1024,
        code=process.returncode,
    )


def median(costs: Sequence[Cost]) -> Cost:
    """Take the median of each figure on its own."""
    return Cost(
        wall_s=statistics.median(cost.wall_s for cost in costs),
        cpu_s=statistics.median(cost.cpu_s for cost in costs),
        peak_mb=statistics.median(cost.peak_mb for cost in costs),
        code=max(cost.code for cost in costs),
    )


def python(*arguments: str, executable: str = sys.executable) -> list[str]:
    """Give the command that runs a Python, this one by default."""
    return [executable, *arguments]
