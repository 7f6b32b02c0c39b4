"""Draft notes: staged one by one, seen by nobody, then published at once with a single e-mail.

Publishing is the weak spot: GitLab publishes *all* drafts of the user, in no transaction, and an error may
leave some notes public and every draft still there (app/services/draft_notes/publish_service.rb;
Nikita-Filonov/ai-review#117). So nothing is ever published twice blindly: after an unclear answer the
marks that are public by now decide.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from reviewbot.domain.request import Account
from reviewbot.domain.thread import Thread
from reviewbot.forges.gitlab import marks, reading
from reviewbot.forges.gitlab.calls import Calls
from reviewbot.forges.gitlab.refusals import LostError, RefusedError
from reviewbot.forges.gitlab.rows import Row, number, table, text

_T = TypeVar("_T")

_TRIES: Final = 3
_BULK_TIMEOUTS: Final = 4
"""Publishing takes longer than any other request: about a tenth of a second for each draft."""
_SETTLING_S: Final = 3.0
_LOOKS: Final = 20
_GONE: Final = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A comment that only its author sees."""

    id: int
    key: str | None
    """What its mark says: a fingerprint, or that it is the summary; None for a draft that is not ours."""
    lost_line: bool
    """Whether it was meant for a line that GitLab did not find: publishing would drop it without a word."""


def waiting(calls: Calls) -> tuple[Draft, ...]:
    """Read the drafts of the token's user, whoever made them."""
    return tuple(_draft(row) for row in calls.pages(f"{calls.request_path}/draft_notes"))


def delete(calls: Calls, drafts: Iterable[Draft]) -> None:
    """Remove drafts; one that is gone already is fine."""
    for draft in drafts:
        try:
            calls.again("delete", f"{calls.request_path}/draft_notes/{draft.id}")
        except RefusedError as error:
            if error.status != _GONE:
                raise


def stage(calls: Calls, key: str, note: str, position: Mapping[str, object] | None) -> Draft:
    """Make a draft, without a position a plain one. Raises RefusedError where GitLab does not take it there."""
    data: Row = {"note": note} if position is None else {"note": note, "position": position}
    return _careful(
        calls,
        lambda: _draft(calls.once("post", f"{calls.request_path}/draft_notes", data)),
        lambda: next((draft for draft in waiting(calls) if draft.key == key), None),
    )


def stage_reply(calls: Calls, key: str, note: str, thread_id: str) -> Draft:
    """Make a draft of a reply; GitLab takes one for each thread. Raises RefusedError where it does not take it."""
    data: Row = {"note": note, "in_reply_to_discussion_id": thread_id}
    return _careful(
        calls,
        lambda: _draft(calls.once("post", f"{calls.request_path}/draft_notes", data)),
        lambda: next((draft for draft in waiting(calls) if draft.key == key), None),
    )


def post(calls: Calls, own: Account, key: str, note: str) -> None:
    """Post a plain comment at once, with an e-mail of its own."""
    _careful(
        calls,
        lambda: calls.once("post", f"{calls.request_path}/notes", {"body": note}),
        lambda: {} if key in standing(calls, own) else None,
    )


def _careful(calls: Calls, send: Callable[[], _T], look: Callable[[], _T | None]) -> _T:
    """Send a write; where its outcome is unknown, look whether it is there before it is sent again."""
    attempt = 1
    while True:
        try:
            return send()
        except LostError as error:
            calls.pause(error.wait_s or 2.0**attempt)
            found = look()
            if found is not None:
                return found
            if attempt == _TRIES:
                raise
        attempt += 1


def publish(calls: Calls, own: Account, staged: Sequence[Draft]) -> str | None:
    """Publish what was staged, and nothing else; say what people should know of it.

    What GitLab drops on the way is not told here: look with `standing` afterwards.
    """
    ids = {draft.id for draft in staged}
    others = [draft for draft in waiting(calls) if draft.id not in ids]
    # Ours are left of requests that were stored though their answer got lost.
    delete(calls, (draft for draft in others if draft.key is not None))
    if any(draft.key is None for draft in others):
        told = f"{own.name} has drafts of its own: they stay, and each comment was published alone, with an e-mail."
    else:
        try:
            timeout_s = _BULK_TIMEOUTS * calls.timeout_s
            calls.once("post", f"{calls.request_path}/draft_notes/bulk_publish", {}, timeout_s=timeout_s)
        except LostError:
            told = "GitLab did not publish the review in one piece: it was finished comment by comment."
            _settle(calls, own)
        else:
            return None
    _publish_each(calls, own, ids)
    return told


def standing(calls: Calls, own: Account) -> dict[str, Thread]:
    """Read which of our comments are public and open, by key; the summary and replies even if they are resolved.

    A finding whose old thread we resolved ourselves may come again, so resolved ones do not count.
    """
    found: dict[str, Thread] = {}
    for row in calls.pages(f"{calls.request_path}/discussions"):
        thread = reading.thread(row, lambda _: False)
        # By others' notes nothing is proven: anybody can copy a mark.
        key = marks.key(thread.opener.body) if thread and thread.opener.author.id == own.id else None
        if thread and key is not None and (key == marks.SUMMARY or not thread.resolved):
            found.setdefault(key, thread)
        for note in thread.notes[1:] if thread else ():
            answered = marks.key(note.body) if note.author.id == own.id else None
            if thread and answered is not None and answered.startswith(marks.REPLY):
                found.setdefault(answered, thread)
    return found


def _settle(calls: Calls, own: Account) -> None:
    """Wait until nothing moves any more: after a time-out the server may still be publishing."""
    before: object = None
    for _ in range(_LOOKS):
        now = (set(standing(calls, own)), {draft.id for draft in waiting(calls)})
        if now == before:
            return
        before = now
        calls.pause(_SETTLING_S)


def _publish_each(calls: Calls, own: Account, ids: set[int]) -> None:
    """Publish drafts one by one, unless their mark is public already; none of them is left at the end."""
    for _ in range(_TRIES):
        public = standing(calls, own)
        left = [draft for draft in waiting(calls) if draft.id in ids and draft.key not in public]
        if not left:
            break
        for draft in left:
            _publish_one(calls, own, draft)
    delete(calls, (draft for draft in waiting(calls) if draft.id in ids))


def _publish_one(calls: Calls, own: Account, draft: Draft) -> None:
    try:
        calls.once("put", f"{calls.request_path}/draft_notes/{draft.id}/publish")
    except LostError:
        _settle(calls, own)
    except RefusedError as error:
        if error.status != _GONE:
            raise


def _draft(row: Row) -> Draft:
    position = table(row, "position")
    # A draft without a position shows one of nulls, of the type "text".
    on_line = text(position, "position_type") == "text" and bool(text(position, "head_sha"))
    return Draft(
        id=number(row, "id") or 0,
        key=marks.key(text(row, "note")),
        lost_line=on_line and not text(row, "line_code"),
    )
