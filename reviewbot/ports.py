"""Everything pluggable, on one page; what is below the request client stands in `reviewbot.llm.ports`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from reviewbot.domain.analysis import Analysis
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Progress
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import FilePatch
from reviewbot.domain.prompt import Completion, Prompt
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


class Output(Protocol):
    """A format of the report: a module's ``render`` in ``reviewbot/outputs``."""

    def __call__(self, report: Report) -> str:
        """Render a report; deterministic, ends with a newline."""
        ...
