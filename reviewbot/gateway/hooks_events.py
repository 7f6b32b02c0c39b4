"""What a webhook tells, in words that all forges have in common, and what is to be done about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from reviewbot.gateway.hooks_rules import Choice, matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The merge request or pull request that an event is of, as it stood then."""

    project: str
    project_id: int
    number: int
    head_sha: str
    target_branch: str
    at: datetime
    """When it happened, by the forge's clock."""
    open: bool
    draft: bool
    labels: tuple[str, ...]
    by_bot: bool = False
    """Whether a bot opened it, as far as the event tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something happened to a request."""

    request: Request
    word: str
    """What happened, for people."""
    fresh: bool
    """Whether there may be something new to review: it was opened, pushed to, made ready, or has another target."""
    added: tuple[str, ...] = ()
    """Labels that were put on."""
    removed: tuple[str, ...] = ()
    """Labels that were taken off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """Somebody said something."""

    request: Request
    thread: str
    """By the forge's id; empty where it stands in none."""
    note: str
    first: bool
    """Whether it opened its thread, as far as the event tells."""
    author: str
    by_bot: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Nothing is to be done, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A review is to be queued."""

    request: Request
    again: bool = False
    """Whether a person asked for it, reviewed before or not."""


Event: TypeAlias = Change | Comment | Skip


def chosen(change: Change, choice: Choice) -> Asked | Skip:
    """Say whether what happened is to be reviewed."""
    request = change.request
    again = any(matches(label, choice.ask_labels) for label in change.added)
    freed = any(matches(label, choice.ignore_labels) for label in change.removed)
    if not request.open:
        return Skip(reason=f"{change.word}: it is not open")
    if not (change.fresh or again or freed):
        return Skip(reason=f"{change.word}: nothing new to review")
    left_out = ignored(request, choice)
    if left_out is not None:
        return left_out
    if request.draft and not (choice.drafts or again):
        return Skip(reason="it is a draft")
    if request.by_bot and not (choice.bots or again):
        return Skip(reason="it is a bot's")
    return Asked(request=request, again=again)


def ignored(request: Request, choice: Choice) -> Skip | None:
    """Say why a request is left alone whatever happens to it; None where it is not."""
    if matches(request.project, choice.ignore_projects):
        return Skip(reason="its project is ignored")
    if matches(request.target_branch, choice.ignore_branches):
        return Skip(reason="its target branch is ignored")
    if any(matches(label, choice.ignore_labels) for label in request.labels):
        return Skip(reason="it has a label that is ignored")
    return None
