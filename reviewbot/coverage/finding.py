"""Finds reports, and tells which format one has: by what is in it, never by its name."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from reviewbot.coverage import clover, cobertura, coveragepy_json, gocover, jacoco, lcov, opening
from reviewbot.domain.coverage import CoverageReport
from reviewbot.errors import UsageError
from reviewbot.ports import CoverageReader

_HEAD_BYTES: Final = 4096
_FORMATS: Final[tuple[tuple[Callable[[bytes], bool], CoverageReader], ...]] = (
    (cobertura.sniff, cobertura.read),
    (clover.sniff, clover.read),
    (jacoco.sniff, jacoco.read),
    (lcov.sniff, lcov.read),
    (gocover.sniff, gocover.read),
    (coveragepy_json.sniff, coveragepy_json.read),
)
_EXPECTED: Final = (
    "Cobertura, Clover or JaCoCo XML, LCOV, a Go cover profile, or coverage.py's data file or JSON is expected"
)
_PLACES: Final = (
    ("coverage.xml", "coverage.json", "coverage.lcov", ".coverage"),
    ("coverage/lcov.info", "lcov.info", "coverage/cobertura-coverage.xml", "coverage/clover.xml"),
    ("cover.out", "coverage.out"),
    ("target/site/jacoco/jacoco.xml", "build/reports/jacoco/test/jacocoTestReport.xml"),
    ("clover.xml", "build/logs/clover.xml", "target/site/clover/clover.xml"),
)
"""Where the tools of Python, JavaScript and C, Go, Java and PHP write by default. Those of a row say the same."""


def read(
    path: Path, detail: Callable[[str], bool], text: Callable[[str], bytes | None] | None = None
) -> CoverageReport:
    """Read a report of any known format; ``detail`` says of which paths branches are wanted.

    ``text`` gives a measured file's text by the report's path; only coverage.py's data file needs it.
    Raises UsageError that names the report, what is wrong with it, and what was expected.
    """
    opening.check(path)
    with opening.reading(path), path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for sniff, reader in _FORMATS:
        if sniff(head):
            return reader(path, detail)
    if head.startswith(b"SQLite format 3\0"):
        return _data(path, detail, text)
    found = "it is empty" if not head else "its format is unknown"
    message = f"{path}: {found}; {_EXPECTED}."
    raise UsageError(message)


def discover(folder: Path) -> tuple[Path, ...]:
    """Look for reports in the usual places. Of several that one tool writes, the newest is given."""
    found = []
    for row in _PLACES:
        there = [folder / name for name in row if (folder / name).is_file()]
        if there:
            found.append(max(there, key=lambda path: path.stat().st_mtime))
    return tuple(found)


def _data(path: Path, detail: Callable[[str], bool], text: Callable[[str], bytes | None] | None) -> CoverageReport:
    from reviewbot.coverage import coveragepy_data  # late: the library is heavy, and most reports do without

    if text is None:
        message = f"{path}: coverage.py's data need the sources, which are not known here; give `coverage xml` instead."
        raise UsageError(message)
    return coveragepy_data.read(path, detail, text)
