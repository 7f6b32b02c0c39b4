"""Cobertura XML, as coverage.py, Istanbul, coverlet, gcovr, PHPUnit and Cobertura itself write it.

https://github.com/cobertura/web/blob/master/htdocs/xml/coverage-04.dtd
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import compress
from pathlib import Path
from typing import Final
from xml.parsers.expat import XMLParserType

from reviewbot.coverage import gathering, xmlstream
from reviewbot.coverage.gathering import Gathered
from reviewbot.coverage.xmlstream import Row
from reviewbot.domain import coverage
from reviewbot.domain.coverage import Branches, CoverageReport

_CONDITIONS: Final = re.compile(r"\((\d+)/(\d+)\)")
_OWN: Final = ("line-rate=", "branch-rate=", "lines-valid=")


def sniff(head: bytes) -> bool:
    """Tell Cobertura by its root; SonarQube's and Clover's have the same name and no rates."""
    element, attributes = xmlstream.root(head)
    return element == "coverage" and any(own in attributes for own in _OWN)


def read(path: Path, detail: Callable[[str], bool]) -> CoverageReport:
    """Read a report. Classes of one file are united. Raises UsageError."""
    reading = _Reading(detail)
    elements = {
        "coverage": reading.begin,
        "source": reading.source,
        "class": reading.enter,
        # Its lines come again under the class; those of some tools are no statements (Istanbul).
        "methods": lambda parser, _: xmlstream.skip(parser, "methods"),
    }
    xmlstream.feed(path, reading.rows.append, elements, reading.settle)
    return CoverageReport(
        format="cobertura",
        name=str(path),
        files=reading.files.files(),
        roots=tuple(root for root in reading.roots if root),
        has_branches=reading.files.has_branches,
        created=reading.created,
    )


class _Reading:
    def __init__(self, detail: Callable[[str], bool]) -> None:
        self.files = Gathered()
        self.roots: list[str] = []
        self.created: datetime | None = None
        self.rows: list[Row] = []
        self._detail = detail
        self._path = ""
        self._wanted = False

    def begin(self, _: XMLParserType, attributes: Mapping[str, str]) -> None:
        self.created = xmlstream.moment(attributes.get("timestamp"))
        self.files.has_branches = attributes.get("branches-valid", "0") != "0"

    def source(self, parser: XMLParserType, _: Mapping[str, str]) -> None:
        xmlstream.text(parser, self.roots.append)

    def enter(self, _: XMLParserType, attributes: Mapping[str, str]) -> None:
        self.settle()
        self._path = xmlstream.value(attributes, "filename")
        self._wanted = self._detail(self._path)
        self.files.add(self._path, 0, 0)

    def settle(self) -> None:
        if not self.rows:
            return
        numbers, hits = _columns(self.rows)
        measured = list(map(int, numbers))
        positive = {count for count in set(hits) if int(count) > 0}
        covered = compress(measured, map(positive.__contains__, hits))
        branches = _branches(self.rows) if self._wanted else {}
        self.files.has_branches |= bool(branches)
        self.files.add(self._path, gathering.mask(measured), gathering.mask(covered), branches)
        self.rows.clear()


def _columns(rows: list[Row]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give all line numbers and all hits. Where order and names are the usual ones, that takes no loop."""
    columns = list(zip(*rows, strict=False))  # as many as the shortest row has
    if columns[::2][:2] == [("number",) * len(rows), ("hits",) * len(rows)]:
        return columns[1], columns[3]
    numbers, hits = zip(*(xmlstream.values(row, ("number", "hits")) for row in rows), strict=True)
    return numbers, hits


def _branches(rows: list[Row]) -> dict[int, Branches]:
    """Read the branches of lines that have them. A line that comes twice is united."""
    found: dict[int, Branches] = {}
    for row in rows:
        given = dict(zip(row[::2], row[1::2], strict=True))
        counts = _CONDITIONS.search(given.get("condition-coverage", ""))
        if counts:
            total, taken = int(counts[2]), int(counts[1])
            line, branches = int(given["number"]), _told(total, taken, given.get("missing-branches", ""))
            found[line] = coverage.joined(found[line], branches) if line in found else branches
    return found


def _told(total: int, taken: int, missing: str) -> Branches:
    """Name the branch that was taken, where that can be known.

    coverage.py names only those that were not (``missing-branches="exit,12"``). Of two, the one that was taken is
    "the other than 12": two reports that miss different ones then unite to both, and two that miss the same one to
    one. Of more than two nothing can be said, and the greater count holds.
    """
    branches = gathering.counted(total, taken)
    if (total, taken) == (2, 1) and missing and "," not in missing:
        return Branches(total=2, taken=1, known=frozenset({f"other-than:{missing}"}))
    return branches
