"""Python text → its statements as coverage tools count them, and the statement that owns each line.

A coverage report speaks of first lines only. In real histories 36 % of the changed files touch some statement
through another of its lines alone: an argument on a line of its own, a closing bracket, a default, an entry of a
list. Such a change counts for its statement. What is a statement follows coverage.py 7: a logical line; decorators are
statements of their own; docstrings, ``global``, ``nonlocal``, ``else:``, ``finally:`` and bare annotations of local
names are none.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from reviewbot.domain.coverage import lines_of, mask

_MARKED = (
    r"#\s*(?:pragma|PRAGMA)[:\s]?\s*(?:no|NO)\s*(?:cover|COVER)",
    r"^\s*(?:el)?if (?:typing\.)?TYPE_CHECKING:",
    r"^\s*(?:(?:async )?def .*:\s*)?\.\.\.\s*(?:#|$)",
)
"""What coverage.py leaves out by itself (its ``DEFAULT_EXCLUDE``)."""
_LIKELY = (
    r"\bTYPE_CHECKING\b", r"^if __name__ == ", r"^\s*@(?:[\w.]+\.)?(?:abstractmethod|overload)\b",
    r"\bNotImplementedError\b", r"\bAssertionError\b", r"\bassert_never\b", r"^\s*def __(?:repr|str)__",
    r"^class .*\bProtocol\)", r"^\s*(?:if|while) (?:0|False)\b", r"^\s*if self\.debug", r"^\s*if settings\.DEBUG",
)  # fmt: skip
"""What its manual proposes to leave out besides, and many projects do."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)
_SILENT = (ast.Global, ast.Nonlocal)
_COMPOUND = (
    *_DEFINITIONS, ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match,
    ast.ExceptHandler, ast.match_case, ast.Module,
)  # fmt: skip
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
_QUOTES = (b'"""', b"'''", b"\\\n")
_OTHERWISE = re.compile(rb"\s*(?:else|finally)\s*:")
_EMPTY = frozenset({
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
})  # fmt: skip

Node = ast.stmt | ast.ExceptHandler | ast.match_case
"""What is measured: those that are no statements in the grammar are statements to a tracer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """The statements of a text, by masks of their first lines."""

    first: Mapping[int, int]
    """The first line of the logical line that each line of code belongs to; comments and blank lines are absent."""
    executable: int
    """What a tool measures, unless it is told to leave it out."""
    starts: int
    """Everything that may count as a statement somewhere: a report that measures another line is of another text."""
    marked: int
    """Of ``executable``: what coverage.py leaves out by default."""
    likely: int
    """Of ``executable``: what a project's configuration may well leave out; holds ``marked``."""
    stand_ins: Mapping[int, tuple[int, ...]]
    """For lines of a decorated definition, the lines that tools report in their stead, the best one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """The statements that changed lines belong to, by masks of first lines."""

    known: int
    """Those that the report measures."""
    unknown: int
    """Those that it should measure and does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """What follows the first line of a logical line."""

    end: int
    opens: bool
    """Whether a block follows on lines of its own."""


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What is known of a text while it is read."""

    rows: Sequence[bytes]
    first: dict[int, int] = field(default_factory=dict)
    wide: dict[int, _Row] = field(default_factory=dict)
    """By first line: logical lines that are not one line alone."""
    starts: set[int] = field(default_factory=set)
    executable: set[int] = field(default_factory=set)
    stubs: set[int] = field(default_factory=set)
    """Lines of functions that are nothing but an ellipsis: coverage.py leaves them out as a whole from 7.10 on."""
    stand_ins: dict[int, tuple[int, ...]] = field(default_factory=dict)


def statements(text: bytes, exclude: Sequence[str] = ()) -> Statements | None:
    """Find the statements of a Python text; None where this Python cannot parse it.

    ``exclude`` has regular expressions of lines that the project tells its tool to leave out.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(text).readline)
        source = text.decode(encoding).replace("\r\n", "\n").replace("\f", " ")
        if "\r" in source:
            return None  # Python ends a line there and git does not: their numbers differ
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its escapes and asserts others may speak
            tree = ast.parse(source)
        reading = _Reading(rows=source.encode("utf-8", "surrogatepass").split(b"\n"))
        for node, silent in _walk(tree):
            _take(reading, node, silent=silent)
    except (SyntaxError, ValueError, LookupError, tokenize.TokenError, RecursionError, MemoryError):
        return None
    executable, stubs = mask(reading.executable), mask(reading.stubs)
    return Statements(
        first=reading.first,
        executable=executable,
        starts=mask(reading.starts),
        marked=executable & (stubs | mask(_excluded(reading, _either(_MARKED, exclude)))),
        likely=executable & (stubs | mask(_excluded(reading, _either(_MARKED, _LIKELY, exclude)))),
        stand_ins=reading.stand_ins,
    )


def _either(*patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for group in patterns for pattern in group), re.MULTILINE)


def touched(found: Statements, lines: Iterable[int], measured: int) -> Touched:
    """Give the statements that changed lines belong to, by the lines under which a report measures them."""
    known, unknown = set[int](), set[int]()
    for first in {found.first[line] for line in lines if line in found.first}:
        reported = next((line for line in (first, *found.stand_ins.get(first, ())) if measured >> line & 1), None)
        if reported is not None:
            known.add(reported)
        else:
            unknown.add(first)
    return Touched(known=mask(known), unknown=mask(unknown) & found.executable & ~found.likely)


def executable(found: Statements, lines: Iterable[int]) -> int:
    """Give the statements that changed lines belong to, where there is no report: by what the text says."""
    return mask({found.first[line] for line in lines if line in found.first}) & found.executable & ~found.marked


def unknown_share(found: Statements, measured: int) -> tuple[int, int]:
    """Count the statements that a report of this text should measure and does not, and all that it should."""
    due = found.executable & ~found.likely
    stand_ins = mask(line for line, others in found.stand_ins.items() if any(measured >> one & 1 for one in others))
    return (due & ~measured & ~stand_ins).bit_count(), due.bit_count()


def misplaced(found: Statements, measured: int) -> int | None:
    """Give the first measured line at which no statement begins, or None: the report is of another text."""
    return next(lines_of(measured & ~found.starts), None)


def _walk(tree: ast.Module) -> Iterator[tuple[Node, bool]]:
    """Yield statements, handlers and cases in the text's order, each with whether it leaves no trace in the program."""
    pending: list[tuple[Node, bool, bool]] = []

    def push(node: ast.Module | Node, *, in_function: bool) -> None:
        children = [child for name in _BLOCKS for child in getattr(node, name, ())]
        docstring = isinstance(node, (ast.Module, *_DEFINITIONS)) and _is_docstring(children[:1])
        pending.extend((child, in_function, docstring and child is children[0]) for child in reversed(children))

    push(tree, in_function=False)
    while pending:
        node, in_function, docstring = pending.pop()
        bare = (
            in_function and isinstance(node, ast.AnnAssign) and node.value is None and isinstance(node.target, ast.Name)
        )
        yield node, docstring or bare or isinstance(node, _SILENT)
        if isinstance(node, _COMPOUND):
            inside = isinstance(node, _FUNCTIONS) or (in_function and not isinstance(node, ast.ClassDef))
            push(node, in_function=inside)


def _is_docstring(nodes: Sequence[Node]) -> bool:
    return any(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for node in nodes
    )


def _is_stub(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    only = node.body[0]
    return isinstance(only, ast.Expr) and isinstance(only.value, ast.Constant) and only.value.value is Ellipsis


def _take(reading: _Reading, node: Node, *, silent: bool) -> None:
    """Note the logical lines of a node itself, without those of its blocks."""
    if not isinstance(node, _COMPOUND) and node.end_lineno == node.lineno:  # nearly all of them
        first = reading.first.setdefault(node.lineno, node.lineno)
        reading.starts.add(first)
        if not silent:
            reading.executable.add(first)
        return
    firsts = []
    for start, end, opens in _spans(reading.rows, node):
        # What begins on a line that belongs to a statement already stands behind it: after a colon or a semicolon.
        first = reading.first.get(start, start)
        code = _code(reading.rows, start, end)
        for line in code:
            reading.first.setdefault(line, first)
        reading.wide.setdefault(first, _Row(end=max(code, default=end), opens=opens))
        firsts.append(first)
    reading.starts.update(firsts)
    if not silent:
        reading.executable.update(firsts)
    if isinstance(node, _FUNCTIONS) and _is_stub(node):
        reading.stubs.update(firsts)
    if len(firsts) > 1:
        # Tools disagree on decorated definitions: the definition's line, its first decorator's, or each of them.
        # The definition's own line is the best stand-in, then the decorators in their order.
        own = (firsts[-1], *firsts[:-1])
        reading.stand_ins.update({line: tuple(other for other in own if other != line) for line in firsts})


def _spans(rows: Sequence[bytes], node: Node) -> Iterator[tuple[int, int, bool]]:
    """Yield first and last line of a node's own logical lines, and whether a block follows on lines of its own."""
    if not isinstance(node, _COMPOUND):
        yield node.lineno, node.end_lineno or node.lineno, False
        return
    begins = _decorators(rows, node)
    begins.append(_line(rows, node))
    for begin, following in pairwise(begins):
        yield begin, following - 1, False
    inner: Node = node.cases[0] if isinstance(node, ast.Match) else node.body[0]
    line = next(iter(_decorators(rows, inner)), _line(rows, inner))
    shared = isinstance(inner, ast.stmt) and rows[line - 1][: inner.col_offset].strip(b" \t@") != b""
    yield begins[-1], line if shared else line - 1, not shared


def _line(rows: Sequence[bytes], node: Node) -> int:
    return _led(rows, node.pattern.lineno, b"case") if isinstance(node, ast.match_case) else node.lineno


def _decorators(rows: Sequence[bytes], node: Node) -> list[int]:
    return [_led(rows, one.lineno, b"@") for one in node.decorator_list] if isinstance(node, _DEFINITIONS) else []


def _led(rows: Sequence[bytes], line: int, sign: bytes) -> int:
    """Find the line of the sign before an expression: brackets around it are no part of its node."""
    while line > 1 and not rows[line - 1].lstrip().startswith(sign):
        line -= 1
    return line


def _code(rows: Sequence[bytes], start: int, end: int) -> Collection[int]:
    """Give the lines of a span that are neither blank nor mere comments."""
    if start == end:
        return (start,)
    text = b"\n".join(rows[start - 1 : end])
    if any(quote in text for quote in _QUOTES):  # what looks like a comment may be in a string
        return _tokenized(text, start)
    return [line for line in range(start, end + 1) if (row := rows[line - 1].lstrip()) and not row.startswith(b"#")]


def _tokenized(text: bytes, start: int) -> Collection[int]:
    lines = set[int]()
    for token in tokenize.generate_tokens(io.StringIO(text.decode("utf-8", "replace")).readline):
        if token.type not in _EMPTY:
            lines.update(range(token.start[0], token.end[0] + 1))
    return {start + line - 1 for line in lines}


def _excluded(reading: _Reading, pattern: re.Pattern[str]) -> Iterator[int]:
    """Give the logical lines that are left out: those that match, with the blocks that they open.

    From a decorator it carries over to its definition, as in coverage.py.
    """
    if not pattern.search(b"\n".join(reading.rows).decode("utf-8", "replace")):
        return
    block: int | None = None  # the indent of what opened the block that is being left out
    decorated = False
    for number, row in enumerate(reading.rows, 1):
        first, wide = reading.first.get(number), reading.wide.get(number)
        if first != number and (first is not None or not _OTHERWISE.match(row)):
            continue
        indent = len(row) - len(row.lstrip())
        if block is not None and indent > block:
            yield number
            continue
        block = None
        text = b"\n".join(reading.rows[number - 1 : wide.end if wide else number]).decode("utf-8", "replace")
        if decorated or pattern.search(text):
            yield number
            block = indent if first is None or (wide is not None and wide.opens) else None
            decorated = row.lstrip().startswith(b"@")
