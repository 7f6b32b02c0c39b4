"""One key in a pool: what a fault does to it, and how it shows."""

from dataclasses import dataclass, field

from reviewbot.llm.faults import Fault, FaultKind, KeyEffect
from reviewbot.llm.keyhealth import NEVER, KeyHealth, KeyState, KeyStatus


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


def treat(key: PooledKey, fault: Fault, now_s: float, began_s: float) -> None:
    """Let a fault of a call that began then have its consequences for the key and its account."""
    health, effect = key.health, fault.treatment.key
    if effect is KeyEffect.SLOW:
        health.account.refused_for_rate(now_s, began_s, fault.wait_s)
    elif effect is KeyEffect.RETIRE:
        health.refused(f"refused ({fault.status or fault.kind})")
    elif fault.treatment.rests_account:
        health.account.refused_for_money(now_s)
    elif effect is KeyEffect.REST:
        health.failed_at_server(now_s, began_s)
    # Where there was no connection, no key was shown to anybody.
    if fault.treatment.trips_breaker and fault.kind is not FaultKind.UNREACHABLE:
        health.failed(now_s, fault.kind.value)


def status(key: PooledKey, now_s: float) -> KeyStatus:
    """Give a key's state, to show."""
    calls, failures = key.health.counts(now_s)
    returns_s = key.health.returns_s(now_s)
    return KeyStatus(
        key_id=key.key_id,
        account=key.account,
        state=key.health.state(now_s).value,
        reason=key.health.reason(now_s),
        wait_s=None if returns_s == NEVER else returns_s - now_s,
        calls=calls,
        failures=failures,
    )
