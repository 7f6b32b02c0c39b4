"""Which diagnostics a comment in the code silences, and whether it may.

ruff itself is told to ignore such comments, because a change could switch off its own review with one line:
``# ruff: noqa`` on an added line counts for nothing. Where it stood before, it holds. A ``# noqa`` on a line
silences what ruff says of that line, as its author wants, and is told.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reviewbot.analyzers.ruff.running import Diagnostic
from reviewbot.domain.finding import Rejection
from reviewbot.domain.patch import FilePatch

_CODES: Final = r"(?:\s*:\s*(?P<codes>[A-Z]+[0-9]*(?:[\s,]+[A-Z]+[0-9]+)*))?"
_LINE: Final = re.compile(rf"#\s*noqa\b{_CODES}", re.IGNORECASE)
_FILE: Final = re.compile(rf"^\s*#\s*(?:ruff|flake8)\s*:\s*noqa\b{_CODES}", re.IGNORECASE)
_REASON: Final = "silenced by a noqa comment on its line"


def spoken(
    diagnostics: Iterable[Diagnostic], files: Iterable[FilePatch], texts: Mapping[str, bytes]
) -> tuple[tuple[Diagnostic, ...], tuple[Rejection, ...]]:
    """Part diagnostics from those on added lines that a comment there silences."""
    added = {file.path: frozenset(file.added) for file in files}
    rows = {path: text.decode("utf-8", "replace").split("\n") for path, text in texts.items()}
    standing = {path: _standing(rows[path], added.get(path, frozenset())) for path in rows}
    kept: list[Diagnostic] = []
    silenced: list[Rejection] = []
    for one in diagnostics:
        if any(_covers(codes, one.code) for codes in standing[one.path]):
            continue
        row = one.noqa_row or one.row
        comment = _LINE.search(rows[one.path][row - 1]) if row <= len(rows[one.path]) else None
        if comment is None or not _covers(comment["codes"], one.code):
            kept.append(one)
        elif one.row in added.get(one.path, ()):
            silenced.append(
                Rejection(path=one.path, title=f"{one.code} in line {one.row}: {one.message}", reason=_REASON)
            )
    return tuple(kept), tuple(silenced)


def _standing(rows: Sequence[str], added: frozenset[int]) -> list[str | None]:
    """Give the codes of directives for the whole file that were there before this change; None for all codes."""
    found = ((number, _FILE.match(row)) for number, row in enumerate(rows, 1))
    return [match["codes"] for number, match in found if match is not None and number not in added]


def _covers(codes: str | None, code: str) -> bool:
    return codes is None or any(code.startswith(one.upper()) for one in re.split(r"[\s,]+", codes) if one)
