"""Findings → where the forge can show them: its own diff decides, which may show less than git's.

GitHub refuses a whole review for one line that is not in its hunks, so a line that cannot be found there
is not tried: the finding goes to its file, and with a path that no forge can be told, to the summary.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from reviewbot.domain.finding import Finding, Placement, Span
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import Hunk
from reviewbot.domain.request import ForgeFile
from reviewbot.errors import UsageError
from reviewbot.steps import diffing


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
        else _placement(finding, hunks(finding.path))
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
    if file.withheld is not None or not file.hunks or not file.hunks.startswith("@@"):
        return ()
    text = f"--- a/file\n+++ b/file\n{file.hunks}".removesuffix("\n") + "\n"
    try:
        (parsed,) = diffing.bare(text.encode("utf-8", "replace")).files
    except (UsageError, ValueError):
        return ()
    return parsed.hunks


def _holds(hunk: Hunk, span: Span) -> bool:
    """Tell whether both ends stand in one hunk: GitHub takes no range over two."""
    numbers = {line.number(span.side) for line in hunk.lines()}
    return {span.start, span.end} <= numbers
