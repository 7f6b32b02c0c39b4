"""A GitHub webhook → what it tells. The fields are those of its documentation, "Webhook events and payloads"."""

from typing import Final

from reviewbot.gateway.hooks_events import Change, Comment, Event, Request, Skip
from reviewbot.gateway.hooks_reading import Fields

_OPENED: Final = frozenset({"opened", "synchronize", "reopened", "ready_for_review"})
_LABELS: Final = frozenset({"labeled", "unlabeled"})
_BOT: Final = "[bot]"


def read(kind: str, body: Fields) -> Event:
    """Read an event of a kind, as ``X-GitHub-Event`` names it. Raises Misread."""
    if kind == "pull_request":
        return _change(body)
    if kind == "pull_request_review_comment":
        return _comment(body)
    if kind == "ping":
        return Skip(reason="pong")
    if kind in {"installation", "installation_repositories"}:
        return Skip(reason="noted: tokens are asked for when they are needed")
    if kind == "issue_comment":
        # It tells neither the head nor the target of the pull request, and is in no thread.
        return Skip(reason="a comment on the conversation is in no thread of a review")
    return Skip(reason="it is no event of a pull request")


def address(body: Fields) -> str:
    """Give the repository's address in the API, by the sender's own word."""
    return body.at("repository").text("url")


def project(body: Fields) -> str | None:
    """Give the name of the repository with its owner; None for an event of none."""
    return body.at("repository").path("full_name") if body.has("repository") else None


def _change(body: Fields) -> Event:
    action = body.text("action")
    retargeted = action == "edited" and body.maybe("changes").has("base")
    if action not in _OPENED | _LABELS and not retargeted:
        return Skip(reason="nothing of the change itself is new")
    label = (body.at("label").text("name"),) if action in _LABELS else ()
    pull = body.at("pull_request")
    return Change(
        request=_request(body, pull, pull),
        word=action,
        fresh=action in _OPENED or retargeted,
        added=label if action == "labeled" else (),
        removed=label if action == "unlabeled" else (),
    )


def _request(body: Fields, pull: Fields, event: Fields) -> Request:
    """Read a pull request, as it stood when the ``event`` happened."""
    where = body.at("repository")
    author = pull.maybe("user")
    return Request(
        project=where.path("full_name"),
        project_id=where.number("id"),
        number=pull.number("number"),
        head_sha=pull.at("head").sha("sha"),
        target_branch=pull.at("base").branch("ref"),
        at=event.time("updated_at"),
        open=pull.text("state") == "open",
        draft=pull.flag("draft", default=False),
        labels=tuple(row.text("name") for row in pull.rows("labels")),
        by_bot=_is_bot(author),
    )


def _comment(body: Fields) -> Event:
    if body.text("action") != "created":
        return Skip(reason="the comment is not new")
    told = body.at("comment")
    reply = told.has("in_reply_to_id")
    author = told.maybe("user")
    return Comment(
        request=_request(body, body.at("pull_request"), told),
        thread=told.id("in_reply_to_id" if reply else "id"),
        note=told.id("id"),
        first=not reply,
        author=author.text("login", ""),
        by_bot=_is_bot(author),
        text=told.text("body"),
    )


def _is_bot(user: Fields) -> bool:
    return user.text("type", "") == "Bot" or user.text("login", "").endswith(_BOT)
