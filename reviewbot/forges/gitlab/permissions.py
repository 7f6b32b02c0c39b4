"""What a token may do here, for ``doctor``: asked before a review is paid for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from reviewbot.domain.request import Account
from reviewbot.forges.gitlab import reading, refusals
from reviewbot.forges.gitlab.calls import Calls
from reviewbot.forges.gitlab.refusals import RefusedError
from reviewbot.forges.gitlab.rows import number, text, words

_T = TypeVar("_T")
DEVELOPER: Final = 30
"""Access level from which on a member writes to the project, and resolves others' threads."""
REPORTER: Final = 20
_WRITES: Final = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What could be found out; None where GitLab does not say."""

    job_token: bool
    account: Account | None
    access_level: int | None
    """10 guest, 15 planner, 20 reporter, 30 developer, 40 maintainer, 50 owner; None: no member, or not told."""
    scopes: tuple[str, ...] | None
    expires: str | None
    """Day, as GitLab writes it: ``2026-12-31``."""

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """What keeps it from posting or resolving, one sentence each; empty if nothing is known to."""
        if self.job_token:
            return (f"{refusals.JOB_TOKEN}.",)
        found = []
        if self.scopes is not None and _WRITES not in self.scopes:
            found.append(f"The token's scopes are {', '.join(self.scopes) or 'none'}: to post it needs the scope api.")
        if self.access_level is None:
            found.append("The token's user is no member of the project, as far as GitLab tells.")
        elif self.access_level < REPORTER:
            found.append("The token's user has a lower role than Reporter: GitLab may not let it comment.")
        elif self.access_level < DEVELOPER:
            found.append("The token's user has a lower role than Developer: it can comment, but not resolve threads.")
        return tuple(found)


def find(calls: Calls) -> Permissions:
    """Ask GitLab. Raises ForgeError where the token is not known at all."""
    if calls.access.job_token:
        return Permissions(job_token=True, account=None, access_level=None, scopes=None, expires=None)
    account = reading.account(calls.get("/user"))
    token = _asked(lambda: calls.get("/personal_access_tokens/self"))
    return Permissions(
        job_token=False,
        account=account,
        access_level=access_level(calls, account),
        scopes=words(token, "scopes") if token is not None else None,
        expires=(text(token, "expires_at") or None) if token is not None else None,
    )


def access_level(calls: Calls, account: Account) -> int | None:
    """Ask for a user's role in the project, inherited ones included; None if it is none, or hidden."""
    member = _asked(lambda: calls.get(f"{calls.project_path}/members/all/{account.id}"))
    return None if member is None else number(member, "access_level")


def _asked(ask: Callable[[], _T]) -> _T | None:
    """Ask what older servers, or tokens with few rights, give no answer to."""
    try:
        return ask()
    except RefusedError:
        return None
