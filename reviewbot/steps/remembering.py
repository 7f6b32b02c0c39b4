"""The bot's threads → which findings people have dismissed, and which dismissals they have taken back.

Dismissed is what somebody who may write to the project has resolved although nobody has touched the file's change
since the comment was posted, or has given a thumbs down. In doubt nothing is dismissed: a thread of several
findings, a mark that cannot be believed, or one without a picture of the change, says nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reviewbot.domain.finding import Finding
from reviewbot.domain.memory import Dismissal, Reaction
from reviewbot.domain.patch import FilePatch, Patch
from reviewbot.domain.request import Account, ChangeRequest
from reviewbot.domain.thread import Mark, Marked, Thread
from reviewbot.steps import marking, picturing


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What the threads of one request say."""

    dismissed: tuple[Dismissal, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    """Fingerprints of findings whose thread is open, or liked: no dismissal of this request holds for them."""


def judged(marked: Sequence[Marked], reactions: Sequence[Reaction]) -> tuple[Marked, ...]:
    """Tell each thread what people think of it. ``reactions`` are of those alone who may write to the project."""
    by_note: dict[str, list[Reaction]] = {}
    for reaction in reactions:
        by_note.setdefault(reaction.note_id, []).append(reaction)
    return tuple(replace(one, thread=_judged(one.thread, by_note)) for one in marked)


def _judged(thread: Thread, by_note: Mapping[str, Sequence[Reaction]]) -> Thread:
    given = by_note.get(thread.opener.id, ())
    liked = any(reaction.up for reaction in given)
    against = next((reaction.account for reaction in given if not reaction.up), None)
    return replace(thread, liked=liked, disliked_by=None if liked else against)


def decisions(marked: Sequence[Marked], own: Account, request: ChangeRequest, patch: Patch, day: str) -> Decisions:
    """Read the decisions off the threads, for the change as it is now. ``day`` is today's date, UTC."""
    dismissed: dict[str, Dismissal] = {}
    withdrawn: set[str] = set()
    for one in marked:
        mark = _only(one)
        if mark is None or mark.finding is None:
            continue
        if _is_open(one.thread):
            withdrawn.add(mark.fingerprint)
            continue
        person = one.thread.disliked_by or _closer(one.thread, own, mark, patch)
        if person is not None:
            dismissed.setdefault(mark.fingerprint, _dismissal(mark.finding, one.thread, person, request, day))
    known = tuple(one for fingerprint, one in dismissed.items() if fingerprint not in withdrawn)
    return Decisions(dismissed=known, withdrawn=frozenset(withdrawn))


def _only(one: Marked) -> Mark | None:
    return one.marks[0] if one.believed and not one.is_summary and len(one.marks) == 1 else None


def _is_open(thread: Thread) -> bool:
    """Tell whether a thread surely holds no dismissal: what nobody can resolve may be one that the forge hides."""
    return thread.liked or (thread.resolvable and not thread.resolved and thread.disliked_by is None)


def _closer(thread: Thread, own: Account, mark: Mark, patch: Patch) -> Account | None:
    """Give who resolved a thread without a change to its file; None where that is not sure."""
    person = thread.resolved_by
    if person is None or person.id == own.id or not thread.resolved_by_writer or mark.finding is None:
        return None
    file = _file(mark.finding, patch)
    untouched = file is not None and bool(mark.picture) and mark.picture == picturing.of(file)
    return person if untouched else None


def _file(told: Finding, patch: Patch) -> FilePatch | None:
    """Find the one file that a finding speaks of; of a type change's two entries neither is sure to be it."""
    files = [file for file in patch.files if told.path == marking.plain(file.base_path)]
    return files[0] if len(files) == 1 else None


def _dismissal(told: Finding, thread: Thread, person: Account, request: ChangeRequest, day: str) -> Dismissal:
    return Dismissal(
        fingerprint=told.fingerprint,
        path=told.path,
        category=told.category,
        source=told.source,
        rule=told.rule,
        title=told.title,
        quote=told.quote,
        by=person.name,
        request=request.number,
        url=f"{request.url}#{request.dialect.note_anchor}{thread.opener.id}",
        day=day,
    )
