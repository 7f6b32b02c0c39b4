"""Everything pluggable, on one page; what is below the request client stands in `reviewbot.llm.ports`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from reviewbot.domain.analysis import Analysis
from reviewbot.domain.coverage import CoverageReport
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Progress
from reviewbot.domain.finding import Placement
from reviewbot.domain.isolation import Isolation, SandboxJob, SandboxResult
from reviewbot.domain.memory import Page, Reaction
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import FilePatch
from reviewbot.domain.posting import Posted, PostingPlan
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.request import Account, ChangeRequest, ForgeFile
from reviewbot.domain.thread import Thread
from reviewbot.domain.usage import Usage


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


class Model(Protocol):
    """A model that can be asked: `reviewbot.llm.client.Client`, or a script in tests."""

    @property
    def usage(self) -> Usage:
        """Totals so far."""
        ...

    async def complete(
        self, prompt: Prompt, options: ModelOptions, check: Callable[[Completion], bool] | None = None
    ) -> Completion:
        """Answer a prompt; ``check`` tells whether the answer may be kept. Raises BudgetExceeded or ProviderError."""
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

    def writes(self, account: Account) -> bool:
        """Tell whether somebody may write to the project; False where the forge does not say."""
        ...

    def archive(self) -> "Archive | None":
        """Give where the project keeps what people decided; None where there is no forge at all."""
        ...

    def carry_out(self, plan: PostingPlan, summary: Callable[[Mapping[str, Placement]], str | None]) -> Posted:
        """Post a plan, with as few e-mails as the forge allows; safe to run again after a crash at any point.

        ``summary`` gives the summary's text for where each created comment really stands by fingerprint, which
        may be less than planned (inline, then file, then summary); None where no edit is needed.
        """
        ...


class Archive(Protocol):
    """What people said by a click, and the issues in which the bot keeps it. Every method raises ForgeError."""

    def reactions(self, threads: Sequence[Thread]) -> tuple[Reaction, ...]:
        """Read the thumbs, up and down, on the first notes of threads; nothing where the forge does not tell."""
        ...

    def pages(self, title: str) -> tuple[Page, ...]:
        """Read the issues of that title that the token's own account has opened, the oldest first, closed ones too."""
        ...

    def write(self, title: str, body: str, page: Page | None) -> None:
        """Write an issue's text, or open one where there is no page yet."""
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
