"""Chunk → prompt, through templates that a project may override.

The system message is the same, byte for byte, for all chunks of a run, so that providers bill its
tokens once. What follows is data: it stands between marks that its author cannot foresee.
"""

import json
import re
from collections.abc import Iterator, Sequence

from jinja2 import Environment

from reviewbot.domain.chunk import Chunk, Excerpt, FileExcerpts
from reviewbot.domain.prompt import Prompt, Task
from reviewbot.steps import dialogue
from reviewbot.steps.dialogue import Count
from reviewbot.steps.redacting import Redactions

_LONGEST_ECHO = 8_000
"""Characters of a faulty answer that are shown again: an endless one would not fit the context."""
_UNSAFE_IN_PATH = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_NO_NEWLINE = "\\ No newline at end of file"


def system(templates: Environment, instructions: str) -> str:
    """Render the instructions that all chunks share. ``instructions`` are the project's own."""
    return templates.get_template("prompts/review.system.j2").render(instructions=instructions)


def review(templates: Environment, system_text: str, chunk: Chunk, redactions: Redactions, count: Count) -> Prompt:
    """Build the request for one chunk."""
    text = "\n".join(_file(entry, redactions) for entry in chunk.files)
    mark = dialogue.mark(text)
    user = templates.get_template("prompts/review.user.j2").render(diff=text, mark=mark, rules=chunk.rules)
    return dialogue.opening(Task.REVIEW, system_text, user, count)


def repair(templates: Environment, prompt: Prompt, answer: str, fault: str, count: Count) -> Prompt:
    """Ask once more after an answer that cannot be used, showing it and what is wrong with it."""
    text = templates.get_template("prompts/repair.user.j2").render(fault=fault)
    return dialogue.once_more(prompt, answer, text, count, longest=_LONGEST_ECHO)


def readable(text: str) -> str:
    """Give text as a model sees it: bytes that are no UTF-8 become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _file(entry: FileExcerpts, redactions: Redactions) -> str:
    file = entry.file
    name = _path(file.path)
    if file.old_path is not None and file.old_path != file.path:
        name = f"{name} (renamed from {_path(file.old_path)})"
    elif file.status != "modified":
        name = f"{name} ({file.status})"
    return "\n".join((f"### {name}", *(_hunk(excerpt, redactions) for excerpt in entry.excerpts)))


def _around(context: Sequence[str]) -> Iterator[str]:
    """Mark what stands around a hunk: no line of a diff begins like this."""
    return (f"~ {_UNSAFE_IN_PATH.sub(' ', readable(line))}" for line in context)


def _hunk(excerpt: Excerpt, redactions: Redactions) -> str:
    hunk, overlap = excerpt.hunk, excerpt.overlap
    rows = hunk.body.split("\n")
    old = sum(1 for row in rows if row[0] != "+")
    new = sum(1 for row in rows if row[0] != "-")
    # A side without lines names the line before it.
    heading = f"@@ -{hunk.old_start - (old == 0)},{old} +{hunk.new_start - (new == 0)},{new} @@"
    if hunk.section:
        heading += f" {redactions.hide(readable(hunk.section))}"
    if overlap:
        first = "line was" if overlap == 1 else f"{overlap} lines were"
        heading += f"\n(the first {first} shown before)"
    shown = redactions.hide_rows(readable(hunk.body)).split("\n")
    for at in reversed(hunk.no_newline):
        shown.insert(at + 1, _NO_NEWLINE)
    return "\n".join((heading, *_around(excerpt.context), *shown))


def _path(path: str) -> str:
    path = readable(path)
    return json.dumps(path) if _UNSAFE_IN_PATH.search(path) else path
