"""One review with everything in it, whatever happens on the way.

GitHub takes a review whole or not at all, and does not say which of its comments it dislikes. Those are found
with pending reviews, which nobody else sees and no e-mail tells of; they are deleted again at once. A run that
was killed in between leaves one behind, and GitHub allows only one: so the first thing is to clear it away.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from reviewbot.domain.finding import Placement
from reviewbot.domain.posting import Comment
from reviewbot.domain.request import Account
from reviewbot.errors import ForgeError
from reviewbot.forges.github.calls import Calls, decoded
from reviewbot.forges.github.comments import (
    Draft,
    arrange,
    at_lines,
    culprits,
    demotions,
    mark_of,
    review_body,
)
from reviewbot.forges.github.payloads import Created, Review, ReviewComment
from reviewbot.forges.github.refusals import NOT_FOUND, UNPROCESSABLE, Refused

_PENDING: Final = "PENDING"
_OURS: Final = "<!-- reviewbot:v1 "
_ONE_PENDING: Final = "one pending review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a review is written."""

    calls: Calls
    path: str
    """Of the pull request."""
    head_sha: str
    """The commit that was reviewed."""
    account: Callable[[], Account]
    check_head: Callable[[], None]
    """Raises Superseded once a newer push has come."""

    def reviews(self) -> tuple[Review, ...]:
        """List the reviews, with our own pending one."""
        return self.calls.get_all(f"{self.path}/reviews", Review)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What became of the comments."""

    placements: Mapping[str, Placement]
    created: int
    demoted: tuple[tuple[str, Placement, str], ...]


def post(desk: Desk, comments: Sequence[Comment]) -> Posting:
    """Post the comments in one review; each stands in it at its lines, or in its body, or is left for the summary."""
    before = clear(desk)
    inline = [comment for comment in comments if comment.placement is Placement.INLINE]
    filed = [comment for comment in comments if comment.placement is not Placement.INLINE]
    draft = arrange(inline, filed)
    refused: tuple[Comment, ...] = ()
    why = _submit(desk, draft, before)
    if why:
        draft, refused = _without_culprits(desk, draft, filed)
        if _submit(desk, draft, before):
            draft, refused = Draft(left=tuple(comments)), tuple(comments)
    return Posting(
        placements=draft.placements,
        created=len(draft.standing),
        demoted=demotions(comments, draft, refused, why),
    )


def clear(desk: Desk) -> frozenset[int]:
    """Delete the pending review that a killed run left, and give the ids of those that stand.

    Raises ForgeError if it holds what a person wrote: theirs is not ours to delete.
    """
    reviews = desk.reviews()
    for review in reviews:
        if review.state != _PENDING:
            continue
        if not desk.account().bot and not _is_ours(desk, review):
            message = (
                f"{desk.account().name} has begun a review of this pull request and not submitted it, and GitHub "
                "allows only one at a time. Submit or discard it, then run again; a bot's own token avoids this"
            )
            raise ForgeError(message)
        _delete(desk, review.id)
    return frozenset(review.id for review in reviews if review.state != _PENDING)


def _is_ours(desk: Desk, review: Review) -> bool:
    comments = desk.calls.get_all(f"{desk.path}/reviews/{review.id}/comments", ReviewComment)
    texts = [review.body or "", *(comment.body or "" for comment in comments)]
    return all(_OURS in text for text in texts if text)


def _delete(desk: Desk, review_id: int) -> None:
    try:
        desk.calls.write("DELETE", f"{desk.path}/reviews/{review_id}")
    except Refused as refused:
        if refused.status != NOT_FOUND:  # gone already: what was wanted
            raise


def _submit(desk: Desk, draft: Draft, before: frozenset[int]) -> str:
    """Send a review; empty if it stands, else what GitHub dislikes in it. Raises Superseded, and Refused."""
    if not draft.standing:
        return ""
    payload: dict[str, object] = {"commit_id": desk.head_sha, "event": "COMMENT"}
    if draft.filed:
        payload["body"] = review_body(draft)
    payload["comments"] = [at_lines(comment) for comment in draft.inline]
    try:
        desk.calls.write("POST", f"{desk.path}/reviews", payload, partial(_stands, desk, draft, before))
    except Refused as refused:
        return _content(desk, refused)
    return ""


def _stands(desk: Desk, draft: Draft, before: frozenset[int]) -> bool:
    """Look for the review among those that have come since; one mark is enough, as it is stored whole or not at all."""
    bodies = {r.id: r.body or "" for r in desk.reviews() if r.id not in before and r.state != _PENDING}
    if not bodies:
        return False
    comments = desk.calls.get_all(f"{desk.path}/comments", ReviewComment)
    texts = [*bodies.values(), *(c.body or "" for c in comments if c.pull_request_review_id in bodies)]
    mark = mark_of(draft.standing[0])
    return any(mark in text for text in texts)


def _content(desk: Desk, refused: Refused) -> str:
    """Give GitHub's words if it dislikes what a review holds; raise whatever else a refusal means."""
    if refused.status != UNPROCESSABLE or _ONE_PENDING in refused.said:
        raise refused
    # A force-push takes the commit out of the pull request, and its lines with it.
    desk.check_head()
    return refused.said or "no reason given"


def _without_culprits(desk: Desk, draft: Draft, filed: Sequence[Comment]) -> tuple[Draft, tuple[Comment, ...]]:
    """Give a review that should be taken, and what had to move: bad places into the body, a bad body to the summary."""
    bad = culprits(partial(_takes, desk), draft.inline, guilty=not draft.filed)
    if not bad:
        return Draft(inline=draft.inline, left=(*draft.filed, *draft.left)), draft.filed
    good = [comment for comment in draft.inline if comment not in bad]
    return arrange(good, (*filed, *bad)), bad


def _takes(desk: Desk, comments: Sequence[Comment]) -> bool:
    payload = {"commit_id": desk.head_sha, "comments": [at_lines(comment) for comment in comments]}
    try:
        answer = desk.calls.write("POST", f"{desk.path}/reviews", payload, partial(_cleared, desk))
    except Refused as refused:
        _content(desk, refused)
        return False
    _delete(desk, decoded(Created, answer or "", desk.path).id)
    return True


def _cleared(desk: Desk) -> bool:
    """After a trial with an unknown outcome: there is to be nothing of it, and then it is to be made again."""
    clear(desk)
    return False
