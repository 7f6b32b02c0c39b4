"""A saved report → a report again, for the job that posts it. Untrusted text, so pydantic guards the door.

The report may come from a job that ran a stranger's code: nothing in it is believed that can be worked
out again. Findings are anchored anew in the patch, their fingerprints and places computed as ever, and
what a finding says is sanitised like any model's text when it leaves.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Span, Suggestion
from reviewbot.domain.outcome import Comparison, FileReport, LineCounts, Outcome, Report, Unreviewed, Verdict
from reviewbot.domain.patch import FilePatch, Patch, Side, Status
from reviewbot.domain.synopsis import Risk, Synopsis
from reviewbot.domain.usage import Usage
from reviewbot.errors import UsageError
from reviewbot.steps import anchoring

_MOST_FINDINGS = 5_000
_MOST_FILES = 20_000
_LONGEST = 20_000
_LAST_LINE = 1_000_000_000
_MOST_FAULTS = 3
_LONGEST_SUGGESTION = 100
"""Lines."""


_Texts = Mapping[tuple[str, Side, int], str]
"""Lines of a patch by path, side and number."""


def _text(value: object) -> str:
    """Take any string: pydantic's own type refuses the surrogates that stand for bytes which are no UTF-8."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        message = f"a text of at most {_LONGEST:,} characters is wanted"
        raise ValueError(message)
    return value


_Text = Annotated[str, PlainValidator(_text)]
_Line = Annotated[int, Field(gt=0, lt=_LAST_LINE)]
_Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Suggestion(_Part):
    start_line: _Line
    line: _Line
    replacement: _Text


class _Finding(_Part):
    path: _Text
    side: Side = Side.RIGHT
    start_line: _Line | None = None
    line: _Line | None = None
    severity: Severity
    confidence: Confidence
    category: Category
    rule: _Text | None = None
    title: _Text
    body: _Text = ""
    quote: _Text = ""
    suggestion: _Suggestion | None = None
    source: _Text


class _Unreviewed(_Part):
    side: Side
    start: _Line
    end: _Line
    outcome: Outcome
    reason: _Text


class _File(_Part):
    path: _Text
    old_path: _Text | None = None
    status: Status
    binary: bool = False
    outcome: Outcome
    reason: _Text | None = None
    unreviewed: Annotated[tuple[_Unreviewed, ...], Field(max_length=100_000)] = ()


class _Lines(_Part):
    reviewed: Annotated[int, Field(ge=0)]
    skipped: Annotated[int, Field(ge=0)]
    failed: Annotated[int, Field(ge=0)]


class _Usage(_Part):
    requests: int = 0
    cache_hits: int = 0
    coalesced: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = None
    wall_s: float = 0.0


class _Verdict(_Part):
    passed: bool
    exit_code: int
    reasons: Annotated[tuple[_Text, ...], Field(max_length=1_000)] = ()


class _Summary(_Part):
    text: _Text
    risk: Risk


class _Report(_Part):
    schema_: Annotated[Literal[1], Field(alias="schema")]
    engine: Literal["static", "llm"]
    model: _Text | None = None
    base: _Sha | None = None
    head: _Sha | None = None
    files: Annotated[tuple[_File, ...], Field(max_length=_MOST_FILES)]
    lines: _Lines
    findings: Annotated[tuple[_Finding, ...], Field(max_length=_MOST_FINDINGS)]
    usage: _Usage = _Usage()
    verdict: _Verdict
    summary: _Summary | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A report as it was saved, read and checked, but not yet bound to a patch."""

    parts: _Report

    @property
    def head_sha(self) -> str | None:
        """The commit that was reviewed; None for a bare diff or a work tree."""
        return self.parts.head

    @property
    def base_sha(self) -> str | None:
        """The merge base that it was compared with."""
        return self.parts.base


def read(text: str | bytes, name: str) -> Saved:
    """Read a saved report. Raises UsageError that says what is wrong with it."""
    try:
        return Saved(parts=_Report.model_validate(json.loads(text)))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_url=False)]
        more = f" (and {len(faults) - _MOST_FAULTS} more)" if len(faults) > _MOST_FAULTS else ""
        message = f"{name} is no report of schema 1: {'; '.join(faults[:_MOST_FAULTS])}{more}"
        raise UsageError(message) from error
    except (ValueError, RecursionError) as error:
        message = f"{name} is no JSON: {error}. Give the file that 'reviewbot review --save-report' wrote"
        raise UsageError(message) from error


def findings(saved: Saved, patch: Patch, readable: Callable[[str], str]) -> tuple[Finding, ...]:
    """Give the findings with their places in the patch; one whose quote does not stand there is adrift."""
    texts = _texts(patch)
    claimed = [_finding(entry) for entry in saved.parts.findings]
    placed = anchoring.place([replace(claim, span=None) for claim in claimed], patch, readable)
    return tuple(
        _fitting(claim, texts)
        if claim.span is not None and _stands(claim, claim.span, texts)
        else replace(found, suggestion=None)  # its lines were counted where the finding does not stand
        for claim, found in zip(claimed, placed, strict=True)
    )


def restore(saved: Saved, patch: Patch) -> Report:
    """Build the report around the patch, still without findings and without a verdict on them."""
    parts = saved.parts
    known = {file.path: file for file in patch.files}
    verdict = parts.verdict
    return Report(
        engine=parts.engine,
        model=parts.model,
        comparison=Comparison(base_sha=parts.base, head_sha=parts.head, description="a saved report"),
        files=tuple(_file(entry, known.get(entry.path)) for entry in parts.files),
        findings=(),
        usage=Usage(**parts.usage.model_dump()),
        verdict=Verdict(passed=verdict.passed, exit_code=verdict.exit_code, reasons=verdict.reasons),
        synopsis=None if parts.summary is None else Synopsis(text=parts.summary.text, risk=parts.summary.risk),
        tally=LineCounts(**parts.lines.model_dump()),
    )


def _file(entry: _File, known: FilePatch | None) -> FileReport:
    stub = FilePatch(path=entry.path, old_path=entry.old_path, status=entry.status, binary=entry.binary)
    return FileReport(
        file=known or stub,
        outcome=entry.outcome,
        reason=entry.reason,
        unreviewed=tuple(Unreviewed(**run.model_dump()) for run in entry.unreviewed),
    )


def _finding(entry: _Finding) -> Finding:
    span = None
    if entry.line is not None:
        span = Span(side=entry.side, start=min(entry.start_line or entry.line, entry.line), end=entry.line)
    return Finding(
        path=entry.path,
        severity=entry.severity,
        confidence=entry.confidence,
        category=entry.category,
        title=entry.title,
        body=entry.body,
        quote=entry.quote,
        source=entry.source,
        rule=entry.rule,
        side=entry.side,
        hint=entry.line,
        span=span,
        suggestion=None if entry.suggestion is None else Suggestion(**entry.suggestion.model_dump()),
    )


def _fitting(claim: Finding, texts: _Texts) -> Finding:
    """Keep a suggestion only where all the lines that it replaces stand in the patch."""
    wanted = claim.suggestion
    if wanted is None or wanted.line - wanted.start_line not in range(_LONGEST_SUGGESTION):
        return replace(claim, suggestion=None)
    lines = range(wanted.start_line, wanted.line + 1)
    return claim if all((claim.path, Side.RIGHT, line) in texts for line in lines) else replace(claim, suggestion=None)


def _texts(patch: Patch) -> _Texts:
    return {
        (file.path, side, number): line.text
        for file in patch.files
        for hunk in file.hunks
        for line in hunk.lines()
        for side in Side
        if (number := line.number(side)) is not None
    }


def _stands(claim: Finding, span: Span, texts: _Texts) -> bool:
    """Tell whether the quote stands exactly where the report says; analyzers may quote a part of a line."""
    quoted = claim.quote.split("\n")
    if len(quoted) != span.end - span.start + 1 or not claim.quote.strip():
        return False
    rows = [texts.get((claim.path, span.side, number)) for number in range(span.start, span.end + 1)]
    if None in rows:
        return False
    return all(quote.strip() in (row or "") for quote, row in zip(quoted, rows, strict=True))
