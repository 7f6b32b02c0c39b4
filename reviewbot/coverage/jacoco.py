"""JaCoCo XML, also of Kotlin.

https://www.jacoco.org/jacoco/trunk/coverage/report.dtd
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from xml.parsers.expat import XMLParserType

from reviewbot.coverage import gathering, xmlstream
from reviewbot.coverage.gathering import Gathered
from reviewbot.coverage.xmlstream import Row
from reviewbot.domain.coverage import Branches, CoverageReport

_COUNTERS: Final = ("nr", "ci", "mb", "cb")
"""Line number, covered instructions, missed branches, covered branches."""


def sniff(head: bytes) -> bool:
    """Tell JaCoCo by its root and its document type."""
    element, _ = xmlstream.root(head)
    return element == "report" and (b"JACOCO" in head or b"<sessioninfo" in head or b"<package" in head)


def read(path: Path, detail: Callable[[str], bool]) -> CoverageReport:
    """Read a report. Paths are those of packages: ``org/example/Some.java``, below an unnamed source folder.

    Raises UsageError.
    """
    reading = _Reading(detail)
    elements = {
        "sessioninfo": reading.session,
        "package": reading.package,
        "class": lambda parser, _: xmlstream.skip(parser, "class"),  # only counters of methods, without lines
        "sourcefile": reading.enter,
    }
    xmlstream.feed(path, reading.rows.append, elements, reading.settle)
    return CoverageReport(
        format="jacoco",
        name=str(path),
        files=reading.files.files(),
        has_branches=reading.files.has_branches,
        created=max(reading.sessions, default=None),
    )


class _Reading:
    def __init__(self, detail: Callable[[str], bool]) -> None:
        self.files = Gathered()
        self.rows: list[Row] = []
        self.sessions: list[datetime] = []
        self._detail = detail
        self._package = ""
        self._path = ""
        self._wanted = False

    def session(self, _: XMLParserType, attributes: Mapping[str, str]) -> None:
        started = xmlstream.moment(attributes.get("start"))
        self.sessions += [started] if started else []

    def package(self, _: XMLParserType, attributes: Mapping[str, str]) -> None:
        self._package = xmlstream.value(attributes, "name")

    def enter(self, _: XMLParserType, attributes: Mapping[str, str]) -> None:
        self.settle()
        name = xmlstream.value(attributes, "name")
        self._path = f"{self._package}/{name}" if self._package else name
        self._wanted = self._detail(self._path)
        self.files.add(self._path, 0, 0)

    def settle(self) -> None:
        if not self.rows:
            return
        measured, covered, branches = [], [], {}
        for row in self.rows:
            line, instructions, missed, taken = map(int, xmlstream.values(row, _COUNTERS))
            measured.append(line)
            if instructions > 0:
                covered.append(line)
            if missed + taken > 0:
                branches[line] = gathering.counted(missed + taken, taken)
        self.files.has_branches |= bool(branches)
        self._add(measured, covered, branches)
        self.rows.clear()

    def _add(self, measured: list[int], covered: list[int], branches: Mapping[int, Branches]) -> None:
        kept = branches if self._wanted else {}
        self.files.add(self._path, gathering.mask(measured), gathering.mask(covered), kept)
