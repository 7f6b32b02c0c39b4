"""What requests for tests show of a project: its sources, its names in imports, and the tests near by."""

from collections.abc import Callable, Collection, Iterable
from pathlib import PurePosixPath

from reviewbot.domain.candidate import Gap
from reviewbot.proving.workbench import Tree
from reviewbot.sandbox.copying import read_back
from reviewbot.steps import neighbouring
from reviewbot.steps.briefing import Context

_LONGEST = 2_000_000
_NEIGHBOURS = 2
_INIT = "__init__.py"


def reader(tree: Tree) -> Callable[[str], str | None]:
    """Give a look-up of a project's texts; None for what is no file of it, or too long."""
    names = frozenset(tree.names)

    def read(path: str) -> str | None:
        data = read_back(tree.folder, path, _LONGEST) if path in names else None
        return None if data is None else data.decode("utf-8-sig", "surrogateescape")

    return read


def import_roots(paths: Iterable[str], names: Collection[str]) -> tuple[str, ...]:
    """Give the folders from which sources are imported: the first without ``__init__.py`` above each.

    They are put in front of all others when tests run: an "editable" installation would import the sources from
    where it was made, and not from the copy.
    """
    known = frozenset(names)
    return tuple(dict.fromkeys(_root(PurePosixPath(path), known) for path in paths))


def module_of(path: str, names: Collection[str]) -> str:
    """Give a source's name in imports, seen from its root."""
    root = _root(PurePosixPath(path), names)
    parts = list(PurePosixPath(path).relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def own_modules(names: Iterable[str], roots: Iterable[str]) -> frozenset[str]:
    """Give the top-level names of the project itself: Python does not list folders without ``__init__.py``."""
    fronts = [f"{root}/" if root else "" for root in {"", *roots}]
    inside = (name.removeprefix(front) for name in names for front in fronts if name.startswith(front))
    return frozenset(name.split("/")[0].removesuffix(".py") for name in inside if name.endswith(".py"))


def context_of(tree: Tree, read: Callable[[str], str | None]) -> Callable[[Gap], Context]:
    """Give what a request shows of a gap's surroundings; each source's is gathered once."""
    names = frozenset(tree.names)
    known = neighbouring.tests(names)
    gathered: dict[str, Context] = {}

    def context(gap: Gap) -> Context:
        if gap.path not in gathered:
            home = neighbouring.home(gap.path, known, names)
            near = [*_fixtures(home, names), *neighbouring.nearest(gap.path, known)[:_NEIGHBOURS]]
            gathered[gap.path] = Context(
                module=module_of(gap.path, names),
                target=neighbouring.free(home, neighbouring.stem_of(gap.path), names),
                neighbours=tuple((path, text) for path in near if (text := read(path))),
            )
        return gathered[gap.path]

    return context


def _root(path: PurePosixPath, names: Collection[str]) -> str:
    folder = path.parent
    while str(folder / _INIT) in names and folder != folder.parent:
        folder = folder.parent
    return "" if str(folder) == "." else str(folder)


def _fixtures(home: str, names: Collection[str]) -> list[str]:
    """List the files of fixtures that tests in a folder can use."""
    folders = [PurePosixPath(home), *PurePosixPath(home).parents]
    return [path for folder in reversed(folders) if (path := str(folder / "conftest.py")) in names]
