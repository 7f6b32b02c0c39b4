"""Statistics for the terminal: a table, and what each day cost as bars."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from reviewbot.outputs.stats import words
from reviewbot.outputs.stats.figures import Figures, Stats

_DAYS = 31
_BAR = 40
_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


def render(stats: Stats) -> str:
    """Render the statistics to be read."""
    lines = [words.title(stats), ""]
    if stats.groups:
        lines += [*_table(stats), "", words.LEGEND, "", *_picture(stats.days[-_DAYS:]), ""]
    if stats.comments.total.comments:
        lines += [*_comments(stats), "", words.COMMENT_LEGEND, ""]
    return "\n".join([*lines, *words.remarks(stats)]) + "\n"


def _comments(stats: Stats) -> Iterator[str]:
    rows = (words.comment_headings(), *words.comment_rows(stats.comments))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield _line(row, widths)


def _table(stats: Stats) -> Iterator[str]:
    rows = [words.headings(stats.by), *(words.cells(figures) for figures in stats.groups)]
    total = [words.cells(stats.total)] if len(stats.groups) > 1 else []
    widths = [max(len(cell) for cell in column) for column in zip(*rows, *total, strict=True)]
    for row in rows:
        yield _line(row, widths)
    for row in total:
        yield "─" * (sum(widths) + 2 * len(widths) - 2)
        yield _line(row, widths)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if number else cell.ljust(width)
        for number, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others])


def _picture(days: Sequence[Figures]) -> Iterator[str]:
    """Draw what each day cost, or how many requests it had where no price is known."""
    costs = [day.cost_usd or Decimal(0) for day in days]
    priced = any(costs)
    values = costs if priced else [Decimal(day.requests) for day in days]
    yield "cost per day" if priced else "requests per day"
    most = max(values)
    for day, value in zip(days, values, strict=True):
        figure = (words.cost(day) if priced else f"{day.requests:,}") if day.requests else ""
        yield f"{day.name}  {_bar(value / most):<{_BAR}}  {figure}".rstrip()


def _bar(share: Decimal) -> str:
    """Draw a bar in eighths of a character; what is not nothing is seen."""
    eighths = round(share * _BAR * 8)
    full, rest = divmod(max(eighths, 1 if share else 0), 8)
    return "█" * full + _EIGHTHS[rest]
