"""What the client has to know of an answer that is passed on, beside its bytes."""

from collections.abc import Mapping
from typing import Final

from reviewbot.domain.prompt import Completion
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.wire import error_in, read_usage

OVERLOADED: Final = "insufficient_system_resource"
"""DeepSeek's finish reason for an answer that it had to give up."""
WHOLE: Final = frozenset({"stop", "tool_calls", "function_call"})
"""Finish reasons of answers that may be kept."""
SILENT: Final = frozenset({"role", "name"})
"""What a message has that is none of its content."""


class Tally:
    """What is known of an answer: how each of its choices ended, who gave it, and what it used."""

    def __init__(self) -> None:
        self.begun = False
        """Whether anything of its content was there."""
        self.reasons: dict[object, str | None] = {}
        """By choice, how it ended; None while it has not."""
        self._model: str | None = None
        self._usage: object = None

    @property
    def reason(self) -> str | None:
        """How the answer ended: as the choice that ended worst. None where one has not, or where there is none."""
        found = list(self.reasons.values())
        if not found or None in found:
            return None
        return next((reason for reason in found if reason not in WHOLE), found[0])

    def take(self, said: Mapping[str, object], part: str) -> None:
        """Take in an event, or a whole answer; ``part`` is where a choice has its content.

        Raises Fault for one that tells of an error.
        """
        fault = error_in(said)
        if fault is not None:
            raise Fault(FaultKind.SERVER, f"the provider broke off: {fault}")
        choices = said.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._take_choice(choice, part)
        model = said.get("model")
        self._model = model if isinstance(model, str) else self._model
        self._usage = said.get("usage") or self._usage

    def completion(self, body: str, content_type: str) -> Completion:
        """Give the answer with its whole body."""
        return Completion(
            text=body,
            finish_reason=self.reason,
            model=self._model,
            usage=read_usage(self._usage),
            content_type=content_type,
        )

    def _take_choice(self, choice: Mapping[str, object], part: str) -> None:
        number, reason, content = choice.get("index", 0), choice.get("finish_reason"), choice.get(part)
        key = number if isinstance(number, int) else 0
        self.reasons[key] = reason if isinstance(reason, str) else self.reasons.get(key)
        if not self.begun:
            self.begun = isinstance(content, dict) and any(
                value for name, value in content.items() if name not in SILENT
            )
