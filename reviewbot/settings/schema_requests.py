"""The tables on requests to a model: how they are sent, what they may cost, and what is kept of them."""

from decimal import Decimal

from pydantic import Field

from reviewbot.settings.section import Section


class Client(Section):
    """How requests are sent. Times in seconds."""

    concurrency: int = Field(default=16, gt=0, le=1_000)
    """Requests under way at once."""
    attempts: int = Field(default=6, gt=0, le=20)
    """Attempts for a request whose fault may pass."""
    requests_per_minute: int | None = Field(default=None, gt=0)
    """Requests that one account may take a minute; no limit by default."""
    tokens_per_minute: int | None = Field(default=None, gt=0)
    """Tokens that one account may take a minute; no limit by default."""
    connect_timeout_s: float = Field(default=30.0, gt=0)
    """For opening a connection."""
    first_content_s: float = Field(default=60.0, gt=0)
    """Until an attempt's first content."""
    idle_s: float = Field(default=30.0, gt=0)
    """Between two pieces of an answer."""
    deadline_s: float = Field(default=600.0, gt=0)
    """For one request with all its attempts."""


class Budget(Section):
    """Money."""

    run_usd: Decimal | None = Field(default=None, ge=0)
    """Most that one run may cost, in USD; none by default."""
    day_usd: Decimal | None = Field(default=None, ge=0)
    """Most that a day (UTC) may cost; needs REVIEWBOT_CACHE_DIR or REVIEWBOT_REDIS_URL."""
    month_usd: Decimal | None = Field(default=None, ge=0)
    """Most that a month (UTC) may cost; needs REVIEWBOT_CACHE_DIR or REVIEWBOT_REDIS_URL."""


class Cache(Section):
    """Answers kept for the next run."""

    enabled: bool = True
    """Whether answers are kept, where there is a place for them."""
    ttl_s: float = Field(default=3_600.0, gt=0)
    """How long an answer is used again."""
    max_bytes: int = Field(default=200_000_000, gt=1_000_000)
    """Most that the cache on disk may take."""


class Ledger(Section):
    """The record of requests. Its path comes from REVIEWBOT_LEDGER."""

    keep_days: int = Field(default=90, gt=0)
    """How many days it goes back; older lines are removed when a run begins."""


class Redis(Section):
    """What holds while a Redis that is set does not answer. Its address comes from the environment."""

    fail_open: bool = False
    """Whether requests go on under this process's own limits; otherwise they fail."""
