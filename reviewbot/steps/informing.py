"""What is known of a chunk besides its diff → facts behind it in the prompt.

Static rules' findings, so that a model neither repeats nor contradicts them, and where a hunk that is shown
once stands again. They are data as well: their words hold names out of the change.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from jinja2 import Environment

from reviewbot.domain.chunk import Chunk, ContextBudget, FileExcerpts
from reviewbot.domain.finding import Finding
from reviewbot.domain.prompt import Message, Prompt
from reviewbot.steps.redacting import Redactions
from reviewbot.steps.repeating import Repeats

MOST_TOKENS: Final = 600
"""Of all facts in one prompt. A claim that repeats a fact which found no room is merged with it afterwards."""
_LONGEST_TITLE: Final = 160
_MOST_PLACES: Final = 20

Count = Callable[[str], int]


def teller(
    findings: Sequence[Finding], repeats: Repeats, budget: ContextBudget, count: Count
) -> Callable[[Chunk], tuple[str, ...]]:
    """Make what gives the facts about a chunk, within the room that it leaves."""
    room = budget.ceiling_tokens - budget.answer_tokens
    return lambda chunk: facts(chunk, findings, repeats, room - chunk.prompt_tokens, count)


def facts(chunk: Chunk, findings: Sequence[Finding], repeats: Repeats, room: int, count: Count) -> tuple[str, ...]:
    """Give the facts about what a chunk shows, one line each, within ``room`` tokens and `MOST_TOKENS`."""
    left = min(room, MOST_TOKENS)
    kept = []
    for fact in dict.fromkeys((*_repeated(chunk, repeats), *_found(chunk, findings))):
        left -= count(fact) + 1
        if left < 0:
            break
        kept.append(fact)
    return tuple(kept)


def informed(
    templates: Environment, prompt: Prompt, known: Sequence[str], redactions: Redactions, count: Count
) -> Prompt:
    """Add facts to a prompt."""
    if not known:
        return prompt
    text = redactions.hide("\n".join(known))
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    added = templates.get_template("prompts/review.facts.j2").render(facts=text, mark=mark)
    *before, user = prompt.messages
    message = Message(role=user.role, content=f"{user.content}{added}")
    return replace(prompt, messages=(*before, message), prompt_tokens=prompt.prompt_tokens + count(added))


def _repeated(chunk: Chunk, repeats: Repeats) -> Iterator[str]:
    for entry in chunk.files:
        for repeat in repeats.get(entry.index, ()):
            start = repeat.first.hunk.new_start
            if any(excerpt.hunk.new_start == start for excerpt in entry.excerpts):
                places = [f"{_line(place.file.path)}:{place.hunk.new_start}" for place in repeat.others]
                rest = f" and {len(places) - _MOST_PLACES} more places" if len(places) > _MOST_PLACES else ""
                where = ", ".join(places[:_MOST_PLACES]) + rest
                yield f"{_line(entry.file.path)}:{start}: the same hunk stands at {where}; report it once, here"


def _found(chunk: Chunk, findings: Sequence[Finding]) -> Iterator[str]:
    for entry in chunk.files:
        numbers = _numbers(entry)
        for finding in findings:
            if finding.span is not None and finding.path == entry.file.path and finding.span.start in numbers:
                source = " ".join(part for part in (finding.source, finding.rule) if part)
                yield _line(f"{finding.path}:{finding.span.start}: {source}: {finding.title[:_LONGEST_TITLE]}")


def _numbers(entry: FileExcerpts) -> frozenset[int]:
    return frozenset(
        line.new for excerpt in entry.excerpts for line in excerpt.hunk.lines() if line.kind == "+" and line.new
    )


def _line(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
