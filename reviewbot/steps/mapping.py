"""Paths of a coverage report → paths of the repository.

Reports are written where the tests ran: in a sub-folder, in a container, on Windows, from the folder of an
installed package. What the report's path and the repository's have in common at their end tells what to cut off
and what to put before it. One file alone may mislead (``src/a/m.py`` or ``lib/a/m.py``?), so all files of a
report vote, and the choice that explains most of them is tried first for each. At equal votes the folder that the
report itself lies in wins, then paths as they stand, then the longest end in common.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reviewbot.domain.coverage import CoverageReport

_CROWD = 64
"""A name that so many files have (``index.js``) has no vote: comparing all with all would take too long."""

Parts = tuple[str, ...]
Rule = tuple[Parts, Parts]
"""What is cut off the front of a report's path, and what is put there."""
Rank = tuple[int, int, bool, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of one side of a change."""

    paths: frozenset[str]
    tops: tuple[str, ...] = ()
    """Where the checkout lies, as absolute paths in a report may spell it; POSIX, without a slash at the end."""
    whole: bool = True
    """Whether these are all files; False where only a diff is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Where a report's files are in the repository."""

    paths: Mapping[str, str] = field(default_factory=dict)
    """By the report's spelling."""
    unclear: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Files that could be several of the repository's, with these."""
    scopes: tuple[str, ...] = ()
    """Folders that the report names as its roots, in the repository; the top is an empty string."""
    notes: tuple[str, ...] = ()


def mapped(report: CoverageReport, tree: Tree, roots: Sequence[str] = ()) -> Mapped:
    """Find a report's files in the repository; ``roots`` are folders of it that relative paths may start from."""
    spellings = {file.path: tuple(_spelled(file.path, report.roots)) for file in report.files}
    certain = {path: real for path, forms in spellings.items() if (real := _certain(path, forms, tree, roots))}
    asked = {path: forms for path, forms in spellings.items() if path not in certain and not _inside(forms, tree)}
    exact = _elect(asked, tree, report, str)
    folded = _elect({path: asked[path] for path in exact.lost}, tree, report, str.casefold)
    notes = [_moved(cut, add, report) for cut, add in exact.used if not _is_absolute(cut) and (cut or add)]
    for spelt, real in [*folded.paths.items()][:1]:
        notes.append(f"{report.name} says '{spelt}' where the repository has '{real}': matched without regard to case")
    return Mapped(
        paths={**certain, **exact.paths, **folded.paths},
        unclear={**exact.unclear, **folded.unclear},
        scopes=tuple(dict.fromkeys(_scopes(report, tree, exact.used))),
        notes=tuple(notes),
    )


def parts_of(path: str) -> Parts:
    """Split a path of any system; ``.`` and ``..`` are resolved, and a leading slash or drive stays a part."""
    slashed = path.replace("\\", "/")
    parts = ["/"] if slashed.startswith("/") else []
    for part in slashed.split("/"):
        if part == ".." and parts and parts[-1] not in {"..", "/"}:
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return tuple(parts)


def is_under(path: str, folders: Iterable[str]) -> bool:
    """Tell whether a path lies in one of the folders; the top is an empty string."""
    return any(folder == "" or path.startswith(f"{folder}/") for folder in folders)


def _spelled(path: str, roots: Sequence[str]) -> Iterator[Parts]:
    """Give the ways to read a report's path: as it is, or from each folder that the report names."""
    own = parts_of(path)
    if roots and not _is_absolute(own):
        yield from (parts_of(f"{root}/{path}") for root in roots)
    else:
        yield own


def _is_absolute(parts: Parts) -> bool:
    return bool(parts) and (parts[0] == "/" or parts[0].endswith(":"))


def _certain(path: str, forms: Sequence[Parts], tree: Tree, roots: Sequence[str]) -> str | None:
    """Find a file where nothing has to be guessed: in the checkout itself, or from a configured folder."""
    own = parts_of(path)
    named = [] if _is_absolute(own) else [(*parts_of(root), *own) for root in roots]
    found = ("/".join(parts) for parts in (*named, *_relative(forms, tree)))
    return next((real for real in found if real in tree.paths), None)


def _relative(forms: Iterable[Parts], tree: Tree) -> Iterator[Parts]:
    """Take the checkout's own folder off."""
    tops = [parts_of(top) for top in tree.tops]
    return (form[len(top) :] for form in forms for top in tops if form[: len(top)] == top)


def _inside(forms: Sequence[Parts], tree: Tree) -> bool:
    """Tell whether a file lies in the checkout and is none of the repository's: installed there, or generated."""
    return bool(forms) and all(any(True for _ in _relative([form], tree)) for form in forms)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Election:
    """What the files of a report have chosen."""

    paths: Mapping[str, str]
    unclear: Mapping[str, tuple[str, ...]]
    lost: tuple[str, ...]
    used: tuple[Rule, ...]
    """The rules that found something, by how many files they found."""


def _elect(
    spellings: Mapping[str, Sequence[Parts]], tree: Tree, report: CoverageReport, fold: Callable[[str], str]
) -> _Election:
    """Let all files vote on the rules, and find each by the strongest rule that finds it."""
    ballots = {path: [tuple(map(fold, form)) for form in forms] for path, forms in spellings.items()}
    known = _known(tree, {form[-1] for forms in ballots.values() for form in forms if form}, fold)
    by_name: dict[str, list[Parts]] = {}
    for parts in known:
        by_name.setdefault(parts[-1], []).append(parts)
    own = {path: _candidates(forms, by_name) for path, forms in ballots.items()}
    votes = Counter(rule for rules in own.values() for rule in rules)
    near = parts_of(fold(report.name))[:-1]
    ranks = {rule: _rank(rule, count, near) for rule, count in votes.items()}
    ranked = sorted(ranks, key=lambda rule: (ranks[rule], rule), reverse=True)
    places = {rule: place for place, rule in enumerate(ranked)}
    trusted = ranked[0] if ranked and votes[ranked[0]] * 2 >= len(report.files) else None
    paths, unclear, used = dict[str, str](), dict[str, tuple[str, ...]](), Counter[Rule]()
    for path, forms in ballots.items():
        # What has no vote of its own, since its name is too common, follows the others.
        rules = sorted(own[path], key=places.__getitem__) or ranked[:_CROWD]
        sound = {rule: [_applied(rule, form) for form in forms if _is_sound(rule, form, trusted)] for rule in rules}
        rule, found = _chosen(sound, known, ranks)
        if rule is not None and len(found) == 1:
            paths[path] = found[0]
            used[rule] += 1
        elif found:
            unclear[path] = found
    lost = tuple(path for path in ballots if path not in paths and path not in unclear)
    return _Election(paths=paths, unclear=unclear, lost=lost, used=tuple(rule for rule, _ in used.most_common()))


def _known(tree: Tree, names: set[str], fold: Callable[[str], str]) -> dict[Parts, list[str]]:
    """Give the repository's files that have one of these names, by their parts; several where case is folded."""
    known: dict[Parts, list[str]] = {}
    for real in sorted(tree.paths) if names else ():
        if fold(real.rpartition("/")[2]) in names:
            known.setdefault(tuple(fold(real).split("/")), []).append(real)
    return known


def _candidates(forms: Iterable[Parts], by_name: Mapping[str, Sequence[Parts]]) -> frozenset[Rule]:
    """Give the rules by which a file could be one of the repository's, each with the longest end in common."""
    rules = set[Rule]()
    for form in forms:
        namesakes = by_name.get(form[-1], ()) if form else ()
        if len(namesakes) <= _CROWD:
            for parts in namesakes:
                same = _common_end(form, parts)
                rules.add((form[:-same], parts[:-same]))
    return frozenset(rules)


def _common_end(one: Parts, other: Parts) -> int:
    count = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        count += 1
    return count


def _rank(rule: Rule, votes: int, near: Parts) -> Rank:
    """Give what orders the rules, see the top of the file."""
    cut, add = rule
    own = len(add) if not cut and near[: len(add)] == add else 0
    return votes, own, rule == ((), ()), -len(cut)


def _chosen(
    rules: Mapping[Rule, Sequence[Parts]], known: Mapping[Parts, Sequence[str]], ranks: Mapping[Rule, Rank]
) -> tuple[Rule | None, tuple[str, ...]]:
    """Take the strongest rule that finds something, with what others find that rank as high."""
    best: Rule | None = None
    found: list[str] = []
    for rule, outcomes in rules.items():
        if best is not None and ranks[rule] != ranks[best]:
            break
        hits = [real for parts in outcomes for real in known.get(parts, ())]
        if hits:
            best = best or rule
            found += hits
    return best, tuple(sorted(set(found)))


def _is_sound(rule: Rule, form: Parts, trusted: Rule | None) -> bool:
    """Doubt a mere name in common (``utils.py``): it may be chance, unless half of the report's files say the same."""
    cut, _ = rule
    return form[: len(cut)] == cut and (not cut or len(form) - len(cut) > 1 or rule == trusted)


def _applied(rule: Rule, form: Parts) -> Parts:
    cut, add = rule
    return (*add, *form[len(cut) :])


def _scopes(report: CoverageReport, tree: Tree, used: Sequence[Rule]) -> Iterator[str]:
    """Find the folders that the report names in the repository."""
    for root in report.roots:
        parts = parts_of(root)
        inner = next(_relative([parts], tree), None)
        rule = next((rule for rule in used if rule[0] == parts[: len(rule[0])]), None)
        if inner is not None:
            yield "/".join(inner)
        elif rule is not None:
            yield "/".join(_applied(rule, parts))
        elif any(not add and cut[: len(parts)] == parts for cut, add in used):
            yield ""  # a folder around the checkout


def _moved(cut: Parts, add: Parts, report: CoverageReport) -> str:
    """Say how relative paths were read: a report of something else could fit by chance."""
    what = f"without their leading '{'/'.join(cut)}/'" if cut else "as they stand"
    where = f"below '{'/'.join(add)}/'" if add else "from the repository's top"
    return f"paths of {report.name} were read {what}, {where}"
