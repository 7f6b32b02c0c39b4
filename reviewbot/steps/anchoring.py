"""Findings → their place in the patch, by the code that they quote.

Models count lines badly but quote well: the quote decides, and the line number only chooses between
several matches. What matches nowhere, or equally well twice, is adrift: it is kept without a place.
"""

import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reviewbot.domain import secret
from reviewbot.domain.finding import Finding, Span, Suggestion
from reviewbot.domain.patch import FilePatch, Hunk, Line, Patch, Side, Status

_PART_LENGTH = 8
"""Visible characters that a quote needs to match a part of a line."""
_LONGEST_QUOTE = 200
"""Lines. A longer one is no quote any more, and costly to look for."""
_FENCED = re.compile(r"[ \t]*```[^\n`]*\n(.*?)\n?[ \t]*```[ \t]*", re.DOTALL)
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


@dataclass(frozen=True, slots=True)
class _Sided:
    """One side of a hunk, made ready for many searches."""

    lines: Sequence[Line]
    texts: Sequence[str]
    """As the model saw them, without trailing white space."""
    bare: Sequence[str]
    """Without indentation too."""
    starts: Mapping[str, Sequence[int]]
    """Places by bare text."""


class _Reader:
    """Reads each side of each hunk once: a model may name the same file in every finding."""

    def __init__(self, readable: Readable) -> None:
        self.readable = readable
        self._sides: dict[tuple[int, Side], _Sided] = {}

    def side(self, hunk: Hunk, side: Side) -> _Sided:
        key = (id(hunk), side)
        if key not in self._sides:
            lines = [line for line in hunk.lines() if line.number(side) is not None]
            texts = [self.readable(line.text).rstrip() for line in lines]
            bare = [text.lstrip() for text in texts]
            starts: dict[str, list[int]] = {}
            for at, text in enumerate(bare):
                starts.setdefault(text, []).append(at)
            self._sides[key] = _Sided(lines, texts, bare, starts)
        return self._sides[key]


def place(findings: Iterable[Finding], patch: Patch, readable: Readable) -> tuple[Finding, ...]:
    """Give each finding its span, or leave it adrift. ``readable`` is how the model saw a line."""
    names = _names(patch, readable)
    reader = _Reader(readable)
    return tuple(_placed(finding, names, reader) for finding in findings)


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


def _placed(finding: Finding, names: _Names, reader: _Reader) -> Finding:
    groups = _named(finding.path, names)
    readings = tuple(_readings(finding.quote, finding.side))
    searches = (_found(files, quote, finding, reader) for files in groups for quote in readings)
    match = _nearest(next(filter(None, searches), ()), finding)
    if match is not None:
        return _anchored(finding, match)
    path = groups[0][0].path if groups else finding.path
    # What stands nowhere in the diff is the model's own text, and may hold a placeholder that was put back.
    return replace(finding, path=path, span=None, suggestion=None, quote=secret.mask(finding.quote))


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
    lines = [line.rstrip() for line in _unfenced(quote.replace("\r\n", "\n")).split("\n")]
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


def _found(files: Sequence[FilePatch], quote: _Quote, finding: Finding, reader: _Reader) -> tuple[_Match, ...]:
    """Find where a quote stands: the two places nearest to the hint, which is all that the choice needs."""
    side, hint = finding.side, finding.hint or 0
    if len(quote.lines) > _LONGEST_QUOTE:
        return ()
    candidates = [
        (candidate.distance(side, hint), at, candidate)
        for at, candidate in enumerate(match for file in files for match in _candidates(file, quote, side, reader))
    ]
    found = []
    wanted = _dedented(quote.lines)
    for _, _, match in sorted(candidates, key=lambda candidate: candidate[:2]):
        texts = [reader.readable(line.text).rstrip() for line in match.lines]
        if not match.whole or len(texts) == 1 or _dedented(texts) == wanted:
            found.append(match)
            if len(found) > 1:
                break
    return tuple(found)


def _candidates(file: FilePatch, quote: _Quote, side: Side, reader: _Reader) -> Iterator[_Match]:
    """Yield where the quote's lines stand but for their indentation, and the lines of which it may be a part."""
    bare, length = [line.strip() for line in quote.lines], len(quote.lines)
    for hunk in file.hunks:
        sided = reader.side(hunk, side)
        for at in sided.starts.get(bare[0], ()):
            lines = sided.lines[at : at + length]
            same_kinds = not quote.kinds or "".join(line.kind for line in lines) == quote.kinds
            if same_kinds and sided.bare[at : at + length] == bare:
                yield _Match(file, tuple(lines), quote, whole=True)
        if quote.is_part:
            for at, text in enumerate(sided.bare):
                if bare[0] in text and text != bare[0]:
                    yield _Match(file, (sided.lines[at],), quote, whole=False)


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
    text = _unfenced(finding.suggestion.replacement.replace("\r\n", "\n")).rstrip("\n")
    replacement = _reindented(_unmarked(text) if match.quote.kinds else text, "\n".join(match.quote.lines), current)
    if replacement is None or replacement == current:
        return None
    if all(line.text.endswith("\r") for line in match.lines):
        replacement = replacement.replace("\n", "\r\n") + "\r"
    return Suggestion(start_line=span.start, line=span.end, replacement=replacement)


def _unfenced(text: str) -> str:
    """Take a code fence off that stands around everything."""
    fenced = _FENCED.fullmatch(text.strip("\n"))
    return text if fenced is None else fenced[1]


def _unmarked(text: str) -> str:
    """Take the diff's marks off a suggestion that has them on every line."""
    lines = text.split("\n")
    kinds = {line[:1] or " " for line in lines}
    if "+" not in kinds or not {"+", "-", " "}.issuperset(kinds):
        return text
    return "\n".join(line[1:] for line in lines if not line.startswith("-"))


def _reindented(text: str, quote: str, current: str) -> str | None:
    """Shift a suggestion by the indentation that the quote lost or gained; None where they do not fit together."""
    quoted, real, own = _indent(quote), _indent(current), _indent(text)
    lines = text.split("\n")
    if real.startswith(quoted) and not own.startswith(real):
        return "\n".join(real[len(quoted) :] + line if line.strip() else line for line in lines)
    if quoted != real and quoted.startswith(real) and own.startswith(quoted[len(real) :]):
        return "\n".join(line[len(quoted) - len(real) :] if line.strip() else line for line in lines)
    # Spaces where the file has tabs would not even parse.
    return text if quoted == real or own.startswith(real) else None


def _indent(text: str) -> str:
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return ""
    margins = [line[: len(line) - len(line.lstrip())] for line in lines]
    shortest = min(margins, key=len)
    return shortest if all(margin.startswith(shortest) for margin in margins) else ""
