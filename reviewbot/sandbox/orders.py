"""What a child is told: one JSON text in its arguments. It holds no secrets."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

BUBBLEWRAP = "bubblewrap"
NAMESPACES = "namespaces"
LANDLOCK = "landlock"
LEVELS = (BUBBLEWRAP, NAMESPACES, LANDLOCK)
"""From the strongest to the weakest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A file or folder that can be seen inside; at the level `LANDLOCK`, that may be used."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Resource limits of each process (setrlimit(2)); ``processes`` is of the whole user."""

    memory_bytes: int
    file_bytes: int
    files: int
    cpu_s: int
    processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A job, with everything decided."""

    level: str
    argv: tuple[str, ...]
    environ: tuple[tuple[str, str], ...]
    folder: str
    root: str
    """An empty folder, to put a new root on."""
    binds: tuple[Bind, ...]
    links: tuple[tuple[str, str], ...]
    """Symbolic links of the new root: what they say, and where they stand."""
    limits: Limits
    launcher: tuple[str, ...]
    """How the program of the sandbox is started again, inside."""
    program: str = ""
    """Path of ``bwrap``."""
    uid: int | None = None
    """The ordinary user to become; None where the caller is one already."""
    unshare_user: bool = True
    """Whether namespaces need a user namespace of their own: not where root may make them."""


def dumps(order: Order) -> str:
    """Write an order as JSON."""
    return json.dumps(asdict(order))


def loads(text: str) -> Order:
    """Read an order that `dumps` wrote."""
    told = json.loads(text)
    lists: Mapping[str, object] = {
        "argv": tuple(told["argv"]),
        "environ": tuple((name, value) for name, value in told["environ"]),
        "binds": tuple(Bind(**bind) for bind in told["binds"]),
        "links": tuple((says, place) for says, place in told["links"]),
        "limits": Limits(**told["limits"]),
        "launcher": tuple(told["launcher"]),
    }
    return Order(**{**told, **lists})
