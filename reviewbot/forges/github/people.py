"""Who is who: the token's own account, and who may write to the repository."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import quote

from reviewbot.domain.request import Account
from reviewbot.forges.github.access import Access
from reviewbot.forges.github.calls import Calls
from reviewbot.forges.github.payloads import Permission, Repository, User, Viewer
from reviewbot.forges.github.refusals import Refused

_BOT: Final = "[bot]"
_SHARED: Final = "github-actions[bot]"
"""Every workflow without a token of its own writes as this one."""
_WRITERS: Final = frozenset({"admin", "maintain", "write"})
_INSIDERS: Final = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_KINDS: Final = {
    "ghp_": "classic personal access token",
    "github_pat_": "fine-grained personal access token",
    "gho_": "OAuth token",
    "ghu_": "GitHub App's token for a user",
    "ghs_": "installation token",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReport:
    """What can be found out about a token without writing anything."""

    kind: str
    """By its form: ``classic personal access token``, ``GitHub Actions token``… or ``unknown``."""
    account: Account
    permission: str
    """``admin``, ``maintain``, ``write``, ``triage``, ``read``, ``none``; ``unknown`` where GitHub does not tell.
    Of an installation's token it tells nothing of ``pull-requests: write``."""


def person(user: User | None) -> Account:
    """Translate somebody; a deleted account is GitHub's ghost."""
    if user is None:
        return Account(id=0, name="ghost")
    return Account(id=user.id, name=user.login, bot=user.type == "Bot" or user.login.endswith(_BOT))


def read_account(calls: Calls) -> Account:
    """Ask as whom the token writes."""
    try:
        return person(calls.get("/user", User))
    except Refused as refused:
        if not refused.not_permitted:
            raise
    # An installation's token, such as that of Actions, is no user; GraphQL knows its bot, but cuts "[bot]" off.
    viewer = calls.query("query { viewer { login databaseId } }", {}, Viewer).viewer
    name = viewer.login if viewer.login.endswith(_BOT) else f"{viewer.login}{_BOT}"
    return Account(id=viewer.database_id, name=name, bot=True, shared=name == _SHARED)


def writers(calls: Calls, access: Access, associations: Mapping[str, str]) -> Callable[[Account], bool]:
    """Give a function that tells whether somebody may write to the repository; it asks once for each.

    Where the token may not ask, what counts is how GitHub says that they belong to it, by login.
    """

    @cache
    def may_write(account: Account) -> bool:
        if account.bot or not account.id:
            return False
        path = access.path(f"collaborators/{quote(account.name, safe='')}/permission")
        try:
            return calls.get(path, Permission).permission in _WRITERS
        except Refused as refused:
            if not refused.not_permitted:
                raise
            return associations.get(account.name) in _INSIDERS

    return may_write


def inspect_token(access: Access) -> TokenReport:
    """Find out what a token is and what it may do. Raises ForgeError where it is not accepted at all."""
    calls = Calls(access)
    account = read_account(calls)
    kind = next((kind for start, kind in _KINDS.items() if access.token.startswith(start)), "unknown")
    rights = calls.get(f"/repos/{access.repository}", Repository).permissions
    permission = "unknown"
    if rights is not None:
        named = {
            "admin": rights.admin,
            "maintain": rights.maintain,
            "write": rights.push,
            "triage": rights.triage,
            "read": rights.pull,
        }
        permission = next((name for name, granted in named.items() if granted), "none")
    return TokenReport(kind="GitHub Actions token" if account.shared else kind, account=account, permission=permission)
