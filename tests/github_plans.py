"""Findings ready to be posted on GitHub, and a planner as simple as can be. Nothing of the fake server."""

import re
from collections.abc import Callable, Mapping, Sequence

from reviewbot.domain.finding import Placement, Span
from reviewbot.domain.patch import Side
from reviewbot.domain.posting import Comment, Posted, PostingPlan, Resolve, Summary
from reviewbot.domain.request import ChangeRequest
from reviewbot.domain.thread import Thread
from reviewbot.forges.github import GitHubForge

SUMMARY = "<!-- reviewbot:v1 summary -->"
NUMBER = 7
"""Of the pull request."""
_MARK = re.compile(r"fp=([0-9a-f]{32})")


def fingerprint(number: int) -> str:
    return f"{number:032x}"


def finding(  # noqa: PLR0913 - one argument for each thing that differs
    number: int,
    path: str = "app.py",
    start: int = 5,
    end: int | None = None,
    *,
    side: Side = Side.RIGHT,
    placement: Placement = Placement.INLINE,
    size: int = 0,
) -> Comment:
    """Write a comment as the renderer would; ``size`` pads its text for files."""
    mark = f"<!-- reviewbot:v1 fp={fingerprint(number)} -->"
    span = Span(side=side, start=start, end=start if end is None else end)
    return Comment(
        fingerprint=fingerprint(number),
        title=f"finding {number}",
        placement=placement,
        path=path,
        old_path=path,
        span=span if placement is Placement.INLINE else None,
        body=f"finding {number}\n{mark}",
        file_body=f"{path}: finding {number} {'x' * size}\n{mark}",
    )


EVERYWHERE = (
    (finding(1), "changed 5"),
    (finding(2, start=6), "line 6"),
    (finding(3, start=12, side=Side.LEFT), "line 12"),
    (finding(4, start=29, end=31), "line 30\nadded one\nadded two"),
    (finding(5, "new_name.py", 10), "renamed 10"),
    (finding(6, "new_name.py", 10, side=Side.LEFT), "name 10"),
    (finding(7, "gone.py", 1, 3, side=Side.LEFT), "gone 1\ngone 2\ngone 3"),
    (finding(8, "fresh.py", 1, 3), "fresh 1\nfresh 2\nfresh 3"),
)
"""Comments at every kind of place, each with the lines that it is about."""


OF_EACH_KIND = (
    finding(1),
    finding(30, start=20),
    finding(2, start=6),
    finding(3, placement=Placement.FILE),
    finding(4, placement=Placement.FILE, size=70_000),
)
"""Two good places, a bad one between the hunks, a file, and one that only the summary has room for."""


def marks(threads: Sequence[Thread]) -> frozenset[str]:
    """Give the fingerprints that stand in threads."""
    return frozenset(mark for thread in threads for note in thread.notes for mark in _MARK.findall(note.body))


def plan_for(
    request: ChangeRequest, threads: Sequence[Thread], wanted: Sequence[Comment]
) -> tuple[PostingPlan, Callable[[Mapping[str, Placement]], str | None]]:
    """Plan as simply as can be.

    What stands nowhere is posted, threads about nothing that is wanted are resolved, and the summary lists what
    stands only there.
    """
    notes = [thread.notes[0] for thread in threads]
    summary = next((note for note in notes if SUMMARY in note.body), None)
    listed = frozenset(_MARK.findall(summary.body)) if summary else frozenset[str]()
    standing = marks(threads)

    def write(placements: Mapping[str, Placement]) -> str | None:
        left = {mark for mark, placement in placements.items() if placement is Placement.SUMMARY}
        body = "\n".join([SUMMARY, *(f"fp={mark}" for mark in sorted(left | listed))])
        return None if summary is not None and summary.body == body else body

    create = tuple(comment for comment in wanted if comment.fingerprint not in standing)
    known = frozenset(comment.fingerprint for comment in wanted)
    open_threads = [thread for thread in threads if thread.resolvable and not thread.resolved]
    done = [thread.id for thread in open_threads if marks([thread]) and not marks([thread]) & known]
    note_id = summary.id if summary else None
    body = write({comment.fingerprint: comment.placement for comment in create})
    return (
        PostingPlan(
            request=request,
            create=create,
            keep=(),
            resolve=tuple(Resolve(thread_id=each, fingerprint="", title="", reason="fixed") for each in done),
            summary=Summary(thread_id=None, note_id=note_id, body=body),
        ),
        write,
    )


def post(forge: GitHubForge, *wanted: Comment) -> Posted:
    """Plan afresh, and carry it out: one whole run."""
    return forge.carry_out(*plan_for(forge.request(), forge.threads(), wanted))
