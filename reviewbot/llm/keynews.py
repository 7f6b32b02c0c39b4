"""What processes tell each other of the keys that they share. Durations are seconds from now, so clocks may differ.

Told is what a process went through itself; what it heard of others it does not tell again, or a rest would go round.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNews:
    """What one process went through with a key since it told last, and what follows from it."""

    key_id: str
    retired: str | None = None
    """Why, where it was refused."""
    rest_s: float = 0.0
    next_rest_s: float = 0.0
    """How long the rest after that one is."""
    offline_s: float = 0.0
    offline_reason: str = ""
    unproven: int = 0
    """Successes that a canary still owes; 0 for no canary."""
    proofs: int = 0
    """Successes of a canary."""
    calls: int = 0
    failures: int = 0
    faults: tuple[str, ...] = ()
    """Kinds of these failures, the last ones of many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountNews:
    """What follows from what one process, or all of them, went through with an account."""

    account: str
    rest_s: float = 0.0
    reason: str = ""
    slowed_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLore:
    """What all processes together know of a key."""

    key_id: str
    retired: str | None
    rest_s: float
    next_rest_s: float
    offline_s: float
    offline_reason: str
    unproven: int | None
    """Successes that it still owes as a canary; None where it never was one."""
    calls: int
    """Of the last minute, by all processes."""
    failures: int
    faults: tuple[tuple[str, int], ...]
    """Kinds of the last failures, at most a hundred, with how many there were of each."""
    alerting: bool
    """Whether too many failed."""

    @property
    def told(self) -> str:
        """Say how many calls failed, and how."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.faults)
        counts = f"{self.failures} of {self.calls} calls of all processes failed within 1 min"
        return f"{counts} (last failures: {kinds})" if kinds else counts


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolNews:
    """What one process tells of the keys of a pool."""

    keys: tuple[KeyNews, ...]
    accounts: tuple[AccountNews, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLore:
    """What it hears in return."""

    keys: tuple[KeyLore, ...]
    accounts: tuple[AccountNews, ...]
