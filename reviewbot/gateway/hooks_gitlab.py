"""A GitLab webhook → what it tells. The fields are those of its documentation and of ``lib/gitlab/hook_data``."""

import re
from typing import Final

from reviewbot.gateway.hooks_events import Change, Comment, Event, Request, Skip
from reviewbot.gateway.hooks_reading import Fields, Misread

_OPENED: Final = frozenset({"open", "reopen"})
_BOT: Final = re.compile(r"(project|group)_\d+_bot\w*|service_account_\w+|[\w.-]*[-_]bot")
"""Names that GitLab gives to the users of project, group and service-account tokens, and the usual end of others'."""


def read(body: Fields) -> Event:
    """Read an event. Raises Misread."""
    kind = body.text("object_kind")
    if kind == "merge_request":
        return _change(body)
    if kind == "note":
        return _note(body)
    return Skip(reason="it is no event of a merge request")


def address(body: Fields) -> str:
    """Give the address under which the sender's project can be seen, by its own word."""
    return body.at("project").text("web_url")


def project(body: Fields) -> str | None:
    """Give the path of the project; None for an event of none."""
    return body.at("project").path("path_with_namespace") if body.has("project") else None


def _change(body: Fields) -> Event:
    told = body.at("object_attributes")
    # An event of a test has none.
    action = told.text("action", "")
    if action not in {*_OPENED, "update"}:
        return Skip(reason="nothing of the change itself is new")
    changes = body.maybe("changes")
    pushed = told.has("oldrev")
    fresh = action in _OPENED or pushed or changes.has("target_branch") or _made_ready(changes)
    was, now = _titles(changes.maybe("labels"), "previous"), _titles(changes.maybe("labels"), "current")
    return Change(
        request=_request(body, told, told),
        word="push" if pushed else action,
        fresh=fresh,
        added=tuple(label for label in now if label not in was),
        removed=tuple(label for label in was if label not in now),
    )


def _request(body: Fields, told: Fields, event: Fields) -> Request:
    """Read the merge request ``told``, as it stood when the ``event`` happened."""
    where, user = body.at("project"), body.at("user")
    if told.number("target_project_id") != where.number("id"):
        message = "'project' is not the merge request's target"
        raise Misread(message)
    acting = user.number("id") if user.has("id") else None
    return Request(
        project=where.path("path_with_namespace"),
        project_id=where.number("id"),
        number=told.number("iid"),
        head_sha=told.at("last_commit").sha("id"),
        target_branch=told.branch("target_branch"),
        at=event.time("updated_at"),
        open=told.text("state") == "opened",
        draft=told.flag("draft", default=told.flag("work_in_progress", default=False)),
        labels=tuple(row.text("title") for row in told.rows("labels")),
        # Of the author the event tells the number alone, and of whoever acts the name, too.
        by_bot=acting == told.number("author_id") and _is_bot(user.text("username", "")),
    )


def _note(body: Fields) -> Event:
    told, user = body.at("object_attributes"), body.at("user")
    if told.text("noteable_type") != "MergeRequest":
        return Skip(reason="it is no comment on a merge request")
    if told.flag("system", default=False) or told.flag("internal", default=False):
        return Skip(reason="it is a system's note, or an internal one")
    if told.text("action", "create") != "create":
        return Skip(reason="the comment is not new")
    kind = told.text("type", "")
    return Comment(
        request=_request(body, body.at("merge_request"), told),
        thread=told.id("discussion_id") if kind else "",
        note=told.id("id"),
        first=False,
        author=user.text("username", ""),
        by_bot=_is_bot(user.text("username", "")),
        text=told.text("note"),
    )


def _made_ready(changes: Fields) -> bool:
    return any(
        changes.has(name) and not changes.at(name).flag("current", default=True)
        for name in ("draft", "work_in_progress")
    )


def _titles(labels: Fields, name: str) -> tuple[str, ...]:
    return tuple(row.text("title") for row in labels.rows(name))


def _is_bot(username: str) -> bool:
    return _BOT.fullmatch(username.lower()) is not None
