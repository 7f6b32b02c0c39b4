"""What the fake GitHub knows: accounts, the pull request, and everything that was said on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fakes import github_diff
from fakes.github_diff import FileDiff, Shifts
from fakes.github_refusals import Json
from gitrepo import Repo

ACTIONS_ID = 41_898_282
_BOT = "[bot]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person or a bot."""

    login: str
    id: int

    @property
    def bot(self) -> bool:
        return self.login.endswith(_BOT)

    @property
    def bare(self) -> str:
        """The login as GraphQL names an author: a bot's without ``[bot]``."""
        return self.login.removesuffix(_BOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A credential, and what it may write."""

    account: Account
    kind: str
    """``classic``: a person's; ``actions``: a workflow's; ``app``: an installation's."""
    pulls: bool = True
    contents: bool = True
    issues: bool = True
    checks: bool = True
    statuses: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The pull request at its start, and the limits of the server."""

    owner: str = "acme"
    name: str = "app"
    number: int = 7
    base_ref: str = "main"
    head_ref: str = "feature"
    head_repo: str | None = "acme/app"
    """None for a fork that is gone."""
    author: str = "ann"
    title: str = "A change"
    body: str | None = "What it does."
    labels: tuple[str, ...] = ()
    draft: bool = False
    private: bool = False
    files_limit: int = 3000
    """Files that the list of files names at most."""
    diff_files: int = 300
    diff_lines: int = 20_000
    """What a diff as text may have [forges.md 2.3]."""
    patch_lines: int = 20_000
    """Lines of one file's patch, beyond which it is not shown and takes no comment on a line."""
    has_issues: bool = True
    newer_words: bool = False
    """Whether a bad anchor is refused in the words of late ("could not be resolved")."""


@dataclass(slots=True, kw_only=True)
class Comment:
    """A comment on a line or on a file."""

    id: int
    user: Account
    body: str
    path: str
    subject: str
    """``line`` or ``file``."""
    side: str
    line: int | None
    """Where it stands now; None once it is outdated."""
    start_side: str | None
    start_line: int | None
    original_line: int | None
    original_start_line: int | None
    original_position: int | None
    commit: str
    """The newest commit that it stands on."""
    original_commit: str
    base: str
    """The merge base that lines on the left count in."""
    original_base: str
    hunk: str
    review: int
    reply_to: int | None = None
    minimized: str | None = None
    outdated: bool = False
    created: int = 0
    updated: int = 0


@dataclass(slots=True, kw_only=True)
class Review:
    """A review; the comments say themselves to which one they belong."""

    id: int
    user: Account
    body: str
    state: str
    """``PENDING``, ``COMMENTED``, ``APPROVED`` or ``CHANGES_REQUESTED``."""
    commit: str
    submitted: int | None = None


@dataclass(slots=True, kw_only=True)
class Remark:
    """A comment in the timeline: GitHub's issue comment."""

    id: int
    user: Account
    body: str
    minimized: str | None = None
    created: int = 0
    updated: int = 0


@dataclass(slots=True, kw_only=True)
class Issue:
    """An issue that is no pull request."""

    id: int
    number: int
    user: Account
    title: str
    body: str
    state: str = "open"
    created: int = 0


@dataclass(slots=True, kw_only=True)
class Check:
    """A check run."""

    id: int
    fields: Json
    annotations: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One message to everybody who watches."""

    kind: str
    """``review``, ``comment``, ``file comment``, ``reply`` or ``issue comment``."""
    user: str
    comments: int
    """How many comments it tells of."""


class World:
    """The state. Whoever reads or changes it holds the server's lock."""

    def __init__(self, repo: Repo, base: str, head: str, setup: Setup) -> None:
        self.repo = repo
        self.setup = setup
        self.base = base
        """Tip of the base branch."""
        self.head = head
        self.state = "open"
        self.merged = False
        self.draft = setup.draft
        self.accounts: dict[str, Account] = {}
        self.roles: dict[str, str] = {}
        self.tokens: dict[str, Token] = {}
        self.comments: list[Comment] = []
        self.reviews: list[Review] = []
        self.remarks: list[Remark] = []
        self.issues: list[Issue] = []
        self.reactions: list[tuple[int, Account, str]] = []
        """On review comments: the comment's id, who, and what, such as ``-1``."""
        self.checks: list[Check] = []
        self.statuses: list[Json] = []
        self.resolved: dict[int, Account] = {}
        """Who resolved a thread, by the id of the comment that opened it."""
        self.emails: list[Email] = []
        self.workflow_events: list[str] = []
        """Events that would start workflows; none for what a workflow's own token did."""
        self.author = self.account(setup.author, role="write")
        self._ids = 1000
        self._now = 0
        self._diffs: dict[tuple[str, str], tuple[FileDiff, ...]] = {}
        self._bases: dict[tuple[str, str], str] = {}
        self._shifts: dict[tuple[str, str, str], Shifts] = {}

    @property
    def full_name(self) -> str:
        return f"{self.setup.owner}/{self.setup.name}"

    def account(self, login: str, *, role: str = "read") -> Account:
        """Give an account, made at its first mention."""
        if login not in self.accounts:
            number = ACTIONS_ID if login == f"github-actions{_BOT}" else 501 + len(self.accounts)
            self.accounts[login] = Account(login=login, id=number)
            self.roles[login] = role
        return self.accounts[login]

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    def tick(self) -> int:
        """Give the time: seconds since the year's beginning, one more at each look."""
        self._now += 1
        return self._now

    def writer(self, login: str) -> bool:
        return self.roles.get(login) in {"write", "maintain", "admin"}

    def merge_base(self, head: str | None = None) -> str:
        key = (self.base, head or self.head)
        if key not in self._bases:
            self._bases[key] = github_diff.merge_base(self.repo, *key)
        return self._bases[key]

    def diff(self, head: str | None = None) -> tuple[FileDiff, ...]:
        """Give the files of the pull request, or of what an older commit of it had changed by then."""
        key = (self.merge_base(head), head or self.head)
        if key not in self._diffs:
            self._diffs[key] = github_diff.read(self.repo, *key)
        return self._diffs[key]

    def shows_patch(self, entry: FileDiff) -> bool:
        """Whether the lines of a file are shown, and so take comments."""
        rows = sum(len(hunk.rows) + 1 for hunk in entry.hunks)
        return not entry.binary and 0 < rows <= self.setup.patch_lines

    def commits(self) -> frozenset[str]:
        """Give the commits that are part of the pull request."""
        return frozenset(self.repo.git("rev-list", f"{self.merge_base()}..{self.head}").split())

    def push(self, head: str) -> None:
        """Let the source branch move; comments go with their lines or become outdated."""
        self.head = head
        self._carry()

    def push_base(self, base: str) -> None:
        """Let the target branch move."""
        self.base = base
        self._carry()

    def _carry(self) -> None:
        self._bases.clear()
        entries = {entry.path: entry for entry in self.diff()}
        for comment in self.comments:
            if not comment.outdated:
                self.settle(comment, entries)

    def settle(self, comment: Comment, entries: Mapping[str, FileDiff]) -> None:
        """Move a comment to where its lines stand today, or mark it outdated."""
        entry, base = entries.get(comment.path), self.merge_base()
        ends = [(comment.side, comment.line)]
        if comment.start_line is not None:
            ends.insert(0, (comment.start_side or comment.side, comment.start_line))
        moved = [self._moved(comment, entry, side, line, base) for side, line in ends if line is not None]
        # No line in between may have gone or come either.
        stretched = len(moved) == 2 and len({side for side, _ in ends}) == 1 and None not in moved
        if entry is None or None in moved or (stretched and self._torn(comment, moved)):
            comment.line = comment.start_line = None
            comment.outdated = True
            return
        if moved:
            comment.line = moved[-1]
            comment.start_line = moved[0] if len(moved) == 2 else None
        comment.commit, comment.base = self.head, base

    def _torn(self, comment: Comment, moved: list[int | None]) -> bool:
        first, last = moved[0] or 0, moved[-1] or 0
        return last - first != (comment.line or 0) - (comment.start_line or 0)

    def _moved(self, comment: Comment, entry: FileDiff | None, side: str, line: int, base: str) -> int | None:
        if entry is None:
            return None
        old, new = (comment.base, base) if side == "LEFT" else (comment.commit, self.head)
        key = (old, new, entry.old_path if side == "LEFT" else comment.path)
        if key not in self._shifts:
            self._shifts[key] = github_diff.shifts(self.repo, *key)
        moved = github_diff.carried(self._shifts[key], line)
        return moved if moved is not None and entry.find(side, moved) is not None else None

    def pending(self, user: Account) -> Review | None:
        """Give a user's review that is not submitted yet."""
        return next((review for review in self.reviews if review.state == "PENDING" and review.user == user), None)

    def review(self, number: int) -> Review | None:
        return next((review for review in self.reviews if review.id == number), None)

    def visible(self, user: Account | None = None) -> Iterator[Comment]:
        """Yield the comments on lines and files that anybody sees, or that one user sees."""
        hidden = {review.id for review in self.reviews if review.state == "PENDING" and review.user != user}
        return (comment for comment in self.comments if comment.review not in hidden)

    def threads(self, user: Account | None = None) -> dict[int, list[Comment]]:
        """Group the comments by the one that opened the thread, whether that is still there or not."""
        found: dict[int, list[Comment]] = {}
        for comment in self.visible(user):
            found.setdefault(comment.reply_to or comment.id, []).append(comment)
        return found
