"""Carries out a plan on GitLab, so that a crash after any request leaves nothing that a new run cannot mend.

The order: drafts left over are deleted, new ones staged (replies first, the summary last), all published at once;
what stands is compared with what should; only then threads are resolved, since the last one resolved may let
GitLab merge, and the summary that stands already is edited.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reviewbot.domain.finding import Placement
from reviewbot.domain.posting import Comment, Posted, PostingPlan, Reply, Resolve, conceded
from reviewbot.domain.request import Account, ForgeFile
from reviewbot.domain.thread import Thread
from reviewbot.errors import ReadOnlyError
from reviewbot.forges.gitlab import drafts, marks, positions, replies
from reviewbot.forges.gitlab.calls import Calls
from reviewbot.forges.gitlab.drafts import Draft
from reviewbot.forges.gitlab.refusals import LostError, RefusedError

Summarise = Callable[[Mapping[str, Placement]], str | None]

_NOT_TAKEN: Final = frozenset({400, 413, 422})
"""Answers to a draft that GitLab understood, and does not take in this form."""
_GONE: Final = 404
_DEEPER: Final = {Placement.INLINE: Placement.FILE, Placement.FILE: Placement.SUMMARY}


@dataclass(slots=True, kw_only=True)
class Posting:
    """One plan on its way: where each of its comments stands by now, and what people should know."""

    calls: Calls
    own: Account
    plan: PostingPlan
    files: Mapping[str, ForgeFile]
    places: dict[str, Placement] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    replied: tuple[Reply, ...] = ()
    notes: list[str] = field(default_factory=list)

    def demote(self, comment: Comment, reason: str, to: Placement | None = None) -> None:
        """Move a comment to the next place that may take it."""
        now = self.places[comment.fingerprint]
        self.places[comment.fingerprint] = to or _DEEPER[now]
        self.reasons[comment.fingerprint] = reason


def carry_out(posting: Posting, summarise: Summarise) -> Posted:
    """Post the plan. Raises ForgeError; what stands by then, a new run finds and keeps."""
    plan = posting.plan
    posting.places = {comment.fingerprint: comment.placement for comment in plan.create}
    shown, public = _create(posting, summarise)
    resolved = _resolve(posting, (*plan.resolve, *conceded(posting.replied)))
    summary = _finish_summary(posting, summarise, shown, public)
    demoted = tuple((key, posting.places[key], reason) for key, reason in posting.reasons.items())
    created = sum(place is not Placement.SUMMARY for place in posting.places.values())
    notes = tuple(dict.fromkeys(posting.notes))
    replied = len(posting.replied)
    return Posted(created=created, resolved=resolved, summary=summary, demoted=demoted, notes=notes, replied=replied)


def _create(posting: Posting, summarise: Summarise) -> tuple[str | None, Mapping[str, Thread]]:
    """Stage, publish and compare until every comment stands somewhere.

    Gives the text of a new summary, None if there is none, and what stands.
    """
    todo, text = posting.plan.create, None
    answers, notes = replies.stage(posting.calls, posting.own, posting.plan.replies)
    posting.notes += notes
    staged: list[Draft] = list(answers)
    while True:
        staged += [draft for comment in todo if (draft := _stage(posting, comment)) is not None]
        if text is None and posting.plan.summary.note_id is None:
            text = summarise(posting.places)
            if text is not None and staged:
                staged.append(drafts.stage(posting.calls, marks.SUMMARY, text, None))
            elif text is not None:
                # Alone it costs one e-mail in either way, and so it is no thread on any server.
                drafts.post(posting.calls, posting.own, marks.SUMMARY, text)
        told = drafts.publish(posting.calls, posting.own, staged) if staged else None
        if told is not None:
            posting.notes.append(told)
        public, staged = drafts.standing(posting.calls, posting.own), []
        posting.replied = replies.standing(posting.plan.replies, answers, public)
        todo = tuple(comment for comment in posting.plan.create if _vanished(posting, comment, public))
        if not todo:
            return text, public
        for comment in todo:
            posting.demote(comment, "GitLab dropped it when the review was published")


def _vanished(posting: Posting, comment: Comment, public: Mapping[str, Thread]) -> bool:
    return posting.places[comment.fingerprint] is not Placement.SUMMARY and comment.fingerprint not in public


def _stage(posting: Posting, comment: Comment) -> Draft | None:
    """Make a draft in the best place that takes it; None if that is the summary."""
    key, file = comment.fingerprint, posting.files.get(comment.path)
    if file is None:
        posting.demote(comment, "the file is not in GitLab's diff", Placement.SUMMARY)
        return None
    if posting.places[key] is Placement.INLINE:
        draft = _stage_inline(posting, comment, file)
        if draft is not None:
            return draft
    if posting.places[key] is Placement.FILE:
        try:
            return drafts.stage(posting.calls, key, comment.file_body, positions.whole_file(file, posting.plan.request))
        except RefusedError as error:
            _demote_if_not_taken(posting, comment, error)
    return None


def _stage_inline(posting: Posting, comment: Comment, file: ForgeFile) -> Draft | None:
    """Make a draft on the lines; None, and the comment demoted, where that cannot be."""
    if file.hunks is None:
        posting.demote(comment, f"GitLab does not show the file's diff ({file.withheld})")
        return None
    position = positions.inline(file, comment.span, posting.plan.request) if comment.span else None
    if position is None:
        posting.demote(comment, "the lines are not in GitLab's diff")
        return None
    try:
        draft = drafts.stage(posting.calls, comment.fingerprint, comment.body, position)
    except RefusedError as error:
        _demote_if_not_taken(posting, comment, error)
        return None
    except LostError as error:
        # Perhaps only this position breaks the server; if it is down, the next request says so.
        posting.demote(comment, str(error))
        return None
    if not draft.lost_line:
        return draft
    drafts.delete(posting.calls, (draft,))
    posting.demote(comment, "GitLab did not find the lines in its diff")
    return None


def _demote_if_not_taken(posting: Posting, comment: Comment, error: RefusedError) -> None:
    if error.status not in _NOT_TAKEN:
        raise error
    posting.demote(comment, str(error))


def _resolve(posting: Posting, planned: Sequence[Resolve]) -> int:
    """Resolve the threads that have done their work; without the right to do so that is a note."""
    done = 0
    for item in planned:
        try:
            _resolve_thread(posting.calls, item.thread_id)
            done += 1
        except ReadOnlyError as error:
            posting.notes.append(f"Threads that are done stay open: {error}")
            break
        except RefusedError as error:
            if error.status != _GONE:
                raise
    return done


def _resolve_thread(calls: Calls, thread_id: str) -> None:
    calls.again("put", f"{calls.request_path}/discussions/{thread_id}", {"resolved": True})


def _finish_summary(posting: Posting, summarise: Summarise, shown: str | None, public: Mapping[str, Thread]) -> str:
    """Bring the summary up to date; tell what became of it. ``shown`` is the text of a new one."""
    standing = public.get(marks.SUMMARY)
    if standing is not None:
        _close_summary(posting, standing)
    if shown is None:
        return "edited" if _edit(posting, summarise, posting.plan.summary.note_id, shown) else "kept"
    if standing is None:
        posting.notes.append("GitLab dropped the summary; the next run writes it again.")
        return "kept"
    _edit(posting, summarise, standing.opener.id, shown)
    return "created"


def _close_summary(posting: Posting, thread: Thread) -> None:
    """Resolve the summary where it is a thread, which newer servers make of a draft without a position.

    Left open, it would keep the request from being merged where all threads must be resolved
    (app/models/draft_note.rb: "Default to DiscussionNote").
    """
    answered = any(note.author.id != posting.own.id for note in thread.notes)
    if thread.resolvable and not thread.resolved and not answered:
        try:
            _resolve_thread(posting.calls, thread.id)
        except ReadOnlyError as error:
            posting.notes.append(f"The summary stays an open thread: {error}")


def _edit(posting: Posting, summarise: Summarise, note_id: str | None, shown: str | None) -> bool:
    """Give the summary the text that fits where the comments stand; tell whether that was an edit."""
    text = summarise(posting.places) if note_id is not None else None
    if text is None or text == shown:
        return False
    try:
        posting.calls.again("put", f"{posting.calls.request_path}/notes/{note_id}", {"body": text})
    except RefusedError as error:
        if error.status != _GONE:
            raise
        posting.notes.append("The summary was deleted meanwhile; the next run writes a new one.")
        return False
    return True
