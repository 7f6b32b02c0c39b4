"""Replies in the bot's threads: one request, and so one e-mail, each.

A review takes no replies among its comments (REST's schema has no ``in_reply_to`` there), so they cannot go into it.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from reviewbot.domain.posting import Reply
from reviewbot.domain.request import Account
from reviewbot.domain.thread import Thread
from reviewbot.forges.github.access import Access
from reviewbot.forges.github.calls import Calls
from reviewbot.forges.github.payloads import ReviewComment
from reviewbot.forges.github.people import person
from reviewbot.forges.github.refusals import NOT_FOUND, UNPROCESSABLE, Refused

_NOT_TAKEN: Final = frozenset({NOT_FOUND, UNPROCESSABLE})


def post(
    calls: Calls, access: Access, number: int, *, own: Account, replies: Sequence[Reply], threads: Sequence[Thread]
) -> tuple[tuple[Reply, ...], tuple[str, ...]]:
    """Post the replies that are still due in ``threads``, which have just been read.

    Gives those that stand, and what people should know.
    """
    now = {thread.id: thread for thread in threads if thread.opener.author.id == own.id}
    posted: list[Reply] = []
    notes: list[str] = []
    for reply in replies:
        thread = now.get(reply.thread_id)
        if thread is None or not reply.is_due(thread):
            continue
        path = access.path(f"pulls/{number}/comments/{reply.opener_id}/replies")
        landed = partial(_stands, calls, access, number, own, reply)
        try:
            calls.write("POST", path, {"body": reply.body}, landed)
        except Refused as refused:
            if refused.status not in _NOT_TAKEN:
                raise
            notes.append(f"A reply was not taken: {refused.said}")
        else:
            posted.append(reply)
    return tuple(posted), tuple(notes)


def _stands(calls: Calls, access: Access, number: int, own: Account, reply: Reply) -> bool:
    """Look for a reply whose outcome is unknown."""
    comments = calls.get_all(access.path(f"pulls/{number}/comments"), ReviewComment)
    mark = f"<!-- reviewbot:v1 reply to={reply.note_id} "
    return any(mark in (comment.body or "") and person(comment.user).id == own.id for comment in comments)
