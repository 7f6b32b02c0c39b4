"""Reports of all kinds → one measurement of the repository's files, and what is wrong with the reports."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reviewbot.domain import coverage
from reviewbot.domain.coverage import CoverageReport, FileCoverage
from reviewbot.steps import mapping
from reviewbot.steps.mapping import Mapped, Tree

PYTHON = "Python"
_SUFFIXES = {
    PYTHON: (".py", ".pyx"),
    "JavaScript or TypeScript": (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte"),
    "a JVM language": (".java", ".kt", ".scala", ".groovy"),
    "Go": (".go",),
    "PHP": (".php",),
    "Ruby": (".rb",),
    "C or C++": (".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".m", ".mm"),
    "Rust": (".rs",),
    "a .NET language": (".cs", ".fs", ".vb"),
    "Swift": (".swift",),
    "Dart": (".dart",),
    "Perl": (".pl", ".pm"),
    "Elixir": (".ex", ".exs"),
    "Lua": (".lua",),
    "shell": (".sh", ".bash"),
}
_LANGUAGES = {suffix: name for name, suffixes in _SUFFIXES.items() for suffix in suffixes}
_DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")
_NAMED = 3
"""Paths that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The commit that is judged, where it is one."""

    sha: str | None = None
    time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class United:
    """What all reports say together."""

    files: Mapping[str, FileCoverage] = field(default_factory=dict)
    """By the repository's path."""
    others: tuple[FileCoverage, ...] = ()
    """Files that are not the repository's, or not known to be."""
    formats: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The formats that speak of a file, by its path."""
    scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By language the folders in which a file that is absent from the reports was not run."""
    unclear: Mapping[str, str] = field(default_factory=dict)
    """Files that some report may mean, with the reason why that cannot be told."""
    faults: tuple[str, ...] = ()
    """Why reports cannot be used."""
    notes: tuple[str, ...] = ()


def language(path: str) -> str | None:
    """Give the language of a file whose lines can be run, by its suffix; None for anything else."""
    name = path.rpartition("/")[2].lower()
    if "." not in name[1:] or name.endswith(_DECLARATIONS):
        return None
    return _LANGUAGES.get(name[name.rindex(".") :])


def united(
    reports: Sequence[CoverageReport], tree: Tree, roots: Sequence[str], counts: Callable[[str], bool], head: Head
) -> United:
    """Map and unite reports; ``counts`` tells whether a path is the product's."""
    places = [(report, mapping.mapped(report, tree, roots)) for report in reports]
    entries = [(report, file, place.paths.get(file.path)) for report, place in places for file in report.files]
    scopes: dict[str, frozenset[str]] = {}
    for report, place in places:
        for spoken, folders in _scopes(report, place, tree, counts):
            scopes[spoken] = scopes.get(spoken, frozenset()) | folders
    outdated = [r.name for r in reports if r.created is not None and head.time is not None and r.created < head.time]
    return United(
        files=_files((path, file) for _, file, path in entries if path is not None),
        others=tuple(_files((file.path, file) for _, file, path in entries if path is None).values()),
        formats=_formats((path, report.format) for report, _, path in entries if path is not None),
        scopes=scopes,
        unclear={path: why for report, place in places for path, why in _unclear(report, place)},
        faults=tuple(fault for report, place in places for fault in _faults(report, place, tree, head)),
        notes=(*(note for _, place in places for note in place.notes), *map(_old, outdated)),
    )


def _old(name: str) -> str:
    return f"{name} was written before the head was committed: make sure that it is of this text"


def _files(entries: Iterable[tuple[str, FileCoverage]]) -> dict[str, FileCoverage]:
    files: dict[str, FileCoverage] = {}
    for path, file in entries:
        files[path] = coverage.united(files[path], file) if path in files else file
    return files


def _formats(entries: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    formats: dict[str, frozenset[str]] = {}
    for path, name in entries:
        formats[path] = formats.get(path, frozenset()) | {name}
    return formats


def _unclear(report: CoverageReport, place: Mapped) -> Iterator[tuple[str, str]]:
    for spelt, options in place.unclear.items():
        why = f"{report.name} has '{spelt}', which could be {_listed(options)}: set coverage.roots"
        yield from ((path, why) for path in options)


def _faults(report: CoverageReport, place: Mapped, tree: Tree, head: Head) -> Iterator[str]:
    if not any(file.measured for file in report.files):
        yield f"{report.name} is empty: nothing was measured"
    elif not place.paths and not place.unclear and _should_fit(report, tree):
        spelt = _listed(sorted(file.path for file in report.files))
        same = {language(file.path) for file in report.files}
        ours = _listed(sorted(path for path in tree.paths if language(path) in same)) or "no such file"
        yield (
            f"no file of {report.name} is in the repository: it names {spelt}; the repository has {ours}. Measure from "
            f"the repository's top, or set coverage.roots to the folders that the report's paths start from"
        )
    if report.commit is not None and head.sha is not None and not _same_commit(report.commit, head.sha):
        yield f"{report.name} was measured at commit {report.commit[:12]}, and the head is {head.sha[:12]}"


def _should_fit(report: CoverageReport, tree: Tree) -> bool:
    """Tell whether something of a report has to be found; a diff alone may hold none of its files."""
    spoken = {language(file.path) for file in report.files} - {None}
    return tree.whole or any(language(path) in spoken for path in tree.paths)


def _same_commit(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    return one.startswith(other) or other.startswith(one)


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
    return ", ".join(f"'{path}'" for path in paths[:_NAMED]) + more


def _scopes(
    report: CoverageReport, place: Mapped, tree: Tree, counts: Callable[[str], bool]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Give for each language of a report the folders that it speaks for."""
    spoken: dict[str, list[str]] = {}
    for file in report.files:
        path = place.paths.get(file.path, file.path)
        name = language(path)
        if name is not None and (file.path in place.paths or not tree.whole):
            spoken.setdefault(name, []).append(path)
    for name, paths in spoken.items():
        product = [path for path in paths if counts(path)]
        if not tree.whole or not product:
            yield name, frozenset({""})
        elif place.scopes:
            yield name, frozenset(place.scopes)
        elif name == PYTHON:
            yield name, frozenset(_package_root(path, tree) for path in product)
        else:
            yield name, frozenset({_common_folder(product)})


def _package_root(path: str, tree: Tree) -> str:
    """Give the folder that a Python file is imported from: the one above its outermost package."""
    folder = path.rpartition("/")[0]
    while folder and f"{folder}/__init__.py" in tree.paths:
        folder = folder.rpartition("/")[0]
    return folder


def _common_folder(paths: Sequence[str]) -> str:
    first, last = min(paths).split("/")[:-1], max(paths).split("/")[:-1]
    common: list[str] = []
    for one, other in zip(first, last, strict=False):
        if one != other:
            break
        common.append(one)
    return "/".join(common)
