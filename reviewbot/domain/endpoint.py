"""Where a model is, under which keys, and with which parameters it is asked."""

from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key with its share of the requests. Its text shows in no repr."""

    value: str = field(repr=False)
    weight: float = 1.0
    account: str | None = None
    """Keys of one account share its rate limits and its money. None: the key is an account of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible endpoint; requests go to ``base_url/chat/completions``."""

    base_url: str
    keys: tuple[ApiKey, ...] = field(default=(), repr=False)
    """None for a local server that wants none."""

    @property
    def host(self) -> str:
        """The host name, for people and for choosing a provider's spelling."""
        return _host(self.base_url)


@lru_cache(maxsize=64)
def _host(base_url: str) -> str:
    """Asked for several times a request: taking a URL apart costs more than all that is told of it."""
    return urlsplit(base_url).hostname or base_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """An endpoint and model that is asked when those before it cannot answer."""

    endpoint: Endpoint
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Parameters of one task's requests."""

    name: str
    temperature: float = 0.2
    max_tokens: int = 8_000
    """Of the answer."""
    thinking: bool = False
    """Whether a model that can think aloud first may do so; sent where the provider knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """How requests are sent. Times in seconds."""

    concurrency: int = 16
    attempts: int = 6
    connect_timeout_s: float = 30.0
    first_content_s: float = 60.0
    """Until an attempt's first content; keep-alives do not count."""
    idle_s: float = 30.0
    """Between two pieces of a streamed answer."""
    deadline_s: float = 600.0
    """For one request with all its attempts."""
    left_alone_s: float | None = None
    """How long a request waits for endpoints that failed too often to be asked; None for as long as its deadline."""
    wait_initial_s: float = 0.5
    wait_max_s: float = 10.0
