"""Which of several usable keys is asked next: by weight and by what their limits leave, canaries a little."""

from collections.abc import Iterable, Sequence

from reviewbot.llm.keyhealth import KeyState
from reviewbot.llm.pooledkey import PooledKey
from reviewbot.llm.ports import Limiter

_CANARY_SHARE = 0.1
_CANARIES_SHARE = 0.5  # of all canaries together, beside keys that have proved themselves


def choose(usable: Iterable[PooledKey], limiter: Limiter, now_s: float) -> PooledKey | None:
    """Give the key whose turn it is, and count its turn; None where there is no key.

    Smooth weighted round-robin over weight times capacity: even where all have the same room, towards the
    roomier where not; a key without room only when no other has any.
    """
    keys = list(usable)
    rooms = [(key, key.weight * limiter.capacity(key.account)) for key in keys]
    weights = [(key, room) for key, room in rooms if room > 0] or [(key, key.weight) for key in keys]
    if not weights:
        return None
    shares = _shares(weights, now_s)
    for (key, _), share in zip(weights, shares, strict=True):
        key.credit += share
    # Rounded, so that thirds are equal and the first of equals has its turn first.
    chosen = max([key for key, _ in weights], key=lambda key: round(key.credit, 9))
    chosen.credit -= sum(shares)
    return chosen


def _shares(weights: Sequence[tuple[PooledKey, float]], now_s: float) -> Sequence[float]:
    """Give each key's share of the traffic: canaries a tenth each beside keys that have proved themselves."""
    canaries = [key.health.state(now_s) is KeyState.CANARY for key, _ in weights]
    proven = sum([weight for (_, weight), canary in zip(weights, canaries, strict=True) if not canary])
    if not proven or not any(canaries):
        total = proven or sum([weight for _, weight in weights]) or 1.0
        return [weight / total for _, weight in weights]
    each = min(_CANARY_SHARE, _CANARIES_SHARE / sum(canaries))
    rest = 1 - each * sum(canaries)
    return [each if canary else weight / proven * rest for (_, weight), canary in zip(weights, canaries, strict=True)]
