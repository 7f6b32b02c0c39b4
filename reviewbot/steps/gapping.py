"""Coverage of a change → gaps: which definitions hold the lines that no test runs.

A gap is a function, or a method, as tests call it: lines of a nested function belong to the outer one.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reviewbot.domain.candidate import Gap
from reviewbot.domain.coverage import PatchCoverage, PatchFileCoverage

_AROUND = 3
"""Lines shown on either side of lines that belong to no definition."""
_MOST_IMPORTS = 60

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosing:
    """A definition that tests can call."""

    name: str
    """Such as ``Cart.total``."""
    start: int
    """Its first line, decorators included."""
    end: int
    node: _Definition
    header: str = ""
    """The head of the class that it stands in."""


def gaps(coverage: PatchCoverage, texts: Mapping[str, str]) -> tuple[Gap, ...]:
    """Group what is uncovered by definitions, file by file; ``texts`` are the files' new texts by path.

    A file that is no Python, or cannot be parsed, gives one gap that no test can be written for.
    """
    found: list[Gap] = []
    for file in coverage.files:
        if not file.is_test and (file.missing or file.partial):
            found += _of_file(file, texts.get(file.path))
    return tuple(found)


def sentence(gap: Gap) -> str:
    """Say which lines are uncovered and what they belong to, for people."""
    where = f"{gap.path}, {gap.name}" if gap.name else gap.path
    said = []
    if gap.missing:
        said.append(f"no test runs {_numbered(gap.missing)}")
    if gap.partial:
        said.append(f"no test takes every branch of {_numbered(gap.partial)}")
    return f"{where}: {', and '.join(said)}"


def ranges(lines: Iterable[int]) -> str:
    """Write line numbers shortly: ``3, 7-9``."""
    runs: list[list[int]] = []
    for line in sorted(lines):
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    return ", ".join(str(start) if start == end else f"{start}-{end}" for start, end in runs)


def enclosing(text: str, line: int) -> Enclosing | None:
    """Find the definition around a line: the outermost function, or the method, or else the class."""
    tree = _parsed(text)
    return None if tree is None else _place(_places(tree), line)


def _numbered(lines: tuple[int, ...]) -> str:
    return f"{'line' if len(lines) == 1 else 'lines'} {ranges(lines)}"


def _of_file(file: PatchFileCoverage, text: str | None) -> list[Gap]:
    tree = None if text is None or not file.by_statement else _parsed(text)
    if text is None or tree is None:
        return [_untestable(file)]
    places = _places(tree)
    sorted_in: dict[Enclosing | None, tuple[list[int], list[int]]] = {}
    for lines, kind in ((file.missing, 0), (file.partial, 1)):
        for line in lines:
            sorted_in.setdefault(_place(places, line), ([], []))[kind].append(line)
    rows = text.split("\n")
    imports = _imports(tree, rows)
    gaps_here = [
        _gap(file.path, place, (tuple(missing), tuple(partial)), rows, imports)
        for place, (missing, partial) in sorted_in.items()
    ]
    return sorted(gaps_here, key=lambda gap: gap.start)


def _untestable(file: PatchFileCoverage) -> Gap:
    return Gap(
        path=file.path, name="", start=1, code=(), missing=file.missing, partial=file.partial, testable=False
    )  # fmt: skip


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _places(tree: ast.Module) -> list[Enclosing]:
    """List functions, methods and classes; of those that hold a line the last one is the innermost."""
    found: list[Enclosing] = []

    def visit(body: list[ast.stmt], prefix: str, header: str) -> None:
        for node in _definitions(body):
            name = f"{prefix}{node.name}"
            end = node.end_lineno or node.lineno
            found.append(Enclosing(name=name, start=_start(node), end=end, node=node, header=header))
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{name}.", _class_head(node))

    visit(tree.body, "", "")
    return found


def _definitions(body: list[ast.stmt]) -> list[_Definition]:
    """List the definitions of a body, those under an ``if`` or a ``try`` too; not those inside of functions."""
    found: list[_Definition] = []
    for node in body:
        if isinstance(node, _Definition):
            found.append(node)
        else:
            for inner in ast.iter_child_nodes(node):
                if isinstance(inner, ast.stmt | ast.ExceptHandler):
                    nested = inner.body if isinstance(inner, ast.ExceptHandler) else [inner]
                    found += _definitions(nested)
    return found


def _start(node: _Definition) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _class_head(node: ast.ClassDef) -> str:
    bases = [ast.unparse(base) for base in node.bases]
    bases += [f"{keyword.arg}={ast.unparse(keyword.value)}" for keyword in node.keywords if keyword.arg]
    return f"class {node.name}({', '.join(bases)}):" if bases else f"class {node.name}:"


def _place(places: list[Enclosing], line: int) -> Enclosing | None:
    around = [place for place in places if place.start <= line <= place.end]
    return around[-1] if around else None


def _gap(
    path: str,
    place: Enclosing | None,
    lines: tuple[tuple[int, ...], tuple[int, ...]],
    rows: list[str],
    imports: tuple[str, ...],
) -> Gap:
    if place is None:
        start, end = max(min((*lines[0], *lines[1])) - _AROUND, 1), max((*lines[0], *lines[1])) + _AROUND
    else:
        start, end = place.start, place.end
    return Gap(
        path=path,
        name=place.name if place else "",
        start=start,
        code=tuple(rows[start - 1 : end]),
        missing=lines[0],
        partial=lines[1],
        imports=imports,
        header=place.header if place else "",
    )


def _imports(tree: ast.Module, rows: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += rows[node.lineno - 1 : node.end_lineno]
    return tuple(found[:_MOST_IMPORTS])
