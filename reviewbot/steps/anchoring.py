"""Findings → their place in the patch, by the code that they quote.

Models count lines badly but quote well: the quote decides, and the line number only chooses between
several matches. What matches nowhere, or equally well twice, is adrift: it is kept without a place.
"""

import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reviewbot.domain.finding import Finding, Span, Suggestion
from reviewbot.domain.patch import FilePatch, Line, Patch, Side, Status

_PART_LENGTH = 8
"""Visible characters that a quote needs to match a part of a line."""
_NOTE = re.compile(r" \((?:added|deleted|renamed from .*)\)$", re.DOTALL)
"""What prompts show behind a path."""

Readable = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Quote:
    """One reading of a quote: its lines, without blank ones at its ends and without trailing white space."""

    lines: tuple[str, ...]
    kinds: str = ""
    """The diff's marks, one a line, if the model copied them: then each line must have its own."""

    @property
    def is_part(self) -> bool:
        """Whether it may stand for a part of a line."""
        visible = sum(not char.isspace() for char in self.lines[0])
        return len(self.lines) == 1 and not self.kinds and visible >= _PART_LENGTH


@dataclass(frozen=True, slots=True)
class _Match:
    """Consecutive lines on one side of a file that a quote matches."""

    file: FilePatch
    lines: tuple[Line, ...]
    quote: _Quote
    whole: bool

    def span(self, side: Side) -> Span:
        first, last = self.lines[0].number(side), self.lines[-1].number(side)
        return Span(side=side, start=first or 0, end=last or 0)

    def distance(self, side: Side, hint: int) -> int:
        span = self.span(side)
        return max(span.start - hint, hint - span.end, 0)


@dataclass(frozen=True, slots=True)
class _Names:
    """Files by the paths that a model may call them. Several can share one (type changes, copies)."""

    new: Mapping[str, Sequence[FilePatch]]
    old: Mapping[str, Sequence[FilePatch]]


def place(findings: Iterable[Finding], patch: Patch, readable: Readable) -> tuple[Finding, ...]:
    """Give each finding its span, or leave it adrift. ``readable`` is how the model saw a line."""
    names = _names(patch, readable)
    return tuple(_placed(finding, names, readable) for finding in findings)


def _names(patch: Patch, readable: Readable) -> _Names:
    new: dict[str, list[FilePatch]] = {}
    old: dict[str, list[FilePatch]] = {}
    for file in patch.files:
        for name in {file.path, readable(file.path)}:
            new.setdefault(name, []).append(file)
        if file.old_path is not None and file.old_path != file.path:
            for name in {file.old_path, readable(file.old_path)}:
                old.setdefault(name, []).append(file)
    return _Names(new, old)


def _placed(finding: Finding, names: _Names, readable: Readable) -> Finding:
    groups = _named(finding.path, names)
    readings = tuple(_readings(finding.quote, finding.side))
    searches = (_found(files, quote, finding.side, readable) for files in groups for quote in readings)
    match = _nearest(next(filter(None, searches), ()), finding)
    if match is not None:
        return _anchored(finding, match)
    path = groups[0][0].path if groups else finding.path
    return replace(finding, path=path, span=None, suggestion=None)


def _named(path: str, names: _Names) -> tuple[Sequence[FilePatch], ...]:
    """Give the files with that path, those that have it now before those that had it."""
    for name in _spellings(path):
        groups = tuple(index[name] for index in (names.new, names.old) if name in index)
        if groups:
            return groups
    return ()


def _spellings(path: str) -> Iterator[str]:
    """Yield a path as it is, then without what a model may have put around it."""
    yield path
    plain = path.strip().removeprefix("### ")
    yield plain
    plain = _NOTE.sub("", plain)
    yield plain
    if plain.startswith('"'):
        try:
            yield str(json.loads(plain))
        except ValueError:
            return
    if plain.startswith(("./", "a/", "b/")):
        yield plain[2:]


def _readings(quote: str, side: Side) -> Iterator[_Quote]:
    """Read a quote as it is; and again as lines of a diff with their marks, if every line has one."""
    lines = [line.rstrip() for line in quote.replace("\r\n", "\n").split("\n")]
    begin = next((at for at, line in enumerate(lines) if line), None)
    if begin is None:
        return
    end = next(at for at in range(len(lines), 0, -1) if lines[at - 1])
    yield _Quote(tuple(lines[begin:end]))
    kinds = [line[:1] or " " for line in lines[begin:end]]
    other = "+" if side is Side.LEFT else "-"
    if {"+", "-"}.isdisjoint(kinds) or not {"+", "-", " "}.issuperset(kinds):
        return
    own = [(line[1:], kind) for line, kind in zip(lines[begin:end], kinds, strict=True) if kind != other]
    if any(text for text, _ in own):
        yield _Quote(tuple(text for text, _ in own), "".join(kind for _, kind in own))


def _found(files: Sequence[FilePatch], quote: _Quote, side: Side, readable: Readable) -> tuple[_Match, ...]:
    return tuple(match for file in files for match in _matches(file, quote, side, readable))


def _matches(file: FilePatch, quote: _Quote, side: Side, readable: Readable) -> Iterator[_Match]:
    needle, wanted, length = quote.lines[0].strip(), _dedented(quote.lines), len(quote.lines)
    for hunk in file.hunks:
        if needle not in readable(hunk.body):
            continue
        lines = [line for line in hunk.lines() if line.number(side) is not None]
        texts = [readable(line.text).rstrip() for line in lines]
        for at, text in enumerate(texts):
            window = tuple(lines[at : at + length]) if text.strip() == needle else ()
            same_kinds = not quote.kinds or "".join(line.kind for line in window) == quote.kinds
            if window and same_kinds and _dedented(texts[at : at + length]) == wanted:
                yield _Match(file, window, quote, whole=True)
            elif quote.is_part and needle in text:
                yield _Match(file, (lines[at],), quote, whole=False)


def _dedented(lines: Sequence[str]) -> list[str]:
    return textwrap.dedent("\n".join(lines)).split("\n")


def _nearest(found: Sequence[_Match], finding: Finding) -> _Match | None:
    """Choose by the line that the model named; none without it, and none of two that are equally near."""
    if len(found) <= 1:
        return found[0] if found else None
    hint = finding.hint
    if hint is None:
        return None
    first, second, *_ = sorted(found, key=lambda match: match.distance(finding.side, hint))
    return None if first.distance(finding.side, hint) == second.distance(finding.side, hint) else first


def _anchored(finding: Finding, match: _Match) -> Finding:
    verbatim = "\n".join(line.text for line in match.lines)
    part = match.quote.lines[0].strip()
    return replace(
        finding,
        path=match.file.path,
        span=match.span(finding.side),
        # What the model could not read cannot be quoted in part.
        quote=verbatim if match.whole or part not in verbatim else part,
        suggestion=_suggestion(finding, match),
    )


def _suggestion(finding: Finding, match: _Match) -> Suggestion | None:
    """Give the suggestion its lines. Only whole lines of a text that still exists can be replaced."""
    span = match.span(finding.side)
    gone = span.side is Side.LEFT or match.file.status is Status.DELETED
    if finding.suggestion is None or not match.whole or gone:
        return None
    current = "\n".join(line.text.rstrip() for line in match.lines)
    text = finding.suggestion.replacement.replace("\r\n", "\n").rstrip("\n")
    replacement = _reindented(_unmarked(text) if match.quote.kinds else text, "\n".join(match.quote.lines), current)
    if replacement == current:
        return None
    return Suggestion(start_line=span.start, line=span.end, replacement=replacement)


def _unmarked(text: str) -> str:
    """Take the diff's marks off a suggestion that has them on every line."""
    lines = text.split("\n")
    kinds = {line[:1] or " " for line in lines}
    if "+" not in kinds or not {"+", "-", " "}.issuperset(kinds):
        return text
    return "\n".join(line[1:] for line in lines if not line.startswith("-"))


def _reindented(text: str, quote: str, current: str) -> str:
    """Shift a suggestion by the indentation that the quote lost or gained."""
    quoted, real, own = _indent(quote), _indent(current), _indent(text)
    lines = text.split("\n")
    if real.startswith(quoted) and not own.startswith(real):
        return "\n".join(real[len(quoted) :] + line if line.strip() else line for line in lines)
    if quoted != real and quoted.startswith(real) and own.startswith(quoted[len(real) :]):
        return "\n".join(line[len(quoted) - len(real) :] if line.strip() else line for line in lines)
    return text


def _indent(text: str) -> str:
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return ""
    margins = [line[: len(line) - len(line.lstrip())] for line in lines]
    shortest = min(margins, key=len)
    return shortest if all(margin.startswith(shortest) for margin in margins) else ""
