"""The coverage gate's answer as Markdown: one line, and a table where something is uncovered."""

from collections.abc import Iterator, Sequence

from reviewbot.domain import markup
from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.coverage_view import Row, headline, losses, project, remarks, rows
from reviewbot.domain.view import plural

_SHOWN = 20
"""Files of the table, losses and notes; the rest is counted."""
_LONGEST = 600
"""Characters of a note."""


def paragraphs(coverage: PatchCoverage) -> Iterator[str]:
    """Yield the answer's paragraphs; together they never exceed 65,536 characters, which is what a forge takes."""
    whole = project(coverage)
    yield f"**Coverage** {markup.text(headline(coverage))}" + (f" · {markup.text(whole)}" if whole else "")
    table = rows(coverage)
    if table:
        yield "\n".join(_table(table))
    lost = losses(coverage)
    if lost:
        yield "\n".join(_listed("covered before, untouched, and covered no longer", [markup.code(one) for one in lost]))
    notes = [markup.text(note if len(note) <= _LONGEST else note[:_LONGEST] + "…") for note in remarks(coverage)]
    if notes:
        yield "\n".join(_bullets(notes))


def _table(table: Sequence[Row]) -> Iterator[str]:
    yield "| file | of its change covered | uncovered | before already | branch not taken |"
    yield "| --- | --- | --- | --- | --- |"
    for row in table[:_SHOWN]:
        note = f" ({markup.text(row.note)})" if row.note else ""
        cells = (f"{markup.code(row.path, cell=True)}{note}", row.covered, row.missing, row.untouched, row.partial)
        yield f"| {' | '.join(cells)} |"
    if len(table) > _SHOWN:
        yield f"| and {plural(len(table) - _SHOWN, 'more file')} | | | | |"


def _listed(heading: str, entries: Sequence[str]) -> Iterator[str]:
    yield f"{heading.capitalize()}:"
    yield ""
    yield from _bullets(entries)


def _bullets(entries: Sequence[str]) -> Iterator[str]:
    yield from (f"- {entry}" for entry in entries[:_SHOWN])
    if len(entries) > _SHOWN:
        yield f"- and {len(entries) - _SHOWN:,} more"
