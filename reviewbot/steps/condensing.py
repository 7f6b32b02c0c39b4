"""A change → the prompt that asks what it does: its author's words, its files, and the heart of its diff.

The only prompt that sees title and description: whoever looks for bugs is not told what the change says of itself
(bots.md 3.13). What finds no room is counted, and nothing depends on the answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment

from reviewbot.domain.patch import FilePatch, Hunk, Patch
from reviewbot.domain.prompt import Prompt, Task
from reviewbot.domain.view import label
from reviewbot.steps import dialogue, redacting
from reviewbot.steps.dialogue import Count
from reviewbot.steps.prompting import readable
from reviewbot.steps.redacting import Redactions

_WORDS_TOKENS: Final = 400
_FILES_TOKENS: Final = 400
_DIFF_TOKENS: Final = 900
_LONGEST_TITLE: Final = 300
_LONGEST_ROW: Final = 200
_ROWS_A_TURN: Final = 6
"""Changed lines of one hunk, before it is another file's turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the author says of the change."""

    title: str = ""
    description: str = ""


def system(templates: Environment, language: str) -> str:
    """Render the instructions; ``language`` is that of the answer, empty for English."""
    return templates.get_template("prompts/summary.system.j2").render(language=language)


def prompt(templates: Environment, system_text: str, words: Words, patch: Patch, count: Count) -> Prompt:
    """Build the request. Secrets are taken out of all of it."""
    redactions = Redactions()
    change = _change(redacting.patch(patch, redactions), count)
    said = redactions.hide(_said(words, count))
    mark = dialogue.mark(f"{said}\0{change}")
    user = templates.get_template("prompts/summary.user.j2").render(words=said, change=change, mark=mark)
    return dialogue.opening(Task.SUMMARY, system_text, user, count)


def repair(templates: Environment, asked: Prompt, answer: str, fault: str, count: Count) -> Prompt:
    """Ask once more after an answer that cannot be used, showing it and what is wrong with it."""
    text = templates.get_template("prompts/summary.repair.j2").render(fault=fault)
    return dialogue.once_more(asked, answer, text, count)


def _said(words: Words, count: Count) -> str:
    title = " ".join(readable(words.title).split())[:_LONGEST_TITLE]
    rows = [row.rstrip()[: 2 * _LONGEST_ROW] for row in readable(words.description).split("\n") if row.strip()]
    kept = list(_within(iter([f"title: {title}", *rows] if title or rows else []), _WORDS_TOKENS, count))
    return "\n".join(kept)


def _change(patch: Patch, count: Count) -> str:
    """List the files with the most changed lines first, then show lines of each in turn, as far as there is room."""
    files = sorted(patch.files, key=lambda file: -file.changed_count)
    named = list(_within((_named(file) for file in files), _FILES_TOKENS, count))
    if len(named) < len(files):
        named.append(f"and {len(files) - len(named):,} more files")
    shown = _within(_rows([file for file in files if file.hunks]), _DIFF_TOKENS, count)
    return "\n".join((*named, "", *shown))


def _named(file: FilePatch) -> str:
    path = label(readable(file.path))
    was = f" (renamed from {label(readable(file.old_path))})" if file.old_path not in (None, file.path) else ""
    return f"{path}{was}: {file.status.value}, +{len(file.added)} -{len(file.removed)}"


def _rows(files: list[FilePatch]) -> Iterator[str]:
    """Give a hunk of each file in turn."""
    turns = [iter(file.hunks) for file in files]
    while turns:
        going = []
        for file, hunks in zip(files, turns, strict=True):
            hunk = next(hunks, None)
            if hunk is not None:
                going.append((file, hunks))
                yield from _hunk(file, hunk)
        files, turns = [file for file, _ in going], [hunks for _, hunks in going]


def _hunk(file: FilePatch, hunk: Hunk) -> Iterator[str]:
    yield f"### {label(readable(file.path))} {label(readable(hunk.section))}".rstrip()
    changed = [row for row in readable(hunk.body).split("\n") if row[:1] in ("+", "-") and row[1:].strip()]
    yield from (row[:_LONGEST_ROW] for row in changed[:_ROWS_A_TURN])
    if len(changed) > _ROWS_A_TURN:
        yield "…"


def _within(rows: Iterator[str], room: int, count: Count) -> Iterator[str]:
    for row in rows:
        room -= count(row) + 1
        if room < 0:
            return
        yield row
