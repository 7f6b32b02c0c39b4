"""Looks for conflict markers that a merge left on added lines.

Seven equals signs alone are an underline in Markdown and reStructuredText, so a separator counts only
between the two others, and in prose the others count only together and outside a fence.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reviewbot.domain.analysis import Analysis
from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Span
from reviewbot.domain.patch import FilePatch, Line, Side
from reviewbot.ports import Sources

_START: Final = re.compile(r"<{7}(?: \S.*)?$")
_END: Final = re.compile(r">{7}(?: \S.*)?$")
_BETWEEN: Final = re.compile(r"={7}$|\|{7}(?: .*)?$")
_FENCE: Final = re.compile(r" {0,3}(?:```|~~~)")
_PROSE: Final = (".md", ".markdown", ".rst", ".txt", ".adoc")


def analyze(files: Sequence[FilePatch], sources: Sources) -> Analysis:
    """Report one finding for each file with conflict markers. No file counts as reviewed by this."""
    findings = []
    for file in files:
        markers = list(_markers(file))
        if markers and file.path.lower().endswith(_PROSE):
            markers = _in_prose(markers, _fenced(file, sources))
        if markers:
            findings.append(_finding(file.path, markers))
    return Analysis(source="conflicts", findings=tuple(findings))


_Marker = tuple[int, str]


def _markers(file: FilePatch) -> Iterator[_Marker]:
    """Yield number and text of the markers; separators only of a conflict that begins above them."""
    for hunk in file.hunks:
        is_open = False
        for line in hunk.lines():
            text = line.text.removesuffix("\r")
            if line.new is None:
                continue
            if _START.match(text) or _END.match(text):
                is_open = text[0] == "<"
            elif not (is_open and _BETWEEN.match(text)):
                continue
            if line.kind == "+":
                yield line.new, text


def _in_prose(markers: list[_Marker], fenced: frozenset[int]) -> list[_Marker]:
    outside = [marker for marker in markers if marker[0] not in fenced]
    complete = {"<", ">"} <= {text[0] for _, text in outside}
    return outside if complete else []


def _fenced(file: FilePatch, sources: Sources) -> frozenset[int]:
    """Give the numbers of lines inside fences: a text about Git may show a conflict there."""
    known = sources.new_text(file)
    if known is None:
        return frozenset(_inside((line.new, line.text) for line in _new_side(file) if line.new is not None))
    return frozenset(_inside(enumerate(known.decode("utf-8", "replace").split("\n"), start=1)))


def _new_side(file: FilePatch) -> Iterator[Line]:
    return (line for hunk in file.hunks for line in hunk.lines())


def _inside(rows: Iterable[_Marker]) -> Iterator[int]:
    is_open = False
    for number, text in rows:
        if _FENCE.match(text):
            is_open = not is_open
        elif is_open:
            yield number


def _finding(path: str, markers: list[_Marker]) -> Finding:
    (number, text), *others = markers
    return Finding(
        path=path,
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        category=Category.BUG,
        title="Conflict marker left by a merge",
        body="Both sides of the conflict are in the file. Keep what is meant, and remove the markers.",
        quote=text,
        source="conflicts",
        rule="conflict-marker",
        span=Span(side=Side.RIGHT, start=number, end=number),
        also_at=tuple(number for number, _ in others),
    )
