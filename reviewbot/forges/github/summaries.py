"""After the review: threads that have done their work are resolved, and the sticky summary is brought up to date."""

from collections.abc import Callable, Sequence
from typing import Final

from reviewbot.domain.posting import Resolve
from reviewbot.domain.request import Account
from reviewbot.forges.github.access import Access
from reviewbot.forges.github.calls import Calls
from reviewbot.forges.github.payloads import IssueComment
from reviewbot.forges.github.people import person
from reviewbot.forges.github.refusals import NOT_FOUND, Refused

_MARK: Final = "<!-- reviewbot:v1 summary"
_RESOLVE: Final = """
mutation ($threadId: ID!) {
  resolveReviewThread(input: {threadId: $threadId}) { thread { id isResolved } }
}
"""
_MAY_NOT_RESOLVE: Final = (
    "Threads that have done their work stay open: GitHub does not let this token resolve them. It takes "
    "'contents: write' besides 'pull-requests: write', and a workflow's own token may be refused even then; "
    "the token of a GitHub App or of a person may"
)


def resolve(calls: Calls, planned: Sequence[Resolve]) -> tuple[int, tuple[str, ...]]:
    """Resolve threads; give how many, and what people should know. A token that may not is no failure."""
    done = 0
    for item in planned:
        try:
            calls.mutate(_RESOLVE, {"threadId": item.thread_id})
        except Refused as refused:
            if not refused.not_permitted:
                raise
            if refused.status != NOT_FOUND:  # a thread that is gone is no reason to leave the others open
                return done, (_MAY_NOT_RESOLVE,)
        else:
            done += 1
    return done, ()


def keep_one(
    calls: Calls, access: Access, number: int, text: str, *, note_id: str | None, account: Callable[[], Account]
) -> str:
    """Write the summary into the comment that stands, or make it; give ``edited`` or ``created``."""
    if note_id is not None and _edited(calls, access, note_id, text):
        return "edited"
    path = access.path(f"issues/{number}/comments")
    # Another run may have made one since the plan was; two of them would never go away again.
    standing = _standing(calls, path, account())
    if standing is not None and _edited(calls, access, standing, text):
        return "edited"
    calls.write("POST", path, {"body": text}, lambda: _standing(calls, path, account()) is not None)
    return "created"


def _standing(calls: Calls, path: str, account: Account) -> str | None:
    """Find our summary. A stranger may copy its mark, so the author counts."""
    comments = calls.get_all(path, IssueComment)
    ours = (c for c in comments if _MARK in (c.body or "") and person(c.user).name == account.name)
    return next((str(comment.id) for comment in ours), None)


def _edited(calls: Calls, access: Access, note_id: str, text: str) -> bool:
    """Edit a comment; false if somebody has deleted it."""
    try:
        calls.write("PATCH", access.path(f"issues/comments/{note_id}"), {"body": text})
    except Refused as refused:
        if refused.status != NOT_FOUND:
            raise
        return False
    return True
