"""What GitHub says when it says no → an error that tells the likely cause and what to do."""

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from reviewbot.errors import ForgeError

UNANSWERED: Final = 0
"""Stands for a status where there was no answer."""
NOT_FOUND: Final = 404
UNPROCESSABLE: Final = 422
_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _BROKEN, _REDIRECTS = 401, 403, 429, 500, 3
_BLIND_WAIT_S: Final = 60.0
"""GitHub's advice where a secondary limit comes without ``Retry-After``: at least a minute."""
_LONGEST_WAIT_S: Final = 120.0
"""A job that waits longer is better run again."""
_LIMITS: Final = ("rate limit", "abuse detection", "submitted too quickly")
"""The last one comes as 422 (cli/cli#4801)."""
_MOST_SAID: Final = 300


class Refused(ForgeError):  # noqa: N818 - GitHub's answer, not a fault of ours
    """A request that did not do what it should; an error for people if nobody knows better."""

    def __init__(self, text: str, *, status: int, said: str = "", wait_s: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        """HTTP's, or what it would be for an error of GraphQL; ``UNANSWERED``."""
        self.said = said
        """GitHub's own words, on one line."""
        self.wait_s = wait_s
        """Seconds to wait before the next attempt, where GitHub limits the requests; else None."""

    @property
    def passing(self) -> bool:
        """Whether another attempt may go better. Unless it was a limit, nobody knows whether the first one worked."""
        return self.wait_s is not None or self.status == UNANSWERED or self.status >= _BROKEN

    @property
    def not_permitted(self) -> bool:
        """Whether the token may not do this, or may not even see it."""
        return self.wait_s is None and self.status in {_FORBIDDEN, NOT_FOUND}

    @property
    def read_only(self) -> bool:
        """Whether it is the answer to a token without write access, or in an archived repository."""
        return (
            self.wait_s is None
            and self.status == _FORBIDDEN
            and any(word in self.said.lower() for word in ("not accessible", "read-only"))
        )


def refusal(call: str, status: int, headers: Mapping[str, str], body: str) -> Refused:
    """Make an error of an answer; ``call`` names the request for people, header names are in lower case."""
    said = words(body)
    answer = f"GitHub answered {status} to {call}: {said or 'no reason given'}"
    wait_s = _wait_s(status, headers, said)
    if wait_s is None:
        return Refused(f"{answer}{_advice(status)}", status=status, said=said)
    text = f"{answer}. It limits the requests of this token: run the job again after {wait_s:.0f} s, fewer at once"
    # One status for all limits: GitHub has three.
    bearable = wait_s if wait_s <= _LONGEST_WAIT_S else None
    return Refused(text, status=_TOO_MANY, said=said, wait_s=bearable)


def silence(call: str, reason: str) -> Refused:
    """Make an error of a request without an answer."""
    text = (
        f"no answer to {call}: {reason}. Check GITHUB_API_URL and the network, then run again; "
        "what is posted already is not posted twice"
    )
    return Refused(text, status=UNANSWERED, said=reason)


def words(body: str) -> str:
    """Give on one line what an answer says: its message, and the errors behind it."""
    try:
        answer = json.loads(body)
    except ValueError:
        return _flat(body)
    if not isinstance(answer, dict):
        return _flat(body)
    errors = answer.get("errors")
    parts = [answer.get("message"), *(errors if isinstance(errors, list) else [errors])]
    return _flat("; ".join(text for text in map(_part, parts) if text))


def _part(error: object) -> str:
    if not isinstance(error, dict):
        return str(error or "")
    return str(error.get("message") or " ".join(str(error[key]) for key in ("field", "code") if key in error))


def _flat(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_SAID else f"{line[:_MOST_SAID]}…"


def _wait_s(status: int, headers: Mapping[str, str], said: str) -> float | None:
    """Give the wait that a limit asks for, None where no limit was hit."""
    named = any(words in said.lower() for words in _LIMITS)
    hinted = status == _FORBIDDEN and "retry-after" in headers
    if status != _TOO_MANY and not hinted and not (named and status in {_FORBIDDEN, UNPROCESSABLE}):
        return None
    hint = headers.get("retry-after", "")
    if hint.isdecimal():
        return float(hint)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and "date" in headers:
        # Against the server's own clock: this machine's may be wrong.
        return max(int(reset) - parsedate_to_datetime(headers["date"]).timestamp(), 0.0) + 1
    return _BLIND_WAIT_S


def _advice(status: int) -> str:
    if status >= _BROKEN:
        return ", several times. Run the job again later; what is posted already is not posted twice"
    if status // 100 == _REDIRECTS:
        return ". The repository has another name now: check GITHUB_REPOSITORY and GITHUB_API_URL"
    return _ADVICE.get(status, "")


_ADVICE: Final = {
    _UNAUTHORIZED: ". The token is wrong, revoked or expired: set GITHUB_TOKEN anew",
    _FORBIDDEN: (
        ". The token may not do that: grant 'pull-requests: write' and 'contents: read', in a workflow under "
        "'permissions:'"
    ),
    NOT_FOUND: (
        ". There is no such thing, or the token may not see it: check GITHUB_REPOSITORY and the number of the pull "
        "request. In a private repository a classic token needs the scope 'repo', any other token access to it"
    ),
}
