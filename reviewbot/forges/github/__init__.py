"""Pull requests on GitHub, and on servers of one's own that speak its API.

The order of writing is what makes a killed run harmless: first the review with all comments at once, then the
replies, the threads to resolve, the summary last. Each step says by hidden marks what it did, so the next run plans
the rest.
"""

from collections.abc import Callable, Mapping

from reviewbot.domain.finding import Placement
from reviewbot.domain.posting import Posted, PostingPlan, Reply, conceded
from reviewbot.domain.request import Account, ChangeRequest, ForgeFile
from reviewbot.domain.thread import Thread
from reviewbot.errors import Superseded
from reviewbot.forges.github import replies
from reviewbot.forges.github.access import Access
from reviewbot.forges.github.calls import Calls
from reviewbot.forges.github.conversations import read_threads
from reviewbot.forges.github.memory import GitHubArchive
from reviewbot.forges.github.people import TokenReport, inspect_token, read_account, writers
from reviewbot.forges.github.reading import find_request, head_of, read_files, read_request
from reviewbot.forges.github.reviews import Desk, Posting, post
from reviewbot.forges.github.summaries import keep_one, resolve

__all__ = ["Access", "GitHubForge", "TokenReport", "find_request", "inspect_token"]


class GitHubForge:
    """One pull request: a `reviewbot.ports.Forge`. Not for several threads."""

    def __init__(self, access: Access, number: int) -> None:
        self._access = access
        self._number = number
        self._calls = Calls(access)
        self._account: Account | None = None
        self._archive = GitHubArchive(self._calls, access, self.account)
        self._may_write = writers(self._calls, access, {})

    def request(self) -> ChangeRequest:
        """Ask how the pull request stands right now."""
        return read_request(self._calls, self._access, self._number)

    def account(self) -> Account:
        """Say as whom the token writes; asked once, as a token never changes hands."""
        if self._account is None:
            self._account = read_account(self._calls)
        return self._account

    def files(self) -> tuple[ForgeFile, ...]:
        """Read GitHub's own diff; 3,000 files at most."""
        return read_files(self._calls, self._access, self._number)

    def threads(self) -> tuple[Thread, ...]:
        """Read all threads; which are resolved stays unknown where the token may not use GraphQL."""
        return read_threads(self._calls, self._access, self._number)

    def carry_out(self, plan: PostingPlan, summary: Callable[[Mapping[str, Placement]], str | None]) -> Posted:
        """Post a plan: one e-mail for the review, and one for the summary when it is new.

        Raises Superseded if the head has moved on, ReadOnlyError if the very first write is not permitted.
        """
        if plan.empty:
            return Posted()
        self._check_head(plan.request.head_sha)
        posting = self._review(plan)
        replied, untaken = self._reply(plan)
        resolved, notes = resolve(self._calls, (*plan.resolve, *conceded(replied)))
        text = summary(posting.placements)
        state = "kept"
        if text is not None:
            note_id = plan.summary.note_id
            state = keep_one(self._calls, self._access, self._number, text, note_id=note_id, account=self.account)
        return Posted(
            created=posting.created, resolved=resolved, summary=state, demoted=posting.demoted,
            notes=(*untaken, *notes), replied=len(replied),
        )  # fmt: skip

    def writes(self, account: Account) -> bool:
        """Tell whether somebody may write to the repository; each is asked about once."""
        return self._may_write(account)

    def archive(self) -> GitHubArchive:
        """Give the reactions and issues of the repository."""
        return self._archive

    def _reply(self, plan: PostingPlan) -> tuple[tuple[Reply, ...], tuple[str, ...]]:
        if not plan.replies:
            return (), ()
        # Read again: another job may have answered since the plan was made, or the person gone on.
        threads, own = self.threads(), self.account()
        return replies.post(self._calls, self._access, self._number, own=own, replies=plan.replies, threads=threads)

    def _review(self, plan: PostingPlan) -> Posting:
        if not plan.create:
            return Posting(placements={}, created=0, demoted=())
        head_sha = plan.request.head_sha
        desk = Desk(
            calls=self._calls,
            path=self._access.path(f"pulls/{self._number}"),
            head_sha=head_sha,
            account=self.account,
            check_head=lambda: self._check_head(head_sha),
        )
        return post(desk, plan.create)

    def _check_head(self, reviewed: str) -> None:
        newest = head_of(self._calls, self._access, self._number)
        if newest != reviewed:
            message = (
                f"the pull request has moved on from {reviewed[:7]} to {newest[:7]} since the review began: "
                "nothing is posted, the newer push has a run of its own"
            )
            raise Superseded(message)
