"""Cover profiles of Go: ``mode:``, then a block of statements in each line.

https://pkg.go.dev/golang.org/x/tools/cover. A profile knows blocks, not lines: each line from a block's beginning
to its end counts, comments within it too, as with Go's own ``cover -html``.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reviewbot.coverage import gathering, opening
from reviewbot.coverage.gathering import Gathered
from reviewbot.domain.coverage import CoverageReport

_BLOCK: Final = re.compile(r"(.+):(\d+)\.\d+,(\d+)\.\d+ (\d+) (\d+)", re.ASCII)


def sniff(head: bytes) -> bool:
    """Tell a profile by its first line."""
    return head.startswith(b"mode: ")


def read(path: Path, detail: Callable[[str], bool]) -> CoverageReport:  # noqa: ARG001 - a profile knows no branches
    """Read a profile, or several in one file. Paths begin with the module's name. Raises UsageError."""
    files = Gathered()
    opening.each_line(path, lambda line: _hear(line, files))
    return CoverageReport(format="go", name=str(path), files=files.files())


def _hear(line: str, files: Gathered) -> None:
    if not line or line.startswith("mode: "):
        return
    block = _BLOCK.fullmatch(line)
    if block is None:
        message = f"{line[:60]!r} is no block"
        raise ValueError(message)
    first, last, statements, hits = (int(number) for number in block.groups()[1:])
    if not 0 < first <= last <= gathering.HIGHEST_LINE:
        message = f"a block from line {first} to {last}"
        raise ValueError(message)
    lines = (2 << last) - (1 << first) if statements else 0
    files.add(block[1], lines, lines if hits else 0)
