"""By which rules webhooks are taken: where the forges are, who may send what, and what is left out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

GITLAB, GITHUB = "gitlab", "github"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What a forge proves itself with."""

    forge: str
    value: str = field(repr=False)
    projects: str = "*"
    """Glob of the projects that it may speak of, in lower case."""

    def covers(self, project: str) -> bool:
        """Tell whether it may speak of a project; forges do not tell upper from lower case in paths."""
        return fnmatchcase(project.lower(), self.projects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """A server whose webhooks are taken. Its addresses come from the configuration, never from a webhook."""

    api_url: str
    """Where the worker finds it: the ``server`` of jobs."""
    shown_url: str
    """What its webhooks call themselves: GitLab's own address, GitHub's API."""
    accounts: frozenset[str] = frozenset()
    """Names of the bot's own accounts there, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which changes are reviewed. All globs are in lower case."""

    drafts: bool = False
    bots: bool = False
    """Whether changes that a bot opened are reviewed too."""
    ignore_projects: tuple[str, ...] = ()
    ignore_branches: tuple[str, ...] = ()
    """Target branches."""
    ignore_labels: tuple[str, ...] = ()
    ask_labels: tuple[str, ...] = ("reviewbot",)
    """Adding one asks for a review, of a draft and of a head that was reviewed before, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How webhooks are taken."""

    secrets: tuple[Secret, ...] = ()
    """Without any, webhooks are off."""
    forges: Mapping[str, Forge]
    choice: Choice = field(default_factory=Choice)
    max_body_bytes: int = 5_000_000
    """GitHub and GitLab send 25 MB at most; of a pull request's event, its text of 64 kB is the longest part, and of a
    merge request's a text of a million characters, up to three times."""
    max_age_s: float = 86_400.0
    """An event that is older by its own times is refused."""

    def of(self, forge: str) -> tuple[Secret, ...]:
        """Give the secrets of one forge."""
        return tuple(secret for secret in self.secrets if secret.forge == forge)


def matches(name: str, globs: Iterable[str]) -> bool:
    """Tell whether one of the globs is meant, whatever the case."""
    return any(fnmatchcase(name.lower(), glob) for glob in globs)
