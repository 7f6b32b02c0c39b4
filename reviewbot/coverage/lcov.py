"""LCOV tracefiles, as geninfo, Istanbul, coverage.py, llvm-cov and grcov write them.

https://github.com/linux-test-project/lcov/blob/master/man/geninfo.1
"""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reviewbot.coverage import gathering, opening
from reviewbot.coverage.gathering import Gathered
from reviewbot.domain.coverage import CoverageReport

_BEGINNINGS: Final = (b"TN:", b"SF:")


def sniff(head: bytes) -> bool:
    """Tell LCOV by the first record that is no comment."""
    lines = head.removeprefix(b"\xef\xbb\xbf").splitlines()
    first = next((line for line in lines if line.strip() and not line.startswith(b"#")), b"")
    return first.startswith(_BEGINNINGS)


def read(path: Path, detail: Callable[[str], bool]) -> CoverageReport:
    """Read a tracefile. Sections of one file, as of several tests, are united. Raises UsageError."""
    reading = _Reading(detail)
    opening.each_line(path, reading.hear)
    with opening.reading(path):
        reading.end()
    return CoverageReport(
        format="lcov", name=str(path), files=reading.files.files(), has_branches=reading.files.has_branches
    )


class _Reading:
    def __init__(self, detail: Callable[[str], bool]) -> None:
        self.files = Gathered()
        self._detail = detail
        self._path: str | None = None
        self._wanted = False
        self._measured: list[int] = []
        self._covered: list[int] = []
        self._branches: defaultdict[int, dict[str, bool]] = defaultdict(dict)

    def hear(self, line: str) -> None:
        """Take a record in. Those of functions, totals and versions say nothing of lines."""
        kind, _, rest = line.partition(":")
        if kind == "DA":
            self._line(rest)
        elif kind == "BRDA":
            self._branch(rest)
        elif kind == "SF":
            self._enter(rest)
        elif kind == "end_of_record":
            self._leave()

    def end(self) -> None:
        """Make sure that the last record was whole."""
        if self._path is not None:
            message = f"it ends within the record of {self._path!r}"
            raise ValueError(message)

    def _line(self, rest: str) -> None:
        number, hits, *_ = *rest.split(",", 2), ""
        line = int(number)
        if self._path is None:
            message = "a line of no file (SF)"
            raise ValueError(message)
        self._measured.append(line)
        if int(hits) > 0:
            self._covered.append(line)

    def _branch(self, rest: str) -> None:
        self.files.has_branches = True
        if not self._wanted:
            return
        # What stands between the line and the hits may be any text in new versions, commas included.
        number, _, place = rest.partition(",")
        name, _, hits = place.rpartition(",")
        taken = hits != "-" and int(hits) > 0
        outcomes = self._branches[int(number)]
        outcomes[name] = outcomes.get(name, False) or taken

    def _enter(self, path: str) -> None:
        if self._path is not None:
            message = f"a record begins within that of {self._path!r}"
            raise ValueError(message)
        self._path = path
        self._wanted = self._detail(path)

    def _leave(self) -> None:
        if self._path is None:
            message = "a record ends that had no file (SF)"
            raise ValueError(message)
        branches = {line: gathering.named("lcov", outcomes) for line, outcomes in self._branches.items()}
        self.files.add(self._path, gathering.mask(self._measured), gathering.mask(self._covered), branches)
        self._path = None
        self._measured, self._covered = [], []
        self._branches.clear()
