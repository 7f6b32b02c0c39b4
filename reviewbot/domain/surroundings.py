"""What adapters take from the world, so that tests can give them another one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Clock, sleep and chance."""

    now: Callable[[], datetime]
    """Current time, UTC."""
    monotonic: Callable[[], float]
    """Seconds that only grow."""
    sleep: Callable[[float], Awaitable[None]]
    chance: Callable[[], float]
    """A number from 0 up to 1."""
