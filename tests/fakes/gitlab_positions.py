"""Positions of notes by GitLab's rules: which are taken, which line they mean, and where a push moves them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from fakes.gitlab_diff import DiffFile, Diffs
from jsonschema import Draft7Validator

_SCHEMA = Path(__file__).parents[1] / "data" / "contracts" / "gitlab_position.schema.json"
_MOST_BYTES = 100 * 1024
_NUMBERS_KEPT = (18, 6)
"""Before, the API read numbers in a ``line_range`` as strings, which the schema then refuses (gitlab#571619)."""


@dataclass(frozen=True, slots=True)
class Refs:
    """The three commits of a version."""

    base: str
    start: str
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a note stands."""

    refs: Refs
    type: str
    old_path: str | None
    new_path: str | None
    old_line: int | None = None
    new_line: int | None = None
    line_range: Mapping[str, Any] | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(path for path in (self.old_path, self.new_path) if path))

    @property
    def complete(self) -> bool:
        if self.type == "text":
            return bool(self.paths) and (self.old_line is not None or self.new_line is not None)
        return self.type == "file" and bool(self.old_path and self.new_path)

    def shown(self) -> dict[str, Any]:
        """Spell it as the API does."""
        lines = {"old_line": self.old_line, "new_line": self.new_line, "line_range": self.line_range}
        return {
            "base_sha": self.refs.base,
            "start_sha": self.refs.start,
            "head_sha": self.refs.head,
            "old_path": self.old_path,
            "new_path": self.new_path,
            "position_type": self.type,
        } | (lines if self.type == "text" else {})


@cache
def _schema() -> Draft7Validator:
    return Draft7Validator(json.loads(_SCHEMA.read_text()))


def misshapen(params: Mapping[str, Any], version: tuple[int, int]) -> bool:
    """Tell whether the schema refuses a position."""
    sent = dict(params)
    if isinstance(sent.get("line_range"), dict):
        sent["line_range"] = {name: _coerced(end, version) for name, end in sent["line_range"].items()}
    return len(json.dumps(sent)) > _MOST_BYTES or not _schema().is_valid(sent)


def _coerced(end: Any, version: tuple[int, int]) -> Any:  # noqa: ANN401 - whatever a client sent
    if not isinstance(end, dict) or version >= _NUMBERS_KEPT:
        return end
    return end | {name: str(end[name]) for name in ("old_line", "new_line") if end.get(name) is not None}


def position(params: Mapping[str, Any]) -> Position:
    """Read a position that has passed all checks of its form."""
    return Position(
        refs=Refs(params["base_sha"], params["start_sha"], params["head_sha"]),
        type=params["position_type"],
        old_path=params.get("old_path"),
        new_path=params.get("new_path"),
        old_line=params.get("old_line"),
        new_line=params.get("new_line"),
        line_range=params.get("line_range"),
    )


def diff_file(diffs: Diffs, place: Position) -> DiffFile | None:
    """Find the file that a position means; None where its commits or paths are unknown."""
    origin = diffs.origin(place.refs.start, place.refs.base, place.refs.head)
    if origin is None or not place.paths:
        return None
    return next(iter(diffs.files(origin, place.refs.head, *place.paths)), None)


def line_code(diffs: Diffs, place: Position) -> str | None:
    """Name the line that a position means; None where it means none.

    Both numbers must be exactly those of a line of the diff. A pair outside of the hunks is taken too, if the file
    was modified: GitLab unfolds it.
    """
    file = diff_file(diffs, place) if place.type == "text" else None
    if file is None:
        return None
    line = file.by_pair.get((place.old_line, place.new_line))
    if line is not None:
        return file.line_code(line.old_at, line.new_at)
    old, new = place.old_line, place.new_line
    if old is None or new is None or not _unfolds(diffs, place, file, old, new):
        return None
    return file.line_code(old, new)


def _unfolds(diffs: Diffs, place: Position, file: DiffFile, old: int, new: int) -> bool:
    origin = diffs.origin(place.refs.start, place.refs.base, place.refs.head)
    if not file.lines or origin is None:
        return False
    # An added file has no old lines, and a deleted one no pairs: both come out as refused, as with GitLab.
    return 0 < old <= len(diffs.lines(origin, file.old_path)) and file.new_number(old) == new


def anchored(diffs: Diffs, place: Position) -> str | None:
    """Read the text of the line, or of all lines of the range, on which a position stands."""
    if place.type != "text" or line_code(diffs, place) is None:
        return None
    if place.new_line is not None and place.new_path:
        sha, path, end = place.refs.head, place.new_path, place.new_line
    else:
        sha = diffs.origin(place.refs.start, place.refs.base, place.refs.head) or ""
        path, end = place.old_path or place.new_path or "", place.old_line or 0
    start = _range_start(place, end) or end
    return "\n".join(diffs.lines(sha, path)[start - 1 : end])


def _range_start(place: Position, end: int) -> int | None:
    """Read the first line's number off a range; None where there is none, or where a push has left it behind."""
    side = 1 if place.new_line is None else 2
    ends = [
        str(((place.line_range or {}).get(name) or {}).get("line_code", "")).split("_") for name in ("start", "end")
    ]
    if any(len(parts) != 3 for parts in ends) or int(ends[1][side]) != end:
        return None
    return int(ends[0][side])


def range_fault(diffs: Diffs, place: Position) -> str | None:
    """Say what is wrong with a range of lines. GitLab itself takes any; the page then shows it wrongly."""
    if not place.line_range:
        return None
    file = diff_file(diffs, place)
    code = line_code(diffs, place)
    start, end = (place.line_range.get(name) or {} for name in ("start", "end"))
    if file is None or end.get("line_code") != code:
        return "the range does not end at the note's own line"
    if start.get("line_code") not in file.line_codes | {code}:
        return "the range does not start at a line of the diff"
    first, last = (str(side["line_code"]).split("_")[1:] for side in (start, end))
    if any(int(before) > int(after) for before, after in zip(first, last, strict=True)):
        return "the range starts behind its end"
    return None


def follow(diffs: Diffs, place: Position, to: Refs) -> Position | None:
    """Follow a position from its own version to another one; None where it is outdated then.

    With A and B for the old base and head, C and D for the new ones: a line of B is looked for in D, a removed one of
    A in C, and then in the diff from C to D, as GitLab's position tracer does it.
    """
    if place.type != "text":
        return _follow_file(diffs, place, to)
    if place.new_line is None:
        return _follow_removed(diffs, place, to)
    return _follow_present(diffs, place, to)


def _follow_present(diffs: Diffs, place: Position, to: Refs) -> Position | None:
    path, line = place.new_path or "", place.new_line or 0
    moved = _by_old(diffs.files(place.refs.head, to.head), path)
    new_path, new_line = (moved.new_path, moved.new_number(line)) if moved else (path, line)
    if new_line is None:
        return None
    shown = _by_new(diffs.files(to.base, to.head), new_path)
    if shown is None:
        return None
    then = _at(place, to, shown, shown.old_number(new_line), new_line)
    return then if line_code(diffs, then) else None


def _follow_removed(diffs: Diffs, place: Position, to: Refs) -> Position | None:
    path, line = place.old_path or "", place.old_line or 0
    moved = _by_old(diffs.files(place.refs.base, to.base), path)
    old_path, old_line = (moved.new_path, moved.new_number(line)) if moved else (path, line)
    shown = _by_old(diffs.files(to.base, to.head), old_path)
    if old_line is None or shown is None or shown.new_number(old_line) is not None:
        return None
    return _at(place, to, shown, old_line, None)


def _follow_file(diffs: Diffs, place: Position, to: Refs) -> Position | None:
    path = place.new_path or ""
    moved = _by_old(diffs.files(place.refs.head, to.head), path)
    shown = _by_new(diffs.files(to.base, to.head), moved.new_path if moved else path)
    return None if shown is None else _at(place, to, shown, None, None)


def _at(place: Position, to: Refs, shown: DiffFile, old: int | None, new: int | None) -> Position:
    return replace(
        place, refs=to, old_path=shown.old_path, new_path=shown.new_path, old_line=old, new_line=new
    )  # the range stays as it was, line codes of the old version and all


def _by_old(files: tuple[DiffFile, ...], path: str) -> DiffFile | None:
    return next((file for file in files if file.old_path == path and not file.new_file), None)


def _by_new(files: tuple[DiffFile, ...], path: str) -> DiffFile | None:
    return next((file for file in files if file.new_path == path), None)
