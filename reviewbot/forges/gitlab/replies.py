"""Replies in the bot's threads: drafts as well, so that they cost no e-mail of their own."""

from collections.abc import Mapping, Sequence
from typing import Final

from reviewbot.domain.posting import Reply
from reviewbot.domain.request import Account
from reviewbot.domain.thread import Thread
from reviewbot.forges.gitlab import drafts, marks, reading
from reviewbot.forges.gitlab.calls import Calls
from reviewbot.forges.gitlab.drafts import Draft
from reviewbot.forges.gitlab.refusals import RefusedError

_NOT_TAKEN: Final = frozenset({400, 404, 413, 422})


def stage(calls: Calls, own: Account, replies: Sequence[Reply]) -> tuple[tuple[Draft, ...], tuple[str, ...]]:
    """Make drafts of the replies that are still due; gives them, and what people should know.

    The threads are read again just before: another job may have answered, or the person gone on.
    """
    if not replies:
        return (), ()
    rows = calls.pages(f"{calls.request_path}/discussions")
    now = {thread.id: thread for row in rows if (thread := reading.thread(row, lambda _: False)) is not None}
    staged: list[Draft] = []
    notes: list[str] = []
    for reply in replies:
        thread = now.get(reply.thread_id)
        if thread is None or thread.opener.author.id != own.id or not reply.is_due(thread):
            continue
        try:
            staged.append(drafts.stage_reply(calls, marks.reply(reply.note_id), reply.body, reply.thread_id))
        except RefusedError as error:
            if error.status not in _NOT_TAKEN:
                raise
            notes.append(f"A reply was not taken: {error}")
    return tuple(staged), tuple(notes)


def standing(replies: Sequence[Reply], staged: Sequence[Draft], public: Mapping[str, Thread]) -> tuple[Reply, ...]:
    """Give the replies of this run that people see now."""
    keys = {draft.key for draft in staged} & set(public)
    return tuple(reply for reply in replies if marks.reply(reply.note_id) in keys)
