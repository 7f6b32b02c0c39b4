"""The report as one Markdown document, for a step summary or a sticky comment.

Forges cut or refuse what is too long (GitHub: 65,536 characters in a comment), so the most severe
findings come first, and what does not fit is counted. Everything untrusted goes through
`reviewbot.domain.markup`; see there for what it could do otherwise.
"""

from collections.abc import Iterator, Sequence

from reviewbot.domain import markup, tests_markup, walk_markup
from reviewbot.domain.coverage_markup import paragraphs
from reviewbot.domain.figures import figures
from reviewbot.domain.finding import Finding, Severity
from reviewbot.domain.outcome import Report
from reviewbot.domain.view import (
    GapGroup,
    Row,
    Texts,
    adrift,
    also_at,
    gaps,
    headline,
    location,
    plural,
    replacement,
    rule_name,
    shown,
    snippet,
    texts,
    verdict,
)

_ROOM_FINDINGS = 28_000
"""Characters for findings; with gaps and figures the whole stays below GitHub's 65,536."""
_ROOM_COVERAGE = 8_000
_ROOM_TESTS = 12_000
_ROOM_GAPS = 6_000
_ROOM_WALK = 5_000
_ROOM_HEAD = 5_000
_FILES_SHOWN = 10
"""Files listed for each reason; the rest is counted."""
_OPEN = (Severity.CRITICAL, Severity.HIGH)
"""Severities that are not folded away."""


def render(report: Report) -> str:
    """Render the document; it never exceeds 65,536 characters."""
    head = [part for part in _fitting([(part, "") for part in _head(report)], _ROOM_HEAD) if part]
    covered = (
        []
        if report.coverage is None
        else _fitting([(part, "") for part in paragraphs(report.coverage)], _ROOM_COVERAGE)
    )
    tests = (
        []
        if report.tests is None
        else _fitting([(part, "") for part in tests_markup.paragraphs(report.tests)], _ROOM_TESTS)
    )
    around = [part for part in _fitting([(walk_markup.walk(report), "")], _ROOM_WALK) if part]
    parts = (*head, *_findings(report), *filter(None, (*covered, *tests)), *_not_reviewed(report), *around)
    return "\n\n".join(parts) + "\n"


def _head(report: Report) -> Iterator[str]:
    yield f"## reviewbot: {_clipped(verdict(report))}"
    yield _clipped(headline(report))
    yield walk_markup.told(report)
    rows = [(word, _clipped(figure)) for word, figure in figures(report) if word != "verdict"]
    yield "\n".join(f"| {word} | {figure} |" for word, figure in [("", ""), ("---", "---"), *rows])
    if report.notes:
        yield "\n".join(f"- {_clipped(note)}" for note in report.notes)


def _clipped(phrase: str) -> str:
    return markup.text(_short(phrase))


def _short(phrase: str, longest: int = 400) -> str:
    return phrase if len(phrase) <= longest else phrase[:longest] + "…"


def _findings(report: Report) -> Iterator[str]:
    if not report.findings:
        yield "No findings."
        return
    lines = texts(report)
    room, left_out = _ROOM_FINDINGS, 0
    for heading, folded, found in _groups(report):
        parts = _fitting([(_finding(finding, lines), _title(finding)) for finding in found], room)
        room -= sum(len(part) + 2 for part in parts)
        left_out += len(found) - len(parts)
        if parts:
            yield _folded(heading, parts) if folded else "\n\n".join((f"### {heading}", *parts))
    if left_out:
        yield f"{plural(left_out, 'further finding')} would not fit here; the JSON report lists them all."


def _groups(report: Report) -> Iterator[tuple[str, bool, Sequence[Finding]]]:
    for severity in reversed(Severity):
        found = [f for f in report.findings if f.severity is severity and f.span is not None]
        if found:
            yield f"{severity.capitalize()} ({len(found):,})", severity not in _OPEN, found
    lost = sorted(adrift(report), key=lambda finding: -finding.severity.rank)
    if lost:
        yield f"Without a place in the diff ({len(lost):,})", lost[0].severity not in _OPEN, lost


def _fitting(choices: Sequence[tuple[str, str]], room: int) -> list[str]:
    """Take each part in full, else its short form, as long as there is room (in characters)."""
    parts: list[str] = []
    for full, short in choices:
        part = full if len(full) + 2 <= room else short
        if len(part) + 2 > room:
            break
        room -= len(part) + 2
        parts.append(part)
    return parts


def _folded(heading: str, parts: Sequence[str]) -> str:
    # The blank line after </summary> is what makes a forge read the rest as Markdown.
    return "\n\n".join((f"<details>\n<summary>{markup.html(heading)}</summary>", *parts, "</details>"))


def _title(finding: Finding) -> str:
    return (
        f"**{finding.severity}: {markup.title(_short(shown(finding.title)))}**  \n"
        f"{markup.code(location(finding))} · {markup.text(rule_name(finding))}"
    )


def _finding(finding: Finding, lines: Texts) -> str:
    parts = [_title(finding)]
    rows = snippet(lines, finding)
    if rows:
        parts.append(_excerpt(rows))
    parts.append(markup.body(finding.body))
    if finding.suggestion is not None:
        diff = "\n".join(f"{sign} {line}" for sign, line in replacement(lines, finding))
        parts += ["Suggestion:", markup.fence(diff, "diff")]
    parts.append(markup.text(also_at(finding)))
    return "\n\n".join(part for part in parts if part)


def _excerpt(rows: Sequence[Row]) -> str:
    gutter = max(len(str(row.number or "")) for row in rows)
    return markup.fence(
        "\n".join(f"{'>' if row.marked else ' '} {row.number or '':>{gutter}} | {row.text}" for row in rows)
    )


def _not_reviewed(report: Report) -> Iterator[str]:
    groups = gaps(report)
    if not groups:
        return
    parts = _fitting([(_gap_group(group), "") for group in groups], _ROOM_GAPS)
    shown_parts = [part for part in parts if part]
    if len(shown_parts) < len(groups):
        shown_parts.append(f"{plural(len(groups) - len(shown_parts), 'further reason')} in the JSON report.")
    count = len({gap.path for group in groups for gap in group.gaps})
    yield _folded(f"Not (fully) reviewed: {plural(count, 'file')}", shown_parts)


def _gap_group(group: GapGroup) -> str:
    rows = [
        f"- {markup.code(gap.path)}" + (f" {markup.text(gap.where)}" if gap.where else "")
        for gap in group.gaps[:_FILES_SHOWN]
    ]
    rest = len(group.gaps) - _FILES_SHOWN
    if rest > 0:
        rows.append(f"- and {rest:,} more, listed in the JSON report")
    return "\n".join((f"**{group.outcome}**: {_clipped(group.reason)}", "", *rows))
