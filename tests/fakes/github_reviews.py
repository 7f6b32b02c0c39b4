"""The rules of reviews and their comments: what is accepted, where it stands, whom it tells."""

from dataclasses import dataclass

from fakes import github_refusals as words
from fakes.github_diff import FileDiff, Hunk
from fakes.github_refusals import Json, Refused
from fakes.github_world import Account, Comment, Email, Review, Token, World

BODY_LIMIT = 65_536
"""Characters."""
_STATES = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", None: "PENDING"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where a comment is to stand, or why it cannot."""

    entry: FileDiff | None = None
    hunk: Hunk | None = None
    at: int = 0
    """Index of the last line in the hunk."""
    error: str | None = None
    field: str = "line"
    """What the error speaks of, in the words of a single comment."""


def anchor(world: World, commit: str, asked: Json) -> Anchor:
    """Find the place that a comment asks for in the diff up to a commit [forges.md 2.1]."""
    newer = world.setup.newer_words
    entry = next((entry for entry in world.diff(commit) if entry.path == asked["path"]), None)
    if entry is None:
        return Anchor(error=words.bad_path(newer=newer), field="path")
    if asked.get("subject_type") == "file":
        return Anchor(entry=entry)
    side, line = str(asked.get("side", "RIGHT")), asked.get("line")
    found = entry.find(side, line) if line is not None and world.shows_patch(entry) else None
    if found is None:
        return Anchor(entry=entry, error=words.bad_line(newer=newer))
    hunk, at = found
    error = _bad_start(hunk, at, asked, newer=newer)
    return Anchor(entry=entry, hunk=hunk, at=at, error=error, field="start_line" if error else "line")


def _bad_start(hunk: Hunk, at: int, asked: Json, *, newer: bool) -> str | None:
    start, side = asked.get("start_line"), str(asked.get("side", "RIGHT"))
    if start is None:
        return None
    start_side = str(asked.get("start_side", side))
    if start_side == side and start >= asked["line"]:
        return words.bad_order()
    first = hunk.find(start_side, start)
    if first is None:
        return words.bad_range(newer=newer)
    return None if first < at else words.bad_order()


def create_review(world: World, token: Token, asked: Json) -> Review:
    """Post a review with all its comments, or nothing of it."""
    user, event = token.account, asked.get("event")
    comments: list[Json] = asked.get("comments") or []
    commit = _commit(world, asked, in_review=True)
    if world.pending(user) is not None:
        raise words.unprocessable([words.ONE_PENDING])
    _may_submit(world, user, event)
    if event is not None:
        _has_substance(event, asked.get("body"), len(comments))
    anchors = [anchor(world, commit, comment) for comment in comments]
    _refuse_together(asked.get("body"), comments, anchors)
    review = Review(id=world.next_id(), user=user, body=asked.get("body") or "", state=_STATES[event], commit=commit)
    world.reviews.append(review)
    for comment, place in zip(comments, anchors, strict=True):
        _place(world, review, comment, place)
    if event is not None:
        _tell(world, token, review, "review")
    return review


def _commit(world: World, asked: Json, *, in_review: bool) -> str:
    commit: str = asked.get("commit_id") or world.head
    if commit != world.head and commit not in world.commits():
        raise words.foreign_commit(in_review=in_review)
    return commit


def _may_submit(world: World, user: Account, event: str | None) -> None:
    if user == world.author and event == "REQUEST_CHANGES":
        raise words.unprocessable(["Review Can not request changes on your own pull request"])
    if user == world.author and event == "APPROVE":
        raise words.unprocessable(["Can not approve your own pull request"])


def _has_substance(event: str, body: str | None, comments: int) -> None:
    needed = event == "REQUEST_CHANGES" or (event == "COMMENT" and not comments)
    if needed and not (body or "").strip():
        raise words.unprocessable(["Body can't be blank"])


def _refuse_together(body: str | None, comments: list[Json], anchors: list[Anchor]) -> None:
    """Refuse for all bad comments at once, without a word on which they are."""
    errors = [place.error for place in anchors if place.error is not None]
    bodies = [comment["body"] for comment in comments]
    if any(not text.strip() for text in bodies):
        errors.append("Body can't be blank")
    if any(len(text) > BODY_LIMIT for text in [body or "", *bodies]):
        errors.append(words.TOO_LONG)
    if errors:
        raise words.unprocessable(list(dict.fromkeys(errors)))


def _place(world: World, review: Review, asked: Json, place: Anchor) -> Comment:
    assert place.entry is not None
    now, base = world.tick(), world.merge_base(review.commit)
    on_line, side = place.hunk is not None, asked.get("side", "RIGHT")
    line, start = (asked.get("line"), asked.get("start_line")) if on_line else (None, None)
    comment = Comment(
        id=world.next_id(),
        user=review.user,
        body=asked["body"],
        path=asked["path"],
        subject="line" if on_line else "file",
        side=side,
        line=line,
        start_side=None if start is None else asked.get("start_side", side),
        start_line=start,
        original_line=line,
        original_start_line=start,
        original_position=None if line is None else place.entry.position(side, line),
        commit=review.commit,
        original_commit=review.commit,
        base=base,
        original_base=base,
        hunk="" if place.hunk is None else _shown(place.hunk, place.at),
        review=review.id,
        created=now,
        updated=now,
    )
    world.comments.append(comment)
    if review.commit != world.head:
        world.settle(comment, {entry.path: entry for entry in world.diff()})
    return comment


def _shown(hunk: Hunk, at: int) -> str:
    return "\n".join([hunk.header, *(row.kind + row.text for row in hunk.rows[: at + 1])])


def _tell(world: World, token: Token, review: Review, kind: str) -> None:
    """Submit: one e-mail for a review with everything in it."""
    review.submitted = world.tick()
    count = sum(comment.review == review.id for comment in world.comments)
    world.emails.append(Email(kind=kind, user=review.user.login, comments=count))
    if token.kind != "actions":
        world.workflow_events.append("pull_request_review")


def submit(world: World, token: Token, review: Review, asked: Json) -> Review:
    """Submit a pending review."""
    if review.state != "PENDING":
        raise words.unprocessable(["Can not submit a review that is not pending"])
    event = asked["event"]
    _may_submit(world, token.account, event)
    body = asked.get("body") or review.body
    _has_substance(event, body, sum(comment.review == review.id for comment in world.comments))
    if len(body) > BODY_LIMIT:
        raise words.unprocessable([words.TOO_LONG])
    review.body, review.state = body, _STATES[event]
    _tell(world, token, review, "review")
    return review


def delete_review(world: World, review: Review) -> None:
    """Delete a review that was not submitted, with its comments; no other can be deleted."""
    if review.state != "PENDING":
        raise words.unprocessable(["Can not delete a non-pending pull request review"])
    world.reviews.remove(review)
    world.comments = [comment for comment in world.comments if comment.review != review.id]


def create_comment(world: World, token: Token, asked: Json) -> Comment:
    """Post a comment on a line or a file: a review and an e-mail of its own."""
    if asked.get("in_reply_to") is not None:
        return reply(world, token, asked["in_reply_to"], asked["body"])
    _check_single(world, token.account, asked["body"])
    commit = _commit(world, asked, in_review=False)
    place = anchor(world, commit, asked)
    if place.error is not None:
        raise _bad_single(place)
    review = _wrapping(world, token.account, commit)
    comment = _place(world, review, asked, place)
    _tell(world, token, review, "file comment" if comment.subject == "file" else "comment")
    return comment


def _check_single(world: World, user: Account, body: str) -> None:
    if world.pending(user) is not None:
        raise words.invalid(
            resource="PullRequestReview", field="user_id", message="user_id " + words.ONE_PENDING.removeprefix("User ")
        )
    if not body.strip():
        raise words.invalid(
            resource="PullRequestReviewComment", field="body", message="body can't be blank", code="missing_field"
        )
    if len(body) > BODY_LIMIT:
        raise words.invalid(
            resource="PullRequestReviewComment", field="data", message=words.TOO_LONG, code="unprocessable"
        )


def _bad_single(place: Anchor) -> Refused:
    said = {
        "line": "must be part of the diff",
        "start_line": "must be part of the same hunk as the line.",
        "path": "is invalid",
    }[place.field]
    if place.error == words.bad_order():
        said = "must precede the end line."
    name = f"pull_request_review_thread.{place.field}"
    return words.invalid(resource="PullRequestReviewComment", field=name, message=f"{name} {said}")


def _wrapping(world: World, user: Account, commit: str) -> Review:
    review = Review(id=world.next_id(), user=user, body="", state="COMMENTED", commit=commit)
    world.reviews.append(review)
    return review


def reply(world: World, token: Token, number: int, body: str) -> Comment:
    """Answer in a thread; only the comment that opened it can be answered."""
    opener = next((comment for comment in world.visible(token.account) if comment.id == number), None)
    if opener is None or opener.reply_to is not None:
        raise words.not_found()
    _check_single(world, token.account, body)
    review = _wrapping(world, token.account, opener.commit)
    now = world.tick()
    comment = Comment(
        **{name: getattr(opener, name) for name in Comment.__dataclass_fields__}
        | {"id": world.next_id(), "user": token.account, "body": body, "review": review.id, "reply_to": opener.id}
        | {"minimized": None, "created": now, "updated": now}
    )
    world.comments.append(comment)
    _tell(world, token, review, "reply")
    return comment
