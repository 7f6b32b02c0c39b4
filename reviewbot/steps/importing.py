"""A module's imports, and what the names that they bind stand for."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """All imports of a file, wherever in it they stand."""

    modules: tuple[tuple[str, int], ...]
    """Modules with their lines; relative ones are left out."""
    names: tuple[tuple[str, int], ...]
    """What is imported from modules, spelled out, with its lines."""
    stars: tuple[int, ...]
    """Lines of ``from … import *``."""
    bound: Mapping[str, str]
    """What each name stands for: ``np`` for ``numpy``, ``join`` for ``os.path.join``."""


def imports(tree: ast.Module) -> Imports:
    """Gather the imports of a file."""
    modules: list[tuple[str, int]] = []
    names: list[tuple[str, int]] = []
    stars: list[int] = []
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules.append((alias.name, node.lineno))
                bound[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            modules.append((module, node.lineno))
            stars += (node.lineno for alias in node.names if alias.name == "*")
            for alias in node.names:
                names.append((f"{module}.{alias.name}", node.lineno))
                bound[alias.asname or alias.name] = f"{module}.{alias.name}"
    return Imports(modules=tuple(modules), names=tuple(names), stars=tuple(stars), bound=bound)


def dotted(node: ast.expr, known: Imports) -> str:
    """Spell out a name or an attribute of something imported; empty for anything else."""
    if isinstance(node, ast.Name):
        return known.bound.get(node.id, "")
    if isinstance(node, ast.Attribute):
        head = dotted(node.value, known)
        return f"{head}.{node.attr}" if head else ""
    return ""


def is_relative(tree: ast.Module) -> bool:
    """Tell whether a file imports relatively to where it stands."""
    return any(isinstance(node, ast.ImportFrom) and node.level > 0 for node in ast.walk(tree))
