"""A request and its answer below the providers' spelling: bytes and headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A POST. Headers may hold a key, and show in no repr."""

    url: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    connect_timeout_s: float = 30.0
