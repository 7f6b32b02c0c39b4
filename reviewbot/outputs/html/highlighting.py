"""Code → markup in few colours, line by line, by Pygments."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from markupsafe import Markup
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, String, _TokenType
from pygments.util import ClassNotFound

from reviewbot.domain.patch import Line

_LONGEST_LINE = 1_000
"""Characters from which on code is not coloured: minified text takes a lexer's regular expressions ages."""

_CLASSES: Mapping[_TokenType, str] = {
    Comment: "c",
    Comment.Preproc: "d",
    Keyword: "k",
    Keyword.Type: "b",
    Keyword.Constant: "b",
    Literal: "m",
    Number: "m",
    String: "s",
    Operator.Word: "k",
    Name.Builtin: "b",
    Name.Class: "f",
    Name.Function: "f",
    Name.Decorator: "d",
    Name.Attribute: "b",
    Name.Tag: "k",
}
"""Few colours, each with enough contrast on the backgrounds of added and removed lines, light and dark."""


def lexer_of(name: str) -> Lexer | None:
    """Find the lexer for a file by its name; None where there is none."""
    try:
        return get_lexer_for_filename(name)
    except ClassNotFound:
        return None


def coloured(lines: Sequence[Line], lexer: Lexer | None) -> Iterator[Markup]:
    """Colour each side as a text of its own, so that a string open over several lines stays one."""
    new = iter(_tokens([line.text for line in lines if line.kind != "-"], lexer))
    removed = any(line.kind == "-" for line in lines)
    old = iter(_tokens([line.text for line in lines if line.kind != "+"], lexer if removed else None))
    for line in lines:
        if line.kind == "-":
            yield next(old)
            continue
        if line.kind == " ":
            next(old)
        yield next(new)


def _tokens(lines: Sequence[str], lexer: Lexer | None) -> list[Markup]:
    plain = [Markup(escape(line)) for line in lines]  # noqa: S704 - escaped right here
    if lexer is None or any(len(line) > _LONGEST_LINE for line in lines):
        return plain
    try:
        tokens = list(lexer.get_tokens_unprocessed("\n".join(lines)))
    except Exception:  # noqa: BLE001 - some two hundred lexers read hostile text; plain text is always right
        return plain
    marked = "".join(_span(kind, value) for _, kind, value in tokens).split("\n")
    # S704: every token's text is escaped by _span.
    return [Markup(line) for line in marked] if len(marked) == len(lines) else plain  # noqa: S704


def _span(kind: _TokenType, value: str) -> str:
    name = _class(kind)
    if not name or not value.strip():
        return escape(value)
    # A token over several lines is closed and opened again: each line is a cell of its own.
    return "\n".join(f'<i class="{name}">{escape(part)}</i>' if part else "" for part in value.split("\n"))


def _class(kind: _TokenType | None) -> str:
    while kind is not None:
        if kind in _CLASSES:
            return _CLASSES[kind]
        kind = kind.parent
    return ""
