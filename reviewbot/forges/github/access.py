"""What it takes to speak to a GitHub server about one repository."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Addresses and a token, as ``GITHUB_API_URL``, ``GITHUB_GRAPHQL_URL`` and ``GITHUB_TOKEN`` give them."""

    api_url: str
    """``https://api.github.com``, or ``https://HOST/api/v3`` of an own server."""
    graphql_url: str
    """``https://api.github.com/graphql``, or ``https://HOST/api/graphql``."""
    token: str = field(repr=False)
    repository: str
    """``owner/name``, where the pull request was opened: never the fork."""
    pause: Callable[[float], None] = field(repr=False)
    """Waits, in seconds."""
    seconds_between_writes: float = 1.0
    """GitHub asks for one second between requests that create something (documentation, "Best practices")."""

    timeout_s: int = 30
    """For one answer. GitHub gives up on its own after 10 s."""

    def path(self, rest: str) -> str:
        """Give the path of something in the repository: ``pulls/5`` becomes ``/repos/owner/name/pulls/5``."""
        return f"/repos/{self.repository}/{rest}"
