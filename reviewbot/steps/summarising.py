"""What a run leaves on the forge → the sticky summary: one screen, and all that stands nowhere else.

The digest in its mark is over the substance: which finding stands where, what was not reviewed, the
verdict, the notes and the head. Usage and time are not in it, so that a second run edits nothing.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from reviewbot.domain import markup, tests_markup, walk_markup
from reviewbot.domain.coverage_markup import paragraphs
from reviewbot.domain.figures import figures
from reviewbot.domain.finding import Finding, Severity
from reviewbot.domain.outcome import Outcome, Report
from reviewbot.domain.secret import mask
from reviewbot.domain.thread import SummaryMark
from reviewbot.domain.view import GapGroup, gaps, plural, verdict
from reviewbot.steps import marking, rendering
from reviewbot.steps.rendering import Pen

T = TypeVar("T")

_RISK: Final = re.compile(r" · [a-z]+ risk$")
_COUNTED: Final = re.compile(r"No open findings\.|[\d,]+ open findings?:")
"""How the paragraph begins that counts the findings: what stands before it is told of the change."""
_FOLDED_ABOVE: Final = 10
"""Rows of the table; more are folded away."""
_FILES_SHOWN: Final = 10
"""Files listed for each reason; the rest is counted."""
_NOTES_SHOWN: Final = 10
# Characters. With a mark of 20,000 the whole stays below GitHub's 65,536, whatever the forge: a screen is a screen.
_ROOM_ROWS: Final = 10_000
_ROOM_EXPLANATIONS: Final = 6_000
_ROOM_EXPLANATION: Final = 2_000
_ROOM_GAPS: Final = 8_000
_ROOM_NOTES: Final = 4_000
_ROOM_COVERAGE: Final = 5_000
_ROOM_TESTS: Final = 5_000
_ROOM_WALK: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Where everything stands after a run."""

    listed: tuple[Finding, ...] = ()
    """What stands in the summary alone."""
    retold: tuple[Finding, ...] = ()
    """What stands in threads whose own marks tell it otherwise: the file that the change adds had another name."""
    standing: tuple[tuple[str, str, Severity], ...] = ()
    """Open comments: fingerprint, ``inline`` or ``file``, severity."""
    disputed: tuple[tuple[Finding, str], ...] = ()
    """Of the standing ones those that somebody has closed who may not write to the project, and who."""
    resolved: int = 0
    """Comments that the bot has closed, in this run or before."""
    closed: int = 0
    """Comments that people have closed who may write to the project."""
    silenced: int = 0
    """Findings without a comment of their own that are not shown, because people have dismissed them or their like."""
    done: bool = True
    """Whether every line was reviewed that was to be, and everything has been posted."""
    recipe: str = ""

    @property
    def severities(self) -> tuple[Severity, ...]:
        """Severities of all that is open."""
        return (*(finding.severity for finding in self.listed), *(severity for *_, severity in self.standing))


def summary(pen: Pen, overview: Overview) -> str:
    """Write the summary. Its last two paragraphs are the usage and the mark, see `substance`."""
    mark = SummaryMark(
        head_sha=pen.request.head_sha,
        base_sha=pen.request.base_sha,
        digest=digest(pen, overview),
        done=overview.done,
        found=_found_here(pen.report),
        findings=tuple(rendering.portable(pen.report, finding) for finding in (*overview.listed, *overview.retold)),
        recipe=overview.recipe,
        synopsis=pen.report.synopsis,
    )
    text = pen.templates.get_template("comments/summary.md.j2").render(_values(pen, overview)).strip("\n")
    return "\n\n".join((text, _usage(pen), marking.of_summary(mark, pen.signer, pen.request)))


def digest(pen: Pen, overview: Overview) -> str:
    """Give the digest of what the summary says, as far as it matters."""
    report = _masked(pen.report)
    places = [(finding.fingerprint, "summary") for finding in overview.listed]
    places += [(fingerprint, place) for fingerprint, place, _ in overview.standing]
    substance = (
        pen.request.head_sha,
        sorted(places),
        sorted((finding.fingerprint, who) for finding, who in overview.disputed),
        [(group.outcome, group.reason, [(gap.path, gap.where) for gap in group.gaps]) for group in gaps(report)],
        verdict(report),
        report.notes,
        overview.done,
        _found_here(report),
        _coverage(report),
        overview.recipe,
    )
    return hashlib.sha256(json.dumps(substance).encode()).hexdigest()[:32]


def _coverage(report: Report) -> str:
    """Write the coverage of the change, where there is something to do about it."""
    coverage = report.coverage
    if coverage is None or not (coverage.gaps or coverage.blocks):
        return ""
    parts = list(paragraphs(coverage))
    shown = _fitting(parts, list(map(len, parts)), _ROOM_COVERAGE)
    tests = [] if report.tests is None else list(tests_markup.paragraphs(report.tests))
    shown = [*shown, *_fitting(tests, list(map(len, tests)), _ROOM_TESTS)]
    return mask("\n\n".join(shown))


def _found_here(report: Report) -> tuple[str, ...]:
    found = (*report.findings, *report.silenced)
    return tuple(sorted(finding.fingerprint[: marking.FOUND_DIGITS] for finding in found))


def substance(body: str) -> str:
    """Give what of a summary's text has to be the same, if its mark cannot be believed: not what a model told."""
    heading, *paragraphs = body.replace("\r\n", "\n").rstrip().rsplit("\n\n", 2)[0].split("\n\n")
    first = next((at for at, paragraph in enumerate(paragraphs) if _COUNTED.match(paragraph)), 0)
    return "\n\n".join((_RISK.sub("", heading), *paragraphs[first:]))


def _masked(report: Report) -> Report:
    """Hide secrets where `view` spells out what is hidden before it is asked to hide them."""
    files = tuple(
        replace(
            entry,
            file=replace(entry.file, path=mask(entry.file.path)),
            reason=None if entry.reason is None else mask(entry.reason),
            unreviewed=tuple(replace(run, reason=mask(run.reason)) for run in entry.unreviewed),
        )
        for entry in report.files
        if entry.outcome is not Outcome.REVIEWED or entry.unreviewed
    )
    reasons = tuple(mask(reason) for reason in report.verdict.reasons)
    return replace(report, files=files, verdict=replace(report.verdict, reasons=reasons))


def _values(pen: Pen, overview: Overview) -> Mapping[str, object]:
    masked = _masked(pen.report)
    rows = [_row(finding, "") for finding in overview.listed]
    rows += [_row(finding, f"closed by {who}, who may not write to the project") for finding, who in overview.disputed]
    shown = _fitting(rows, [sum(map(len, row.values())) for row in rows], _ROOM_ROWS)
    explanations = [part for finding in overview.listed if (part := _explanation(finding))]
    told = _fitting(explanations, list(map(len, explanations)), _ROOM_EXPLANATIONS)
    left_out = [] if len(shown) == len(rows) else [f"{plural(len(rows) - len(shown), 'further finding')} in the report"]
    if len(told) < len(explanations):
        left_out.append(f"{plural(len(explanations) - len(told), 'explanation')} not shown here")
    return {
        "verdict": rendering.phrase(verdict(masked)),
        "risk": "" if pen.report.synopsis is None else f" · {pen.report.synopsis.risk} risk",
        "told": walk_markup.told(pen.report),
        "walk": walk if len(walk := walk_markup.walk(pen.report)) <= _ROOM_WALK else "",
        "head": _head(pen),
        "found": _found(overview),
        "rows": shown,
        "folded_above": _FOLDED_ABOVE,
        "rows_left_out": f"({', '.join(left_out)}.)" if left_out else "",
        "explanations": told,
        "coverage": _coverage(masked),
        **_gap_values(gaps(masked)),
        "notes": _notes(pen.report.notes),
    }


def _head(pen: Pen) -> str:
    lines = pen.report.lines
    parts = [f"{lines.reviewed:,} reviewed", f"{lines.skipped:,} skipped", f"{lines.failed:,} failed"]
    counts = f"{plural(lines.changed, 'changed line')}: {', '.join(parts)}"
    return f"Commit {markup.code(pen.request.head_sha[:8])} · {counts}"


def _found(overview: Overview) -> str:
    """Count what is open, what is not any more, and what is silent because people have dismissed it."""
    severities = overview.severities
    counts = [(severities.count(severity), severity) for severity in reversed(Severity)]
    found = ", ".join(f"{count:,} {severity.value}" for count, severity in counts if count)
    places = []
    if overview.standing:
        places.append(f"{len(overview.standing):,} in comments on the code")
    if overview.listed:
        places.append(f"{len(overview.listed):,} only here")
    open_ones = plural(len(severities), "open finding")
    first = f"{open_ones}: {found} ({', '.join(places)})." if severities else "No open findings."
    closed = [f"{overview.resolved:,} resolved since"] if overview.resolved else []
    closed += [f"{overview.closed:,} closed by people"] if overview.closed else []
    closed += [f"{overview.silenced:,} not shown, as people have dismissed the like"] if overview.silenced else []
    return f"{first} {', '.join(closed).capitalize()}." if closed else first


def _row(finding: Finding, remark: str) -> Mapping[str, str]:
    name = rendering.title(finding, cell=True)
    return {
        "severity": finding.severity.value,
        "title": f"{name} ({rendering.phrase(remark)})" if remark else name,
        "where": rendering.place(finding, cell=True),
    }


def _explanation(finding: Finding) -> str:
    """Tell what the table has no room for; empty if there is nothing more to tell."""
    said = rendering.body(finding.body, _ROOM_EXPLANATION)
    return f"**{rendering.title(finding)}** · {rendering.place(finding)}\n\n{said}" if said else ""


def _fitting(parts: Sequence[T], lengths: Sequence[int], room: int) -> list[T]:
    """Take as many as there is room for, the first ones first."""
    kept: list[T] = []
    for part, length in zip(parts, lengths, strict=True):
        room -= length + 12
        if room < 0:
            break
        kept.append(part)
    return kept


def _gap_values(groups: Sequence[GapGroup]) -> Mapping[str, object]:
    parts = [_gap_group(group) for group in groups]
    kept = _fitting(parts, list(map(len, parts)), _ROOM_GAPS)
    if len(kept) < len(parts):
        kept.append(f"{plural(len(parts) - len(kept), 'further reason')} in the report.")
    count = len({gap.path for group in groups for gap in group.gaps})
    return {"gaps": kept, "gaps_heading": f"Not (fully) reviewed: {plural(count, 'file')}"}


def _gap_group(group: GapGroup) -> str:
    rows = [
        f"- {rendering.path(gap.path)}" + (f" {rendering.phrase(gap.where)}" if gap.where else "")
        for gap in group.gaps[:_FILES_SHOWN]
    ]
    rest = len(group.gaps) - _FILES_SHOWN
    if rest > 0:
        rows.append(f"- and {rest:,} more, listed in the report")
    return "\n".join((f"**{group.outcome.value}**: {rendering.phrase(group.reason)}", "", *rows))


def _notes(notes: Sequence[str]) -> list[str]:
    parts = [rendering.phrase(note) for note in notes]
    kept = _fitting(parts[:_NOTES_SHOWN], list(map(len, parts[:_NOTES_SHOWN])), _ROOM_NOTES)
    rest = len(parts) - len(kept)
    return [*kept, f"and {plural(rest, 'more note')} in the report"] if rest else kept


def _usage(pen: Pen) -> str:
    """Say what the run used, in one paragraph that is there on every run."""
    report = pen.report
    model = f" ({rendering.phrase(report.model)})" if report.model else ""
    used = dict(figures(report)).get("usage", f"{report.usage.wall_s:.1f} s")
    return f"Usage: {rendering.phrase(report.engine)} engine{model}, {rendering.phrase(used)}."
