r"""Markdown out of untrusted text: what a stranger wrote can be read, and can do nothing.

Titles, bodies, paths and code come from the change under review or from a model that has read it.
Posted with a bot's token they could run GitLab's quick actions (a line that begins with ``/``), call
people (``@name``), load a tracking image, close a fence and forge a heading. One function for each use:

- ``text`` or ``title`` for a phrase, ``body`` for a finding's Markdown, ``code`` and ``fence`` for code,
  ``html`` for a phrase between tags of ours, ``suggestion`` for code that a click commits;
- no line of any outcome begins with white space and a ``/``, nor with the ``::`` of a GitHub runner's
  commands, should the document be printed in a job; a ``\r`` or a Unicode line separator cannot start
  a line either, because ``view.visible`` has spelled it out before;
- emphasis, lists and code survive in a body; raw HTML, links, images, tables and headings do not;
- no outcome holds ``<!--``, not even in code: the bot's marks, and those of other bots that write under
  the same account, are HTML comments, and are looked for in the raw text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reviewbot.domain.view import label, prose, shown, visible

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([^`\n]*)$")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]+(?=\S)")
_RULER = re.compile(r"[-=*_+:][-=*_+: ]*$")
_LEAD = re.compile(r"^(\d+(?=[.)])|(?=[-+=:]))")
_COMMAND = re.compile(r"(?m)^([^\S\n]*)(?=/|::)")
# In code, ``//`` and ``/*`` are comments. A command has a name, of letters: GitLab's QuickActions::Extractor.
# It knows fences of exactly three backticks only, so that a longer one does not shield what stands in it.
_LIVE_COMMAND = re.compile(r"(?m)^\s*(?:/\w|::)")
_PHRASE = re.compile(r"[\\`\[\]|~!#$*_]")
_PROSE = re.compile(r"[\\`\[\]|~!#$]")
# People, issues, merge requests, labels, milestones, snippets, epics, wiki pages, tables of contents, formulas
# and bare addresses. Escaping does not help against these: forges look for them in the rendered text. For the
# same reason there is no word boundary before ``www`` and ``GH``: ``_www.a.b_`` is an address within emphasis.
_REFERENCE = re.compile(
    r"""@(?=\S)|[#!~%^](?=[\w"'\[{])|\$|&(?=\d)|\[(?=\[|_?TOC|[a-z_]+:)|\*(?=iteration:)"""
    r"""|:(?=//)|(?i:www)(?=\.)|(?i:G[HL])(?=-\d)"""
)
_COMMIT = re.compile(r"(?<![^\W_])[0-9a-fA-F]{8,64}(?![^\W_])")
"""What forges take for a commit's id, look up, and leave a note at. They do from seven digits on; but seven
is what git and our own reports abbreviate to, which people copy, and it leads to the project's own commits."""
_COMMIT_PIECE = re.compile(r"[0-9a-fA-F]{6}(?=[0-9a-fA-F])")
"""Each piece is too short to be taken for one."""
_GAP = "\u200b"
"""Stands between a sign and the name behind it: nothing to see, and no reference any more."""
_INDENT = 3
"""Most columns of white space that lead a line of prose: four would make it code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of a text: prose, or code from between fences or backticks."""

    text: str
    code: bool = False


def blocks(markdown: str) -> Iterator[Block]:
    """Split Markdown at its code fences, safe to show; an open fence ends with the text."""
    fence, lines = "", list[str]()
    for line in prose(markdown).split("\n"):
        match = _FENCE.match(line)
        if match is None or (fence and not (match[1].startswith(fence) and not match[2])):
            lines.append(line)
            continue
        yield from _block(lines, code=bool(fence))
        fence, lines = "" if fence else match[1], []
    yield from _block(lines, code=bool(fence))


def _block(lines: Sequence[str], *, code: bool) -> Iterator[Block]:
    text = "\n".join(lines) if code else "\n".join(lines).strip("\n")
    if text.strip():
        yield Block(text=text, code=code)


def spans(phrase: str) -> Iterator[Block]:
    """Split a line or a paragraph at its inline code."""
    end = 0
    for match in _SPAN.finditer(phrase):
        if match.start() > end:
            yield Block(text=phrase[end : match.start()])
        yield Block(text=match[2].strip(), code=True)
        end = match.end()
    if end < len(phrase):
        yield Block(text=phrase[end:])


def text(phrase: str) -> str:
    """Write a phrase as one line of plain prose: nothing in it means anything to Markdown."""
    return _prose(label(phrase).strip(), _PHRASE)


def title(phrase: str) -> str:
    """Write a phrase as `text` does, but keep its inline code; not for cells of a table."""
    return "".join(
        code(part.text) if part.code else _prose(part.text, _PHRASE) for part in spans(label(phrase).strip())
    )


def html(phrase: str) -> str:
    """Write a phrase as one line between HTML tags of ours; good for attributes too."""
    safe = _entities(_defuse(label(phrase))).replace('"', "&quot;").replace("'", "&#39;")
    return _COMMAND.sub(rf"\1{_GAP}", safe)


def code(phrase: str, *, cell: bool = False) -> str:
    """Write a phrase as an inline code span, ``cell`` for one inside of a table; empty if it is blank."""
    safe = _sealed(label(phrase))
    if not safe.strip():
        return ""
    ticks = "`" * (_longest_run(safe) + 1)
    pad = " " if safe[0] in "` " or safe[-1] in "` " else ""
    span = f"{ticks}{pad}{safe}{pad}{ticks}"
    return span.replace("|", "\\|") if cell else span


def fence(content: str, language: str = "") -> str:
    """Write a fenced code block that its content cannot close; without a newline at its end.

    A line of code that begins with ``/`` gets an invisible character before it: show line numbers
    or a diff's signs where the code is likely to be copied.
    """
    safe = _sealed(visible(content)).removesuffix("\n")
    ticks = "`" * max(3, _longest_run(safe) + 1)
    info = re.sub(r"[^a-zA-Z0-9_+-]", "", language)
    guarded = _COMMAND.sub(rf"\1{_GAP}", safe)
    return f"{ticks}{info}\n{guarded}\n{ticks}"


def suggestion(replacement: str, lines: str = "") -> str | None:
    """Write a block whose content a click commits as it stands, so verbatim; empty, it deletes the lines.

    ``lines`` is what GitLab wants to hear of the lines, such as ``:-1+0``. None where the content could do
    something else than be read: quick actions, marks, hidden characters, secrets.
    """
    hidden = shown(replacement) != replacement or "<!--" in replacement
    if hidden or _LIVE_COMMAND.search(replacement):
        return None
    ticks = "`" * max(3, _longest_run(replacement) + 1)
    return f"{ticks}suggestion{lines}\n{replacement}\n{ticks}" if replacement else f"{ticks}suggestion{lines}\n{ticks}"


def body(markdown: str) -> str:
    """Write a finding's Markdown so that it keeps its lists, emphasis and code, and nothing else."""
    return "\n\n".join(
        fence(part.text) if part.code else "\n".join(map(_line, part.text.split("\n"))) for part in blocks(markdown)
    )


def _line(row: str) -> str:
    flat = row.expandtabs(4).rstrip()
    indent = " " * min(len(flat) - len(flat.lstrip()), _INDENT)
    flat = flat.lstrip()
    if _RULER.match(flat):
        # Would make the line above a heading or a table, draw a rule, or open an empty list.
        return f"{indent}\\{flat}"
    item = _ITEM.match(flat)
    if item is None:
        return indent + _spans(flat)
    return f"{indent}{item[0].rstrip()} {_spans(flat[item.end() :])}"


def _spans(row: str) -> str:
    return "".join(code(part.text) if part.code else _prose(part.text, _PROSE) for part in spans(row))


def _prose(phrase: str, special: re.Pattern[str]) -> str:
    safe = _entities(special.sub(r"\\\g<0>", _defuse(phrase)))
    return _COMMAND.sub(r"\1\\", _LEAD.sub(r"\1\\", safe))


def _defuse(phrase: str) -> str:
    return _REFERENCE.sub(rf"\g<0>{_GAP}", _COMMIT.sub(_pieces, phrase))


def _pieces(commit: re.Match[str]) -> str:
    return _COMMIT_PIECE.sub(rf"\g<0>{_GAP}", commit[0])


def _sealed(content: str) -> str:
    return content.replace("<!--", f"<{_GAP}!--")


def _entities(phrase: str) -> str:
    return phrase.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _longest_run(phrase: str) -> int:
    return max((len(run) for run in re.findall("`+", phrase)), default=0)
