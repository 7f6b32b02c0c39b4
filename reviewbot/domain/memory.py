"""What people have decided not to hear again: dismissed findings, and the page on which the forge keeps them."""

from dataclasses import dataclass
from typing import Final

from reviewbot.domain.finding import Category
from reviewbot.domain.request import Account

LONGEST_QUOTE: Final = 300
"""Characters of the code that are kept, and compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """A thumb that somebody gave to a comment."""

    note_id: str
    account: Account
    up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An issue of the project that the bot's own account has opened."""

    number: int
    url: str
    """For people."""
    body: str
    """Markdown as the forge stores it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissal:
    """A finding that somebody who may write to the project has dismissed."""

    fingerprint: str
    path: str
    """At the merge base."""
    category: Category
    source: str
    rule: str | None
    title: str
    quote: str
    """As marks keep it: without secrets, of a long one the first lines."""
    by: str
    """Login, without ``@``."""
    request: int
    """Number of the change request in which it was dismissed."""
    url: str
    """Of the thread, for people."""
    day: str
    """When the bot first saw it, UTC: ``2026-12-31``."""

    @property
    def key(self) -> str:
        """Name this one decision: the same finding can be dismissed again in another request."""
        return f"{self.request}.{self.fingerprint[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What silences findings in one run."""

    dismissals: tuple[Dismissal, ...] = ()
    sign: str = "!"
    """What the forge writes before the number of a change request."""
