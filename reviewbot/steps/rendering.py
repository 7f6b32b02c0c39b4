"""Finding → comment: Markdown that people read, with a mark that the next run reads.

Everything untrusted goes through `reviewbot.domain.markup` before a template sees it; secrets are masked
before anything is cut, since half a secret is not recognised any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from jinja2 import Environment

from reviewbot.domain import markup
from reviewbot.domain.finding import Finding, Placement, Span
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import FilePatch, Side, Status
from reviewbot.domain.posting import Comment
from reviewbot.domain.request import ChangeRequest
from reviewbot.domain.secret import mask
from reviewbot.domain.view import Row, Texts, also_at, label, location, plural, replacement, rule_name, shown, snippet
from reviewbot.steps import marking, picturing
from reviewbot.steps.marking import Signer

_LONGEST_TITLE: Final = 200
_LONGEST_PHRASE: Final = 400
_LONGEST_ROW: Final = 200
"""Characters of a line of code that is only shown. All that is shown together fits GitHub's 65,536."""
_LONGEST_BODY: Final = 20_000
_LONGEST_SUGGESTION: Final = 10_000
_MOST_ROWS: Final = 60
_MOST_OFFSET: Final = 100
"""Lines above or below its own that a comment on GitLab can replace."""
_UNTITLED: Final = "A finding without a title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pen:
    """What all texts of one run share."""

    templates: Environment
    request: ChangeRequest
    signer: Signer
    report: Report
    texts: Texts
    """Of the report, see `reviewbot.domain.view.texts`."""


def comment(pen: Pen, finding: Finding, placement: Placement) -> Comment:
    """Write the comment of a finding that has a place in the diff, for the line and for the file."""
    file = file_of(pen.report, finding)
    values = {
        "title": title(finding),
        "severity": finding.severity.value,
        "body": body(finding.body, _LONGEST_BODY),
        "footer": _footer(finding),
    }
    diff = _diff(pen.texts, finding)
    inline = _rendered(pen, "finding", {**values, "suggestion": _block(pen, finding, file) or diff})
    where = {"location": place(finding), "excerpt": _excerpt(pen.texts, finding), "suggestion": diff}
    at_file = _rendered(pen, "file_finding", {**values, **where})
    mark = marking.of_finding(portable(pen.report, finding), pen.signer, pen.request, picturing.of(file))
    return Comment(
        fingerprint=finding.fingerprint,
        title=label(_short(shown(finding.title), _LONGEST_TITLE)),
        placement=placement,
        path=finding.path,
        old_path=None if file is None else file.old_path,
        span=finding.span if placement is Placement.INLINE else None,
        body=f"{inline}\n\n{mark}",
        file_body=f"{at_file}\n\n{mark}",
    )


def file_of(report: Report, finding: Finding) -> FilePatch | None:
    """Give the file of a finding; of a type change, which has two entries, the one with its side."""
    files = [entry.file for entry in report.files if entry.file.path == finding.path]
    foreign = Status.ADDED if finding.side is Side.LEFT else Status.DELETED
    return next((file for file in files if file.status is not foreign), files[0] if files else None)


def portable(report: Report, finding: Finding) -> Finding:
    """Give a finding as its mark keeps it: under the path at the merge base."""
    file = file_of(report, finding)
    return finding if file is None else replace(finding, path=file.base_path)


def title(finding: Finding, *, cell: bool = False) -> str:
    """Write the title in one line, in a cell of a table without inline code."""
    phrase = _short(shown(finding.title).strip(), _LONGEST_TITLE)
    return (markup.text if cell else markup.title)(phrase) or _UNTITLED


def phrase(text: str) -> str:
    """Write any phrase in one line."""
    return markup.text(_short(shown(text), _LONGEST_PHRASE))


def path(text: str, *, cell: bool = False) -> str:
    """Write a path, with what may stand behind it."""
    return markup.code(_short(shown(text), _LONGEST_PHRASE), cell=cell)


def body(text: str, room: int) -> str:
    """Write a finding's Markdown within ``room`` characters."""
    # What is made safe grows, ten times at worst; so it is cut before, and measured after.
    masked = mask(text)
    kept = masked[:room]
    written = markup.body(kept)
    while len(written) > room:
        kept = kept[: len(kept) * 3 // 4]
        written = markup.body(kept)
    return written if kept == masked else f"{written}\n\n(Cut here: the whole text is too long for a comment.)"


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def place(finding: Finding, *, cell: bool = False) -> str:
    """Write where a finding stands."""
    # Masked before `location` spells out what is hidden: glued to "\\u202e" a token is no token any more.
    return path(location(replace(finding, path=mask(finding.path))), cell=cell)


def _footer(finding: Finding) -> str:
    masked = replace(finding, source=mask(finding.source), rule=None if finding.rule is None else mask(finding.rule))
    parts = (phrase(rule_name(masked)), phrase(also_at(finding)))
    return " · ".join(part for part in parts if part)


def _rendered(pen: Pen, name: str, values: dict[str, str]) -> str:
    return pen.templates.get_template(f"comments/{name}.md.j2").render(values).strip("\n")


def _excerpt(texts: Texts, finding: Finding) -> str:
    rows: Sequence[Row] = snippet(texts, finding)
    if not rows:
        return ""
    gutter = max(len(str(row.number or "")) for row in rows)
    return markup.fence(
        "\n".join(
            f"{'>' if row.marked else ' '} {row.number or '':>{gutter}} | {_short(row.text, _LONGEST_ROW)}"
            for row in rows
        )
    )


def _diff(texts: Texts, finding: Finding) -> str:
    """Show a suggestion to be read, not to be taken with a click."""
    rows = [f"{sign} {_short(text, _LONGEST_ROW)}" for sign, text in replacement(texts, finding)]
    if len(rows) > _MOST_ROWS:
        rows[_MOST_ROWS:] = [f"… {plural(len(rows) - _MOST_ROWS, 'line')} more …"]
    return markup.fence("\n".join(rows), "diff") if rows else ""


def _block(pen: Pen, finding: Finding, file: FilePatch | None) -> str | None:
    """Write a suggestion to be taken with a click, or None where the forge would not take it as it is meant."""
    wanted, span = finding.suggestion, finding.span
    if wanted is None or span is None or span.side is Side.LEFT or len(wanted.replacement) > _LONGEST_SUGGESTION:
        return None
    above, below = span.end - wanted.start_line, wanted.line - span.end
    if pen.request.dialect.suggestion_offsets:
        fits = 0 <= above <= _MOST_OFFSET and 0 <= below <= _MOST_OFFSET
        return markup.suggestion(wanted.replacement, f":-{above}+{below}") if fits else None
    same = (span.start, span.end) == (wanted.start_line, wanted.line)
    return markup.suggestion(wanted.replacement) if same and file is not None and _unbroken(file, span) else None


def _unbroken(file: FilePatch, span: Span) -> bool:
    """Tell whether no removed line stands between the lines: GitHub cannot apply a suggestion over one.

    See parkerbxyz/suggest-changes#50.
    """
    for hunk in file.hunks:
        lines = list(hunk.lines())
        numbers = [line.new for line in lines]
        if span.start in numbers and span.end in numbers:
            inside = lines[numbers.index(span.start) : numbers.index(span.end) + 1]
            return all(line.kind != "-" for line in inside)
    return False
