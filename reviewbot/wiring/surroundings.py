"""The real clock, sleep and chance, for the places that take them as arguments."""

import asyncio
import random
import time
from datetime import UTC, datetime

from reviewbot.domain.surroundings import Surroundings


def utc_now() -> datetime:
    """Give the current time, UTC."""
    return datetime.now(UTC)


def real_world() -> Surroundings:
    """Give what a client takes from the world."""
    return Surroundings(
        now=utc_now,
        monotonic=time.monotonic,
        sleep=asyncio.sleep,
        chance=random.random,  # noqa: TID251 - the one place that hands it out
    )
