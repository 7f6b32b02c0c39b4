"""Emoji on comments, and the issue that keeps what people dismissed.

REST tells the emoji of one comment at a time; GraphQL knows those of a whole merge request (``Note.awardEmoji``, since
16.0: gitlab-org/gitlab!116196). On an older server nobody's thumbs are seen.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final
from urllib.parse import urlencode

from reviewbot.domain.memory import Page, Reaction
from reviewbot.domain.request import Account
from reviewbot.domain.thread import Thread
from reviewbot.errors import ForgeError
from reviewbot.forges.gitlab import reading
from reviewbot.forges.gitlab.calls import Calls
from reviewbot.forges.gitlab.refusals import LostError, ThrottledError
from reviewbot.forges.gitlab.rows import Row, flag, items, number, table, text

_UP, _DOWN = "thumbsup", "thumbsdown"
_MOST_PAGES: Final = 20
_NOTES: Final = """
query ($id: MergeRequestID!, $after: String) {
  mergeRequest(id: $id) {
    notes(first: 100, after: $after) {
      nodes { id awardEmoji { nodes { name user { id username } } } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


class GitLabArchive:
    """What a project keeps of people's decisions: a `reviewbot.ports.Archive`."""

    def __init__(self, calls: Calls, account: Callable[[], Account], request_id: Callable[[], int]) -> None:
        """``request_id`` gives the merge request's number among all of the server, 0 if it is not known."""
        self._calls = calls
        self._account = account
        self._request_id = request_id
        self._known: tuple[Reaction, ...] | None = None

    def reactions(self, threads: Sequence[Thread]) -> tuple[Reaction, ...]:
        """Read who gave thumbs to any comment, once in a run; nothing where GraphQL has no answer."""
        if not threads or not self._request_id():
            return ()
        if self._known is None:
            try:
                self._known = tuple(self._reactions())
            except (LostError, ThrottledError):
                raise
            except ForgeError:
                self._known = ()  # an old server, or one whose GraphQL this token may not ask
        wanted = {thread.opener.id for thread in threads}
        return tuple(reaction for reaction in self._known if reaction.note_id in wanted)

    def _reactions(self) -> Iterator[Reaction]:
        after: str | None = None
        for _ in range(_MOST_PAGES):
            variables = {"id": f"gid://gitlab/MergeRequest/{self._request_id()}", "after": after}
            answer = self._calls.ask(_NOTES, variables)
            notes = table(table(answer, "mergeRequest"), "notes")
            for note in items(notes, "nodes"):
                yield from _thumbs(note)
            page = table(notes, "pageInfo")
            if not flag(page, "hasNextPage"):
                return
            after = text(page, "endCursor")
        message = f"the merge request has more than {100 * _MOST_PAGES:,} comments: their emoji are not read"
        raise LostError(message)

    def pages(self, title: str) -> tuple[Page, ...]:
        """Read our own issues. Anybody may open one with our title, so the author counts."""
        own = self._account()
        query = {
            "author_id": own.id,
            "scope": "all",
            "state": "all",
            "search": title,
            "in": "title",
            "order_by": "created_at",
            "sort": "asc",
        }
        rows = self._calls.pages(f"{self._calls.project_path}/issues?{urlencode(query)}")
        found = (row for row in rows if text(row, "title") == title)
        return tuple(
            Page(number=number(row, "iid") or 0, url=text(row, "web_url"), body=text(row, "description"))
            for row in sorted(found, key=lambda row: number(row, "iid") or 0)
            if reading.account(table(row, "author")).id == own.id
        )

    def write(self, title: str, body: str, page: Page | None) -> None:
        """Edit the issue, or open it."""
        path = f"{self._calls.project_path}/issues"
        if page is not None:
            self._calls.again("put", f"{path}/{page.number}", {"description": body})
            return
        try:
            self._calls.once("post", path, {"title": title, "description": body})
        except LostError:
            if not self.pages(title):
                raise


def _thumbs(note: Row) -> Iterator[Reaction]:
    for emoji in items(table(note, "awardEmoji"), "nodes"):
        user, name = table(emoji, "user"), text(emoji, "name")
        if name in {_UP, _DOWN}:
            account = Account(id=_tail(text(user, "id")), name=text(user, "username"))
            yield Reaction(note_id=str(_tail(text(note, "id"))), account=account, up=name == _UP)


def _tail(global_id: str) -> int:
    """Give the number in ``gid://gitlab/User/5``."""
    digits = global_id.rpartition("/")[2]
    return int(digits) if digits.isdecimal() and digits.isascii() else 0
