"""What a key and its account have been through, and whether they may be used. The time is always an argument.

Money and rate limits belong to an account, refusals and failures to a key. Times in seconds of ``world.monotonic``.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from reviewbot.llm.outcomes import Outcomes
from reviewbot.llm.rates import beyond_chance

NEVER = float("inf")
_PAST = float("-inf")
LIMITED_S = 60.0
"""The window of repeated 429s, how long a key is called slowed, and the rest where the provider gives no hint."""
_LIMITED_TIMES = 3
_BROKE_S = 900.0
_REST_FIRST_S = 1.0
_REST_LONGEST_S = 30.0
_FAILURES_IN_A_ROW = 2
_WINDOW_S = 300.0
_MINIMUM = 20
_ALERT = 0.05
_OFFLINE = 0.2
_OFFLINE_S = 60.0
PROOF = 20
"""Successes after which a canary is a key like any other."""


class KeyState(StrEnum):
    """What may be expected of a key."""

    ACTIVE = "active"
    CANARY = "canary"
    """New, or back from being offline: gets a tenth of the traffic until it has proved itself."""
    SLOWED = "slowed"
    """Was told to slow down within the last minute."""
    RESTING = "resting"
    OFFLINE = "offline"
    """Failed too often: comes back as a canary."""
    RETIRED = "retired"
    """Refused by the provider: for good."""


USABLE = frozenset({KeyState.ACTIVE, KeyState.CANARY, KeyState.SLOWED})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatus:
    """A key, to show."""

    key_id: str
    account: str
    state: str
    reason: str
    wait_s: float | None
    """Seconds until it may be used: 0.0 now, None never."""
    calls: int
    """Of the last 5 minutes, without those that a limit refused."""
    failures: int
    """Of these."""


@dataclass(slots=True)
class AccountHealth:
    """What all keys of an account share."""

    name: str
    until_s: float = _PAST
    """Rests until then."""
    began_s: float = _PAST
    """When the last rest began."""
    reason: str = ""
    slowed_until_s: float = _PAST
    limited: deque[float] = field(default_factory=deque)

    def refused_for_rate(self, now_s: float, began_s: float, wait_s: float | None) -> None:
        """Take a 429 to a call that began then: the third within a minute rests the account."""
        self.slowed_until_s = now_s + LIMITED_S
        if began_s < self.began_s:
            # Sent before the rest began: the rest is the answer to it already.
            return
        self.limited.append(now_s)
        while self.limited[0] <= now_s - LIMITED_S:
            self.limited.popleft()
        if len(self.limited) >= _LIMITED_TIMES:
            self.limited.clear()
            rest_s = LIMITED_S if wait_s is None else wait_s
            self._rest(now_s, rest_s, f"{_LIMITED_TIMES} times 429 within {LIMITED_S:.0f} s")

    def refused_for_money(self, now_s: float) -> None:
        """Take a 402."""
        self._rest(now_s, _BROKE_S, "402, no balance")

    def _rest(self, now_s: float, rest_s: float, reason: str) -> None:
        if now_s + rest_s > self.until_s:
            self.until_s, self.reason = now_s + rest_s, reason
        self.began_s = now_s


class KeyHealth:
    """What one key has been through."""

    def __init__(self, account: AccountHealth, *, canary: bool) -> None:
        self.account = account
        self.retired: str | None = None
        """Why, where it is."""
        self.alerting = False
        self._unproven = PROOF if canary else 0
        self._outcomes = Outcomes(_WINDOW_S)
        self._in_a_row = 0
        self._rest_s = _REST_FIRST_S
        self._until_s = _PAST
        self._began_s = _PAST
        self._offline_until_s: float | None = None
        self._offline_reason = ""

    def state(self, now_s: float) -> KeyState:
        """Give its state; who has been offline long enough becomes a canary."""
        if self.retired is not None:
            return KeyState.RETIRED
        if self._offline_until_s is not None:
            if now_s < self._offline_until_s:
                return KeyState.OFFLINE
            self._offline_until_s, self._unproven = None, PROOF
            self._outcomes.clear()
        if now_s < max(self._until_s, self.account.until_s):
            return KeyState.RESTING
        if self._unproven:
            return KeyState.CANARY
        return KeyState.SLOWED if now_s < self.account.slowed_until_s else KeyState.ACTIVE

    def reason(self, now_s: float) -> str:
        """Say why it is in its state."""
        row = f"{self._in_a_row} server errors in a row"
        reasons = {
            KeyState.ACTIVE: "usable",
            KeyState.CANARY: f"{self._unproven} more successes to prove itself",
            KeyState.SLOWED: "429 within the last minute",
            KeyState.RESTING: self.account.reason if now_s < self.account.until_s else row,
            KeyState.OFFLINE: self._offline_reason,
            KeyState.RETIRED: self.retired or "",
        }
        return reasons[self.state(now_s)]

    def usable(self, now_s: float) -> bool:
        """Tell whether it may be used now."""
        return self.state(now_s) in USABLE

    def returns_s(self, now_s: float) -> float:
        """Give when it may be used: now, later, or `NEVER`."""
        if self.retired is not None:
            return NEVER
        return max(now_s, self._until_s, self.account.until_s, self._offline_until_s or _PAST)

    def counts(self, now_s: float) -> tuple[int, int]:
        """Give the calls of the last 5 minutes and how many failed; limits and wrong requests count in neither."""
        return self._outcomes.counts(now_s)

    def succeeded(self, now_s: float) -> None:
        """Take a success."""
        self._outcomes.add(now_s, ok=True)
        self._in_a_row, self._rest_s = 0, _REST_FIRST_S
        self._unproven = max(self._unproven - 1, 0)

    def failed(self, now_s: float) -> None:
        """Count a failure of a call."""
        self._outcomes.add(now_s, ok=False)

    def failed_at_server(self, now_s: float, began_s: float) -> None:
        """Take a 5xx to a call that began then: the second in a row rests the key, each rest twice as long."""
        if began_s < self._began_s:
            return
        self._in_a_row += 1
        if self._in_a_row >= _FAILURES_IN_A_ROW:
            self._until_s, self._began_s = now_s + self._rest_s, now_s
            self._rest_s = min(self._rest_s * 2, _REST_LONGEST_S)

    def crossed_alert(self, now_s: float) -> bool:
        """Tell, once for each time, that the rate of failures has passed the alert line."""
        was, self.alerting = self.alerting, self._fails_above(_ALERT, now_s)
        return self.alerting and not was

    def fails_too_often(self, now_s: float) -> bool:
        """Tell whether it ought to go offline.

        By more than chance explains: of the first 20 calls to end, failures are too many, for they end soonest. With
        13 % of failures, spread evenly, every second key went offline without this (simulated).
        """
        calls, failures = self.counts(now_s)
        return self._fails_above(_OFFLINE, now_s) and beyond_chance(failures, _OFFLINE * calls)

    def go_offline(self, now_s: float) -> None:
        """Leave it alone for a minute."""
        if self._offline_until_s is not None:
            return
        self._offline_until_s, self._offline_reason = now_s + _OFFLINE_S, self.told_counts(now_s)

    def told_counts(self, now_s: float) -> str:
        """Say how many calls failed."""
        calls, failures = self.counts(now_s)
        return f"{failures} of {calls} calls failed within 5 min"

    def _fails_above(self, share: float, now_s: float) -> bool:
        calls, failures = self.counts(now_s)
        return calls >= _MINIMUM and failures > share * calls
