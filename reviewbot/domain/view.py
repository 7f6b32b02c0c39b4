"""What outputs show of a report, decided once: safe text, excerpts, groups and gaps.

A diff is written by strangers. Raw escape sequences can repaint a terminal, bidi controls can make
code read otherwise than it runs (CVE-2021-42574), lone surrogates cannot be encoded: outputs for
people show all of these spelled out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from reviewbot.domain.finding import Finding, Severity
from reviewbot.domain.outcome import FileReport, Outcome, Report, Unreviewed
from reviewbot.domain.patch import Hunk, Line, Side
from reviewbot.domain.secret import mask

Texts = Mapping[tuple[str, Side], tuple[tuple[Line, ...], ...]]
"""Lines by path and side, safe to show, one tuple a hunk; within a hunk their numbers have no holes."""

# Listed by hand rather than taken from unicodedata: the outcome must not change with Python's version.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of an excerpt, safe to show. Without a number it stands for lines left out."""

    number: int | None
    text: str
    marked: bool = False
    """Whether the finding speaks of this line."""
    mark: tuple[int, int] | None = None
    """First character and length of the part that it speaks of, where that is narrower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A file, or some of its changed lines, that nobody reviewed."""

    path: str
    where: str
    """For people, for example ``lines 3-9, old line 4``; empty for a whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapGroup:
    """What was not reviewed for one and the same reason."""

    outcome: Outcome
    reason: str
    gaps: tuple[Gap, ...]


def visible(text: str) -> str:
    """Spell out all that could hide, move or break what is shown; keep tab and newline."""
    return _HIDDEN.sub(_spell, text)


def _spell(match: re.Match[str]) -> str:
    # A byte that was not UTF-8 stands in the text as a surrogate from U+DC80 on, see PEP 383.
    return match[0].encode("unicode_escape").decode().replace("\\udc", "\\x")


def label(text: str) -> str:
    """Make a path or a title safe, and one line."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def shown(text: str) -> str:
    """Make source safe to show: without its secrets, and without anything hidden."""
    return visible(mask(text))


def prose(text: str) -> str:
    """Make a text over several lines safe, as `shown` does; CRLF is a mere newline in it."""
    return shown(text.replace("\r\n", "\n"))


def safe_hunk(hunk: Hunk) -> Hunk:
    """Make a hunk safe to show, line for line; whole, because a private key spans lines."""
    rows = hunk.body.split("\n")
    if all(row.endswith("\r") for row in rows):
        # Carriage returns everywhere say nothing; on some lines only, they may be the very change.
        rows = [row.removesuffix("\r") for row in rows]
    texts = shown("\n".join(row[1:] for row in rows)).split("\n")
    return replace(hunk, body="\n".join(row[0] + text for row, text in zip(rows, texts, strict=True)))


def plural(count: int, noun: str) -> str:
    """Give ``1 file``, ``2,000 files``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def location(finding: Finding) -> str:
    """Give ``path:3``, ``path:3-5``, ``path:3 (old)`` for removed lines, or the path alone."""
    if finding.span is None:
        return label(finding.path)
    old = " (old)" if finding.span.side is Side.LEFT else ""
    return f"{label(finding.path)}:{_numbers(finding.span.start, finding.span.end)}{old}"


def rule_name(finding: Finding) -> str:
    """Say who speaks and by which rule: ``ruff F821``, ``llm bug``."""
    return label(f"{finding.source} {finding.rule or finding.category}")


def adrift(report: Report) -> tuple[Finding, ...]:
    """Give the findings without a place in the diff."""
    return tuple(finding for finding in report.findings if finding.span is None)


def by_file(report: Report) -> tuple[tuple[str, tuple[Finding, ...]], ...]:
    """Group the findings that have a place by path, in order of severity, files likewise."""
    groups: dict[str, list[Finding]] = {}
    for finding in sorted(report.findings, key=lambda finding: -finding.severity.rank):
        if finding.span is not None:
            groups.setdefault(finding.path, []).append(finding)
    return tuple((path, tuple(found)) for path, found in groups.items())


def texts(report: Report) -> Texts:
    """Gather the lines of every file that has findings, once: excerpts are then a look-up."""
    wanted = {finding.path for finding in report.findings}
    gathered: dict[tuple[str, Side], tuple[tuple[Line, ...], ...]] = {}
    for entry in report.files:
        if entry.file.path not in wanted:
            continue
        hunks = [tuple(safe_hunk(hunk).lines()) for hunk in entry.file.hunks]
        for side in Side:
            sided = tuple(tuple(line for line in hunk if line.number(side) is not None) for hunk in hunks)
            # A type change is two entries of one path, each with lines on its own side only.
            key = (entry.file.path, side)
            gathered[key] = gathered.get(key, ()) + tuple(hunk for hunk in sided if hunk)
    return gathered


def _cut(lines: Texts, path: str, side: Side, span: tuple[int, int], around: int = 0) -> tuple[Line, ...]:
    """Give the lines of a span and some around it, as far as the hunk with its first line goes."""
    for hunk in lines.get((path, side), ()):
        first = hunk[0].number(side) or 0
        if first <= span[0] < first + len(hunk):
            return hunk[max(span[0] - first - around, 0) : span[1] - first + around + 1]
    return ()


def snippet(lines: Texts, finding: Finding, *, around: int = 1, most: int = 8) -> tuple[Row, ...]:
    """Show the code of a finding with some lines around it; of a long one its beginning and its end.

    Empty where the finding has no place, or its lines are in no hunk.
    """
    span = finding.span
    if span is None:
        return ()
    found = _cut(lines, finding.path, span.side, (span.start, span.end), around)
    rows = [_row(line, finding, number) for line in found if (number := line.number(span.side)) is not None]
    left_out, head = len(rows) - most, most - around - 1
    if left_out <= 1:
        return tuple(rows)
    hole = Row(number=None, text=f"… {plural(left_out, 'line')} more …", marked=True)
    return (*rows[:head], hole, *rows[head + left_out :])


def _row(line: Line, finding: Finding, number: int) -> Row:
    span, text = finding.span, line.text.replace("\t", "    ")
    marked = span is not None and span.start <= number <= span.end
    return Row(number=number, text=text, marked=marked, mark=_mark(text, finding) if marked else None)


def _mark(text: str, finding: Finding) -> tuple[int, int] | None:
    span = finding.span
    if span is None or span.start != span.end or not text.strip():
        return None
    quote = shown(finding.quote).strip().replace("\t", "    ")
    # A secret's quote stops before the secret: there the whole line is the honest mark.
    if not quote or finding.source == "secrets" or quote not in text:
        quote = text.strip()
    return text.index(quote), len(quote)


def replacement(lines: Texts, finding: Finding) -> tuple[tuple[str, str], ...]:
    """Show a suggestion as a diff: pairs of ``-``, ``+`` or a space, and a safe line."""
    wanted = finding.suggestion
    if wanted is None:
        return ()
    span = (wanted.start_line, wanted.line)
    old = [line.text for line in _cut(lines, finding.path, Side.RIGHT, span)]
    new = shown(wanted.replacement).split("\n") if wanted.replacement else []
    rows: list[tuple[str, str]] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            rows += [(" ", line) for line in old[start:end]]
            continue
        rows += [("-", line) for line in old[start:end]]
        rows += [("+", line) for line in new[new_start:new_end]]
    return tuple(rows)


def also_at(finding: Finding, *, most: int = 20) -> str:
    """List the further lines with the same problem, and count those beyond ``most``; empty if none."""
    lines = finding.also_at
    if not lines:
        return ""
    rest = f" and {len(lines) - most:,} more" if len(lines) > most else ""
    return f"also at line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:most]))}{rest}"


def gaps(report: Report) -> tuple[GapGroup, ...]:
    """Group what was not reviewed by its reason, failures first, in the order of the diff."""
    groups: dict[tuple[Outcome, str], list[Gap]] = {}
    for entry in report.files:
        for key, gap in _gaps_of(entry):
            groups.setdefault(key, []).append(gap)
    ordered = sorted(groups.items(), key=lambda item: item[0][0] is not Outcome.FAILED)
    return tuple(
        GapGroup(outcome=outcome, reason=label(reason), gaps=tuple(found)) for (outcome, reason), found in ordered
    )


def _gaps_of(entry: FileReport) -> Iterator[tuple[tuple[Outcome, str], Gap]]:
    runs: dict[tuple[Outcome, str], list[Unreviewed]] = {}
    for run in entry.unreviewed:
        runs.setdefault((run.outcome, run.reason), []).append(run)
    path = label(entry.file.path)
    whole = not runs or (len(runs) == 1 and entry.outcome is not Outcome.PARTIAL)
    if whole and entry.outcome is not Outcome.REVIEWED:
        reason = entry.reason or next((run.reason for run in entry.unreviewed), "no reason was recorded")
        yield (entry.outcome, reason), Gap(path=path, where="")
        return
    for key, same in runs.items():
        yield key, Gap(path=path, where=_where(same))


def _where(runs: Sequence[Unreviewed], *, most: int = 8) -> str:
    parts = [f"{'old ' if run.side is Side.LEFT else ''}{_numbers(run.start, run.end)}" for run in runs]
    rest = f" and {plural(len(parts) - most, 'more run')}" if len(parts) > most else ""
    several = len(parts) > 1 or runs[0].end > runs[0].start
    return f"line{'s' if several else ''} {', '.join(parts[:most])}{rest}"


def _numbers(start: int, end: int) -> str:
    return f"{start}" if start == end else f"{start}-{end}"


def headline(report: Report) -> str:
    """Say what was compared, and which engine and model looked at it."""
    model = f" ({label(report.model)})" if report.model else ""
    return f"{label(report.comparison.description)} · {label(report.engine)} engine{model}"


def severities(report: Report) -> tuple[tuple[Severity, int], ...]:
    """Count the findings by severity, the worst first, zeros included."""
    found = [finding.severity for finding in report.findings]
    return tuple((severity, found.count(severity)) for severity in reversed(Severity))


def verdict(report: Report) -> str:
    """Say whether the gate lets the change pass, and why."""
    word = "passed" if report.verdict.passed else "failed"
    code = f" (exit code {report.verdict.exit_code})" if report.verdict.exit_code else ""
    reasons = "; ".join(label(reason) for reason in report.verdict.reasons)
    return f"{word}{code}{': ' + reasons if reasons else ''}"
