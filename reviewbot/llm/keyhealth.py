"""What a key has been through, and whether it may be used. The time is always an argument.

Money and rate limits belong to its account, refusals and failures to the key. Times in seconds of ``world.monotonic``.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reviewbot.llm.accounthealth import PAST, SAME_S, AccountHealth
from reviewbot.llm.keynews import KeyLore, KeyNews
from reviewbot.llm.outcomes import Outcomes
from reviewbot.llm.rates import beyond_chance

NEVER = float("inf")
_REST_FIRST_S = 1.0
_REST_LONGEST_S = 30.0
_FAILURES_IN_A_ROW = 2
_WINDOW_S = 300.0
MINIMUM = 20
"""Calls before their failures tell anything."""
ALERT = 0.05
"""Share of failures from which a key is told of."""
OFFLINE = 0.2
"""Share of failures from which it is left alone, for `OFFLINE_S`."""
OFFLINE_S = 60.0
FAULTS = 100
"""Last failures that are kept by kind, for the alert to say what they were."""
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
class Untold:
    """What one process went through with a key, and has not told the others yet."""

    retired: bool = False
    rest_until_s: float = PAST
    offline_until_s: float = PAST
    canary: bool = False
    heard: bool = False
    """Whether it has heard of the key at all."""
    calls: int = 0
    proofs: int = 0
    faults: deque[str] = field(default_factory=lambda: deque(maxlen=FAULTS))
    failures: int = 0


class KeyHealth:
    """What one key has been through."""

    def __init__(self, account: AccountHealth, *, canary: bool) -> None:
        self.account = account
        self.retired: str | None = None
        """Why, where it is."""
        self.alerting = False
        self._unproven = PROOF if canary else 0
        self._untold = Untold(canary=canary)
        self._outcomes = Outcomes(_WINDOW_S)
        self._in_a_row = 0
        self._rest_s = _REST_FIRST_S
        self._until_s = PAST
        self._began_s = PAST
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
        return max(now_s, self._until_s, self.account.until_s, self._offline_until_s or PAST)

    def counts(self, now_s: float) -> tuple[int, int]:
        """Give the calls of the last 5 minutes and how many failed; limits and wrong requests count in neither."""
        return self._outcomes.counts(now_s)

    def succeeded(self, now_s: float) -> None:
        """Take a success."""
        self._outcomes.add(now_s, ok=True)
        self._untold.calls += 1
        self._untold.proofs += self._unproven > 0
        self._in_a_row, self._rest_s = 0, _REST_FIRST_S
        self._unproven = max(self._unproven - 1, 0)

    def refused(self, reason: str) -> None:
        """Take a 401 or 403: retired for good."""
        self.retired, self._untold.retired = reason, True

    def failed(self, now_s: float, kind: str) -> None:
        """Count a failure of a call."""
        self._outcomes.add(now_s, ok=False)
        self._untold.calls += 1
        self._untold.failures += 1
        self._untold.faults.append(kind)

    def failed_at_server(self, now_s: float, began_s: float) -> None:
        """Take a 5xx to a call that began then: the second in a row rests the key, each rest twice as long."""
        if began_s < self._began_s:
            return
        self._in_a_row += 1
        if self._in_a_row >= _FAILURES_IN_A_ROW:
            self._until_s, self._began_s = now_s + self._rest_s, now_s
            self._untold.rest_until_s = self._until_s
            self._rest_s = min(self._rest_s * 2, _REST_LONGEST_S)

    def crossed_alert(self, now_s: float) -> bool:
        """Tell, once for each time, that the rate of failures has passed the alert line."""
        was, self.alerting = self.alerting, self._fails_above(ALERT, now_s)
        return self.alerting and not was

    def fails_too_often(self, now_s: float) -> bool:
        """Tell whether it ought to go offline.

        By more than chance explains: of the first 20 calls to end, failures are too many, for they end soonest. With
        13 % of failures, spread evenly, every second key went offline without this (simulated).
        """
        calls, failures = self.counts(now_s)
        return self._fails_above(OFFLINE, now_s) and beyond_chance(failures, OFFLINE * calls)

    def go_offline(self, now_s: float) -> None:
        """Leave it alone for a minute."""
        if self._offline_until_s is not None:
            return
        self._offline_until_s, self._offline_reason = now_s + OFFLINE_S, self.told_counts(now_s)
        self._untold.offline_until_s = self._offline_until_s

    def news(self, key_id: str, now_s: float) -> KeyNews:
        """Tell what others should know; what was counted is told once."""
        untold = self._untold
        self._untold = replace(untold, calls=0, failures=0, proofs=0, faults=deque(maxlen=FAULTS))
        return KeyNews(
            key_id=key_id,
            retired=self.retired if untold.retired else None,
            rest_s=max(untold.rest_until_s - now_s, 0.0),
            next_rest_s=self._rest_s,
            offline_s=max(untold.offline_until_s - now_s, 0.0),
            offline_reason=self._offline_reason,
            unproven=self._unproven if untold.canary else 0,
            proofs=untold.proofs,
            calls=untold.calls,
            failures=untold.failures,
            faults=tuple(untold.faults),
        )

    def hear(self, lore: KeyLore, now_s: float) -> bool:
        """Take what all processes know; tells whether its failures have just passed the alert line."""
        self.retired = self.retired or lore.retired
        self._untold.retired = self._untold.retired and lore.retired is None
        if lore.rest_s > 0 and now_s + lore.rest_s > self._until_s + SAME_S:
            self._until_s, self._began_s, self._rest_s = now_s + lore.rest_s, now_s, lore.next_rest_s
            self._in_a_row = max(self._in_a_row, _FAILURES_IN_A_ROW)
        if lore.offline_s > 0 and now_s + lore.offline_s > (self._offline_until_s or PAST) + SAME_S:
            self._offline_until_s, self._offline_reason = now_s + lore.offline_s, lore.offline_reason
        if lore.unproven is not None:
            # Who begins takes it over; later on both count the same successes.
            self._unproven = min(self._unproven, lore.unproven) if self._untold.heard else lore.unproven
        self._untold.heard = True
        was, self.alerting = self.alerting, lore.alerting
        return self.alerting and not was

    def told_counts(self, now_s: float) -> str:
        """Say how many calls failed."""
        calls, failures = self.counts(now_s)
        return f"{failures} of {calls} calls failed within 5 min"

    def _fails_above(self, share: float, now_s: float) -> bool:
        calls, failures = self.counts(now_s)
        return calls >= MINIMUM and failures > share * calls
