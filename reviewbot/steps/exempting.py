"""A change request → why it is left alone as a whole, by the project's rules; or None if it is to be reviewed."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reviewbot.domain.request import ChangeRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemptions:
    """Which change requests are left alone. Globs are compared without regard to case."""

    drafts: bool = False
    bots: bool = False
    authors: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def reason(request: ChangeRequest, rules: Exemptions) -> str | None:
    """Say why a request is not reviewed, naming the setting."""
    word, author = request.dialect.request_word, request.author
    if not request.open:
        return f"the {word} is merged or closed"
    if rules.drafts and request.draft:
        return f"the {word} is a draft (requests.skip_drafts)"
    if rules.bots and author.bot:
        return f"its author {author.name} is a bot (requests.skip_bots)"
    if _any(rules.authors, [author.name]):
        return f"its author is {author.name} (requests.skip_authors)"
    label = _any(rules.labels, request.labels)
    return f"it has the label '{label}' (requests.skip_labels)" if label else None


def _any(globs: Iterable[str], names: Iterable[str]) -> str | None:
    """Give the first name that a glob fits."""
    patterns = [glob.lower().replace("[", "[[]") for glob in globs]  # the "[bot]" of a login is no set of letters
    return next((name for name in names if any(fnmatchcase(name.lower(), glob) for glob in patterns)), None)
