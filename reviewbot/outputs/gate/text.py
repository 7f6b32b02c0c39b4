"""The gate's answer in a terminal. No line begins with what a stranger wrote: CI systems take some for commands."""

from collections.abc import Iterator

from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.coverage_view import Row, headline, losses, project, remarks, rows
from reviewbot.domain.outcome import Comparison
from reviewbot.domain.view import label, plural

_CELLS = 20
_SHOWN = 20
"""Files listed; the rest is counted."""


def render(coverage: PatchCoverage, comparison: Comparison) -> str:
    """Render the answer; ends with a newline."""
    return "\n".join(_lines(coverage, comparison)) + "\n"


def _lines(coverage: PatchCoverage, comparison: Comparison) -> Iterator[str]:
    yield f"coverage of {label(comparison.description)}"
    yield ""
    yield f"{_bar(coverage)}{headline(coverage)}"
    whole = project(coverage)
    if whole:
        yield whole
    table = rows(coverage)
    if table:
        yield ""
        yield "uncovered"
    yield from _limited([_row(row) for row in table])
    lost = [f"  - {entry}" for entry in losses(coverage)]
    if lost:
        yield ""
        yield "covered before, untouched, and covered no longer"
    yield from _limited(lost)
    apart = [f"  - {label(path)}: {label(reason)}" for path, reason in coverage.unmeasured]
    if apart:
        yield ""
        yield "not counted"
    yield from _limited(apart)
    if remarks(coverage):
        yield ""
    yield from (f"note: {label(remark)}" for remark in remarks(coverage))


def _bar(coverage: PatchCoverage) -> str:
    if coverage.patch_percent is None:
        return ""
    full = int(coverage.patch_percent * _CELLS / 100)  # rounded down: only what is whole looks whole
    return f"[{'#' * full}{'-' * (_CELLS - full)}] "


def _row(row: Row) -> str:
    parts = [f"lines {row.missing}" if row.missing else ""]
    parts.append(f"of these uncovered before: {row.untouched}" if row.untouched else "")
    parts.append(f"branch not taken: {row.partial}" if row.partial else "")
    parts.append(row.note)
    return f"  - {row.path}: {row.covered} covered; {'; '.join(part for part in parts if part)}"


def _limited(lines: list[str]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"  - and {plural(len(lines) - _SHOWN, 'more file')}; --format json lists all"
