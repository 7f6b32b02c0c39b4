"""Findings → where the forge can show them: its own diff decides, which may show less than git's.

GitHub refuses a whole review for one line that is not in its hunks, so a line that cannot be found there
is not tried: the finding goes to its file, and with a path that no forge can be told, to the summary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from reviewbot.domain.finding import Finding, Placement, Span
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import Hunk, Side
from reviewbot.domain.request import ForgeFile
from reviewbot.steps import diffing


def by_new_number(finding: Finding, report: Report) -> Finding:
    """Give a finding on unchanged lines of the old side by their new numbers, as GitHub wants context.

    See the documentation of ``side`` in its review comments.
    """
    span = finding.span
    if span is None or span.side is Side.RIGHT:
        return finding
    for entry in report.files:
        for hunk in entry.file.hunks if entry.file.path == finding.path else ():
            lines = [line for line in hunk.lines() if span.start <= (line.old or 0) <= span.end]
            new = [line.new for line in lines if line.new is not None]
            if new and len(new) == len(lines) == new[-1] - new[0] + 1:
                return replace(finding, span=Span(side=Side.RIGHT, start=new[0], end=new[-1]))
    return finding


def placements(files: Sequence[ForgeFile], report: Report, refused: frozenset[str]) -> Mapping[str, Placement]:
    """Give each finding's place by its fingerprint, if it is to be posted anew.

    ``refused`` are fingerprints that stood in the summary of this very head before: what the forge did
    not take then it will not take now.
    """
    shown = {file.path: file for file in files}

    @cache
    def hunks(path: str) -> tuple[Hunk, ...]:
        return _hunks(shown[path]) if path in shown else ()

    return {
        finding.fingerprint: Placement.SUMMARY
        if finding.fingerprint in refused
        else _placement(by_new_number(finding, report), hunks(finding.path))
        for finding in report.findings
    }


def _placement(finding: Finding, hunks: Sequence[Hunk]) -> Placement:
    if finding.span is None or finding.placement is Placement.SUMMARY or not _is_utf8(finding.path):
        return Placement.SUMMARY
    if finding.placement is Placement.INLINE and any(_holds(hunk, finding.span) for hunk in hunks):
        return Placement.INLINE
    return Placement.FILE


def _is_utf8(path: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in path)


def _hunks(file: ForgeFile) -> tuple[Hunk, ...]:
    """Read the hunks of the forge's text; none where it shows none, or they cannot be read."""
    return () if file.withheld is not None else diffing.shown((file,)).files[0].hunks


def _holds(hunk: Hunk, span: Span) -> bool:
    """Tell whether both ends stand in one hunk: GitHub takes no range over two.

    On the old side only removed lines do: GitHub wants context by its new number (documentation of ``side``).
    """
    numbers = {line.number(span.side) for line in hunk.lines() if span.side is Side.RIGHT or line.kind == "-"}
    return {span.start, span.end} <= numbers
