"""One claim and the code around it → the prompt that puts it to a verifier, and whether its evidence holds.

The verifier has a fresh context: the claim, the lines that it quotes with what stands around them, and the
definitions that enclose them. No other claim, no title or description of the change: what a change says of
itself sways a judge (bots.md 3.13). All of it is data between marks that its author cannot foresee.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment

from reviewbot.domain.finding import Finding, Span
from reviewbot.domain.patch import Hunk, Side
from reviewbot.domain.prompt import Prompt, Task
from reviewbot.steps import dialogue
from reviewbot.steps.dialogue import Count
from reviewbot.steps.prompting import readable
from reviewbot.steps.redacting import Redactions

CODE_TOKENS: Final = 350
"""For the lines around the quoted ones: a verdict on one claim needs little, and gets worse with more."""
_LONGEST_ROW: Final = 300
"""Characters shown of a line; of a longer one what stands around the quote."""
_MOST_QUOTED: Final = 40
"""Lines of a quote that are shown in the claim."""
_LONGEST_BODY: Final = 600
_MOST_ENCLOSING: Final = 5
_MARKED = re.compile(r"^[+\- ]", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a verifier is shown."""

    claim: Finding
    heading: str
    rows: tuple[str, ...]
    """Lines of the diff with their marks, without secrets."""
    enclosing: tuple[str, ...] = ()
    """Of the file, what the lines stand in: from the outermost definition to the innermost block."""

    def holds(self, evidence: str) -> bool:
        """Tell whether a quote stands in the code that was shown, white space and the diff's marks aside."""
        wanted = {_squeezed(evidence), _squeezed(_MARKED.sub("", evidence))} - {""}
        # As a diff, and as the text after the change or before it.
        texts = [[row[1:] for row in self.rows if row[0] in kinds] for kinds in ("+- ", "+ ", "- ")]
        shown = [_squeezed("\n".join((*self.enclosing, *rows))) for rows in texts]
        return any(quote in text for quote in wanted for text in shown)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def system(templates: Environment, *, style: bool) -> str:
    """Render the instructions that all verify requests of a run share."""
    return templates.get_template("prompts/verify.system.j2").render(style=style)


def challenge(claim: Finding, hunk: Hunk, enclosing: Sequence[str], count: Count) -> Challenge:
    """Cut out what a verifier needs to see. ``hunk`` holds the claim's span, and no secrets."""
    lines = list(hunk.lines())
    span = claim.span or Span(side=Side.RIGHT, start=0, end=0)
    quoted = [at for at, line in enumerate(lines) if span.start <= (line.number(span.side) or 0) <= span.end]
    first, last = (quoted[0], quoted[-1]) if quoted else (0, 0)
    rows = [_clipped(row, claim.quote) for row in readable(hunk.body).split("\n")]
    begin, end = _window(rows, first, last + 1, count)
    old = [line.old for line in lines[begin:end] if line.old is not None]
    new = [line.new for line in lines[begin:end] if line.new is not None]
    heading = f"@@ -{_range(old, lines[begin].old or 0)} +{_range(new, lines[begin].new or 0)} @@"
    shown = frozenset(row[1:].rstrip() for row in rows[begin:end])
    around = tuple(row for row in enclosing if row.rstrip() not in shown) or ((hunk.section,) if hunk.section else ())
    return Challenge(claim=claim, heading=heading, rows=tuple(rows[begin:end]), enclosing=around)


def _range(numbers: Sequence[int], start: int) -> str:
    return f"{numbers[0]},{len(numbers)}" if numbers else f"{start},0"


def _window(rows: Sequence[str], begin: int, end: int, count: Count) -> tuple[int, int]:
    """Widen the quoted lines to both sides, line by line, as far as `CODE_TOKENS` go."""
    left = CODE_TOKENS - count("\n".join(rows[begin:end]))
    up, down = True, True
    while up or down:
        up = up and begin > 0 and (cost := count(rows[begin - 1])) <= left
        if up:
            begin, left = begin - 1, left - cost
        down = down and end < len(rows) and (cost := count(rows[end])) <= left
        if down:
            end, left = end + 1, left - cost
    return begin, end


def _clipped(row: str, quote: str) -> str:
    """Shorten an endless line, but never by what is quoted of it."""
    if len(row) <= _LONGEST_ROW:
        return row
    part = quote if "\n" not in quote else ""
    at = max(row.find(part), 1) if part and len(part) < _LONGEST_ROW else 1
    start = max(1, at - (_LONGEST_ROW - len(part)) // 2 if part else 1)
    shown = row[start : start + _LONGEST_ROW]
    return f"{row[0]}{'…' if start > 1 else ''}{shown}{'…' if start + _LONGEST_ROW < len(row) else ''}"


def enclosing(text: str, number: int) -> tuple[str, ...]:
    """Give the lines that a line of a text stands in: going up, each that is indented less than the one before.

    By white space alone, so it holds for any language that people indent.
    """
    rows = text.split("\n")
    if not 0 < number <= len(rows):
        return ()
    found = list(_outer(rows, number - 1))
    # The outermost name the class and the function; of the blocks between, the nearest say under what condition.
    kept = found if len(found) <= _MOST_ENCLOSING else [*found[: _MOST_ENCLOSING - 2], *found[-2:]]
    return tuple(row.rstrip()[:_LONGEST_ROW] for row in reversed(kept))


def _outer(rows: Sequence[str], at: int) -> Iterator[str]:
    margin = _margin(rows[at])
    for row in reversed(rows[:at]):
        if margin == 0:
            return
        # A bracket or a decorator closes or decorates something else: it encloses nothing.
        if row.strip() and _margin(row) < margin and row.strip()[0] not in ")]}@#":
            margin = _margin(row)
            yield row


def _margin(row: str) -> int:
    return len(row) - len(row.lstrip()) if row.strip() else 0


def prompt(templates: Environment, system_text: str, shown: Challenge, redactions: Redactions, count: Count) -> Prompt:
    """Build the request for one claim."""
    claim = _claim(shown.claim, redactions)
    code = "\n".join((*shown.enclosing, *(["…"] if shown.enclosing else []), shown.heading, *shown.rows))
    mark = dialogue.mark(f"{claim}\0{code}")
    user = templates.get_template("prompts/verify.user.j2").render(claim=claim, code=code, mark=mark)
    return dialogue.opening(Task.VERIFY, system_text, user, count)


def _claim(claim: Finding, redactions: Redactions) -> str:
    span = claim.span
    where = "" if span is None else f", {'old' if span.side is Side.LEFT else 'new'} lines {span.start} to {span.end}"
    quote = "\n".join(row[: 2 * _LONGEST_ROW] for row in claim.quote.split("\n")[:_MOST_QUOTED])
    path = "".join(char if char.isprintable() else "\ufffd" for char in readable(claim.path))
    body = claim.body if len(claim.body) <= _LONGEST_BODY else f"{claim.body[:_LONGEST_BODY]}…"
    text = f"path: {path}{where}\ntitle: {claim.title}\nbody: {body or '-'}\nquote:\n{readable(quote)}"
    return redactions.hide(text)


def repair(templates: Environment, asked: Prompt, answer: str, fault: str, count: Count) -> Prompt:
    """Ask once more after an answer that is no verdict, showing it and what is wrong with it."""
    text = templates.get_template("prompts/verify.repair.j2").render(fault=fault)
    return dialogue.once_more(asked, answer, text, count)
