"""The real clock, for the places that take one as an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Give the current time, UTC."""
    return datetime.now(UTC)
