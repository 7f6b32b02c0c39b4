"""A merge request on GitLab, as `reviewbot.ports.Forge` wants it."""

from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Final, Self

from reviewbot.domain.finding import Placement
from reviewbot.domain.posting import Posted, PostingPlan
from reviewbot.domain.request import Account, ChangeRequest, ForgeFile
from reviewbot.domain.thread import Thread
from reviewbot.errors import ForgeError, ReadOnlyError, Superseded
from reviewbot.forges.gitlab import drafts, permissions, posting, reading, refusals
from reviewbot.forges.gitlab.calls import TIMEOUT_S, Access, Calls
from reviewbot.forges.gitlab.memory import GitLabArchive
from reviewbot.forges.gitlab.permissions import DEVELOPER, Permissions
from reviewbot.forges.gitlab.refusals import RefusedError
from reviewbot.forges.gitlab.rows import Row, items, number

_WAITS_S: Final = (1.0, 2.0, 4.0, 8.0)
"""Between looks at a merge request whose diff GitLab has not worked out yet."""
_NOT_FOUND: Final = 404
_DENIED: Final = frozenset({401, 403})


class GitLabForge:
    """An open connection to one merge request. Use it in a ``with`` block, in one thread."""

    def __init__(self, access: Access, pause: Callable[[float], None], timeout_s: float = TIMEOUT_S) -> None:
        """``pause`` waits that many seconds; ``timeout_s`` is for one answer, four times as long for publishing."""
        self._calls = Calls(access, pause, timeout_s)
        self._account: Account | None = None
        self._writers: dict[Account, bool] = {}
        self._global_id = 0
        self._archive: GitLabArchive | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.close()

    def request(self) -> ChangeRequest:
        """Ask how the merge request stands right now."""
        for wait_s in (*_WAITS_S, None):
            row = self._calls.get(self._calls.request_path)
            self._global_id = number(row, "id") or 0
            found = reading.request(row)
            if found is not None:
                return found
            if wait_s is not None:
                self._calls.pause(wait_s)
        message = (
            f"GitLab has no diff_refs for merge request !{self._calls.access.iid} after {sum(_WAITS_S):.0f} s: it is "
            "still working out the diff, or the source branch has no commits of its own; run again in a minute"
        )
        raise ForgeError(message)

    def account(self) -> Account:
        """Say as whom the token writes. Raises ReadOnlyError for a job's token, which writes as nobody."""
        if self._calls.access.job_token:
            raise ReadOnlyError(refusals.JOB_TOKEN)
        if self._account is None:
            self._account = reading.account(self._calls.get("/user"))
        return self._account

    def files(self) -> tuple[ForgeFile, ...]:
        """Read GitLab's own diff of the newest version."""
        try:
            return tuple(reading.file(row) for row in self._list("diffs"))
        except RefusedError as error:
            if error.status != _NOT_FOUND:
                raise
        # Before 15.7. Not the raw diffs: they hide which files GitLab shows no lines of.
        changes = self._calls.get(f"{self._calls.request_path}/changes")
        return tuple(reading.file(row) for row in items(changes, "changes"))

    def threads(self) -> tuple[Thread, ...]:
        """Read all threads, of everybody, in the order in which they were opened."""
        self._writers.clear()
        rows = self._list("discussions")
        return tuple(thread for row in rows if (thread := reading.thread(row, self.writes)) is not None)

    def writes(self, account: Account) -> bool:
        """Tell whether somebody may write to the project; asked once for each reading of the threads."""
        if account not in self._writers:
            self._writers[account] = (permissions.access_level(self._calls, account) or 0) >= DEVELOPER
        return self._writers[account]

    def archive(self) -> GitLabArchive:
        """Give the reactions and issues of the project; what it has read of the reactions it knows for the run."""
        if self._archive is None:
            self._archive = GitLabArchive(self._calls, self.account, lambda: self._global_id)
        return self._archive

    def permissions(self) -> Permissions:
        """Find out what the token may do."""
        return permissions.find(self._calls)

    def carry_out(self, plan: PostingPlan, summary: Callable[[Mapping[str, Placement]], str | None]) -> Posted:
        """Post a plan with one e-mail; safe to run again after a crash at any point.

        Raises Superseded, before anything is written, if a newer push has come since the plan was made.
        """
        own = self.account()
        left = drafts.waiting(self._calls)
        files = {file.path: file for file in self.files()} if plan.create else {}
        if not plan.empty:
            self._check_head(plan)
        drafts.delete(self._calls, (draft for draft in left if draft.key is not None))
        return posting.carry_out(posting.Posting(calls=self._calls, own=own, plan=plan, files=files), summary)

    def _list(self, what: str) -> Iterator[Row]:
        """Read a list of the merge request's, which is out of a job token's reach."""
        try:
            yield from self._calls.pages(f"{self._calls.request_path}/{what}")
        except RefusedError as error:
            if self._calls.access.job_token and error.status in _DENIED:
                raise ReadOnlyError(str(error)) from error
            raise

    def _check_head(self, plan: PostingPlan) -> None:
        now = self.request().head_sha
        if now != plan.request.head_sha:
            message = (
                f"a newer commit {now[:12]} has been pushed since {plan.request.head_sha[:12]} was reviewed: nothing "
                "was posted, the newer pipeline posts its own review"
            )
            raise Superseded(message)
