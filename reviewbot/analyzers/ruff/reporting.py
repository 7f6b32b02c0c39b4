"""From ruff's diagnostics to findings: on added lines, one for each rule and file, some with a suggestion."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from reviewbot.analyzers.ruff import judging
from reviewbot.analyzers.ruff.running import Diagnostic
from reviewbot.domain import edit, place, secret
from reviewbot.domain.finding import Confidence, Finding, Span, Suggestion
from reviewbot.domain.patch import FilePatch, Side

_PASSWORDS: Final = frozenset({"S105", "S106", "S107"})
_LARGEST_PARSED: Final = 1_000_000
"""Characters: longer texts get no suggestions, since whether these parse would take too long to say."""
_ROW_END: Final = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class _Change:
    added: place.Added
    text: str | None
    """None where edits cannot be applied: not UTF-8, too long, or with other rows than git has lines."""
    lines: tuple[int, ...]
    """Line numbers of ruff's rows where a lone carriage return makes them differ, else empty."""

    def line(self, row: int) -> int:
        """Give a row of ruff its number in git, for which a carriage return ends no line."""
        return self.lines[row - 1] if row <= len(self.lines) else row


def findings(
    diagnostics: Iterable[Diagnostic], files: Iterable[FilePatch], texts: Mapping[str, bytes]
) -> Iterator[Finding]:
    """Yield what ruff says of added lines, the first of each rule in each file with the lines of the rest."""
    changes = {file.path: _change(file, texts[file.path]) for file in files if file.path in texts}
    placed = [
        one
        for one in diagnostics
        if one.code not in judging.UNSURE | {judging.UNREADABLE}
        and changes[one.path].line(one.row) in changes[one.path].added.texts
    ]
    for first, others in place.first_of_each(
        placed, key=lambda one: (one.path, one.code), line=lambda one: changes[one.path].line(one.row)
    ):
        # After a syntax error the parser is lost: what it says of the lines below is an echo.
        yield _finding(first, changes[first.path], () if first.code == judging.SYNTAX else others)


def _change(file: FilePatch, raw: bytes) -> _Change:
    lines: list[int] = []
    if raw.count(b"\r") > raw.count(b"\r\n"):
        lines.append(1)
        for end in _ROW_END.findall(raw):
            lines.append(lines[-1] + (end != b"\r"))
    try:
        text = None if lines or len(raw) > _LARGEST_PARSED or raw.startswith(b"\xef\xbb\xbf") else raw.decode()
    except UnicodeDecodeError:
        text = None
    return _Change(place.added(file), text, tuple(lines))


def _finding(found: Diagnostic, change: _Change, others: tuple[int, ...]) -> Finding:
    start, end = change.line(found.row), change.line(found.end_row)
    span, quote = change.added.quote(start, end)
    title = found.message if found.code != judging.SYNTAX else f"Invalid syntax: {found.message}"
    if found.code in _PASSWORDS:
        span = Span(side=Side.RIGHT, start=start, end=start)
        quote = _before(change.added.texts[start], found.column - 1)
    return Finding(
        path=found.path,
        severity=judging.severity(found.code),
        confidence=Confidence.HIGH,
        category=judging.category(found.code),
        title=place.one_line(title),
        body="",
        quote=quote,
        source="ruff",
        rule=found.code,
        span=span,
        suggestion=_suggestion(found, change),
        also_at=others,
    )


def _before(row: str, column: int) -> str:
    earlier = [one.end for one in secret.find(row) if one.start < column]
    return place.before(row, column, column, since=min(max(earlier, default=0), column))


def _suggestion(found: Diagnostic, change: _Change) -> Suggestion | None:
    """Offer a safe fix that changes added lines alone, in one run, and leaves a text that parses."""
    offered = edit.suggestion(change.text, found.edits) if change.text is not None else None
    if offered is None or change.text is None or not change.added.takes(offered):
        return None
    return offered if _parses(edit.apply(change.text, offered)) or not _parses(change.text) else None


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
