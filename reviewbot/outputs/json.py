"""The report for programs: schema 1, a contract that scripts and `reviewbot post` are run against.

Nothing is softened here: texts, paths and line numbers are exact. Undecodable bytes come as JSON's
escapes of surrogates, which is why the whole document is ASCII.
"""

from dataclasses import asdict
from decimal import Decimal

from reviewbot.domain.candidate import Judged, by_path
from reviewbot.domain.contract import Object, document, file_entries, line_counts
from reviewbot.domain.coverage_view import entry
from reviewbot.domain.finding import Finding, Suggestion
from reviewbot.domain.outcome import Report
from reviewbot.domain.synopsis import Synopsis
from reviewbot.domain.usage import Usage


def render(report: Report) -> str:
    """Render schema 1, keys and lists in the order of the contract and of the report."""
    return document(_report(report))


def _report(report: Report) -> Object:
    return {
        "schema": 1,
        "engine": report.engine,
        "model": report.model,
        "base": report.comparison.base_sha,
        "head": report.comparison.head_sha,
        "files": file_entries(report.files),
        "lines": line_counts(report.lines),
        "findings": [_finding(finding) for finding in report.findings],
        "rejected": [asdict(rejection) for rejection in report.rejected],
        "coverage": None if report.coverage is None else entry(report.coverage),
        "tests": [] if report.tests is None else [_test(judged) for judged in report.tests.tests],
        "usage": _usage(report.usage),
        "verdict": {
            "passed": report.verdict.passed,
            "exit_code": report.verdict.exit_code,
            "reasons": report.verdict.reasons,
        },
        **({} if report.synopsis is None else {"summary": _summary(report.synopsis)}),
    }


def _summary(synopsis: Synopsis) -> Object:
    return {"text": synopsis.text, "risk": synopsis.risk}


def _finding(finding: Finding) -> Object:
    span = finding.span
    return {
        "path": finding.path,
        "side": span.side if span else finding.side,
        "start_line": span.start if span else None,
        "line": span.end if span else None,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "category": finding.category,
        "rule": finding.rule,
        "title": finding.title,
        "body": finding.body,
        "quote": finding.quote,
        "suggestion": _suggestion(finding.suggestion),
        "source": finding.source,
        "fingerprint": finding.fingerprint,
        "placement": finding.placement,
    }


def _test(judged: Judged) -> Object:
    return {
        "path": judged.candidate.path,
        "status": judged.status,
        "reason": judged.reason,
        "covers": by_path(judged.covers),
        "code": judged.candidate.code,
        "filter": judged.filter,
    }


def _suggestion(suggestion: Suggestion | None) -> Object | None:
    if suggestion is None:
        return None
    return {
        "start_line": suggestion.start_line,
        "line": suggestion.line,
        "replacement": suggestion.replacement,
    }


def _usage(usage: Usage) -> Object:
    return {
        "requests": usage.requests,
        "cache_hits": usage.cache_hits,
        "coalesced": usage.coalesced,
        "retries": usage.retries,
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "completion_tokens": usage.completion_tokens,
        "cost_usd": _cost(usage.cost_usd),
        "wall_s": round(usage.wall_s, 3),
    }


def _cost(cost_usd: Decimal | None) -> str | None:
    # Plain digits: str() of a small Decimal may give 1E-7, which a script has to expect else.
    return None if cost_usd is None else format(cost_usd, "f")
