"""A review that somebody asked for, on its way from a webhook through the queue to a worker."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit


class JobKind(StrEnum):
    """What is to be done."""

    REVIEW = "review"
    """Review the whole change."""
    REPLY = "reply"
    """Answer a person in a thread of the bot's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewJob:
    """What a webhook told, and nothing that it did not."""

    id: str
    """Made when the webhook came; unique."""
    kind: JobKind
    forge: str
    """``gitlab`` or ``github``."""
    server: str
    """URL of the forge's API, without a slash at the end."""
    project: str
    """Full path: ``group/app``, ``owner/name``. It may change its name; ``project_id`` does not."""
    project_id: int
    number: int
    """GitLab's iid, GitHub's number."""
    head_sha: str
    """The newest commit when the event happened. By the time of the review the forge may know a newer one."""
    target_branch: str
    at: datetime
    """When it happened, by the forge's clock. Of two events the later one holds, whichever came first."""
    correlation: str
    """One id from the webhook to the posted comment, for logs."""
    delivery: str = ""
    """The forge's own id of the webhook, the same when it is sent again; empty where there is none."""
    thread: str = ""
    """The thread in which to reply."""
    note: str = ""
    """The comment to reply to."""
    again: bool = False
    """Whether it is wanted though this head was reviewed before: a person asked for it."""

    @property
    def request(self) -> str:
        """Name of the change request. Of one request one job runs at a time."""
        return f"{self.forge}:{self.server}:{self.project_id}:{self.number}"

    @property
    def subject(self) -> str:
        """What newer jobs supersede older ones of: the request's review, or the replies in one thread."""
        return f"{self.request}:{self.kind}:{self.thread}"

    @property
    def version(self) -> str:
        """What is reviewed or answered. Two jobs of one subject with the same version are the same work."""
        return self.note if self.kind is JobKind.REPLY else f"{self.head_sha} {self.target_branch}"

    @property
    def place(self) -> str:
        """Host and project, for turns, metrics and people."""
        return f"{urlsplit(self.server).netloc}/{self.project}"
