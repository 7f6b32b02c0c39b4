"""What stands around a hunk: its definitions, what it calls, who calls it, and which tests do.

Names are matched, and no types: a call that could mean several definitions says nothing. Small on purpose:
models find less as more is put around a change (SWE-PRBench, arXiv 2603.26130).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from reviewbot.domain.chunk import Excerpt
from reviewbot.domain.outline import Call, Definition, Outline
from reviewbot.domain.patch import FilePatch

_LONGEST = 240
"""Characters of a header: what is longer is cut."""
_MOST_NAMED = 4
"""Callers, and tests, that are named for one definition."""
_MOST_TESTED = 40
"""Files whose tests are looked for."""
_MOST_ALIKE = 2
"""Definitions of one name in a file that a bare call may mean: overloads."""
_SELF = frozenset({"self", "cls", "super", "this", "$this", "Self", "static", "base", "parent"})
_EVERYDAY = frozenset(name for kind in (str, bytes, list, dict, set, int, object) for name in dir(kind)) | {
    "all", "any", "apply", "assert", "bool", "call", "catch", "close", "debug", "delete", "each", "end", "equals",
    "error", "fetch", "filter", "find", "first", "flush", "forEach", "has", "hashCode", "info", "init", "is", "last",
    "len", "length", "load", "log", "main", "map", "max", "min", "new", "next", "now", "of", "open", "parse", "post",
    "print", "println", "push", "put", "read", "reduce", "request", "reset", "run", "save", "send", "set", "size",
    "start", "stop", "sum", "test", "then", "toString", "unwrap", "wait", "warn", "warning", "write",
}  # fmt: skip
"""Method names that every library has: alone they do not say whose they are."""
_TEST = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?)/|(?:^|/)test_[^/]*$|(?:_test|_spec|\.test|\.spec|[A-Za-z0-9](?:Tests?|Spec))\.\w+$"
)
_TEST_NAMES = {
    ".py": ("test_{}.py", "{}_test.py"),
    ".go": ("{}_test.go",),
    ".rb": ("{}_spec.rb", "{}_test.rb"),
    ".java": ("{}Test.java", "{}Tests.java"),
    ".kt": ("{}Test.kt",),
    ".cs": ("{}Tests.cs", "{}Test.cs"),
    ".php": ("{}Test.php",),
    **{f".{suffix}": (f"{{}}.test.{suffix}", f"{{}}.spec.{suffix}") for suffix in ("js", "jsx", "ts", "tsx")},
}
"""How a file's tests are called, by its suffix."""


Lines = frozenset[tuple[str, int]]
"""Path and number on the new side."""


class Rank(IntEnum):
    """What a note is about, the most useful first."""

    INSIDE = 0
    CALLS = 1
    CALLED_BY = 2
    TESTED_BY = 3


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the prompt about a hunk."""

    rank: Rank
    text: str


@dataclass(frozen=True, slots=True)
class _Site:
    """A definition and its file."""

    path: str
    definition: Definition


@dataclass(frozen=True, slots=True)
class _Layout:
    """Whose line is whose."""

    outline: Outline
    owners: Sequence[int]
    """By line number the place of the innermost definition, -1 outside of all."""
    parents: Sequence[int]

    def chain(self, at: int) -> Iterator[int]:
        """Yield a definition and those around it, by their places."""
        while at >= 0:
            yield at
            at = self.parents[at]

    def owner(self, line: int) -> int:
        """Give the place of a line's innermost definition, or -1."""
        return self.owners[line] if 0 <= line < len(self.owners) else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A change's files and the tests beside it, by name."""

    layouts: Mapping[str, _Layout]
    """Of the change's new side and of the tests."""
    sites: Mapping[str, Sequence[_Site]]
    """Definitions of the change by name."""
    callers: Mapping[_Site, Sequence[tuple[str, Call]]]
    """Path and place of each call of a definition, in their order."""
    hide: Callable[[str], str]
    """Takes the secrets out of a text."""


def is_test(path: str) -> bool:
    """Tell whether a file holds tests, by its name or its folder."""
    return _TEST.search(path) is not None


def names_of_tests(files: Sequence[FilePatch]) -> frozenset[str]:
    """Give the base names that the tests of some files would have; of many files only for the first ones."""
    found: set[str] = set()
    for file in [file for file in files if not is_test(file.path)][:_MOST_TESTED]:
        stem, dot, suffix = file.path.rpartition("/")[2].rpartition(".")
        found |= {form.format(stem) for form in _TEST_NAMES.get(dot + suffix, ()) if stem.isidentifier()}
    return frozenset(found)


def index(changed: Mapping[str, Outline], tests: Mapping[str, Outline], hide: Callable[[str], str]) -> Index:
    """Index the outlines of a change's files, and of test files that it leaves alone."""
    layouts = {path: _layout(outline) for path, outline in {**tests, **changed}.items()}
    sites: dict[str, list[_Site]] = {}
    for path, outline in changed.items():
        for definition in outline.definitions:
            sites.setdefault(definition.name, []).append(_Site(path, definition))
    callers: dict[_Site, list[tuple[str, Call]]] = {}
    for path in sorted(layouts):
        for call in layouts[path].outline.calls:
            for site in _meant(path, call, sites, layouts):
                callers.setdefault(site, []).append((path, call))
    return Index(layouts=layouts, sites=sites, callers=callers, hide=hide)


def _layout(outline: Outline) -> _Layout:
    owners = [-1] * (1 + max((definition.end for definition in outline.definitions), default=0))
    parents = []
    for at, definition in enumerate(outline.definitions):
        parents.append(owners[definition.start])
        owners[definition.start : definition.end + 1] = [at] * (definition.end + 1 - definition.start)
    return _Layout(outline, owners, parents)


def _meant(
    path: str, call: Call, sites: Mapping[str, Sequence[_Site]], layouts: Mapping[str, _Layout]
) -> Sequence[_Site]:
    """Say which definitions a call means; nothing where that is a guess."""
    named = sites.get(call.name, ())
    if not named:
        return ()
    if call.receiver and call.receiver not in _SELF:
        owned = [site for site in named if call.receiver in _owners(site, layouts)]
        if len(owned) == 1:
            return owned
        return named if len(named) == 1 and call.name not in _EVERYDAY else ()
    own = [site for site in named if site.path == path]
    if own:
        return own if len(own) <= _MOST_ALIKE else ()
    return named if len(named) == 1 else ()


def _owners(site: _Site, layouts: Mapping[str, _Layout]) -> set[str]:
    """Give the names through which a definition is reached: its module's and its class's."""
    layout = layouts[site.path]
    outer = {layout.outline.definitions[at].name for at in layout.chain(layout.owner(site.definition.start))}
    return {site.path.rpartition("/")[2].partition(".")[0], *outer} - {site.definition.name}


def notes(found: Index, path: str, excerpt: Excerpt, shown: Lines) -> tuple[Note, ...]:
    """Say what stands around an excerpt. ``shown`` are the lines that need no telling."""
    layout = found.layouts.get(path)
    if layout is None:
        return ()
    hunk = excerpt.hunk
    added = [line.new for line in hunk.lines() if line.kind == "+" and line.new is not None]
    touched = {layout.owner(number) for number in (*added, *_removals(excerpt))} - {-1}
    around = sorted({at for place in touched for at in layout.chain(place)})
    definitions = [layout.outline.definitions[at] for at in around]
    section = _bare(hunk.section)
    hidden = [
        definition
        for definition in definitions
        if (path, definition.start) not in shown and _bare(definition.header) != section
    ]
    mine = [_Site(path, layout.outline.definitions[at]) for at in sorted(touched)]
    return (
        *(Note(Rank.INSIDE, f"inside: {_inside(definition, found.hide)}") for definition in hidden),
        *_calls(found, path, layout.outline.calls, added, (shown, definitions)),
        *(note for site in mine for note in _called(found, site, shown)),
    )


def _removals(excerpt: Excerpt) -> Iterator[int]:
    """Yield the new lines before which something was removed."""
    new = excerpt.hunk.new_start
    for row in excerpt.hunk.body.split("\n"):
        if row[0] == "-":
            yield new - 1
        else:
            new += 1


def _inside(definition: Definition, hide: Callable[[str], str]) -> str:
    # Secrets first: neither a cut nor a missing line break may hide one from those who look for it.
    summary = _cut(_flat(hide(definition.summary)))
    return _cut(_flat(hide(definition.header))) + (f" # {summary}" if summary else "")


def _calls(
    found: Index,
    path: str,
    calls: Sequence[Call],
    added: Sequence[int],
    known: tuple[Lines, Sequence[Definition]],
) -> Iterator[Note]:
    shown, around = known
    lines = set(added)
    first = bisect_left(calls, min(lines, default=0), key=lambda call: call.line)
    last = bisect_right(calls, max(lines, default=-1), key=lambda call: call.line)
    told: set[_Site] = set()
    for call in calls[first:last]:
        if call.line not in lines:
            continue
        for site in _meant(path, call, found.sites, found.layouts):
            if site in told or (site.path, site.definition.start) in shown or site.definition in around:
                continue
            told.add(site)
            header = _cut(_flat(found.hide(site.definition.header)))
            yield Note(Rank.CALLS, f"calls: {header} ({site.path}:{site.definition.start})")


def _called(found: Index, site: _Site, shown: Lines) -> Iterator[Note]:
    """Name who calls a definition from lines that are not shown, and which tests do."""
    used: dict[Rank, dict[str, None]] = {Rank.CALLED_BY: {}, Rank.TESTED_BY: {}}
    for path, call in found.callers.get(site, ()):
        layout = found.layouts[path]
        at = layout.owner(call.line)
        caller = layout.outline.definitions[at] if at >= 0 else None
        if (path, call.line) in shown or (path == site.path and caller == site.definition):
            continue
        rank = Rank.TESTED_BY if is_test(path) else Rank.CALLED_BY
        name = caller.name if caller is not None else "its module"
        place = caller.start if caller is not None and rank is Rank.TESTED_BY else call.line
        used[rank].setdefault(f"{name} ({path}:{place})")
    for rank, words in ((Rank.CALLED_BY, "is called by"), (Rank.TESTED_BY, "is tested by")):
        names = list(used[rank])
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        if names:
            yield Note(rank, f"{site.definition.name} {words}: {', '.join(names[:_MOST_NAMED])}{more}")


def _flat(text: str) -> str:
    return " ".join(text.split())


def _bare(header: str) -> str:
    """Drop what opens a body: git shows it behind a hunk's numbers."""
    return _flat(header).rstrip(" {:")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
