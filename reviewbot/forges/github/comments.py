"""Comments → what GitHub takes: places in the diff, and the body of a review. No I/O.

A finding about a file goes into the review's body: a comment of its own on the file costs everybody one more
e-mail, and a review takes none among its comments (REST's schema has no ``subject_type`` there).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reviewbot.domain.finding import Placement
from reviewbot.domain.posting import Comment
from reviewbot.domain.request import GITHUB

_RULER: Final = "\n\n---\n\n"
NO_ROOM: Final = "the review's text has no room left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A review about to be sent: each comment is in exactly one of the three."""

    inline: tuple[Comment, ...] = ()
    filed: tuple[Comment, ...] = ()
    """In the review's body."""
    left: tuple[Comment, ...] = ()
    """For the summary."""

    @property
    def standing(self) -> tuple[Comment, ...]:
        """What the review itself shows."""
        return (*self.inline, *self.filed)

    @property
    def placements(self) -> Mapping[str, Placement]:
        """Where each finding stands once the review does, by fingerprint."""
        return {
            **{comment.fingerprint: Placement.INLINE for comment in self.inline},
            **{comment.fingerprint: Placement.FILE for comment in self.filed},
            **{comment.fingerprint: Placement.SUMMARY for comment in self.left},
        }


def mark_of(comment: Comment) -> str:
    """Give the part of its hidden mark by which a comment is recognised."""
    return f"fp={comment.fingerprint}"


def arrange(inline: Sequence[Comment], filed: Sequence[Comment]) -> Draft:
    """Lay out a review; what its body has no room for is left."""
    inside: list[Comment] = []
    left: list[Comment] = []
    size = -len(_RULER)
    for comment in filed:
        grown = size + len(_RULER) + len(comment.file_body)
        fits = grown <= GITHUB.body_limit
        size = grown if fits else size
        (inside if fits else left).append(comment)
    return Draft(inline=tuple(inline), filed=tuple(inside), left=tuple(left))


def review_body(draft: Draft) -> str:
    """Write the review's body; empty if nothing is said about files."""
    return _RULER.join(comment.file_body for comment in draft.filed)


def at_lines(comment: Comment) -> dict[str, str | int]:
    """Place a comment: its last line, and its first only where that is another one (else 422, ubuntu/WSL#244).

    Without lines it is refused, and so finds its place in the body.
    """
    place: dict[str, str | int] = {"path": comment.path, "body": comment.body}
    if comment.span is not None:
        place |= {"line": comment.span.end, "side": comment.span.side.value}
        if comment.span.start < comment.span.end:
            place |= {"start_line": comment.span.start, "start_side": comment.span.side.value}
    return place


def culprits(
    takes: Callable[[Sequence[Comment]], bool], comments: Sequence[Comment], *, guilty: bool = False
) -> tuple[Comment, ...]:
    """Find the comments for which a whole review is refused, by halving; GitHub does not say which they are.

    ``takes`` tries some of them; ``guilty`` says that at least one is known to be bad.
    """
    if not comments or (not guilty and takes(comments)):
        return ()
    if len(comments) == 1:
        return tuple(comments)
    middle = len(comments) // 2
    first = culprits(takes, comments[:middle])
    return first + culprits(takes, comments[middle:], guilty=not first)


def demotions(
    planned: Sequence[Comment], draft: Draft, refused: Sequence[Comment], why: str
) -> tuple[tuple[str, Placement, str], ...]:
    """Tell which comments stand elsewhere than planned, and why: GitHub's words for the refused, or no room."""
    placements, fingerprints = draft.placements, {comment.fingerprint for comment in refused}
    return tuple(
        (mark, placements[mark], f"GitHub refused it: {why}" if mark in fingerprints else NO_ROOM)
        for mark, wanted in ((comment.fingerprint, comment.placement) for comment in planned)
        if placements[mark] is not wanted
    )
