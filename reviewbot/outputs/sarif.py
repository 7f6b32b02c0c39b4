"""The report as SARIF 2.1.0, for code scanning and for editors.

After the OASIS standard "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; sections
are cited as §. Regions always speak of the new text: a viewer has no other.
"""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from reviewbot import __version__
from reviewbot.domain import markup
from reviewbot.domain.finding import Finding, Severity
from reviewbot.domain.outcome import Outcome, Report
from reviewbot.domain.patch import Side
from reviewbot.domain.view import (
    Gap,
    GapGroup,
    Texts,
    also_at,
    gaps,
    label,
    prose,
    shown,
    snippet,
    texts,
    visible,
)

_Object = Mapping[str, object]
"""What ``json.dumps`` takes; nothing of it is read again here."""
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.0", Severity.LOW: "2.0"}
"""GitHub's `security-severity`: over 9.0 is critical, from 7.0 high, from 4.0 medium."""


def render(report: Report) -> str:
    """Render one run; text is safe to show, so that no viewer meets a lone surrogate."""
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _run(report: Report) -> _Object:
    rules: dict[str, list[Finding]] = {}
    for finding in report.findings:
        rules.setdefault(_rule_id(finding), []).append(finding)
    places = {rule: index for index, rule in enumerate(rules)}
    lines = texts(report)
    return {
        "tool": {
            "driver": {
                "name": "reviewbot",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(rule, found) for rule, found in rules.items()],
            }
        },
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, places[_rule_id(finding)], lines) for finding in report.findings],
        "properties": {"engine": report.engine, "model": label(report.model or "")},
    }


def _rule_id(finding: Finding) -> str:
    return label(finding.rule or f"{finding.source}/{finding.category}")


def _rule(rule: str, found: Sequence[Finding]) -> _Object:
    worst = max((finding.severity for finding in found), key=lambda severity: severity.rank)
    category = found[0].category
    properties: dict[str, object] = {"tags": [category.value]}
    if category == "security":
        properties["security-severity"] = _SCORES[worst]
    return {
        "id": rule,
        "shortDescription": {"text": f"{label(found[0].source)}: {label(found[0].rule or category)}"},
        "defaultConfiguration": {"level": _LEVELS[worst]},
        "properties": properties,
    }


def _result(finding: Finding, rule_index: int, lines: Texts) -> _Object:
    result: dict[str, object] = {
        "ruleId": _rule_id(finding),
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": _message(finding),
        "locations": [_location(finding, lines)],
    }
    if finding.fingerprint:
        result["partialFingerprints"] = {"reviewbot/v1": finding.fingerprint}
    if finding.suggestion is not None:
        result["fixes"] = _fixes(finding)
    if finding.also_at and finding.side is Side.RIGHT:
        result["relatedLocations"] = [_related(finding.path, line) for line in finding.also_at]
    return {**result, "properties": _properties(finding)}


def _message(finding: Finding) -> _Object:
    title = label(shown(finding.title))
    extra = also_at(finding)
    plain = "\n\n".join(part for part in (title, prose(finding.body), extra) if part)
    rich = "\n\n".join(part for part in (f"**{markup.title(title)}**", markup.body(finding.body), extra) if part)
    return {"text": _plain(plain), "markdown": _braced(rich)}


def _plain(text: str) -> str:
    """Escape the brackets that would make links in a plain message (§3.11.6)."""
    return _braced(text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]"))


def _braced(text: str) -> str:
    """Double the braces that would make placeholders in any message (§3.11.5)."""
    return text.replace("{", "{{").replace("}", "}}")


def _properties(finding: Finding) -> _Object:
    span = finding.span
    properties: dict[str, object] = {
        "severity": finding.severity,
        "confidence": finding.confidence,
        "category": finding.category,
        "placement": finding.placement,
        "side": span.side if span else finding.side,
    }
    if span is not None and span.side is Side.LEFT:
        properties |= {"oldStartLine": span.start, "oldEndLine": span.end}
    return properties


def _location(finding: Finding, lines: Texts) -> _Object:
    place: dict[str, object] = {"artifactLocation": _artifact(finding.path)}
    span = finding.span
    if span is not None and span.side is Side.RIGHT:
        region: dict[str, object] = {"startLine": span.start, "endLine": span.end}
        rows = snippet(lines, finding, around=0, most=200)
        if rows:
            region["snippet"] = {"text": "\n".join(row.text for row in rows)}
        place["region"] = region
    return {"physicalLocation": place}


def _related(path: str, line: int) -> _Object:
    return {"physicalLocation": {"artifactLocation": _artifact(path), "region": {"startLine": line}}}


def _artifact(path: str) -> _Object:
    """Give the path as a relative reference: its bytes as they are, whatever their encoding (§3.4.3)."""
    uri = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _fixes(finding: Finding) -> Sequence[_Object]:
    wanted = finding.suggestion
    if wanted is None or (not wanted.replacement.isascii() and visible(wanted.replacement) != wanted.replacement):
        # A fix is applied as it stands: what cannot be written exactly is not offered.
        return []
    region: dict[str, object] = {"startLine": wanted.start_line, "endLine": wanted.line}
    if not wanted.replacement:
        # To drop whole lines, the region has to take in the newline of the last (§3.30.2).
        region |= {"startColumn": 1, "endLine": wanted.line + 1, "endColumn": 1}
    replacement = {"deletedRegion": region, "insertedContent": {"text": wanted.replacement}}
    change = {"artifactLocation": _artifact(finding.path), "replacements": [replacement]}
    return [{"description": {"text": "Suggested by the review"}, "artifactChanges": [change]}]


def _invocation(report: Report) -> _Object:
    failed = any(entry.outcome is Outcome.FAILED for entry in report.files) or report.lines.failed
    return {
        "executionSuccessful": not failed,
        "exitCode": report.verdict.exit_code,
        "toolExecutionNotifications": [_notification(group, gap) for group in gaps(report) for gap in group.gaps],
    }


def _notification(group: GapGroup, gap: Gap) -> _Object:
    what = f"{gap.path}, {gap.where}" if gap.where else gap.path
    return {
        "level": "error" if group.outcome is Outcome.FAILED else "note",
        "message": {"text": _plain(f"{group.outcome}, not reviewed: {what}: {group.reason}")},
        "descriptor": {"id": f"not-reviewed/{group.outcome}"},
    }
