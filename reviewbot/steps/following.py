"""The bot's threads and a new push → what became of each comment.

Judged by the code: a quote that stands nowhere in its file any more was changed, and a suggestion that stands there was
applied. In doubt a comment was not followed: where the same code stands a second time in the file, or a secret
in it was hidden, it counts as unchanged.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reviewbot.domain.finding import Finding
from reviewbot.domain.patch import FilePatch, Patch, Side, Status
from reviewbot.domain.request import Account, ChangeRequest
from reviewbot.domain.thread import Marked, Thread
from reviewbot.domain.uptake import CommentTold, Uptake
from reviewbot.steps import marking

_HIDDEN = "…"
"""Stands for a secret in a quote; such code cannot be looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """The newest version of a change, and what is new in it."""

    patch: Patch
    """From the merge base."""
    text: Callable[[FilePatch], str | None]
    """Gives a file's newest text; None where only its diff is known."""
    moved: bool
    """Whether it is another commit than the one that the last run saw."""
    removed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of the files that changed since that run, by their newest paths, the lines that went; see `removed`."""


def removed(since: Patch) -> Mapping[str, frozenset[str]]:
    """Give the lines that a push has taken out of each file, white space around them aside."""
    return {file.path: frozenset(_removed(file)) for file in since.files}


def _removed(file: FilePatch) -> Iterator[str]:
    for hunk in file.hunks:
        for line in hunk.lines():
            if line.kind == "-":
                yield marking.plain(line.text).strip()


def followed(marked: Sequence[Marked], own: Account, request: ChangeRequest, push: Push) -> tuple[CommentTold, ...]:
    """Say what became of every comment whose mark can be believed, once for each fingerprint."""
    best: dict[str, CommentTold] = {}
    for one in marked:
        for mark in one.marks if one.believed and not one.is_summary else ():
            if mark.finding is None:
                continue
            told = posted(mark.finding, request, _uptake(mark.finding, one.thread, own, push))
            known = best.get(told.fingerprint)
            if known is None or known.uptake.rank < told.uptake.rank:
                best[told.fingerprint] = told
    return tuple(best.values())


def posted(finding: Finding, request: ChangeRequest, uptake: Uptake = Uptake.OPEN) -> CommentTold:
    """Tell of a finding that has a comment."""
    return CommentTold(
        forge=request.dialect.forge,
        project=request.project,
        number=request.number,
        fingerprint=finding.fingerprint,
        severity=finding.severity.value,
        category=finding.category.value,
        source=finding.source,
        rule=finding.rule,
        uptake=uptake,
    )


def news(told: Sequence[CommentTold], known: Mapping[tuple[str, str, int, str], Uptake]) -> tuple[CommentTold, ...]:
    """Leave out what is known already, or better."""
    return tuple(one for one in told if (before := known.get(one.key)) is None or before.rank < one.uptake.rank)


def _uptake(told: Finding, thread: Thread, own: Account, push: Push) -> Uptake:
    files = _files(told, push.patch)
    code = _code(told, files, push)
    if code is not None:
        return code
    if not thread.resolved:
        return Uptake.IGNORED if push.moved else Uptake.OPEN
    # The bot itself closes what a static rule does not report any more: that takes a change too.
    by_bot = thread.resolved_by is not None and thread.resolved_by.id == own.id
    touched = any(file.path in push.removed for file in files)
    return Uptake.RESOLVED if by_bot or touched else Uptake.DISMISSED


def _files(told: Finding, patch: Patch) -> tuple[FilePatch, ...]:
    """Give the file of a finding. One that the change adds has no name at the merge base to be found by."""
    named = [file for file in patch.files if told.path in {marking.plain(file.base_path), marking.plain(file.path)}]
    return tuple(named or [file for file in patch.files if file.status is Status.ADDED])


def _code(told: Finding, files: Sequence[FilePatch], push: Push) -> Uptake | None:
    """Tell what the code says; None where it is as it was, or cannot be judged."""
    quote = _lines(told.quote)
    if not push.patch.files or not quote or _HIDDEN in told.quote or any(file.defect for file in files):
        return None
    texts = {file.path: tuple(_texts(told, file, push)) for file in files}
    went = frozenset[str]().union(*(push.removed.get(path, frozenset()) for path in texts))
    stands = any(_holds(text, quote) or _in_part(text, quote, went) for text in texts.values())
    wanted = _lines(told.suggestion.replacement) if told.suggestion else ()
    kept = wanted != quote and _holds(
        wanted, quote
    )  # a suggestion that keeps what it replaces: both stand once it is applied
    if any(_holds(text, wanted) for text in texts.values()) and (kept or not stands):
        return Uptake.APPLIED
    return None if stands else Uptake.CHANGED


def _texts(told: Finding, file: FilePatch, push: Push) -> Iterator[str]:
    """Yield the lines that a quote may stand on: of the new text, or the removed ones and those around them."""
    whole = push.text(file) if told.side is Side.RIGHT else None
    if whole is not None:
        rows: Iterator[str] = iter(whole.split("\n"))
    else:
        rows = (line.text for hunk in file.hunks for line in hunk.lines() if line.number(told.side) is not None)
    yield from (marking.plain(row).strip() for row in rows)


def _lines(text: str) -> tuple[str, ...]:
    """Cut a text into lines, white space around them aside, without blank ones at its ends."""
    rows = text.strip().split("\n")
    return tuple(row.strip() for row in rows) if text.strip() else ()


def _holds(text: Sequence[str], wanted: Sequence[str]) -> bool:
    """Tell whether lines follow each other in a text."""
    width = len(wanted)
    return width > 0 and any(tuple(text[at : at + width]) == tuple(wanted) for at in range(len(text) - width + 1))


def _in_part(text: Sequence[str], quote: Sequence[str], went: frozenset[str]) -> bool:
    """Tell whether a quote of one line is a part of one. If it was a whole line once, that line has grown."""
    return len(quote) == 1 and quote[0] not in went and any(quote[0] in row for row in text)
