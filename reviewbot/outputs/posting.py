"""The posting plan of a dry run: what would be created, kept and resolved, and the summary's text."""

from collections.abc import Iterator, Sequence

from reviewbot.domain.contract import Object, document
from reviewbot.domain.finding import Placement, Span
from reviewbot.domain.patch import Side
from reviewbot.domain.posting import Comment, Keep, PostingPlan, Reply, Resolve, Summary
from reviewbot.domain.view import label, plural, visible


def as_json(plan: PostingPlan) -> str:
    """Render a plan for programs: an object with the request and lists of what happens to it."""
    request = plan.request
    return document(
        {
            "request": {
                "forge": request.dialect.forge,
                "project": request.project,
                "number": request.number,
                "head": request.head_sha,
                "base": request.base_sha,
            },
            "create": [_comment(comment) for comment in plan.create],
            "keep": [_thread(entry) for entry in plan.keep],
            "resolve": [_thread(entry) for entry in plan.resolve],
            "replies": [_reply(entry) for entry in plan.replies],
            "summary": {"action": _action(plan.summary), "body": plan.summary.body},
            "notes": list(plan.notes),
        }
    )


def _comment(comment: Comment) -> Object:
    span = comment.span
    return {
        "fingerprint": comment.fingerprint,
        "title": comment.title,
        "placement": comment.placement,
        "path": comment.path,
        "side": span.side if span else None,
        "start_line": span.start if span else None,
        "line": span.end if span else None,
        "body": comment.body if comment.placement is Placement.INLINE else comment.file_body,
    }


def _thread(entry: Keep | Resolve) -> Object:
    return {
        "thread": entry.thread_id,
        "fingerprint": entry.fingerprint,
        "title": entry.title,
        "reason": entry.reason,
    }


def _reply(entry: Reply) -> Object:
    return {
        "thread": entry.thread_id,
        "fingerprint": entry.fingerprint,
        "title": entry.title,
        "answers": entry.note_id,
        "resolves": entry.resolves,
        "body": entry.body,
    }


def _action(summary: Summary) -> str:
    if summary.body is None:
        return "keep"
    return "create" if summary.thread_id is None else "edit"


def as_text(plan: PostingPlan) -> str:
    """Render a plan for people."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: PostingPlan) -> Iterator[str]:
    request = plan.request
    where = f"{request.dialect.request_word} {request.number} of {label(request.project)}"
    yield f"What would be posted to {where} at {request.head_sha[:7]}:"
    if plan.empty:
        yield "  nothing: everything stands there already"
    for comment in plan.create:
        yield f"  + {_place(comment.path, comment.span)}  {label(comment.title)}"
    yield from _threads("~ resolve", plan.resolve)
    yield from _threads("= keep", plan.keep)
    for reply in plan.replies:
        yield f"  > answer{', and resolve' if reply.resolves else ''}: {label(reply.title)}"
    yield f"  summary: {_action(plan.summary)}"
    yield from (f"  note: {label(note)}" for note in plan.notes)
    yield f"{plural(len(plan.create), 'new comment')}, {len(plan.resolve)} resolved, {len(plan.keep)} kept"
    if plan.summary.body is not None:
        yield ""
        yield from (f"  | {visible(line)}" for line in plan.summary.body.split("\n"))


def _place(path: str, span: Span | None) -> str:
    if span is None:
        return f"{label(path)} (file)"
    lines = f"{span.start}" if span.start == span.end else f"{span.start}-{span.end}"
    return f"{label(path)}:{lines}{' (old)' if span.side is Side.LEFT else ''}"


def _threads(sign: str, entries: Sequence[Keep | Resolve]) -> Iterator[str]:
    for entry in entries:
        yield f"  {sign} {label(entry.title)}: {label(entry.reason)}"
