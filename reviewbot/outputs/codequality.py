"""The report as GitLab Code Quality JSON, for the widget and the diff of a merge request.

GitLab wants description, check_name, fingerprint, severity, location.path and location.lines.begin, and
drops entries that share a fingerprint. It knows new lines only: findings elsewhere are left to the
other outputs.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256

from reviewbot.domain.finding import Finding, Severity, Span
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import Side
from reviewbot.domain.view import label, shown

_Object = Mapping[str, object]
"""What ``json.dumps`` takes; nothing of it is read again here."""
_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
}


def render(report: Report) -> str:
    """Render every finding that stands on new lines."""
    return json.dumps(list(_issues(report)), ensure_ascii=False, indent=2) + "\n"


def _issues(report: Report) -> Iterator[_Object]:
    seen: set[str] = set()
    for finding in report.findings:
        span = finding.span
        if span is not None and span.side is Side.RIGHT:
            fingerprint = _fingerprint(finding, span, seen)
            seen.add(fingerprint)
            yield _issue(finding, span, fingerprint)


def _issue(finding: Finding, span: Span, fingerprint: str) -> _Object:
    return {
        "description": label(shown(finding.title)),
        "check_name": label(finding.rule or f"{finding.source}/{finding.category}"),
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": label(finding.path.removeprefix("./")),
            "lines": {"begin": span.start, "end": span.end},
        },
    }


def _fingerprint(finding: Finding, span: Span, seen: set[str]) -> str:
    """Keep the finding's own, unless it has none or another entry has the same."""
    if finding.fingerprint and finding.fingerprint not in seen:
        return finding.fingerprint
    parts = (
        finding.fingerprint,
        finding.path,
        finding.source,
        finding.rule,
        finding.title,
        span.start,
        span.end,
    )
    seed = repr(parts).encode()
    fingerprint = sha256(seed).hexdigest()
    while fingerprint in seen:
        fingerprint = sha256(seed + fingerprint.encode()).hexdigest()
    return fingerprint
