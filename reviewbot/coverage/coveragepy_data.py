"""coverage.py's own data, a ``.coverage`` file.

https://coverage.readthedocs.io/en/latest/dbschema.html. The tables are read here and not by the library, which
opens data for writing: of a foreign SQLite file it would make one of its own.

The data say what ran, and nothing of what could have run: that needs the sources, and the library's parser. They
are never imported or run; no plug-in and no configuration of the repository takes part.
"""

import io
import sqlite3
import tokenize
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coverage.config import DEFAULT_EXCLUDE, DEFAULT_PARTIAL, DEFAULT_PARTIAL_ALWAYS
from coverage.exceptions import CoverageException
from coverage.parser import PythonParser

from reviewbot.coverage import gathering, opening
from reviewbot.coverage.gathering import Gathered
from reviewbot.domain.coverage import Branches, CoverageReport, lines_of
from reviewbot.errors import UsageError

Text = Callable[[str], bytes | None]
"""Gives the text of a file as it was measured, by the data's path; None where it is not known."""

_LARGEST_BYTES: Final = 512 << 20
_SCHEMA: Final = 7
"""Of coverage.py 5.0 and all later ones up to now."""
_NOT_PYTHON: Final = (CoverageException, RecursionError, MemoryError, ValueError, LookupError, SyntaxError)
"""What parsing a hostile or a newer Python's text ends in."""


def sniff(head: bytes) -> bool:
    """Tell the data by SQLite's beginning."""
    return head.startswith(b"SQLite format 3\0")


def read(path: Path, detail: Callable[[str], bool], text: Text, *, exclude: Sequence[str] = ()) -> CoverageReport:
    """Read the data; ``exclude`` has regular expressions of lines that do not count, besides coverage.py's own.

    Left out are files without a text, files that a plug-in measured, and files whose text this Python cannot parse
    and whose ``detail`` is not wanted. Raises UsageError, also where no file has a text, or where one that is wanted
    cannot be parsed.
    """
    opening.check(path, _LARGEST_BYTES)
    with opening.reading(path):
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as tables:
                files, has_branches = _files(_Data(tables), _Sources(path, text, detail, exclude))
        except sqlite3.Error as error:
            raise ValueError(str(error)) from error
    return CoverageReport(format="coverage.py", name=str(path), files=files.files(), has_branches=has_branches)


class _Data:
    """The tables, all of which may be anybody's."""

    def __init__(self, tables: sqlite3.Connection) -> None:
        self._tables = tables
        # A view or a virtual table would have the reader run what it says.
        for kind, sql in self._rows("select type, sql from sqlite_master"):
            if kind not in ("table", "index") or "virtual" in str(sql)[:20].lower():
                message = f"it has a {kind} that coverage.py does not make"
                raise ValueError(message)
        if (version := next(self._rows("select version from coverage_schema"), None)) != (_SCHEMA,):
            message = f"data of version {version[0] if version else None}, and only {_SCHEMA} is known"
            raise ValueError(message)
        self.has_arcs = next(self._rows("select value from meta where key = 'has_arcs'"), None) == ("1",)

    def files(self) -> Iterator[tuple[int, str]]:
        """Yield id and path of the files measured as Python."""
        query = "select id, path from file where id not in (select file_id from tracer where tracer <> '')"
        for number, path in self._rows(f"{query} order by path"):
            if isinstance(number, int) and isinstance(path, str):
                yield number, path

    def arcs(self, file: int) -> set[tuple[int, int]]:
        """Give the jumps that ran, of every context."""
        rows = self._rows("select distinct fromno, tono from arc where file_id = ?", file)
        return {(first, last) for first, last in rows if isinstance(first, int) and isinstance(last, int)}

    def lines(self, file: int) -> set[int]:
        """Give the lines that ran, of every context. The library's "numbits" are masks like ours."""
        bits = 0
        for (mask,) in self._rows("select numbits from line_bits where file_id = ?", file):
            if not isinstance(mask, bytes) or len(mask) > gathering.HIGHEST_LINE // 8:
                message = "lines that are no mask"
                raise ValueError(message)
            bits |= int.from_bytes(mask, "little")
        return set(lines_of(bits))

    def _rows(self, query: str, *values: object) -> Iterator[tuple[object, ...]]:
        return iter(self._tables.execute(query, values))


@dataclass(frozen=True, slots=True)
class _Sources:
    report: Path
    text: Text
    detail: Callable[[str], bool]
    exclude: Sequence[str]

    def parsed(self, path: str) -> PythonParser | None:
        """Parse a file's text. None where there is none, or where it cannot be and nobody minds."""
        text = self.text(path)
        if text is None:
            return None
        patterns = _either((*DEFAULT_EXCLUDE, *self.exclude))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what compiling says of the measured code's style
                parser = PythonParser(text=_decoded(text), filename=path, exclude=patterns)
                parser.parse_source()
                return parser
        except _NOT_PYTHON as error:
            if not self.detail(path):
                return None
            message = (
                f"{path}: this Python cannot parse the measured text ({error}); "
                f"give `coverage xml` instead of {self.report}."
            )
            raise UsageError(message) from error


def _files(data: _Data, sources: _Sources) -> tuple[Gathered, bool]:
    files, path = Gathered(), ""
    for number, path in data.files():
        parser = sources.parsed(path)
        if parser is None:
            continue
        possible = parser.arcs()  # first: it also finds what `translate_arcs` has to mend
        arcs = data.arcs(number) if data.has_arcs else set()
        ran = {line for arc in arcs for line in arc if line > 0} if data.has_arcs else data.lines(number)
        # Whatever ran was a statement of the text that was measured: where it is none of this text, the two are not
        # the same, and whoever judges has to see it.
        covered = parser.translate_lines(ran) - parser.excluded - parser.raw_docstrings
        kept = data.has_arcs and sources.detail(path)
        branches = _branches(parser, possible, arcs) if kept else {}
        files.add(path, gathering.mask(parser.statements | covered), gathering.mask(covered), branches)
    if path and not files.files():
        message = f"{sources.report}: the sources of its files, such as {path}, are not there."
        raise UsageError(message)
    return files, data.has_arcs


def _branches(
    parser: PythonParser, possible: Iterable[tuple[int, int]], arcs: Iterable[tuple[int, int]]
) -> dict[int, Branches]:
    """Find the lines with several exits, as the library's own reports do (coverage/results.py)."""
    # Twice, as the library does: an arc from within a statement is known only by the statement's first line.
    ran = parser.translate_arcs(parser.translate_arcs(arcs))
    always = parser.translate_lines(parser.lines_matching(_either((*DEFAULT_PARTIAL, *DEFAULT_PARTIAL_ALWAYS))))
    outcomes: defaultdict[int, dict[str, bool]] = defaultdict(dict)
    for line, target in possible:
        if line not in parser.excluded and target not in parser.excluded:
            outcomes[line][str(target)] = (line, target) in ran or line in always
    return {line: gathering.named("arc", targets) for line, targets in outcomes.items() if len(targets) > 1}


def _either(patterns: Iterable[str]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def _decoded(text: bytes) -> str:
    """Decode by the text's own declaration, as Python does. A form feed shifts columns in some versions."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(text).readline)
    decoded = text.replace(b"\f", b" ").decode(encoding, "replace")
    return decoded.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
