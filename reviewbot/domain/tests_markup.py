"""Generated tests as Markdown, for comments and reports: the files to take over, suspicions, and what is left."""

from collections.abc import Iterator, Sequence

from reviewbot.domain import markup
from reviewbot.domain.candidate import CandidateStatus, Judged, Point, Proved, SuggestedFile, Unreached, by_path
from reviewbot.domain.coverage_view import ranges
from reviewbot.domain.secret import mask
from reviewbot.domain.view import plural

_SHOWN = 10
"""Suspicions and gaps; the rest is counted."""
_LONGEST = 300
"""Characters of a reason."""


def paragraphs(tests: Proved) -> Iterator[str]:
    """Yield what people can use of it, one paragraph each; empty where there is nothing to say."""
    for file in tests.files:
        yield _file(file)
    suspected = [judged for judged in tests.tests if judged.status is CandidateStatus.SUSPECTED]
    if suspected:
        yield "**Suspected bugs**, shown by tests that fail by their own assertion:"
        yield "\n".join(_limited([_suspicion(judged) for judged in suspected], "suspicion"))
    if tests.unreached:
        yield "Changed lines that no test runs, and no generated one either:"
        yield "\n".join(_limited([_left(unreached) for unreached in tests.unreached], "place"))


def _file(file: SuggestedFile) -> str:
    covers = _places(file.covers)
    heading = f"Proven tests: <code>{markup.html(file.path)}</code>, for {covers}"
    code = markup.fence(mask(file.code), "python")
    return f"<details>\n<summary>{heading}</summary>\n\n{code}\n\n</details>"


def _places(points: Sequence[Point]) -> str:
    return ", ".join(f"<code>{markup.html(path)}</code> {ranges(lines)}" for path, lines in by_path(points).items())


def _suspicion(judged: Judged) -> str:
    return f"{markup.code(judged.candidate.path)}: {_short(judged.reason or 'no reason was recorded')}"


def _left(unreached: Unreached) -> str:
    lines = ranges({point.line for point in unreached.points})
    name = f" {markup.code(unreached.gap.name)}" if unreached.gap.name else ""
    return f"{markup.code(unreached.gap.path)} {lines}{name}: {_short(unreached.reason)}"


def _short(phrase: str) -> str:
    masked = mask(phrase)
    return markup.text(masked if len(masked) <= _LONGEST else masked[:_LONGEST] + "…")


def _limited(entries: Sequence[str], noun: str) -> Iterator[str]:
    yield from (f"- {entry}" for entry in entries[:_SHOWN])
    if len(entries) > _SHOWN:
        yield f"- and {plural(len(entries) - _SHOWN, f'more {noun}')}"
