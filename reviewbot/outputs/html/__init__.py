"""The report as one page: the diff with its findings in place, no script, nothing loaded from anywhere.

A page full of strangers' code is opened from CI artifacts, often on the forge's own domain. It has
no script at all, a content policy that forbids any, and every text goes through Jinja's autoescape or
`html.escape`; the filter by severity is CSS.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from markupsafe import Markup
from pygments.lexer import Lexer

from reviewbot import templating
from reviewbot.domain.figures import figures
from reviewbot.domain.finding import Finding
from reviewbot.domain.markup import Block, blocks, spans
from reviewbot.domain.outcome import FileReport, Outcome, Report
from reviewbot.domain.patch import Hunk, Line, Side
from reviewbot.domain.proof_view import proof
from reviewbot.domain.runner import uncommanded
from reviewbot.domain.view import (
    Texts,
    also_at,
    gaps,
    headline,
    label,
    location,
    plural,
    replacement,
    rule_name,
    safe_hunk,
    severities,
    shown,
    texts,
)
from reviewbot.domain.walk import sentence
from reviewbot.outputs.html import highlighting

_LARGE_FILE = 3_000
"""Changed lines from which on only the surroundings of findings are shown."""
_LARGE_HUNK = 400
"""Lines from which on a hunk of a large file is cut down to the surroundings of its findings."""
_SURROUNDINGS = 40
"""Lines shown on either side of a finding in a hunk that is cut."""

_Places = Mapping[tuple[str, Side, int], tuple["Card", ...]]
"""Findings by path, side and last line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A finding as the page shows it."""

    anchor: str
    severity: str
    title: str
    place: str
    rule: str
    confidence: str
    body: tuple[Block, ...]
    suggestion: tuple[tuple[str, str], ...]
    suggested: bool
    also: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffRow:
    """A line of the diff, and the findings that stand under it."""

    kind: str
    old: int | None
    new: int | None
    code: Markup
    unreviewed: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A hunk, or a part of one; ``left_out`` counts the lines dropped before it."""

    heading: str
    rows: tuple[DiffRow, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A file of the diff."""

    path: str
    old_path: str | None
    status: str
    outcome: str
    reason: str | None
    added: int
    removed: int
    count: int
    large: bool
    pieces: tuple[Piece, ...]


def render(report: Report) -> str:
    """Render the whole page."""
    lines = texts(report)
    cards = [_card(finding, f"finding-{n}", lines) for n, finding in enumerate(report.findings, start=1)]
    sections = tuple(_sections(report, cards))
    placed = {card.anchor for section in sections for part in section.pieces for row in part.rows for card in row.cards}
    template = templating.environment(autoescape=True).get_template("reports/report.html.j2")
    page = template.render(
        report=report,
        headline=headline(report),
        sentence=sentence(report),
        synopsis=None if report.synopsis is None else shown(" ".join(report.synopsis.text.split())),
        model=label(report.model or ""),
        notes=[label(note) for note in report.notes],
        figures=figures(report),
        severities=severities(report),
        cards=cards,
        elsewhere=[card for card in cards if card.anchor not in placed],
        sections=sections,
        gaps=gaps(report),
        rejected=[(label(shown(each.title)), label(each.path), label(each.reason)) for each in report.rejected],
        proof=proof(report),
        plural=plural,
        spans=spans,
    )
    return uncommanded(page)


def _card(finding: Finding, anchor: str, lines: Texts) -> Card:
    return Card(
        anchor=anchor,
        severity=finding.severity,
        title=label(shown(finding.title)),
        place=location(finding),
        rule=rule_name(finding),
        confidence=finding.confidence,
        body=tuple(blocks(finding.body)),
        suggestion=replacement(lines, finding),
        suggested=finding.suggestion is not None,
        also=also_at(finding),
    )


def _sections(report: Report, cards: Sequence[Card]) -> Iterator[Section]:
    places: dict[tuple[str, Side, int], tuple[Card, ...]] = {}
    for finding, card in zip(report.findings, cards, strict=True):
        if finding.span is not None:
            key = (finding.path, finding.span.side, finding.span.end)
            places[key] = (*places.get(key, ()), card)
    find_lexer = lru_cache(maxsize=None)(highlighting.lexer_of)
    for entry in report.files:
        if entry.outcome is not Outcome.SKIPPED:
            yield _section(entry, places, find_lexer(PurePosixPath(entry.file.path).name))


def _section(entry: FileReport, places: _Places, lexer: Lexer | None) -> Section:
    file = entry.file
    pieces = tuple(_pieces(entry, places, lexer))
    return Section(
        path=label(file.path),
        old_path=label(file.old_path) if file.old_path and file.old_path != file.path else None,
        status=file.status,
        outcome=entry.outcome,
        reason=label(entry.reason) if entry.reason else None,
        added=len(file.added),
        removed=len(file.removed),
        count=sum(len(row.cards) for piece in pieces for row in piece.rows),
        large=file.changed_count > _LARGE_FILE,
        pieces=pieces,
    )


def _pieces(entry: FileReport, places: _Places, lexer: Lexer | None) -> Iterator[Piece]:
    file = entry.file
    reasons = {
        (run.side, number): label(f"{run.outcome}: {run.reason}")
        for run in entry.unreviewed
        for number in range(run.start, run.end + 1)
    }
    for hunk in file.hunks:
        lines = tuple(safe_hunk(hunk).lines())
        cards = [
            places.get((file.path, Side.LEFT, line.old or 0), ())
            + places.get((file.path, Side.RIGHT, line.new or 0), ())
            for line in lines
        ]
        done = 0
        for start, end in _windows([bool(found) for found in cards], large=file.changed_count > _LARGE_FILE):
            codes = highlighting.coloured(lines[start:end], lexer)
            rows = tuple(
                _row(line, code, reasons, found)
                for line, code, found in zip(lines[start:end], codes, cards[start:end], strict=True)
            )
            yield Piece(heading=_heading(hunk, lines), rows=rows, left_out=start - done)
            done = end
        if done < len(lines):
            yield Piece(heading=_heading(hunk, lines), rows=(), left_out=len(lines) - done)


def _windows(hits: Sequence[bool], *, large: bool) -> Iterator[tuple[int, int]]:
    """Give the slices of a hunk to show: all of it, but in a large file only what is around findings."""
    if not large or (any(hits) and len(hits) <= _LARGE_HUNK):
        yield 0, len(hits)
        return
    start = end = 0
    for index in (index for index, hit in enumerate(hits) if hit):
        if index - _SURROUNDINGS > end:
            if end:
                yield start, end
            start = index - _SURROUNDINGS
        end = min(index + _SURROUNDINGS + 1, len(hits))
    if end:
        yield start, end


def _row(line: Line, code: Markup, reasons: Mapping[tuple[Side, int], str], cards: tuple[Card, ...]) -> DiffRow:
    side, number = (Side.LEFT, line.old) if line.kind == "-" else (Side.RIGHT, line.new)
    reason = reasons.get((side, number or 0), "") if line.kind != " " else ""
    return DiffRow(kind=line.kind, old=line.old, new=line.new, code=code, unreviewed=reason, cards=cards)


def _heading(hunk: Hunk, lines: Sequence[Line]) -> str:
    old = sum(line.old is not None for line in lines)
    new = sum(line.new is not None for line in lines)
    return label(shown(f"@@ -{hunk.old_start},{old} +{hunk.new_start},{new} @@ {hunk.section}")).strip()
