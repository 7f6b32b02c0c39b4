"""All that was said on a pull request, as threads.

REST lists the comments; only GraphQL knows which threads are resolved, and the ids to resolve them by.
A pending review is left out: it is a draft that may never come to stand.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final

from reviewbot.domain.request import Account
from reviewbot.domain.thread import Note, Thread, ThreadKind
from reviewbot.forges.github.access import Access
from reviewbot.forges.github.calls import Calls
from reviewbot.forges.github.payloads import Actor, IssueComment, Review, ReviewComment, ReviewThread, ThreadsPage
from reviewbot.forges.github.people import person, writers
from reviewbot.forges.github.refusals import Refused

_Dated = tuple[str, Thread]
_THREADS: Final = """
query ($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        nodes { id isResolved resolvedBy { login databaseId } comments(first: 1) { nodes { id } } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""


def read_threads(calls: Calls, access: Access, number: int) -> tuple[Thread, ...]:
    """Read all threads in the order in which they were opened."""
    reviews = calls.get_all(access.path(f"pulls/{number}/reviews"), Review)
    submitted = [review for review in reviews if review.submitted_at is not None]
    drafts = {review.id for review in reviews} - {review.id for review in submitted}
    inline = calls.get_all(access.path(f"pulls/{number}/comments"), ReviewComment)
    plain = calls.get_all(access.path(f"issues/{number}/comments"), IssueComment)
    dated = [
        *_of_the_diff(calls, access, number, [c for c in inline if c.pull_request_review_id not in drafts]),
        *(_of_a_review(review) for review in submitted if review.body),
        *(_of_the_request(comment) for comment in plain),
    ]
    return tuple(thread for _, thread in sorted(dated, key=itemgetter(0)))


def _of_a_review(review: Review) -> _Dated:
    note = Note(id=str(review.id), author=person(review.user), body=review.body or "")
    return review.submitted_at or "", Thread(id=f"review-{review.id}", kind=ThreadKind.REVIEW, notes=(note,))


def _of_the_request(comment: IssueComment) -> _Dated:
    thread = Thread(id=f"comment-{comment.id}", kind=ThreadKind.PLAIN, notes=(_note(comment),))
    return comment.created_at, thread


def _of_the_diff(calls: Calls, access: Access, number: int, comments: Sequence[ReviewComment]) -> list[_Dated]:
    grouped: dict[int, list[ReviewComment]] = {}
    for comment in comments:
        grouped.setdefault(comment.in_reply_to_id or comment.id, []).append(comment)
    states = _states(calls, access, number) if comments else {}
    known = {account.id: account for account in (person(comment.user) for comment in comments)}
    may_write = writers(calls, access, {person(c.user).name: c.author_association for c in comments})
    dated = []
    for group in grouped.values():
        state = next((states[comment.node_id] for comment in group if comment.node_id in states), None)
        resolver = None if state is None or state.resolved_by is None else _resolver(state.resolved_by, known)
        thread = Thread(
            id=f"diff-comment-{group[0].id}" if state is None else state.id,
            kind=ThreadKind.FILE if group[0].subject_type == "file" else ThreadKind.INLINE,
            notes=tuple(map(_note, group)),
            path=group[0].path,
            resolvable=state is not None,
            resolved=state is not None and state.is_resolved,
            resolved_by=resolver,
            resolved_by_writer=resolver is not None and may_write(resolver),
            reacted=_reacted(group[0]),
        )
        dated.append((group[0].created_at, thread))
    return dated


def _reacted(comment: ReviewComment) -> bool:
    """Tell whether there are thumbs, or may be: old servers do not count them in a list."""
    return comment.reactions is None or comment.reactions.up + comment.reactions.down > 0


def _resolver(actor: Actor, known: Mapping[int, Account]) -> Account:
    """Give whoever resolved a thread, in REST's form if they have spoken: GraphQL cuts "[bot]" off a bot's login."""
    number = actor.database_id or 0
    return known.get(number) or Account(id=number, name=actor.login, bot=actor.login.endswith("[bot]"))


def _states(calls: Calls, access: Access, number: int) -> Mapping[str, ReviewThread]:
    """Ask GraphQL for the threads, by the id of their first comment; nothing where the token may not ask."""
    owner, _, name = access.repository.partition("/")
    pages: list[tuple[ReviewThread, ...]] = []
    after: str | None = None
    while not pages or after is not None:
        variables: dict[str, str | int | None] = {"owner": owner, "name": name, "number": number, "after": after}
        try:
            page = calls.query(_THREADS, variables, ThreadsPage).repository.pull.threads
        except Refused as refused:
            if refused.not_permitted:
                return {}
            raise
        pages.append(page.nodes)
        after = page.page_info.end_cursor if page.page_info.has_next_page else None
    return {comment.id: thread for thread in chain.from_iterable(pages) for comment in thread.comments.nodes}


def _note(comment: IssueComment) -> Note:
    return Note(id=str(comment.id), author=person(comment.user), body=comment.body or "")
