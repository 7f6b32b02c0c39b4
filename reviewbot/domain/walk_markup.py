"""What changed, in Markdown: a model's sentences, or ours in numbers, and a folded row for each file."""

from typing import Final

from reviewbot.domain import markup
from reviewbot.domain.outcome import Report
from reviewbot.domain.secret import mask
from reviewbot.domain.view import plural, shown
from reviewbot.domain.walk import Step, sentence, steps

_LONGEST_TOLD: Final = 700
"""Characters of a model's text: three sentences, one screen with all that follows."""
_FILES_SHOWN: Final = 60
_LONGEST_CELL: Final = 160


def told(report: Report) -> str:
    """Write what changed: one paragraph, or two where a model told it."""
    numbers = markup.text(sentence(report))
    synopsis = report.synopsis
    if synopsis is None:
        return numbers
    by = f" (summed up by {markup.text(shown(report.model))})" if report.model else ""
    return f"{_words(synopsis.text)}\n\n{synopsis.risk.capitalize()} risk{by}. {numbers}"


def _words(text: str) -> str:
    """Write a model's prose as one paragraph: it is a summary, and no place for code or lists."""
    flat = " ".join(mask(text).split())
    kept = flat if len(flat) <= _LONGEST_TOLD else f"{flat[:_LONGEST_TOLD].rsplit(' ', 1)[0]}…"
    return markup.title(shown(kept))


def walk(report: Report) -> str:
    """Write a folded table with a row for each file; empty for a change of one file, which needs no map."""
    found = steps(report)
    if len(found) < 2:  # noqa: PLR2004 - one file
        return ""
    rows = [_row(step) for step in found[:_FILES_SHOWN]]
    if len(found) > _FILES_SHOWN:
        rows.append(f"| and {plural(len(found) - _FILES_SHOWN, 'more file')} in the report | | | | |")
    table = "\n".join(("| file | lines | review | findings | where |", "| --- | --- | --- | --- | --- |", *rows))
    heading = markup.html(f"File by file: {plural(len(found), 'file')}")
    # The blank line after </summary> is what makes a forge read the rest as Markdown.
    return f"<details>\n<summary>{heading}</summary>\n\n{table}\n\n</details>"


def _row(step: Step) -> str:
    path = markup.code(_cut(step.path), cell=True)
    about = markup.text(_cut(step.about))
    count = f"{step.findings:,}" if step.findings else ""
    return f"| {path} | +{step.added:,} -{step.removed:,} | {step.outcome} | {count} | {about} |"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"
