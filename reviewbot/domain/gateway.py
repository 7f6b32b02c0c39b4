"""What holds for all tenants of a gateway: its room, its patience, and how its answers are kept."""

from dataclasses import dataclass

from reviewbot.domain.tenant import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The ``[gateway]`` table of the operator's file. Times in seconds."""

    concurrency: int = 200
    """Requests upstream at once, of all tenants together."""
    waiting: int = 100
    """Requests of one tenant that may wait for their turn; those beyond are refused with 429."""
    max_body_bytes: int = 10_000_000
    """Longest body of a request; a longer one is refused with 413."""
    header_s: float = 10.0
    """Within which the head of a request must be there."""
    body_s: float = 30.0
    """Within which its body must be there, from the end of the head on."""
    drain_s: float = 60.0
    """Given to requests in flight when the gateway is told to stop."""
    cache: bool = True
    """Whether answers are kept and used again."""
    cache_ttl_s: float = 3_600.0
    """How long an answer is used again."""
    fail_open: bool = False
    """Whether tenants with a budget or a shared limit are served, within a slice, while Redis is away."""
    metrics: str = "open"
    """Who may see ``/metrics``: ``open``, whoever reaches the address, or ``operator``."""
    audit: str | None = None
    """Folder of the audit log; None for none."""
    audit_days: int = 90
    """How long it is kept."""
    models: tuple[str, ...] = ()
    """What ``/v1/models`` lists; nothing for the configured model alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """Who may ask a gateway, and by which rules."""

    tenants: tuple[Tenant, ...]
    rules: Rules
    open_loopback: bool
    """Whether no tenant has a token: then the first is whoever asks, from this machine alone."""
