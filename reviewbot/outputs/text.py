"""The report in a terminal: what was compared, findings with their code, gaps, figures, verdict.

The shape follows ruff's "full" and rustc: a badge and a title, an arrow with a location that
terminals make clickable, code behind a gutter. Without colour not one escape sequence is written.
"""

import re
from collections.abc import Iterator
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from reviewbot.domain.figures import figures
from reviewbot.domain.finding import Finding, Severity
from reviewbot.domain.markup import blocks
from reviewbot.domain.outcome import Outcome, Report
from reviewbot.domain.synopsis import Risk
from reviewbot.domain.view import (
    GapGroup,
    Row,
    Texts,
    adrift,
    also_at,
    by_file,
    gaps,
    headline,
    label,
    location,
    plural,
    replacement,
    rule_name,
    shown,
    snippet,
    texts,
)

_COLOURS = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold cyan",
}
_RISKS = {Risk.HIGH: "bold red", Risk.MEDIUM: "bold yellow", Risk.LOW: "bold cyan"}
_LONGEST_TOLD = 700
"""Characters of what a model says of the change."""
_SIGNS = {"+": "green", "-": "red", " ": "dim"}
_COMMAND = re.compile(r"^\s*::|##(?:vso|teamcity)?\[")
"""GitHub's runner, before and after 2019, Azure's and TeamCity's."""
_FILES_SHOWN = 10
"""Files listed for each reason; the rest is counted."""


def render(report: Report, *, color: bool = False, width: int = 100) -> str:
    """Render for a terminal of ``width`` columns; with ``color``, in the terminal's 16 colours."""
    stream = StringIO()
    console = Console(
        file=stream,
        width=max(width, 40),
        color_system="standard" if color else None,
        force_terminal=color,
        legacy_windows=False,
        _environ={},
    )
    for line in _document(report, console):
        console.print(line, soft_wrap=True, end="\n")
    return "\n".join(_harmless(row.rstrip()) for row in stream.getvalue().split("\n"))


def _harmless(row: str) -> str:
    """Break what a CI runner that reads the job's output would take for a command to it."""
    return _COMMAND.sub(lambda match: f"{match[0][:-1]} {match[0][-1]}", row)


def _document(report: Report, console: Console) -> Iterator[Text]:
    yield Text(headline(report), style="bold")
    for note in report.notes:
        yield from _wrapped(Text(f"note: {label(note)}", style="dim"), console, 0)
    yield from _told(report, console)
    yield Text()
    if not (report.findings or gaps(report) or report.verdict.reasons or not report.verdict.passed):
        yield Text(_calm(report), style="green")
        if report.engine == "llm":
            yield from _footer(report, console, only=("usage",))
        return
    yield from _findings(report, console)
    yield from _gaps(report, console)
    yield from _footer(report, console)


def _told(report: Report, console: Console) -> Iterator[Text]:
    """Give what a model says of the change; in one paragraph, whatever it wrote."""
    synopsis = report.synopsis
    if synopsis is not None:
        said = label(" ".join(shown(synopsis.text).split()))
        words = f"{said[:_LONGEST_TOLD]}…" if len(said) > _LONGEST_TOLD else said
        yield from _wrapped(Text.assemble((f"{synopsis.risk} risk", _RISKS[synopsis.risk]), f": {words}"), console, 0)


def _calm(report: Report) -> str:
    if not report.files:
        return "Nothing to review: there are no changes."
    done = f"{plural(len(report.files), 'file')} with {plural(report.lines.changed, 'changed line')} reviewed"
    return f"No findings: {done}" + (f", {plural(len(report.rejected), 'claim')} rejected." if report.rejected else ".")


def _findings(report: Report, console: Console) -> Iterator[Text]:
    lines = texts(report)
    for path, found in by_file(report):
        yield Text(label(path), style="bold underline")
        for finding in found:
            yield from _finding(finding, lines, console)
    lost = adrift(report)
    if lost:
        yield Text("Without a place in the diff", style="bold underline")
    for finding in lost:
        yield from _finding(finding, lines, console)
    if not report.findings:
        yield Text("No findings.", style="green")
        yield Text()


def _finding(finding: Finding, lines: Texts, console: Console) -> Iterator[Text]:
    title = Text.assemble(
        (f"{finding.severity}", _COLOURS[finding.severity]),
        (f"  {label(shown(finding.title))}", "bold"),
        (f"  [{rule_name(finding)}]", "dim"),
    )
    yield from _wrapped(title, console, 0)
    rows = snippet(lines, finding)
    gutter = len(str(max((row.number or 0 for row in rows), default=0)))
    yield Text.assemble((" " * gutter + "--> ", "blue"), location(finding))
    for row in rows:
        yield from _source(row, gutter, console.width)
    for block in blocks(finding.body):
        yield Text()
        if block.code:
            yield from (_cropped(Text(f"      {line}", style="dim"), console) for line in block.text.split("\n"))
        else:
            for line in block.text.split("\n"):
                yield from _wrapped(Text(line), console, 4)
    yield from _suggestion(finding, lines, console)
    if finding.also_at:
        yield Text(f"    {also_at(finding)}", style="dim")
    yield Text()


def _source(row: Row, gutter: int, width: int) -> Iterator[Text]:
    number = "" if row.number is None else str(row.number)
    sign = ">" if row.marked else " "
    head = f"{sign} {number:>{gutter}} | "
    line = Text.assemble((head, "red" if row.marked else "blue"), (row.text, "" if row.marked else "dim"))
    line.truncate(width, overflow="ellipsis")
    yield line
    if row.mark is not None:
        before = cell_len(head) + cell_len(row.text[: row.mark[0]])
        length = min(cell_len(row.text[row.mark[0] : sum(row.mark)]), width - before)
        if length > 0:
            blank = f"  {'':>{gutter}} | "
            yield Text.assemble((blank, "blue"), " " * (before - cell_len(blank)), ("^" * length, "red"))


def _suggestion(finding: Finding, lines: Texts, console: Console) -> Iterator[Text]:
    wanted = finding.suggestion
    if wanted is None:
        return
    yield Text()
    place = f"line {wanted.line}" if wanted.line == wanted.start_line else f"lines {wanted.start_line}-{wanted.line}"
    yield Text(f"    suggestion for {place}:")
    for sign, line in replacement(lines, finding):
        tabless = line.replace("\t", "    ")
        yield _cropped(Text(f"    {sign} {tabless}", style=_SIGNS[sign]), console)


def _gaps(report: Report, console: Console) -> Iterator[Text]:
    groups = gaps(report)
    if not groups:
        return
    yield Text("Not reviewed", style="bold underline")
    for group in groups:
        yield from _gap_group(group, console)
    yield Text()


def _gap_group(group: GapGroup, console: Console) -> Iterator[Text]:
    colour = "bold red" if group.outcome is Outcome.FAILED else "yellow"
    yield from _wrapped(Text.assemble((f"{group.outcome}", colour), f": {group.reason}"), console, 2)
    for gap in group.gaps[:_FILES_SHOWN]:
        yield Text(f"    {gap.path}" + (f" ({gap.where})" if gap.where else ""))
    rest = len(group.gaps) - _FILES_SHOWN
    if rest > 0:
        yield Text(f"    and {rest:,} more, listed by --format json", style="dim")


def _footer(report: Report, console: Console, *, only: tuple[str, ...] = ()) -> Iterator[Text]:
    for word, figure in figures(report):
        if only and word not in only:
            continue
        colour = ("bold green" if report.verdict.passed else "bold red") if word == "verdict" else ""
        yield from _wrapped(Text.assemble((f"{word:<9} ", "dim"), (figure, colour)), console, 0, hanging=10)


def _wrapped(line: Text, console: Console, indent: int, *, hanging: int = 2) -> Iterator[Text]:
    """Wrap at words; the rows below the first stand ``hanging`` columns further right."""
    room = console.width - indent - hanging
    plain = line.plain
    indent += len(plain) - len(plain.lstrip(" "))
    line = line[len(plain) - len(plain.lstrip(" ")) :] if plain.strip() else Text()
    for number, row in enumerate(line.wrap(console, max(room, 20))):
        row.rstrip()
        yield Text(" " * (indent + (hanging if number else 0))).append_text(row)


def _cropped(line: Text, console: Console) -> Text:
    line.truncate(console.width, overflow="ellipsis")
    return line
