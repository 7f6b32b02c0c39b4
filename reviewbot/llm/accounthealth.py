"""What the account of a key has been through: money and rate limits belong to it. The time is always an argument."""

from collections import deque
from dataclasses import dataclass, field

from reviewbot.llm.keynews import AccountNews

PAST = float("-inf")
SAME_S = 0.05
"""What is told and heard takes a moment: times that are this close are one."""
LIMITED_S = 60.0
"""The window of repeated 429s, how long a key is called slowed, and the rest where the provider gives no hint."""
_LIMITED_TIMES = 3
_BROKE_S = 900.0


@dataclass(slots=True)
class AccountHealth:
    """What all keys of an account share."""

    name: str
    until_s: float = PAST
    """Rests until then."""
    began_s: float = PAST
    """When the last rest began."""
    reason: str = ""
    slowed_until_s: float = PAST
    limited: deque[float] = field(default_factory=deque)
    own_until_s: float = PAST
    """Of this, what this process went through itself, and not what it heard from others."""
    own_slowed_s: float = PAST

    def refused_for_rate(self, now_s: float, began_s: float, wait_s: float | None) -> None:
        """Take a 429 to a call that began then: the third within a minute rests the account."""
        self.slowed_until_s = self.own_slowed_s = now_s + LIMITED_S
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
            self.own_until_s = self.until_s
        self.began_s = now_s

    def news(self, now_s: float) -> AccountNews:
        """Tell what others should know."""
        return AccountNews(
            account=self.name,
            rest_s=max(self.own_until_s - now_s, 0.0),
            reason=self.reason,
            slowed_s=max(self.own_slowed_s - now_s, 0.0),
        )

    def hear(self, lore: AccountNews, now_s: float) -> None:
        """Take what others know."""
        if now_s + lore.rest_s > self.until_s + SAME_S and lore.rest_s > 0:
            if self.until_s <= now_s:
                self.began_s = now_s
            self.until_s, self.reason = now_s + lore.rest_s, lore.reason
        if lore.slowed_s > 0:
            self.slowed_until_s = max(self.slowed_until_s, now_s + lore.slowed_s)
