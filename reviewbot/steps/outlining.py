"""Python source → its outline, by the standard library's parser. Nothing is imported or run.

Other languages are read by `reviewbot.repository.outlines`, in a process of its own.
"""

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence

from reviewbot.domain.outline import Call, Definition, Outline, ordered

SUFFIXES = (".py", ".pyi")
_NAMELESS = "?"

_Defining = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def python(texts: Mapping[str, str]) -> dict[str, Outline]:
    """Outline the Python files among the texts, by path; those that do not parse are left out."""
    found: dict[str, Outline] = {}
    for path, text in texts.items():
        outline = _outline(text) if path.endswith(SUFFIXES) else None
        if outline is not None:
            found[path] = outline
    return found


def _outline(text: str) -> Outline | None:
    # The parser ends lines at a lone \r too, which git does not.
    text = text.replace("\r\n", "\n").replace("\r", " ")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in a stranger's string is no news
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a NUL, or nested too deep
        return None
    rows = text.split("\n")
    definitions: list[Definition] = []
    calls: list[Call] = []
    for node in ast.walk(tree):
        if isinstance(node, _Defining):
            definitions.append(_definition(node, rows))
        elif isinstance(node, ast.Call):
            calls += _call(node.func)
    return ordered(definitions, calls)


def _definition(node: _Defining, rows: Sequence[str]) -> Definition:
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return Definition(
        name=node.name,
        start=start,
        end=node.end_lineno or node.lineno,
        header=_header(node, start, rows),
        summary=_summary(node),
    )


def _header(node: _Defining, start: int, rows: Sequence[str]) -> str:
    """Cut what stands before the body. Columns of the parser count UTF-8 bytes."""
    first = node.body[0]
    line = min([first.lineno, *(decorator.lineno for decorator in getattr(first, "decorator_list", ()))])
    before = rows[line - 1].encode("utf-8", "replace")[: first.col_offset].decode("utf-8", "replace")
    last = [before] if line == node.lineno else []
    # Decorators go behind: where a header is cut, the signature counts for more.
    decorators = rows[start - 1 : node.lineno - 1]
    return "\n".join((*rows[node.lineno - 1 : line - 1], *last, *decorators)).strip()


def _summary(node: _Defining) -> str:
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.value.value.strip().partition("\n")[0].strip()
    return ""


def _call(function: ast.expr) -> Iterator[Call]:
    line = function.end_lineno or function.lineno
    if isinstance(function, ast.Name):
        yield Call(name=function.id, line=line)
    elif isinstance(function, ast.Attribute):
        yield Call(name=function.attr, line=line, receiver=_receiver(function.value))


def _receiver(value: ast.expr) -> str:
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Call(func=ast.Name(id="super" as name)):
            return name
        case _:
            return _NAMELESS
