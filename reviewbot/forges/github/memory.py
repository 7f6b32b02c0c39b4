"""Reactions to comments, and the issue that keeps what people dismissed.

As in GitHub's documentation of its REST API: "Reactions" and "Issues".
"""

from collections.abc import Callable, Sequence
from typing import Final

from reviewbot.domain.memory import Page, Reaction
from reviewbot.domain.request import Account
from reviewbot.domain.thread import Thread, ThreadKind
from reviewbot.forges.github.access import Access
from reviewbot.forges.github.calls import Calls
from reviewbot.forges.github.payloads import Emotion, Issue
from reviewbot.forges.github.people import person
from reviewbot.forges.github.refusals import NOT_FOUND, Refused

_UP, _DOWN = "+1", "-1"
_ON_THE_DIFF: Final = (ThreadKind.INLINE, ThreadKind.FILE)
"""What REST tells the reactions of; those to a review's body it does not."""


class GitHubArchive:
    """What a repository keeps of people's decisions: a `reviewbot.ports.Archive`, for one run."""

    def __init__(self, calls: Calls, access: Access, account: Callable[[], Account]) -> None:
        self._calls = calls
        self._access = access
        self._account = account
        self._known: dict[str, tuple[Reaction, ...]] = {}

    def reactions(self, threads: Sequence[Thread]) -> tuple[Reaction, ...]:
        """Read who gave thumbs. The list of comments counts them, so that most often nothing has to be asked."""
        asked = [thread.opener.id for thread in threads if thread.reacted and thread.kind in _ON_THE_DIFF]
        self._known |= {note_id: self._reactions(note_id) for note_id in asked if note_id not in self._known}
        return tuple(found for note_id in asked for found in self._known[note_id])

    def _reactions(self, note_id: str) -> tuple[Reaction, ...]:
        try:
            given = self._calls.get_all(self._access.path(f"pulls/comments/{note_id}/reactions"), Emotion)
        except Refused as refused:
            if refused.status != NOT_FOUND:
                raise
            return ()  # the comment has gone since it was listed
        return tuple(
            Reaction(note_id=note_id, account=person(emotion.user), up=emotion.content == _UP)
            for emotion in given
            if emotion.content in {_UP, _DOWN}
        )

    def pages(self, title: str) -> tuple[Page, ...]:
        """Read our own issues. Anybody may open one with our title, so the author counts."""
        own = self._account()
        found = self._calls.get_all(
            self._access.path("issues"), Issue, creator=own.name, state="all", sort="created", direction="asc"
        )
        return tuple(
            Page(number=issue.number, url=issue.html_url, body=issue.body or "")
            for issue in sorted(found, key=lambda issue: issue.number)
            if issue.title == title and issue.pull_request is None and person(issue.user).id == own.id
        )

    def write(self, title: str, body: str, page: Page | None) -> None:
        """Edit the issue, or open it."""
        if page is not None:
            self._calls.write("PATCH", self._access.path(f"issues/{page.number}"), {"body": body})
            return
        path = self._access.path("issues")
        self._calls.write("POST", path, {"title": title, "body": body}, lambda: bool(self.pages(title)))
