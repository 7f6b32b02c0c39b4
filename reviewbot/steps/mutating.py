"""A source → versions of it that a test should not pass on: its target returns None, a changed line is altered.

The text is cut at the positions that `ast` gives (UTF-8 bytes), so that all else stays as it is: a module that was
written anew from its tree could fail for reasons of its own.
"""

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from reviewbot.steps.gapping import enclosing

_MOST = 8
"""Altered versions that are tried for one test, at most: each costs a process."""

_SHOWN = 60
"""Characters of the code that a mutant's description shows."""

_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_SWAPPED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """An altered source."""

    code: str
    what: str
    """For people, such as ``line 12: `a < b` became `a >= b```."""


def emptied(source: str, line: int) -> Mutant | None:
    """Make the function around a line return None at once; None where there is none, or where it does so already."""
    place = enclosing(source, line)
    if place is None or not isinstance(place.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    body = place.node.body
    documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    rest = body[documented:]
    if not rest or all(_idle(statement) for statement in rest):
        return None
    text = _Text(source)
    code = text.replaced(text.start(rest[0]), text.end(rest[-1]), "return None")
    return _checked(source, code, f"`{place.name}` returned None at once")


def altered(source: str, lines: Collection[int]) -> tuple[Mutant, ...]:
    """Alter statements that begin at these lines, one in each version, in turn for all lines."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    text = _Text(source)
    by_line = [_of_line(source, text, tree, line) for line in sorted(lines)]
    in_turn = (mutant for row in zip_longest(*by_line) for mutant in row if mutant is not None)
    return tuple(islice(in_turn, _MOST))


def _idle(statement: ast.stmt) -> bool:
    returns_none = isinstance(statement, ast.Return) and (
        statement.value is None or (isinstance(statement.value, ast.Constant) and statement.value.value is None)
    )
    bare = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return returns_none or bare or isinstance(statement, ast.Pass)


def _of_line(source: str, text: "_Text", tree: ast.Module, line: int) -> Iterator[Mutant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.ExceptHandler) and node.lineno == line:
            for old, new in _changes(node):
                written = ast.unparse(new)
                code = text.replaced(
                    text.start(old), text.end(old), written if isinstance(old, ast.stmt) else f"({written})"
                )
                what = f"line {line}: `{_short(ast.unparse(old))}` became `{_short(written)}`"
                mutant = _checked(source, code, what)
                if mutant is not None:
                    yield mutant


def _changes(node: ast.stmt | ast.ExceptHandler) -> Iterator[tuple[ast.expr | ast.stmt, ast.expr | ast.stmt]]:
    """Yield what can be altered of one statement, its body aside, and by what."""
    match node:
        case ast.If() | ast.While():
            yield node.test, ast.UnaryOp(op=ast.Not(), operand=node.test)
        case ast.Raise() | ast.Assert() | ast.Delete() | ast.Continue() | ast.Break():
            yield node, ast.Pass()
        case ast.AugAssign():
            yield node, ast.AugAssign(target=node.target, op=_swapped(node.op), value=node.value)
        case ast.ExceptHandler(type=ast.expr() as caught):
            yield caught, ast.Tuple(elts=[], ctx=ast.Load())
        case ast.For() | ast.AsyncFor():
            yield node.iter, ast.Tuple(elts=[], ctx=ast.Load())
        case _:
            pass
    heads = list(_heads(node))
    yield from chain.from_iterable(_within(head) for head in heads)
    if isinstance(node, ast.Return | ast.Assign | ast.AnnAssign | ast.Expr) and heads:
        yield heads[0], ast.Constant(value=None)


def _heads(node: ast.stmt | ast.ExceptHandler) -> Iterator[ast.expr]:
    """Yield the expressions that a statement itself evaluates."""
    match node:
        case ast.If() | ast.While() | ast.Assert():
            yield node.test
        case ast.Return() | ast.Assign() | ast.AugAssign() | ast.AnnAssign() | ast.Expr():
            if node.value is not None:
                yield node.value
        case ast.For() | ast.AsyncFor():
            yield node.iter
        case ast.With() | ast.AsyncWith():
            yield from (item.context_expr for item in node.items)
        case ast.Match():
            yield node.subject
        case _:
            return


def _within(expression: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield what can be altered inside of an expression; f-strings have no exact positions before Python 3.12."""
    pending: list[ast.AST] = [expression]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.JoinedStr):
            continue
        if isinstance(node, ast.expr):
            new = _other(node)
            if new is not None:
                yield node, new
        pending += ast.iter_child_nodes(node)


def _other(node: ast.expr) -> ast.expr | None:
    new: ast.expr | None = None
    match node:
        case ast.Compare(ops=[op, *more]):
            new = ast.Compare(left=node.left, ops=[_OPPOSITE[type(op)](), *more], comparators=node.comparators)
        case ast.BoolOp():
            new = ast.BoolOp(op=ast.Or() if isinstance(node.op, ast.And) else ast.And(), values=node.values)
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str()) | ast.JoinedStr()):
            # A text with its values: swapping the operator would only raise an error.
            new = None
        case ast.BinOp():
            new = ast.BinOp(left=node.left, op=_swapped(node.op), right=node.right)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            new = node.operand
        case ast.IfExp():
            new = ast.IfExp(test=node.test, body=node.orelse, orelse=node.body)
        case ast.Constant():
            new = _other_constant(node.value)
        case _:
            pass
    return new


def _other_constant(value: object) -> ast.expr | None:
    if isinstance(value, bool):
        return ast.Constant(value=not value)
    if isinstance(value, int | float):
        return ast.Constant(value=value + 1)
    if isinstance(value, str):
        return ast.Constant(value="" if value else "altered")
    return None


def _swapped(op: ast.operator) -> ast.operator:
    return _SWAPPED.get(type(op), ast.Add)()


def _checked(source: str, code: str, what: str) -> Mutant | None:
    """Take a version only if it is Python, and another program than the source."""
    try:
        same = ast.dump(ast.parse(code)) == ast.dump(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError):
        return None
    return None if same else Mutant(code=code, what=what)


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


class _Text:
    """A source as the bytes that positions count in."""

    def __init__(self, source: str) -> None:
        self._data = source.encode("utf-8", "surrogatepass")
        rows = self._data.splitlines(keepends=True)
        self._starts = [0]
        for row in rows:
            self._starts.append(self._starts[-1] + len(row))

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Give where a node begins, its decorators included."""
        line = node.lineno
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            line = min([line, *(decorator.lineno for decorator in node.decorator_list)])
        return self._starts[line - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Give where a node ends."""
        return self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)

    def replaced(self, start: int, end: int, new: str) -> str:
        """Give the text with other bytes from start to end."""
        return (self._data[:start] + new.encode() + self._data[end:]).decode("utf-8", "surrogatepass")
