"""What became of the bot's comments: whether people did something about them."""

from dataclasses import dataclass
from enum import StrEnum


class Uptake(StrEnum):
    """What became of one comment, from the least to the most telling: what is known already is never taken back."""

    OPEN = "open"
    """Posted, and nothing has been pushed since."""
    IGNORED = "ignored"
    """Something was pushed, and its code and its thread are as they were."""
    DISMISSED = "dismissed"
    """A person closed the thread, and its file is as it was; or the bot gave in."""
    RESOLVED = "resolved"
    """The thread was closed after its file was changed, although the code it quotes still stands."""
    CHANGED = "changed"
    """The code that it quotes has been changed or removed."""
    APPLIED = "applied"
    """Its suggestion stands in the file, verbatim."""

    @property
    def rank(self) -> int:
        """0 for open up to 5 for applied."""
        return list(Uptake).index(self)

    @property
    def accepted(self) -> bool:
        """Whether somebody did what the comment was for."""
        return self.rank >= Uptake.RESOLVED.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentTold:
    """A comment has been posted, or more is known of what became of it."""

    forge: str
    """``gitlab`` or ``github``."""
    project: str
    number: int
    """Of the merge request or pull request."""
    fingerprint: str
    severity: str
    category: str
    source: str
    rule: str | None
    uptake: Uptake

    @property
    def key(self) -> tuple[str, str, int, str]:
        """Which comment it is."""
        return self.forge, self.project, self.number, self.fingerprint
