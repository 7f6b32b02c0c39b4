"""Proven tests → the fewest that cover as much, merged into files that fit into the project.

Files are merged only where nothing can clash: a fixture that all tests use, or two things of one name, stay apart.
"""

import ast
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from reviewbot.domain.candidate import Candidate, CandidateStatus, Filter, Judged, Point, SuggestedFile
from reviewbot.steps.importing import is_relative

_Bound = dict[str, str]


def minimised(tests: Sequence[Judged]) -> tuple[tuple[Judged, ...], tuple[Judged, ...]]:
    """Choose the fewest tests that cover as much as all of them; give them, and the others as rejected.

    Greedy, as set cover is: most gain first, of equal ones the shorter, then the earlier.
    """
    left = frozenset(point for test in tests for point in test.covers)
    pending, kept = list(tests), list[Judged]()
    while left:
        best = max(pending, key=lambda test: (len(left & frozenset(test.covers)), -len(test.candidate.code)))
        kept.append(best)
        pending.remove(best)
        left -= frozenset(best.covers)
    reason = "what it covers is covered by other new tests"
    dropped = (
        replace(test, status=CandidateStatus.REJECTED, filter=Filter.MINIMISED, reason=reason) for test in pending
    )
    return tuple(test for test in tests if test in kept), tuple(dropped)


def merged(
    tests: Sequence[Judged], name: Callable[[str, Collection[str]], str], apart: Collection[Candidate] = ()
) -> tuple[SuggestedFile, ...]:
    """Merge tests by the source that they cover most of.

    ``name`` names a new file for a source, given those that are taken; ``apart`` get files of their own.
    """
    by_source: dict[str, list[_Parts]] = {}
    for test in tests:
        by_source.setdefault(_source(test.covers), []).append(_parts(test))
    files: list[SuggestedFile] = []
    for source, parts in sorted(by_source.items()):
        for group in _groups(parts, apart):
            taken = [file.path for file in files]
            files.append(_file(group, name(source, taken) if group[0].movable else _own_path(group[0], taken)))
    return tuple(files)


def _own_path(part: "_Parts", taken: Collection[str]) -> str:
    """Leave a file where it was proven, beside one of the same name if need be."""
    path = part.test.candidate.path
    while path in taken:
        path = f"{path.removesuffix('.py')}_2.py"
    return path


def _source(covers: Sequence[Point]) -> str:
    counted: dict[str, int] = {}
    for point in covers:
        counted[point.path] = counted.get(point.path, 0) + 1
    return max(sorted(counted), key=lambda path: counted[path])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """A test file taken apart."""

    test: Judged
    imports: tuple[ast.stmt, ...]
    body: tuple[str, ...]
    """Everything but imports and docstring, verbatim, with the comments above."""
    bound: _Bound
    """What its names stand for: an import's origin, or a definition's text."""
    movable: bool
    """Whether it means the same in another file, beside other tests."""


def _parts(test: Judged) -> _Parts:
    code = test.candidate.code
    tree = ast.parse(code)
    rows = code.splitlines()
    imports: list[ast.stmt] = []
    body: list[str] = []
    bound: _Bound = {}
    movable = not is_relative(tree) and "autouse" not in code and "__file__" not in code
    end = 0
    for node in tree.body:
        first, end = end, node.end_lineno or node.lineno
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(node)
            bound |= {alias.asname or alias.name: _origin(node, alias) for alias in node.names}
        elif node is not tree.body[0] or ast.get_docstring(tree) is None:
            text = "\n".join(rows[first:end]).strip("\n")
            body.append(text)
            bound |= dict.fromkeys(_defined(node), text)
            movable = movable and bool(_defined(node))
    return _Parts(test=test, imports=tuple(imports), body=tuple(body), bound=bound, movable=movable)


def _origin(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    return f"{node.module}:{alias.name}" if isinstance(node, ast.ImportFrom) else f"{alias.name} as {alias.asname}"


def _defined(node: ast.stmt) -> tuple[str, ...]:
    """Give the names that a definition or a plain assignment binds; none of any other statement."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return (node.name,)
        case ast.Assign():
            return tuple(target.id for target in node.targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name() as target):
            return (target.id,)
        case _:
            return ()


def _groups(parts: Sequence[_Parts], apart: Collection[Candidate]) -> list[list[_Parts]]:
    """Put each file to the first others that it does not clash with."""
    groups: list[list[_Parts]] = []
    for part in parts:
        for group in groups:
            alone = any(each.test.candidate in apart for each in (part, *group))
            if not alone and all(_agree(part, other) for other in group):
                group.append(part)
                break
        else:
            groups.append([part])
    return groups


def _agree(one: _Parts, other: _Parts) -> bool:
    """Tell whether two files can be one: a name that both have must be the same thing."""
    shared = one.bound.keys() & other.bound.keys()
    tests = any(name.lower().startswith("test") for name in shared)
    same = all(one.bound[name] == other.bound[name] for name in shared)
    return one.movable and other.movable and same and not tests


def _file(group: Sequence[_Parts], path: str) -> SuggestedFile:
    covers = frozenset(point for part in group for point in part.test.covers)
    made_of: tuple[Candidate, ...] = tuple(part.test.candidate for part in group)
    code = made_of[0].code if len(group) == 1 else _joined(group)
    return SuggestedFile(path=path, code=code, covers=tuple(sorted(covers)), made_of=made_of)


def _joined(group: Sequence[_Parts]) -> str:
    """Write one file of several: imports once, each definition once."""
    imports = dict.fromkeys(ast.unparse(node) for part in group for node in part.imports)
    future = [line for line in imports if line.startswith("from __future__")]
    plain = sorted(line for line in imports if line.startswith("import "))
    named = sorted(line for line in imports if line.startswith("from ") and line not in future)
    blocks = ["\n".join(lines) for lines in (future, plain, named) if lines]
    body = dict.fromkeys(text for part in group for text in part.body)
    return "\n\n".join(blocks) + "\n\n\n" + "\n\n\n".join(body) + "\n"
