"""The figures that outputs show below a report: pairs of a word and what to say of it."""

from reviewbot.domain.candidate import CandidateStatus, Proved, SuggestedFile, by_path
from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.coverage_view import headline, project, ranges, rows
from reviewbot.domain.outcome import Outcome, Report
from reviewbot.domain.view import adrift, label, plural, severities, verdict

_FILES_SHOWN = 5


def figures(report: Report) -> tuple[tuple[str, str], ...]:
    """Give the footer: pairs of a word and what to say of it."""
    found = ", ".join(f"{count:,} {severity}" for severity, count in severities(report) if count)
    astray = f" ({len(adrift(report)):,} without a place in the diff)" if adrift(report) else ""
    lines = report.lines
    done = f"{lines.reviewed:,} reviewed, {lines.skipped:,} skipped, {lines.failed:,} failed"
    claims = f"{plural(len(report.rejected), 'claim')} not shown, with reasons in the HTML and JSON reports"
    return (
        ("files", _files(report)),
        ("lines", f"{lines.changed:,} changed: {done}"),
        ("findings", (found or "none") + astray),
        *([("rejected", claims)] if report.rejected else []),
        *([("coverage", _coverage(report.coverage))] if report.coverage is not None else []),
        *([("tests", _tests(report.tests))] if report.tests is not None and report.tests.tests else []),
        *([("usage", _usage(report))] if report.engine == "llm" else []),
        ("verdict", verdict(report)),
    )


def _files(report: Report) -> str:
    outcomes = [entry.outcome for entry in report.files]
    parts = [f"{outcomes.count(outcome):,} {outcome}" for outcome in Outcome if outcome in outcomes]
    return f"{len(outcomes):,}" + (f": {', '.join(parts)}" if parts else "")


def _usage(report: Report) -> str:
    usage = report.usage
    counted = ((usage.retries, "repeat"), (usage.cache_hits, "cached answer"))
    extras = ", ".join(plural(count, noun) for count, noun in counted if count)
    requests = plural(usage.requests, "request") + (f" ({extras})" if extras else "")
    prompt = f"{usage.prompt_tokens:,} tokens in ({usage.cached_tokens:,} cached)"
    cost = "cost unknown" if usage.cost_usd is None else f"USD {usage.cost_usd:.4f}"
    return f"{requests}, {prompt}, {usage.completion_tokens:,} out, {cost}, {usage.wall_s:.1f} s"


def _coverage(coverage: PatchCoverage) -> str:
    gaps = rows(coverage)
    named = [f"{row.path} {row.missing or row.partial}" for row in gaps[:_FILES_SHOWN]]
    if len(gaps) > _FILES_SHOWN:
        named.append(f"and {plural(len(gaps) - _FILES_SHOWN, 'more file')}")
    whole = project(coverage)
    return "; ".join(
        (headline(coverage), *([whole] if whole else []), *([f"uncovered: {', '.join(named)}"] if named else []))
    )


def _tests(proved: Proved) -> str:
    statuses = [judged.status for judged in proved.tests]
    counted = ((CandidateStatus.PROVEN, "proven"), (CandidateStatus.SUSPECTED, "suspected bug"))
    parts = [plural(statuses.count(status), word) for status, word in counted if status in statuses]
    parts.append(f"{statuses.count(CandidateStatus.REJECTED):,} rejected")
    files = [f"{label(file.path)} for {_covered(file)}" for file in proved.files[:_FILES_SHOWN]]
    if len(proved.files) > _FILES_SHOWN:
        files.append(f"and {plural(len(proved.files) - _FILES_SHOWN, 'more file')}")
    return f"{plural(len(statuses), 'candidate')}: {', '.join(parts)}" + (f"; {', '.join(files)}" if files else "")


def _covered(file: SuggestedFile) -> str:
    return ", ".join(f"{label(path)} {ranges(lines)}" for path, lines in by_path(file.covers).items())
