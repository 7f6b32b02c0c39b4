"""Everything pluggable, on one page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from reviewbot.domain.analysis import Analysis
from reviewbot.domain.claim import Claim, Ruling, Standing
from reviewbot.domain.coverage import CoverageReport
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Progress
from reviewbot.domain.finding import Placement
from reviewbot.domain.isolation import Isolation, SandboxJob, SandboxResult
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import FilePatch
from reviewbot.domain.posting import Posted, PostingPlan
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.request import Account, ChangeRequest, ForgeFile
from reviewbot.domain.thread import Thread
from reviewbot.domain.usage import Usage
from reviewbot.domain.wire import WireRequest


class Sources(Protocol):
    """The texts around a change. Nothing of them is ever imported or run."""

    def new_text(self, file: FilePatch) -> bytes | None:
        """Give the whole new text of a changed file, or None where only the diff is known."""
        ...

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        """Give every file with one of these base names, by path, from the side that is trusted.

        In a pipeline that is the target of the change; on a local run the work tree.
        """
        ...


class Analyzer(Protocol):
    """A static check: a module's ``analyze`` in ``reviewbot/analyzers``."""

    def __call__(self, files: Sequence[FilePatch], sources: Sources) -> Analysis:
        """Look at the files (already filtered) and report on their changed lines."""
        ...


class WireResponse(Protocol):
    """An answer whose body is still coming."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers; look-ups take names in any case."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives. Raises WireError where it breaks off."""
        ...


class Wire(Protocol):
    """A way to send bytes: an open `reviewbot.llm.wires` pool."""

    def send(self, request: WireRequest) -> AbstractAsyncContextManager[WireResponse]:
        """Send a request; the answer may be read until the end of the block. Raises WireError."""
        ...


class Model(Protocol):
    """A model that can be asked: `reviewbot.llm.client.Client`, or a script in tests."""

    usage: Usage
    """Totals so far."""

    async def complete(
        self, prompt: Prompt, options: ModelOptions, check: Callable[[Completion], bool] | None = None
    ) -> Completion:
        """Answer a prompt; ``check`` tells whether the answer may be kept. Raises BudgetExceeded or ProviderError."""
        ...


class Limiter(Protocol):
    """Limits of accounts: `reviewbot.llm.limiting.MemoryLimiter`, or `reviewbot.llm.redis_limiting.RedisLimiter`."""

    async def acquire(self, account: str, tokens: int, deadline_at: float) -> None:
        """Wait until a request with so many tokens may be sent, at the latest by ``deadline_at`` (monotonic seconds).

        Raises `reviewbot.llm.limiting.LimitWait`.
        """
        ...

    async def settle(self, account: str, reserved: int, used: int) -> None:
        """Replace the estimate of an acquired request by what it used."""
        ...

    def slow_down(self, account: str, wait_s: float | None) -> None:
        """Take note that the provider refused a request for its rate, and what Retry-After said (seconds)."""
        ...

    def capacity(self, account: str) -> float:
        """Give the share of the limits that is left right now, 0 to 1."""
        ...


class Cache(Protocol):
    """A store of answers: `SqliteCache` on disk, `RedisCache` shared. Never raises for its store's sake."""

    async def get(self, key: str) -> Completion | None:
        """Give a stored answer that is fresh and authentic, or None."""
        ...

    async def put(self, key: str, completion: Completion) -> None:
        """Store an answer. Only complete and valid ones are given to it."""
        ...

    async def aclose(self) -> None:
        """Let go of the store."""
        ...


class Coalescing(Protocol):
    """Shares calls for the same key: among tasks, or with Redis among processes."""

    async def share(self, key: str, make: Callable[[], Awaitable[Completion]]) -> tuple[Completion, bool]:
        """Give the answer, and whether somebody else's call brought it."""
        ...


class BudgetStore(Protocol):
    """A place for accounts. Each call is atomic, among all that use the same place."""

    async def reserve(self, claim: Claim) -> Ruling:
        """Set money aside if it fits into every account. Raises BudgetExceeded where the store fails."""
        ...

    async def settle(self, claim: Claim, micros: int) -> tuple[Standing, ...]:
        """Book what a request did cost, and free what was set aside for it.

        An unknown claim is booked all the same. Where the store fails, the claim stays: it counts as spent.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the store."""
        ...


class Observer(Protocol):
    """Hears of progress."""

    def __call__(self, progress: Progress, /) -> None:
        """Take note; must not raise."""
        ...


class Forge(Protocol):
    """A change request that can be read and written: one class in each of `reviewbot.forges`.

    Synchronous. Every method raises ForgeError, which says what the forge answered, the likely cause and
    what to do; `ReadOnlyError`, its subclass, where the token may read but not write.
    """

    def request(self) -> ChangeRequest:
        """Ask how the request stands right now; never cached, since a newer push may come at any time."""
        ...

    def account(self) -> Account:
        """Say as whom the token writes."""
        ...

    def files(self) -> tuple[ForgeFile, ...]:
        """Read the forge's own diff of the request's newest version."""
        ...

    def threads(self) -> tuple[Thread, ...]:
        """Read all threads, of everybody, in the order in which they were opened."""
        ...

    def carry_out(self, plan: PostingPlan, summary: Callable[[Mapping[str, Placement]], str | None]) -> Posted:
        """Post a plan, with as few e-mails as the forge allows; safe to run again after a crash at any point.

        ``summary`` gives the summary's text for where each created comment really stands by fingerprint, which
        may be less than planned (inline, then file, then summary); None where no edit is needed.
        """
        ...


class CoverageReader(Protocol):
    """A format of coverage reports: a module's ``read`` in `reviewbot.coverage`; ``sniff`` tells whether it is its."""

    def __call__(self, path: Path, detail: Callable[[str], bool]) -> CoverageReport:
        """Read a report in one pass, in little memory; ``detail`` says of which paths branches are wanted.

        Raises UsageError that names the report and what is wrong with it.
        """
        ...


class Sandbox(Protocol):
    """A way to run code that nobody has read: `reviewbot.sandbox` has one for each level."""

    @property
    def isolation(self) -> Isolation:
        """What it can do."""
        ...

    def run(self, job: SandboxJob) -> SandboxResult:
        """Run a process tree to its end; nothing of it survives. Raises SandboxError where it cannot be started."""
        ...


class Output(Protocol):
    """A format of the report: a module's ``render`` in ``reviewbot/outputs``."""

    def __call__(self, report: Report) -> str:
        """Render a report; deterministic, ends with a newline."""
        ...
