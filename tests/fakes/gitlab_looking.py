"""What tests look at: comments with the code that they stand on, suggestions applied, the whole as one value."""

from collections.abc import Callable
from dataclasses import dataclass

from fakes.gitlab_json import readable
from fakes.gitlab_markdown import offers
from fakes.gitlab_positions import anchored
from fakes.gitlab_state import Note, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A public comment, not the system's, as tests look at it."""

    note_id: int
    discussion_id: str
    author: str
    body: str
    kind: str
    """``inline``, ``file`` or ``plain``; ``reply`` for every note but a discussion's first."""
    path: str | None
    old_line: int | None
    new_line: int | None
    text: str | None
    """What git has at its line or lines; None where it stands on none."""
    resolved: bool
    outdated: bool


def comments(state: State) -> list[Comment]:
    return [
        _comment(state, note, discussion.id, first=note is discussion.notes[0])
        for discussion, note in state.notes()
        if not note.system
    ]


def _comment(state: State, note: Note, discussion_id: str, *, first: bool) -> Comment:
    place = note.position
    kind = ("file" if place.type == "file" else "inline") if place else "plain"
    return Comment(
        note_id=note.id,
        discussion_id=discussion_id,
        author=note.author.username,
        body=note.body,
        kind=kind if first else "reply",
        path=(place.new_path or place.old_path) if place else None,
        old_line=place.old_line if place else None,
        new_line=place.new_line if place else None,
        text=anchored_text(state, note),
        resolved=note.resolved_by is not None,
        outdated=note.outdated,
    )


def note_of(state: State, note_id: int) -> Note:
    return next(note for _, note in state.notes() if note.id == note_id)


def anchored_text(state: State, note: Note) -> str | None:
    """Read from git the line, or all lines of the range, on which a note stands; None if it stands on none."""
    text = anchored(state.diffs, note.position) if note.position else None
    return None if text is None else readable(text)


def applied(state: State, note: Note, number: int) -> str:
    """Give the whole text that a file has once a suggestion is applied."""
    place, offer = note.position, tuple(offers(note.body))[number]
    assert place is not None, "the note is on no line"
    assert place.new_line is not None, "the note is on a removed line"
    lines = (state.diffs.text(place.refs.head, place.new_path or "") or "").split("\n")
    replaced = slice(place.new_line - offer.above - 1, place.new_line + offer.below)
    # GitLab gives the new text the line break of the last line that it replaces.
    carriage = "\r" if lines[replaced][-1].endswith("\r") else ""
    new = offer.text.removesuffix("\n").split("\n") if offer.text.strip() else []
    lines[replaced] = [line + carriage for line in new]
    return "\n".join(lines)


def snapshot(state: State, body: Callable[[str], str]) -> object:
    """Give all that people see, without ids and times, in no order."""
    threads = sorted(
        (
            repr([(one.author.username, one.type, body(one.body), one.position, one.outdated) for one in found.notes]),
            found.resolved,
        )
        for found in state.discussions
    )
    drafts = sorted((draft.author.username, body(draft.note), repr(draft.position)) for draft in state.drafts)
    request = state.request
    return threads, drafts, request.state, request.draft, request.labels, request.title, request.description
