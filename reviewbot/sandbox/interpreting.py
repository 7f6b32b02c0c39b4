"""Finds the Python in which a project's own tests run. Nothing of the project is imported or run for that."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NEEDED: Final = ("pytest", "coverage")
_FOLDERS: Final = (".venv", "venv")
_SITES: Final = (
    "lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/python3*/dist-packages",
    "local/lib/python3*/dist-packages",
)  # fmt: skip
_PARTS: Final = ("bin", "lib", "lib64", "local/lib", "share", "pyvenv.cfg")
_MOST_HOPS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python, and what a job must be able to read to use it."""

    python: str
    """Absolute path."""
    readable: tuple[str, ...]
    """Folders: of the language, of its environment, and those that packages are installed from ("editable").

    Nothing of the work tree itself but an environment in it: a job sees its copy instead, and puts that on the path.
    """
    missing: tuple[str, ...]
    """Of pytest and coverage, what is not installed."""


def interpreter(work_tree: Path, environ: Mapping[str, str]) -> Interpreter:
    """Give the first Python that has pytest and coverage, else the first that there is.

    Looked for in VIRTUAL_ENV, in ``.venv`` and ``venv`` of the work tree, on PATH, and at last our own.
    """
    found = [describe(python, work_tree.resolve()) for python in _candidates(work_tree, environ)]
    return next((each for each in found if not each.missing), found[0])


def own() -> Interpreter:
    """Give the Python that runs us."""
    return describe(Path(sys.executable).absolute(), Path(sys.executable))


def _candidates(work_tree: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    named = [Path(environ["VIRTUAL_ENV"])] if environ.get("VIRTUAL_ENV") else []
    for folder in (*named, *(work_tree / name for name in _FOLDERS)):
        python = Path(os.path.abspath(folder / "bin" / "python"))  # noqa: PTH100 - the link itself, not what it means
        if python.exists():
            yield python
    for name in ("python3", "python"):
        on_path = shutil.which(name, path=environ.get("PATH", ""))
        if on_path:
            yield Path(on_path).absolute()
    yield Path(sys.executable)


def of_prefix(prefix: Path) -> tuple[str, ...]:
    """Give what a Python under a prefix needs of it. Not all: a prefix can be somebody's home, or a work tree."""
    return tuple(str(prefix / name) for name in _PARTS if (prefix / name).exists())


def describe(python: Path, work_tree: Path) -> Interpreter:
    """Look at one Python, for jobs on a work tree."""
    environment, base = python.parent.parent, python.resolve().parent.parent
    settings = _settings(environment)
    home = Path(settings["home"]).resolve().parent if settings.get("home") else base
    closed = (environment / "pyvenv.cfg").exists() and settings.get("include-system-site-packages") != "true"
    sites = _sites([environment] if closed else [environment, home, base])
    parts = [part for prefix in (environment, home, base) for part in of_prefix(prefix)]
    readable = (*parts, *map(str, (*_hops(python), *_outside(_editable(sites), work_tree))))
    missing = tuple(name for name in _NEEDED if not any((site / name).is_dir() for site in sites))
    return Interpreter(python=str(python), readable=tuple(dict.fromkeys(readable)), missing=missing)


def _settings(environment: Path) -> dict[str, str]:
    """Give what stands in ``pyvenv.cfg``: nothing where this is no virtual environment."""
    pairs = (line.partition("=") for line in _lines(environment / "pyvenv.cfg"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _sites(prefixes: Iterable[Path]) -> list[Path]:
    return [site for prefix in prefixes for pattern in _SITES for site in sorted(prefix.glob(pattern))]


def _hops(python: Path) -> list[Path]:
    """Give every link on the way from an environment's ``python`` to the program: any of them can lie elsewhere."""
    found = [python]
    while found[-1].is_symlink() and len(found) < _MOST_HOPS:
        found.append(found[-1].parent / found[-1].readlink())
    return found


def _editable(sites: Iterable[Path]) -> Iterator[Path]:
    """Give the folders that ``.pth`` files add to the path: "Lines starting with import are executed", others are."""
    for site in sites:
        for file in sorted(site.glob("*.pth")):
            for line in _lines(file):
                if line.strip() and not line.startswith(("import ", "import\t", "#")):
                    folder = (site / line.strip()).resolve()
                    if folder.is_dir():
                        yield folder


def _outside(folders: Iterable[Path], work_tree: Path) -> Iterator[Path]:
    """Leave out the work tree, what holds it, and other clones: their ``.git`` can hold tokens."""
    for folder in folders:
        related = folder.is_relative_to(work_tree) or work_tree.is_relative_to(folder)
        if not related and not (folder / ".git").exists():
            yield folder


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
