"""Clover XML, as OpenClover, PHPUnit and Istanbul write it.

https://github.com/openclover/clover/blob/master/clover-core/src/main/java/com/atlassian/clover/reporters/xml/XMLReporter.java
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from xml.parsers.expat import XMLParserType

from reviewbot.coverage import gathering, xmlstream
from reviewbot.coverage.gathering import Gathered
from reviewbot.coverage.xmlstream import Row
from reviewbot.domain.coverage import Branches, CoverageReport


def sniff(head: bytes) -> bool:
    """Tell Clover by its root: PHPUnit's has no ``clover``, and all have ``generated``."""
    element, attributes = xmlstream.root(head)
    return element == "coverage" and ("generated=" in attributes or "clover=" in attributes)


def read(path: Path, detail: Callable[[str], bool]) -> CoverageReport:
    """Read a report. Raises UsageError."""
    reading = _Reading(detail)
    xmlstream.feed(path, reading.keep, {"coverage": reading.begin, "file": reading.enter}, reading.settle)
    reading.leave()
    return CoverageReport(
        format="clover",
        name=str(path),
        files=reading.files.files(),
        has_branches=reading.files.has_branches,
        created=reading.created,
    )


class _Reading:
    def __init__(self, detail: Callable[[str], bool]) -> None:
        self.files = Gathered()
        self.created: datetime | None = None
        self._detail = detail
        self._path: str | None = None
        self._wanted = False
        self._measured: list[int] = []
        self._covered: list[int] = []
        self._outcomes: defaultdict[int, dict[str, bool]] = defaultdict(dict)
        self._counts: dict[int, Branches] = {}

    def begin(self, _: XMLParserType, attributes: Mapping[str, str]) -> None:
        self.created = xmlstream.moment(attributes.get("generated"))

    def enter(self, _: XMLParserType, attributes: Mapping[str, str]) -> None:
        self.leave()
        # PHPUnit has the whole path as name; the others have the base name there.
        self._path = attributes.get("path") or xmlstream.value(attributes, "name")
        self._wanted = self._detail(self._path)
        self.files.add(self._path, 0, 0)

    def keep(self, row: Row) -> None:
        given = dict(zip(row[::2], row[1::2], strict=True))
        line = int(xmlstream.value(given, "num"))
        hit = int(given.get("count", 0)) > 0
        if given.get("type") == "cond":
            hit = self._condition(line, given) or hit
        self._measured.append(line)
        if hit:
            self._covered.append(line)

    def _condition(self, line: int, given: Mapping[str, str]) -> bool:
        """Read a condition, and say whether it was evaluated.

        Clover counts how often it was true and false. Istanbul, which gives a ``count`` too, has there how many of
        the line's branches were taken and were not (istanbul-reports/lib/clover).
        """
        true, false = (int(xmlstream.value(given, name)) for name in ("truecount", "falsecount"))
        self.files.has_branches = True
        if "count" in given:
            self._counts[line] = gathering.counted(true + false, true)
            return False
        outcomes = self._outcomes[line]
        ordinal = len(outcomes) // 2
        outcomes |= {f"{ordinal}.true": true > 0, f"{ordinal}.false": false > 0}
        return true + false > 0

    def settle(self) -> None:
        if self._measured:
            self.files.add(self._file(), gathering.mask(self._measured), gathering.mask(self._covered))
            self._measured.clear()
            self._covered.clear()

    def leave(self) -> None:
        """Take over the conditions, now that all of a line are known."""
        self.settle()
        if self._wanted:
            named = {line: gathering.named("clover", outcomes) for line, outcomes in self._outcomes.items()}
            self.files.add(self._file(), 0, 0, self._counts | named)
        self._outcomes.clear()
        self._counts = {}

    def _file(self) -> str:
        if self._path is None:
            message = "a line of no file"
            raise ValueError(message)
        return self._path
