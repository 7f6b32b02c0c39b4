"""What is to be posted, as a value: a dry run prints it, a forge carries it out."""

from dataclasses import dataclass

from reviewbot.domain.finding import Placement, Span
from reviewbot.domain.request import ChangeRequest


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

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.create and not self.resolve and self.summary.body is None


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
