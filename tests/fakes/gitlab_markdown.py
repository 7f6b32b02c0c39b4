r"""What GitLab does with the text of a note: runs commands, calls people, loads images, offers suggestions.

Judges strictly: where two readings are possible, the text counts as acting. So a command is any line that begins
with ``/word``, known to GitLab or not, and an open fence protects nothing.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

_BREAK = re.compile(r"\r\n|\r|\n")
_COMMAND = re.compile(r"/[A-Za-z_]\w*(?=[\s]|$)")
_INERT = re.compile(
    r"""
    (?P<escape> \\[!-/:-@\[-`{-~] )
  | (?P<fence> ^[ ]{0,3} (?P<run>`{3,}|~{3,}) [^\n]* \n (?: [^\n]*\n )*? [ ]{0,3}(?P=run)[`~]*[ \t]* $ )
  | (?P<comment> <!-- .*? --> )
  | (?P<code> (?<!`)(?P<ticks>`+)(?!`) (?: (?!\n[ \t]*\n). )+? (?<!`)(?P=ticks)(?!`) )
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_SUGGESTION = re.compile(
    r"^ {0,3}(?P<run>`{3,}|~{3,})suggestion(?P<params>[^\s`]*)[^\n`]*\n"
    r"(?P<text>(?:[^\n]*\n)*?) {0,3}(?P=run)[`~]*[ \t]*$",
    re.MULTILINE,
)
_OFFSETS = re.compile(r":(?:-(\d+))?(?:\+(\d+))?")
_MOST_LINES = 100
"""Lines above and below that a suggestion may reach (MAX_LINES_CONTEXT)."""

_ACTING = {
    "image": re.compile(r"(?<!\\)!\[[^\]]*\][(\[]"),
    "link": re.compile(r"(?<!\\)(?<!!)\[[^\]\n]*\](?:\([^)]*\)|\[[^\]\n]*\]|:[ \t]*\S)"),
    "html": re.compile(r"(?<!\\)<(?:/?[A-Za-z][A-Za-z0-9-]*(?=[\s/>])[^<>]*|[!?][^<>]*)>"),
}
# Looked for in the rendered text, so that neither a backslash nor an entity helps against them.
_CALLING = {
    "mention": re.compile(r"(?<!\w)@\w[\w.-]*"),
    "reference": re.compile(
        r"""(?:(?<![\w~])|\b[\w.-]+(?:/[\w.-]+)*)[#!&$%^~][1-9]\d*(?![\w,.]\d)\b"""
        r"""|(?<!\w)[%~]"[^"\n]+"|(?<![\w~])~[A-Za-z][\w:-]*|\bGL-[1-9]\d*"""
    ),
    "link": re.compile(r"(?i)\b(?:https?|ftp)://[^\s<>)]+|\bwww\.[^\s<>)]+"),
}


@dataclass(frozen=True, slots=True)
class Acting:
    """Something in a text that would do more than be read."""

    kind: str
    """``mention``, ``reference``, ``image``, ``link`` or ``html``."""
    text: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A suggestion block: lines from ``above`` before the note's line to ``below`` after it get a new text."""

    above: int
    below: int
    text: str
    """Whole lines; empty for a deletion."""
    fault: str | None = None


def commands(body: str) -> tuple[str, tuple[str, ...]]:
    r"""Take the quick actions out of a text: what is left, and the lines that were run.

    A line ends at ``\n``, ``\r\n`` or ``\r``. As GitLab's own pattern has it, a code block runs from a line that
    begins with three backticks to one that is exactly three: a block with longer fences protects nothing.
    """
    lines = _BREAK.split(body)
    kept, run = list[str](), list[str]()
    at = 0
    while at < len(lines):
        end = _block_end(lines, at)
        if end is None and _COMMAND.match(lines[at]):
            run.append(lines[at])
        else:
            kept += lines[at : (end or at) + 1]
        at = (end or at) + 1
    return (body, ()) if not run else ("\n".join(kept).rstrip(), tuple(run))


def _block_end(lines: list[str], start: int) -> int | None:
    if not lines[start].startswith("```"):
        return None
    return next((at for at in range(start + 1, len(lines)) if lines[at] == "```"), None)


def acting(body: str) -> tuple[Acting, ...]:
    """Find what would act in a text outside of its code and its comments."""
    text = _BREAK.sub("\n", body)
    visible = _INERT.sub(lambda found: found[0] if found["escape"] else " ", text)
    marked = [Acting(kind, found[0]) for kind, pattern in _ACTING.items() for found in pattern.finditer(visible)]
    plain = html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", _ACTING["html"].sub(" ", visible)))
    return (
        *marked,
        *(Acting(kind, found[0]) for kind, pattern in _CALLING.items() for found in pattern.finditer(plain)),
    )


def offers(body: str) -> Iterator[Offer]:
    """Read the suggestion blocks of a text."""
    for found in _SUGGESTION.finditer(_BREAK.sub("\n", body)):
        params = found["params"]
        offsets = _OFFSETS.fullmatch(params) if params else None
        above, below = (int(number or 0) for number in offsets.groups()) if offsets else (0, 0)
        fault = None
        if params and not offsets:
            fault = f"offsets that GitLab does not read: {params}"
        elif max(above, below) > _MOST_LINES:
            fault = f"reaches more than {_MOST_LINES} lines"
        yield Offer(above, below, found["text"], fault)
