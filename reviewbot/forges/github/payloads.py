"""The part of GitHub's answers that is read, under GitHub's names; everything else is ignored.

Fields as in github/rest-api-description (REST) and in the public schema (GraphQL, in camel case).
"""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class User(_Part):
    """Somebody; null in an answer stands for a deleted account."""

    id: int
    login: str
    type: str = "User"


class FullName(_Part):
    """A repository."""

    full_name: str


class Tip(_Part):
    """One end of a pull request."""

    sha: str
    ref: str
    repo: FullName | None = None
    """Null for a fork that was deleted."""


class Label(_Part):
    """A label."""

    name: str


class Pull(_Part):
    """A pull request."""

    number: int
    html_url: str
    title: str
    body: str | None = None
    user: User | None = None
    labels: tuple[Label, ...] = ()
    draft: bool = False
    state: str
    head: Tip
    base: Tip


class Commit(_Part):
    """A commit, by its id."""

    sha: str


class Comparison(_Part):
    """Two commits compared by three dots."""

    merge_base_commit: Commit


class ChangedFile(_Part):
    """A file of a pull request's diff."""

    filename: str
    status: str
    changes: int = 0
    patch: str | None = None
    """Absent for a binary file, for one that is too large, and for a mere rename."""
    previous_filename: str | None = None


class Review(_Part):
    """A review; its comments are listed apart."""

    id: int
    user: User | None = None
    body: str | None = None
    state: str
    submitted_at: str | None = None
    """Null while it is pending."""


class Created(_Part):
    """What was made."""

    id: int


class IssueComment(_Part):
    """A comment on the pull request as a whole."""

    id: int
    user: User | None = None
    body: str | None = None
    created_at: str
    author_association: str = "NONE"


class Rollup(_Part):
    """How many thumbs a comment has got; GitHub's names are ``+1`` and ``-1``."""

    up: int = Field(default=0, alias="+1")
    down: int = Field(default=0, alias="-1")


class Emotion(_Part):
    """A reaction; ``content`` is one of eight words, such as ``-1``."""

    content: str
    user: User | None = None


class Issue(_Part):
    """An issue; to GitHub a pull request is one too."""

    number: int
    html_url: str
    title: str
    body: str | None = None
    user: User | None = None
    pull_request: JsonValue = None
    """Null unless it is one."""


class ReviewComment(IssueComment):
    """A comment on the diff."""

    node_id: str
    """What GraphQL calls ``id``. Its ``databaseId`` has 32 bits, which these numbers have outgrown."""
    path: str
    in_reply_to_id: int | None = None
    """The comment that opened the thread."""
    subject_type: str | None = None
    """``line`` or ``file``."""
    pull_request_review_id: int | None = None
    reactions: Rollup | None = None


class Permission(_Part):
    """What somebody may do in a repository: ``admin``, ``write``, ``read`` or ``none``."""

    permission: str


class Rights(_Part):
    """What the token may do in a repository."""

    admin: bool = False
    maintain: bool = False
    push: bool = False
    triage: bool = False
    pull: bool = False


class Repository(_Part):
    """A repository as the token sees it."""

    permissions: Rights | None = None


class GraphqlError(_Part):
    """An error of GraphQL."""

    type: str = ""
    message: str = ""


class Envelope(_Part):
    """An answer of GraphQL."""

    data: JsonValue = None
    errors: tuple[GraphqlError, ...] = ()


class Actor(_Part):
    """Somebody, in GraphQL."""

    login: str
    database_id: int | None = Field(default=None, alias="databaseId")


class Myself(_Part):
    """Whom a token stands for; the number is what our own comments are known by."""

    login: str
    database_id: int = Field(alias="databaseId")


class Viewer(_Part):
    """The answer to the question who is asking."""

    viewer: Myself


class NodeId(_Part):
    """Something, by its id."""

    id: str


class Opening(_Part):
    """The first comment of a thread, or none that may be seen."""

    nodes: tuple[NodeId, ...]


class ReviewThread(_Part):
    """What REST does not tell of a thread."""

    id: str
    is_resolved: bool = Field(alias="isResolved")
    resolved_by: Actor | None = Field(default=None, alias="resolvedBy")
    comments: Opening


class PageInfo(_Part):
    """Whether more is to come, and from where."""

    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: str | None = Field(default=None, alias="endCursor")


class ReviewThreads(_Part):
    """A page of threads."""

    nodes: tuple[ReviewThread, ...]
    page_info: PageInfo = Field(alias="pageInfo")


class _ThreadsOfPull(_Part):
    threads: ReviewThreads = Field(alias="reviewThreads")


class _PullOfRepository(_Part):
    pull: _ThreadsOfPull = Field(alias="pullRequest")


class ThreadsPage(_Part):
    """The answer to a question for threads."""

    repository: _PullOfRepository
