"""Findings → their place in the patch, by the code that they quote.

Models count lines badly but quote well: the quote decides, and the line number only chooses between
several matches. What matches nowhere, or equally well twice, is adrift: it is kept without a place.
"""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reviewbot.domain.finding import Finding, Span, Suggestion
from reviewbot.domain.patch import FilePatch, Line, Patch, Side, Status

_PART_LENGTH = 8
"""Visible characters that a quote needs to match a part of a line."""

Readable = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Match:
    """Consecutive lines on one side that a quote matches."""

    lines: tuple[Line, ...]
    whole: bool

    def span(self, side: Side) -> Span:
        first, last = self.lines[0].number(side), self.lines[-1].number(side)
        return Span(side=side, start=first or 0, end=last or 0)

    def distance(self, side: Side, hint: int) -> int:
        span = self.span(side)
        return max(span.start - hint, hint - span.end, 0)


def place(findings: Iterable[Finding], patch: Patch, readable: Readable) -> tuple[Finding, ...]:
    """Give each finding its span, or leave it adrift. ``readable`` is how the model saw a line."""
    index = _by_path(patch)
    return tuple(_placed(finding, index, readable) for finding in findings)


def _by_path(patch: Patch) -> Mapping[str, tuple[FilePatch, ...]]:
    """Files by every path that a model may call them; a new path wins over an old one."""
    index: dict[str, list[FilePatch]] = {}
    for file in patch.files:
        index.setdefault(file.path, []).append(file)
    for file in patch.files:
        if file.old_path is not None and file.old_path not in index:
            index[file.old_path] = [file]
    return {path: tuple(files) for path, files in index.items()}


def _placed(finding: Finding, index: Mapping[str, tuple[FilePatch, ...]], readable: Readable) -> Finding:
    files = _named(finding.path, index)
    for quote in _readings(finding.quote):
        found = [(file, match) for file in files for match in _matches(file, finding.side, quote, readable)]
        chosen = _nearest(found, finding)
        if chosen is not None:
            file, match = chosen
            return _anchored(finding, file, match, quote)
        if found:
            break
    path = files[0].path if files else finding.path
    return replace(finding, path=path, span=None, suggestion=None, quote=finding.quote)


def _named(path: str, index: Mapping[str, tuple[FilePatch, ...]]) -> tuple[FilePatch, ...]:
    for name in (path, path.strip(), path.strip().removeprefix("./"), path.strip()[2:]):
        if name in index and (name != path.strip()[2:] or path.strip()[:2] in {"a/", "b/", "./"} or name == path):
            return index[name]
    return ()


def _readings(quote: str) -> Iterator[tuple[str, ...]]:
    """Yield the quote's lines; and again without the diff's marks, if every line has one."""
    lines = [line.rstrip() for line in quote.replace("\r\n", "\n").split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return
    yield _dedented(lines)
    if all(line[:1] in {"+", "-", " "} for line in lines if line) and any(line[:1] in {"+", "-"} for line in lines):
        yield _dedented([line[1:] for line in lines])


def _dedented(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(textwrap.dedent("\n".join(lines)).split("\n"))


def _matches(file: FilePatch, side: Side, quote: tuple[str, ...], readable: Readable) -> Iterator[_Match]:
    part = len(quote) == 1 and sum(not char.isspace() for char in quote[0]) >= _PART_LENGTH
    needle = quote[0].strip()
    for hunk in file.hunks:
        lines = [line for line in hunk.lines() if line.number(side) is not None]
        texts = [readable(line.text).rstrip() for line in lines]
        for at in range(len(lines) - len(quote) + 1):
            window = texts[at : at + len(quote)]
            if window[0].strip() == needle and _dedented(window) == quote:
                yield _Match(tuple(lines[at : at + len(quote)]), whole=True)
            elif part and needle in texts[at]:
                yield _Match((lines[at],), whole=False)


def _nearest(found: Sequence[tuple[FilePatch, _Match]], finding: Finding) -> tuple[FilePatch, _Match] | None:
    if len(found) <= 1:
        return found[0] if found else None
    hint = finding.hint
    if hint is None:
        return None
    ordered = sorted(found, key=lambda pair: pair[1].distance(finding.side, hint))
    if ordered[0][1].distance(finding.side, hint) == ordered[1][1].distance(finding.side, hint):
        return None
    return ordered[0]


def _anchored(finding: Finding, file: FilePatch, match: _Match, quote: tuple[str, ...]) -> Finding:
    span = match.span(finding.side)
    verbatim = "\n".join(line.text for line in match.lines)
    return replace(
        finding,
        path=file.path,
        span=span,
        quote=verbatim if match.whole else quote[0].strip(),
        suggestion=_suggestion(finding, file, match, span),
    )


def _suggestion(finding: Finding, file: FilePatch, match: _Match, span: Span) -> Suggestion | None:
    """Give the suggestion its lines. Only whole lines of a text that still exists can be replaced."""
    if finding.suggestion is None or not match.whole or span.side is Side.LEFT or file.status is Status.DELETED:
        return None
    current = "\n".join(line.text.rstrip() for line in match.lines)
    replacement = _reindented(finding.suggestion.replacement.rstrip("\n"), finding.quote, current)
    if replacement == current:
        return None
    return Suggestion(start_line=span.start, line=span.end, replacement=replacement)


def _reindented(text: str, quote: str, current: str) -> str:
    """Shift a suggestion by the indentation that the quote lost or gained."""
    quoted, real = _indent(quote), _indent(current)
    if quoted == real or not text:
        return text
    if real.startswith(quoted):
        return textwrap.indent(text, real[len(quoted) :])
    if quoted.startswith(real) and _indent(text).startswith(quoted[len(real) :]):
        cut = len(quoted) - len(real)
        return "\n".join(line[cut:] if line.strip() else line for line in text.split("\n"))
    return text


def _indent(text: str) -> str:
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return ""
    margins = [line[: len(line) - len(line.lstrip())] for line in lines]
    shortest = min(margins, key=len)
    return shortest if all(margin.startswith(shortest) for margin in margins) else ""
