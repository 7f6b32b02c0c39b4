"""A source → the test files that are likely to run it: by their names, and by what they import.

A guess that costs little: whether they do run it is measured when they run.
"""

import ast
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from reviewbot.steps import neighbouring
from reviewbot.steps.importing import imports

MOST_READ: Final = 300
"""Test files whose imports are looked at, the nearest ones."""
MOST_RUN: Final = 8
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def affected(
    source: str, module: str, tests: Sequence[str], imported: Callable[[str], frozenset[str]]
) -> tuple[str, ...]:
    """Give the test files of a source, the likeliest first, `MOST_RUN` at most.

    ``module`` is its name in imports, ``tests`` are the project's test files, ``imported`` gives what one of them
    imports. A test file is its own test.
    """
    if source in tests:
        return (source,)
    near = neighbouring.nearest(source, tests)
    own = [test for test in near if neighbouring.stem_of(test) == neighbouring.stem_of(source)]
    package = module.rpartition(".")[0]
    direct, indirect = [], []
    for test in near[:MOST_READ]:
        names = imported(test)
        if any(name == module or name.startswith(f"{module}.") for name in names):
            direct.append(test)
        elif package and any(name == package or name.startswith(f"{package}.") for name in names):
            indirect.append(test)
    # A package may hand on what its modules define: such tests are run where there are no nearer ones.
    return tuple(dict.fromkeys((*own, *direct) or indirect))[:MOST_RUN]


def imported(text: str | None) -> frozenset[str]:
    """Name the modules that a test file imports, and what it imports from them; nothing where it cannot be read."""
    tree = None if text is None else _parsed(text)
    if tree is None:
        return frozenset()
    known = imports(tree)
    return frozenset(name for name, _ in (*known.modules, *known.names))


def statements(text: str, start: int, end: int) -> frozenset[int]:
    """Give the first lines of the statements that lines belong to: if any of them runs, the lines are tried.

    The head of a function runs when its module is imported, so its body stands for it.
    """
    tree = _parsed(text)
    if tree is None:
        return frozenset()
    rows = text.split("\n")
    code = [number for number in range(start, end + 1) if rows[number - 1].strip()[:1] not in {"", "#"}]
    return frozenset(line for number in code for line in _first_lines(tree, number))


def _first_lines(tree: ast.Module, number: int) -> Iterator[int]:
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and _start(node) <= number <= (node.end_lineno or node.lineno)
    ]
    if not around:
        return
    innermost = max(around, key=lambda node: (node.lineno, node.col_offset))
    if isinstance(innermost, _FUNCTIONS):
        yield from (inner.lineno for inner in innermost.body)
    else:
        yield innermost.lineno


def _start(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) else []
    return min((node.lineno, *(decorator.lineno for decorator in decorators)))


def _parsed(text: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
