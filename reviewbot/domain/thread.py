"""What stands on the forge today: threads, and the marks that the bot left in them."""

from dataclasses import dataclass
from enum import StrEnum

from reviewbot.domain.finding import Finding
from reviewbot.domain.request import Account
from reviewbot.domain.synopsis import Synopsis


class ThreadKind(StrEnum):
    """How a thread hangs on the change request."""

    INLINE = "inline"
    """On lines of the diff."""
    FILE = "file"
    """On a file of the diff."""
    REVIEW = "review"
    """GitHub: the body of a review, which holds findings about files. Nobody can resolve it."""
    PLAIN = "plain"
    """A comment on the request as a whole, such as the summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One comment in a thread."""

    id: str
    author: Account
    body: str
    """Markdown as the forge stores it; the bot's marks are HTML comments in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation; the first note opened it."""

    id: str
    """What the forge's adapter needs to act on it; opaque to everybody else."""
    kind: ThreadKind
    notes: tuple[Note, ...]
    path: str | None = None
    """The file that it hangs on, under its newest known name."""
    resolvable: bool = False
    resolved: bool = False
    resolved_by: Account | None = None
    resolved_by_writer: bool = False
    """Whether whoever resolved it may write to the project: only then is it a decision about the code."""
    reacted: bool = True
    """Whether anybody may have reacted to its first note; forges that do not say so have to be asked."""
    liked: bool = False
    """Whether somebody who may write to the project gave its first note a thumbs up."""
    disliked_by: Account | None = None
    """Who may write to the project and gave it a thumbs down, unless another one liked it."""

    @property
    def opener(self) -> Note:
        """The note that opened it."""
        return self.notes[0]


class Closing(StrEnum):
    """Whether a reply of the bot's closes its thread, and to whom it gave in."""

    NO = "no"
    AUTHOR = "author"
    """To the change's author, who may not write to the project: that settles the thread, and decides nothing."""
    WRITER = "writer"
    """To somebody who may write to the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is to be said to a person in one of the bot's threads."""

    thread_id: str
    note_id: str
    """The person's note, the last one of its thread."""
    text: str
    """Markdown as the model wrote it: not safe to be posted."""
    closing: Closing


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a hidden mark in one of the bot's comments says of one finding."""

    fingerprint: str
    finding: Finding | None
    """The finding as it was posted, without its line numbers; None where the mark cannot be believed."""
    picture: str = ""
    """Digest of its file's change as it was then, see `reviewbot.steps.picturing`; empty where it was not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryMark:
    """What the hidden mark of the summary says of the run that wrote it last."""

    head_sha: str
    base_sha: str
    digest: str
    """Of the summary's substance; the same digest means that there is nothing to edit."""
    done: bool
    """Whether that run reviewed every line it was asked to and posted everything."""
    findings: tuple[Finding, ...]
    """What stood in the summary alone, without line numbers."""
    found: tuple[str, ...]
    """The first digits of the fingerprints of all that it found, wherever that stands: what an open thread tells of
    besides was not found again, and is not carried over to a later run."""
    recipe: str
    """Digest of what else shapes a review: engine, model, prompts, rules. Another recipe means: review anew."""
    synopsis: Synopsis | None = None
    """What a model said of the change as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A thread of the bot's own account with what its marks say."""

    thread: Thread
    marks: tuple[Mark, ...]
    summary: SummaryMark | None
    believed: bool
    """Whether the marks are surely ours: written under an account that is ours alone, or signed.
    What is not believed only prevents duplicates."""
    is_summary: bool
    """Whether it is the sticky summary, believed or not."""
