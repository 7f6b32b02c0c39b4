"""What is to be posted, as a value: a dry run prints it, a forge carries it out."""

from collections.abc import Iterable
from dataclasses import dataclass

from reviewbot.domain.finding import Placement, Span
from reviewbot.domain.request import ChangeRequest
from reviewbot.domain.thread import Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One finding, written for the forge: sanitised, with its mark."""

    fingerprint: str
    title: str
    """Plain text for a log or a dry run."""
    placement: Placement
    """INLINE or FILE; a finding for the summary is no comment."""
    path: str
    old_path: str | None
    """None for an added file."""
    span: Span | None
    """Where it stands; None for FILE."""
    body: str
    """For its place at the line."""
    file_body: str
    """For its place at the file, or in a review's body: names the lines and shows the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """A thread that stays as it is, and why."""

    thread_id: str
    fingerprint: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """A thread that has done its work, and why."""

    thread_id: str
    fingerprint: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer to a person in one of the bot's threads."""

    thread_id: str
    opener_id: str
    """The note that opened the thread: GitHub takes replies to that one alone."""
    note_id: str
    """The note that it answers; its mark names it too."""
    fingerprint: str
    title: str
    """Of the finding, plain text for a log or a dry run."""
    body: str
    """Sanitised, with its mark."""
    resolves: bool
    """Whether the thread is to be resolved, once the reply stands."""

    def is_due(self, thread: Thread) -> bool:
        """Tell whether a thread still waits for it: nobody has closed it, and nobody has said anything since."""
        return thread.id == self.thread_id and not thread.resolved and thread.notes[-1].id == self.note_id


def conceded(replies: Iterable[Reply]) -> tuple[Resolve, ...]:
    """Give the threads that replies close, once they stand."""
    return tuple(
        Resolve(thread_id=each.thread_id, fingerprint=each.fingerprint, title=each.title, reason="the reply gave in")
        for each in replies
        if each.resolves
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The one sticky comment of the request."""

    thread_id: str | None
    """The one that stands; None where there is none yet."""
    note_id: str | None
    """The comment to be edited."""
    body: str | None
    """None: what stands needs no edit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingPlan:
    """All that one run does on the forge."""

    request: ChangeRequest
    create: tuple[Comment, ...]
    keep: tuple[Keep, ...]
    resolve: tuple[Resolve, ...]
    summary: Summary
    """As it is if every comment finds its place."""
    notes: tuple[str, ...] = ()
    """What the reader of the plan should know, one sentence each."""
    replies: tuple[Reply, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.create or self.resolve or self.replies) and self.summary.body is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What became of a plan."""

    created: int = 0
    resolved: int = 0
    summary: str = "kept"
    """``created``, ``edited``, ``kept``."""
    demoted: tuple[tuple[str, Placement, str], ...] = ()
    """Fingerprint, where it stands instead, and why the forge did not take it in its place."""
    notes: tuple[str, ...] = ()
    """What people should know, one sentence each."""
    replied: int = 0
