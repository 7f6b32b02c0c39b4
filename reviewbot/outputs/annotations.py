"""The report as GitHub workflow commands, which the runner turns into annotations.

Where a fork's token may not write comments, this is the review. The runner shows ten annotations for
each level and step and silently drops the rest: so the most severe come first, and a plain line
says how many were cut.
"""

from collections.abc import Iterator
from itertools import islice

from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.coverage_view import product, runs
from reviewbot.domain.finding import Finding, Severity
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import Side
from reviewbot.domain.view import also_at, gaps, label, plural, prose, rule_name, shown

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
}
_SHOWN = 10
"""Annotations that GitHub shows for each level of a step."""


def render(report: Report) -> str:
    """Render one command a line, then plain lines about what they leave out."""
    return "\n".join((*_commands(report), *_remarks(report))) + "\n"


def _commands(report: Report) -> Iterator[str]:
    said: dict[str, int] = {}
    for finding in sorted(report.findings, key=lambda finding: -finding.severity.rank):
        level = _LEVELS[finding.severity]
        said[level] = said.get(level, 0) + 1
        if said[level] <= _SHOWN:
            yield _command(finding, level)
    if report.coverage is not None:
        yield from islice(_uncovered(report.coverage), max(0, _SHOWN - said.get("notice", 0)))


def _uncovered(coverage: PatchCoverage) -> Iterator[str]:
    """Point at changed lines of the product that no test runs."""
    for file in product(coverage):
        for start, end in runs(file.missing):
            place = f"file={_property(label(file.path))},line={start},endLine={end}"
            yield f"::notice {place},title=Not covered::No test runs this change."


def _command(finding: Finding, level: str) -> str:
    properties = [("file", label(finding.path))]
    span = finding.span
    if span is not None and span.side is Side.RIGHT:
        properties += [("line", str(span.start)), ("endLine", str(span.end))]
    properties.append(("title", f"{label(shown(finding.title))} ({rule_name(finding)})"))
    parts = (prose(finding.body) or label(shown(finding.title)), also_at(finding))
    message = "\n".join(part for part in parts if part)
    return f"::{level} {','.join(f'{name}={_property(value)}' for name, value in properties)}::{_data(message)}"


def _data(text: str) -> str:
    # The order matters: the percent sign is the escape itself.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _remarks(report: Report) -> Iterator[str]:
    """Give lines with figures only: a stranger's words in them could be a command."""
    if not report.findings:
        yield "reviewbot: no findings."
    levels = [_LEVELS[finding.severity] for finding in report.findings]
    cut = sum(max(0, levels.count(level) - _SHOWN) for level in set(levels))
    if cut:
        yield f"reviewbot: {plural(cut, 'further finding')} without an annotation; the report lists them all."
    count = len({gap.path for group in gaps(report) for gap in group.gaps})
    if count:
        yield f"reviewbot: {plural(count, 'file')} not (fully) reviewed; the report says why."
