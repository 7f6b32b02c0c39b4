"""What is run in a sandbox, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxJob:
    """One process tree, cut off from keys, network and everything but its own folder."""

    argv: tuple[str, ...]
    folder: str
    """Absolute path of a throw-away copy: the working directory, and with HOME and TMPDIR all that may be written."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """All of the environment: nothing is inherited. HOME and TMPDIR are set to folders that last as long as the job."""
    readable: tuple[str, ...] = ()
    """Absolute paths that must be readable besides the system's: the project's own Python environment."""
    timeout_s: float = 60.0
    """Wall time; then the whole tree is killed."""
    memory_bytes: int = 2_000_000_000
    """Address space of each process, and memory in use of all together."""
    written_bytes: int = 200_000_000
    """Longest file."""
    disk_bytes: int = 500_000_000
    """Written by all together; looked at several times a second."""
    processes: int = 128
    output_bytes: int = 1_000_000
    """Of each stream; what is beyond is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxResult:
    """How it ended."""

    exit_code: int | None
    """None where it was killed."""
    stdout: bytes
    stderr: bytes
    timed_out: bool
    wall_s: float
    exceeded: str = ""
    """The limit for which it was killed: ``time``, ``disk`` or ``memory``; empty where it ended by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """A level of isolation that was tried at start, and what it can do."""

    name: str
    """``bubblewrap``, ``namespaces``, ``landlock``; ``none`` where nothing works."""
    strong: bool
    """Whether a stranger's code may run in it: keys unreachable, network closed, other processes unseen.

    Where not, only changes from the same repository may: the rest of the machine is closed by rules, and not absent.
    """
    loopback: bool
    """Whether 127.0.0.1 works inside."""
    detail: str
    """For people: what works, and why stronger levels do not."""
