"""Answers → what is posted of them, and how threads count that the bot has closed by giving in.

A concession is the decision of whom it was made to, never more: a thread that the bot closes because somebody who
may write to the project was right counts as closed by them, and is not opened again. Giving in to anybody else,
who may just have been persuasive, is worth what their own closing of the thread is worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from jinja2 import Environment

from reviewbot.domain.posting import Reply, Resolve
from reviewbot.domain.request import Account, ChangeRequest
from reviewbot.domain.thread import Answer, Closing, Marked, Thread
from reviewbot.domain.view import label, shown
from reviewbot.steps import answering_marks, rendering
from reviewbot.steps.answering_marks import ReplyMark
from reviewbot.steps.marking import Signer

_LONGEST: Final = 4_000
"""Characters of a reply's text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """As whom, where and with what replies are written."""

    own: Account
    request: ChangeRequest
    signer: Signer
    templates: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What becomes of the threads with answers."""

    marked: tuple[Marked, ...]
    """As it stands once all is posted: the summary speaks of that."""
    replies: tuple[Reply, ...]
    resolve: tuple[Resolve, ...]
    """Threads with a reply that gave in, which a run did not live to resolve."""


def credited(marked: Sequence[Marked], own: Account, request: ChangeRequest, signer: Signer) -> tuple[Marked, ...]:
    """Let threads that the bot closed since it gave in count as closed by whom it gave in to."""
    return tuple(_credited(one, own, request, signer) for one in marked)


def _credited(one: Marked, own: Account, request: ChangeRequest, signer: Signer) -> Marked:
    thread = one.thread
    if not thread.resolved or thread.resolved_by is None or thread.resolved_by.id != own.id:
        return one
    marks = [mark for note in thread.notes[1:] if (mark := answering_marks.read(note, own, signer, request))]
    return _closed(one, marks[-1].note_id, marks[-1].closing) if marks else one


def _closed(one: Marked, note_id: str, closing: Closing) -> Marked:
    """Give a thread as its note's author closed it; as it is where that note is gone, or nobody gave in."""
    person = next((note.author for note in one.thread.notes if note.id == note_id), None)
    if person is None or closing is Closing.NO:
        return one
    writer = closing is Closing.WRITER
    closed = replace(one.thread, resolved=True, resolved_by=person, resolved_by_writer=writer)
    return replace(one, thread=closed)


def settle(voice: Voice, marked: Sequence[Marked], answers: Sequence[Answer]) -> Settled:
    """Write the replies to what still waits for one, and finish what another run began."""
    by_thread = {answer.thread_id: answer for answer in answers}
    replies: list[Reply] = []
    resolve: list[Resolve] = []
    after: list[Marked] = []
    for one in marked:
        answer, begun = by_thread.get(one.thread.id), _unfinished(voice, one.thread)
        if answer is not None and (reply := _reply(voice, one, answer)).is_due(one.thread):
            replies.append(reply)
            after.append(_closed(one, answer.note_id, answer.closing))
        elif begun is not None:
            resolve.append(_resolve(one))
            after.append(_closed(one, begun.note_id, begun.closing))
        else:
            after.append(one)
    return Settled(marked=tuple(after), replies=tuple(replies), resolve=tuple(resolve))


def _reply(voice: Voice, one: Marked, answer: Answer) -> Reply:
    mark = ReplyMark(note_id=answer.note_id, closing=answer.closing, head_sha=voice.request.head_sha)
    text = voice.templates.get_template("comments/reply.md.j2").render(body=rendering.body(answer.text, _LONGEST))
    return Reply(
        thread_id=one.thread.id,
        opener_id=one.thread.opener.id,
        note_id=answer.note_id,
        fingerprint=one.marks[0].fingerprint,
        title=_title(one),
        body=f"{text.strip(chr(10))}\n\n{answering_marks.write(mark, voice.signer, voice.request)}",
        resolves=answer.closing is not Closing.NO,
    )


def _unfinished(voice: Voice, thread: Thread) -> ReplyMark | None:
    """Give the mark of a reply that gave in, if its thread is still open.

    Only on the commit that it was written for: a person who has opened the thread again since is not overruled by
    every later run.
    """
    if thread.resolved or not thread.resolvable:
        return None
    mark = answering_marks.read(thread.notes[-1], voice.own, voice.signer, voice.request)
    if mark is None or mark.closing is Closing.NO or mark.head_sha != voice.request.head_sha:
        return None
    return mark if any(note.id == mark.note_id for note in thread.notes) else None


def _resolve(one: Marked) -> Resolve:
    return Resolve(
        thread_id=one.thread.id,
        fingerprint=one.marks[0].fingerprint,
        title=_title(one),
        reason="the last reply gave in",
    )


def _title(one: Marked) -> str:
    finding = one.marks[0].finding
    return one.marks[0].fingerprint if finding is None else label(shown(finding.title))
