"""An evaluation for the terminal: figures with intervals, tables, and what was missed or wrong, a line each."""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import shorten

from reviewbot.domain.evaluation import Assessment, Evaluation, Group
from reviewbot.domain.view import label
from reviewbot.outputs.evaluation import words

_WIDTH = 80
"""Characters of a sentence in a list; the page has all of it."""


def render(assessment: Assessment) -> str:
    """Render the evaluation to be read."""
    evaluation, comparison = assessment.evaluation, assessment.comparison
    lines = [words.who(evaluation.run), words.what(evaluation.total)]
    lines += [label(evaluation.run.note)] if evaluation.run.note else []
    lines += ["", *_table([words.MEASURE_HEADINGS, *words.measure_cells(evaluation)])]
    if comparison is not None:
        lines += ["", words.compared(comparison)]
        lines += _table([words.DIFFERENCE_HEADINGS, *words.difference_cells(comparison)])
        lines += words.moves(comparison)
    for name, groups in (("language", evaluation.languages), ("category", evaluation.categories)):
        lines += ["", *_groups(name, groups)]
    lines += ["", *words.LEGEND, *_lists(evaluation)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _groups(name: str, groups: Sequence[Group]) -> Iterator[str]:
    return _table([(name, *words.GROUP_HEADINGS), *(words.group_cells(group) for group in groups)])


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *others = (
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *others])


def _lists(evaluation: Evaluation) -> Iterator[str]:
    results = evaluation.results
    yield from _list("missed", [(*row, _cut(text)) for *row, text in words.missed(results)])
    yield from _list("false", [(*row, _cut(text)) for *row, text in words.wrong(results)])
    yield from _list("not reviewed", words.failed(results))


def _cut(sentence: str) -> str:
    return shorten(sentence, _WIDTH, placeholder="…")


def _list(name: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    entries = ["  ".join(row) for row in rows]
    if entries:
        yield ""
        yield f"{name} ({len(entries):,})"
        yield from (f"  {entry}" for entry in entries)
