"""Which of several usable keys is asked next: by weight and by what their limits leave, canaries a little."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reviewbot.llm.keyhealth import KeyHealth, KeyState
from reviewbot.ports import Limiter

_CANARY_SHARE = 0.1
_CANARIES_SHARE = 0.5  # of all canaries together, beside keys that have proved themselves


@dataclass(slots=True, eq=False)
class PooledKey:
    """A key in a pool, with what it has been through."""

    value: str = field(repr=False)
    key_id: str
    weight: float
    health: KeyHealth = field(repr=False)
    credit: float = 0.0
    told: KeyState = KeyState.ACTIVE
    """The state that observers know."""

    @property
    def account(self) -> str:
        """The account that it belongs to."""
        return self.health.account.name


def choose(usable: Iterable[PooledKey], limiter: Limiter, now_s: float) -> PooledKey | None:
    """Give the key whose turn it is, and count its turn; None where there is no key.

    Smooth weighted round-robin over weight times capacity: even where all have the same room, towards the
    roomier where not; a key without room only when no other has any.
    """
    weights = {key: key.weight for key in usable}
    by_room = {key: weight * limiter.capacity(key.account) for key, weight in weights.items()}
    shares = _shares({key: weight for key, weight in by_room.items() if weight > 0} or weights, now_s)
    if not shares:
        return None
    for key, share in shares.items():
        key.credit += share
    # Rounded, so that thirds are equal and the first of equals has its turn first.
    chosen = max(shares, key=lambda key: round(key.credit, 9))
    chosen.credit -= sum(shares.values())
    return chosen


def _shares(weights: Mapping[PooledKey, float], now_s: float) -> Mapping[PooledKey, float]:
    """Give each key's share of the traffic: canaries a tenth each beside keys that have proved themselves."""
    canaries = {key for key in weights if key.health.state(now_s) is KeyState.CANARY}
    proven = sum(weight for key, weight in weights.items() if key not in canaries)
    total = proven or sum(weights.values()) or 1.0
    if not canaries or not proven:
        return {key: weight / total for key, weight in weights.items()}
    each = min(_CANARY_SHARE, _CANARIES_SHARE / len(canaries))
    rest = 1 - each * len(canaries)
    return {key: each if key in canaries else weight / proven * rest for key, weight in weights.items()}
