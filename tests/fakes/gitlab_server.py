"""A GitLab on loopback, with one project and one merge request that stand on a real git repository.

This is the project's own contract test of GitLab: it knows nothing of the product, and judges it. Git decides
which lines exist; positions, drafts, publishing, roles, tokens, paging and the bodies of errors follow GitLab's
source and recorded answers. Driven by any client; `Faults` says what goes wrong.

    with FakeGitLab(repo, source="feature") as server:
        bot = server.add_user("reviewbot", token=token, kind="project", bot=True)
        gitlab.Gitlab(server.url, private_token=token, keep_base_url=True)
"""

import re
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Self

from fakes import gitlab_commenting, gitlab_issues, gitlab_reading
from fakes import gitlab_looking as looking
from fakes.gitlab_diff import Diffs
from fakes.gitlab_faults import Curtain, Fault, Faults, Logged
from fakes.gitlab_http import Http
from fakes.gitlab_looking import Comment
from fakes.gitlab_notes import push as push_head
from fakes.gitlab_routes import PREFIX, Answer, Asked, respond
from fakes.gitlab_state import (
    DEVELOPER,
    GUEST,
    MAINTAINER,
    REPORTER,
    Broken,
    Command,
    Draft,
    Leak,
    Mail,
    MergeRequest,
    Note,
    Rules,
    State,
    Token,
    User,
    Version,
)
from gitrepo import Repo

__all__ = ["DEVELOPER", "GUEST", "MAINTAINER", "REPORTER", "Comment", "FakeGitLab", "Logged", "Rules", "User"]

_ROUTED = (gitlab_reading, gitlab_commenting, gitlab_issues)
"""Imported for the routes that they register."""


class FakeGitLab:
    """A running server, as a context manager. Its fields may be read and changed between requests."""

    def __init__(
        self,
        repo: Repo,
        *,
        source: str = "feature",
        target: str = "main",
        project: str = "group/project",
        rules: Rules | None = None,
    ) -> None:
        author = User(id=1, username="ann")
        request = MergeRequest(iid=7, author=author, source_branch=source, target_branch=target, source_project_id=42)
        diffs = Diffs(repo)
        self.state = State(
            diffs=diffs, rules=rules or Rules(), project=project, project_id=42, request=request, last_id=100
        )
        self.state.users.append(author)
        self.state.levels[author.id] = DEVELOPER
        self.state.new_version(repo.git("rev-parse", target), repo.git("rev-parse", source))
        self.faults = Faults()
        self.log: list[Logged] = []
        self.on_request: Callable[[Logged], None] | None = None
        """Called before a request is looked at, for instance to push a new head."""
        self.on_answered: Callable[[int, Logged], None] | None = None
        """Called with 1, 2, 3... after each answered write."""
        self._curtain = Curtain()
        self._answered = 0
        self._errors: list[Exception] = []
        self._lock = threading.RLock()
        self._http = Http(self)

    def __enter__(self) -> Self:
        self._http.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.stop()
        if self._errors:
            raise self._errors[0]

    @property
    def url(self) -> str:
        """The address for clients, without ``/api/v4``."""
        return self._http.url

    # What tests set up.

    def add_user(
        self,
        username: str,
        *,
        token: str | None = None,
        level: int = DEVELOPER,
        kind: str = "personal",
        scopes: Sequence[str] = ("api",),
        bot: bool = False,
    ) -> User:
        """Make an account; ``level`` 0 for somebody who is no member. ``kind``: personal, project or job."""
        with self._lock:
            user = User(id=self.state.next_id(), username=username, bot=bot)
            self.state.users.append(user)
            self.state.levels[user.id] = level
            if token is not None:
                self.add_token(user, token, kind=kind, scopes=scopes)
            return user

    def add_token(self, user: User, token: str, *, kind: str = "personal", scopes: Sequence[str] = ("api",)) -> None:
        with self._lock:
            self.state.tokens[token] = Token(user=user, kind=kind, scopes=frozenset(scopes))

    def revoke(self, token: str) -> None:
        with self._lock:
            del self.state.tokens[token]

    @property
    def author(self) -> User:
        """Who opened the merge request."""
        return self.state.request.author

    @property
    def request(self) -> MergeRequest:
        """The merge request, to be changed at will: state, draft, labels, title..."""
        return self.state.request

    def push(self, head: str | None = None) -> Version:
        """Take a new head (None: the source branch's tip): a new version; notes move along or become outdated."""
        with self._lock:
            sha = head or self.state.diffs.repo.git("rev-parse", self.request.source_branch)
            return push_head(self.state, self.author, sha)

    def set_null_diff_refs(self, reads: int) -> None:
        """Let so many reads of the request or its versions find no diff yet."""
        with self._lock:
            self.request.null_reads = reads

    def stop_after(self, writes: int, *, answered: bool = True) -> None:
        """Go silent after so many more writes: the last is stored and, if ``answered``, answered; then all hang.

        `reached` is set then: the moment to kill the client. 0 lets nothing through that writes or reads.
        """
        self._http.settle()
        with self._lock:
            self._curtain.after(writes, answered=answered)

    def resume(self) -> None:
        """Answer again, but nobody who has connected since `stop_after`: the killed client may have sent more."""
        self._http.settle()
        with self._lock:
            self._curtain.lift()

    @property
    def reached(self) -> threading.Event:
        """Set when `stop_after` has come true."""
        return self._curtain.reached

    # What tests look at.

    @property
    def writes(self) -> tuple[Logged, ...]:
        """All requests but those that only read."""
        return tuple(logged for logged in self.log if logged.write)

    @property
    def emails(self) -> int:
        """How many e-mails comments have sent: one for each that was posted directly, one for each review."""
        return sum(mail.kind != "all resolved" for mail in self.state.mails)

    @property
    def mails(self) -> tuple[Mail, ...]:
        """All e-mails, with those that say that the last thread was resolved."""
        return tuple(self.state.mails)

    @property
    def quick_actions(self) -> tuple[Command, ...]:
        """Commands that notes have run."""
        return tuple(self.state.commands)

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What acts in notes: mentions, references, images, links, raw HTML."""
        return tuple(self.state.leaks)

    @property
    def broken(self) -> tuple[Broken, ...]:
        """What was taken, but nobody can use."""
        return tuple(self.state.broken)

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """Drafts of everybody."""
        return tuple(self.state.drafts)

    def comments(self, author: User | None = None) -> list[Comment]:
        """Give all public comments, the oldest thread first, or those of one author."""
        with self._lock:
            return [one for one in looking.comments(self.state) if author is None or one.author == author.username]

    def note(self, note_id: int) -> Note:
        """Find a note by its id."""
        return looking.note_of(self.state, note_id)

    def anchored_text(self, note_id: int) -> str | None:
        """Read from git the line, or all lines of the range, on which a note stands; None if it stands on none."""
        return looking.anchored_text(self.state, self.note(note_id))

    def apply_suggestion(self, note_id: int, number: int = 0) -> str:
        """Give the whole text that its file has once a suggestion of the note is applied."""
        return looking.applied(self.state, self.note(note_id), number)

    def snapshot(self, body: Callable[[str], str] = str) -> object:
        """Give all that people see, without ids and times, in no order: equal for runs that came to the same end.

        ``body`` takes out of a text what may differ, such as the id of a run.
        """
        with self._lock:
            return looking.snapshot(self.state, body)

    # What the HTTP side asks.

    def exchange(self, asked: Asked, era: int) -> tuple[Logged, Answer | Fault]:
        """Handle a request: an answer, or a fault that leaves the client without one."""
        with self._lock:
            logged = self._remember(asked)
            if self._curtain.fallen or era in self._curtain.over:
                return logged, _SILENCE
            try:
                return logged, self._outcome(asked, logged)
            except Exception as error:  # noqa: BLE001 - a defect of this server, not GitLab's: the test hears of it
                self._errors.append(error)
                return logged, Answer(status=HTTPStatus.INTERNAL_SERVER_ERROR, body={"message": repr(error)})

    def _outcome(self, asked: Asked, logged: Logged) -> Answer | Fault:
        if self.on_request:
            self.on_request(logged)
        fault = self.faults.take(asked.method, logged.path)
        done = fault is None or fault.after_store or fault.kind == "partial"
        fail_after = fault.published if fault and fault.kind == "partial" else None
        address = self.state.rules.external_url or self.url
        answer = respond(self.state, asked, address, fail_after) if done else Answer()
        if logged.write and self._curtain.stored():
            return _SILENCE
        if fault and fault.kind in ("hang", "reset"):
            return fault
        if fault and fault.kind != "partial":
            answer = fault.answer()
        logged.status = answer.status
        return answer

    def _remember(self, asked: Asked) -> Logged:
        names = ("private-token", "job-token")
        given = next((asked.headers[name] for name in names if name in asked.headers), "")
        token = self.state.tokens.get(given or asked.headers.get("authorization", "").removeprefix("Bearer "))
        logged = Logged(
            number=len(self.log) + 1,
            method=asked.method,
            path=asked.path.removeprefix(PREFIX),
            params=asked.params,
            user=token.user.username if token else None,
        )
        self.log.append(logged)
        return logged

    def era(self) -> int:
        """Say in which era a connection that comes now is opened."""
        return self._curtain.era

    def sent(self, logged: Logged) -> None:
        """Hear that an answer has gone out."""
        if not logged.write:
            return
        with self._lock:
            self._answered += 1
            number, call = self._answered, self.on_answered
            self._curtain.sent()
        if call:
            call(number, logged)


_SILENCE = Fault(method="", path=re.compile(""), kind="hang")
