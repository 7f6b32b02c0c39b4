"""Answers kept in a file of JSON lines, to be given again without an endpoint.

The first line says what the recording is, each of the others is an answer:

    {"recording": 1, "scripted": false, "model": "…", "note": "…"}
    {"case": "go/error-shadowed", "task": "review", "repair": false, "digest": "…", "text": "…", "usage": {…}, …}

``digest`` is that of the request's messages: an answer to another prompt is no answer to this one. Where it is null,
as in a script written by hand, answers are given in the order of the file, to any request of that case and task.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from reviewbot.domain.prompt import Completion, Prompt, Task
from reviewbot.domain.usage import TokenUsage
from reviewbot.errors import ProviderError, UsageError

Line = TypeVar("Line", bound="_Line")


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Head(_Line):
    """What a recording says of itself."""

    recording: Literal[1] = 1
    scripted: bool
    """Whether the answers were made up, and no model was asked."""
    model: str
    note: str = ""


class Entry(_Line):
    """An answer, and what it was an answer to."""

    case: str
    task: Task
    repair: bool = False
    digest: str | None = None
    prompt: str | None = None
    """Version of the instructions; null in a script."""
    text: str
    finish_reason: str | None = "stop"
    model: str | None = None
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: Decimal | None = None
    seconds: float | None = None

    @property
    def completion(self) -> Completion:
        """The answer as a client gives it."""
        return Completion(text=self.text, finish_reason=self.finish_reason, model=self.model, usage=self.usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a recording holds."""

    head: Head
    entries: tuple[Entry, ...]


class Player:
    """Gives the answers of a recording, each of them once a pass.

    Two passes may ask the very same, as two variants of the prompts for reviews do when they verify a claim that both
    make: the second pass is given what the first was not, if there is such an answer.
    """

    def __init__(self, recording: Recording) -> None:
        self._entries = recording.entries
        self._left = list(range(len(recording.entries)))
        self._given: set[int] = set()

    def rewind(self) -> None:
        """Begin another pass."""
        self._left = list(range(len(self._entries)))

    def take(self, case: str, prompt: Prompt) -> Entry:
        """Give the answer to a request. Raises ProviderError where there is none."""
        asked = digest(prompt)
        kind = (case, prompt.task, prompt.repair)
        same = [at for at in self._left if _kind(self._entries[at]) == kind]
        fitting = [at for at in same if self._entries[at].digest in {asked, None}]
        if fitting:
            chosen = min(fitting, key=lambda at: self._entries[at].digest is not None and at in self._given)
            self._left.remove(chosen)
            self._given.add(chosen)
            return self._entries[chosen]
        name = "repair" if prompt.repair else prompt.task.value
        if same:
            message = f"the recording answers another prompt than this version's {name} of {case}: record it anew"
        else:
            message = f"the recording has no answer for a {name} of {case}"
        raise ProviderError(message)


def _kind(entry: Entry) -> tuple[str, Task, bool]:
    return entry.case, entry.task, entry.repair


def digest(prompt: Prompt) -> str:
    """Give 12 hex digits that change with any character of a request's messages."""
    parts = [part for message in prompt.messages for part in (message.role, message.content)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def read(path: Path) -> Recording:
    """Read a recording. Raises UsageError that says what is wrong with it."""
    try:
        lines = path.read_text("utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the recording {path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(message) from error
    head = _line(Head, lines[0], path, 1)
    return Recording(head=head, entries=tuple(_line(Entry, line, path, at) for at, line in enumerate(lines[1:], 2)))


def _line(kind: type[Line], text: str, path: Path, number: int) -> Line:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        message = f"{path} is no recording of answers: line {number}: {first['msg']}"
        raise UsageError(message) from error


def render(head: Head, entries: Iterable[Entry]) -> str:
    """Lay out a recording, sorted: answers come in any order, and a repository should see only what has changed."""
    ordered = sorted(entries, key=lambda entry: (entry.case, entry.task, entry.repair, entry.digest or ""))
    return "".join(f"{line.model_dump_json()}\n" for line in (head, *ordered))
