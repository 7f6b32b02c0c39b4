"""Takes up a stream that broke off after some of it was passed on: its reader sees no break.

The same is asked again. What the new answer begins with has to be what was passed on, letter by letter; that is left
out, and what follows goes on under the first one's id. At the first letter that differs the new answer is broken off,
and its reader is told of the break: half of one answer and half of another make none.

Only text is taken up: calls of tools, probabilities and several choices are not put together from two answers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reviewbot.domain.call import Call
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.passing import Passage, events_of, only_usage
from reviewbot.llm.sse import EventReader
from reviewbot.llm.stream import DONE, all_parsed
from reviewbot.llm.tallying import SILENT
from reviewbot.llm.tape import Tape

_TEXTS: Final = ("reasoning", "reasoning_content", "content")
"""Where a delta has text, in the order in which it is read."""
_NAMES: Final = ("id", "created")
"""What all events of a stream have in common, and its readers may go by."""
_LIMIT_BYTES: Final = 4_000_000
"""Of what was passed on: it is read in one go, while all other streams wait."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was passed on of a stream."""

    runs: tuple[tuple[str, str], ...]
    """Fields of the delta and their text, in the order in which they came."""
    names: Mapping[str, object]


def told(call: Call, tape: Tape) -> Told | None:
    """Give what a call's tape has told so far; None where that cannot be taken up."""
    if not call.streamed or call.choices > 1 or tape.size > _LIMIT_BYTES:
        return None
    try:
        events = all_parsed(events_of(tape.since(0)))
    except Fault:
        return None  # not every event is read when it is passed on
    runs: list[tuple[str, str]] = []
    names: dict[str, object] = {}
    for said in events:
        names = names or {name: said[name] for name in _NAMES if name in said}
        found = _choice(said)
        if found is None or found[0].get("finish_reason"):
            return None
        delta = found[1]
        runs += [(field, delta[field]) for field in _TEXTS if delta.get(field)]
    return Told(tuple(runs), names)


def differs() -> Fault:
    """Make the fault of a second answer that is not the first one."""
    return Fault(FaultKind.DIVERGED, "the answer broke off, and asked again the provider began another one")


class Resumption(Passage):
    """A stream on its way to a tape that has the beginning of it already."""

    def __init__(self, tape: Tape, content_type: str, before: Told, *, withhold: bool) -> None:
        super().__init__(tape, content_type, withhold=withhold, careful=True)
        self._names = before.names
        self._known = [[field, text] for field, text in before.runs]
        """Of the runs, what the new answer still has to repeat."""

    def _pass(self, block: bytes) -> None:
        reader = EventReader()
        found, last = list(reader.feed(block)), reader.close()
        for data in (*found, last):
            if data == DONE:
                self.tape.write(b"data: " + DONE + b"\n\n")
            elif data is not None:
                self._pass_event(data)

    def _pass_event(self, data: bytes) -> None:
        (said,) = all_parsed([data])
        self.tally.take(said, "delta")
        if self._known:
            said = self._without_known(said)
        if said and not (self.withhold and only_usage(said)):
            spelt = json.dumps({**said, **self._names}, separators=(",", ":"))
            self.tape.write(b"data: " + spelt.encode("ascii") + b"\n\n")

    def _without_known(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Leave out of an event what was passed on before; gives nothing where no more is in it."""
        found = _choice(said)
        if found is None:
            raise differs()
        choice, delta = found
        rest = {field: self._unknown(field, delta[field]) for field in _TEXTS if delta.get(field)}
        ended = choice.get("finish_reason")
        if ended and self._known:
            raise differs()
        return {**said, "choices": [{**choice, "delta": delta | rest}]} if ended or any(rest.values()) else {}

    def _unknown(self, field: str, text: str) -> str:
        """Take a text off what is known, and give what is left of it. Raises Fault where it is another one."""
        while text and self._known:
            known = self._known[0]
            size = min(len(text), len(known[1]))
            if known[0] != field or known[1][:size] != text[:size]:
                raise differs()
            text, known[1] = text[size:], known[1][size:]
            if not known[1]:
                del self._known[0]
        return text


def _choice(said: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Give the choice of an event and its delta, both empty where there is none; None where it is more than text."""
    choices = said.get("choices") or [{}]
    choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
    delta = (choice.get("delta") or {}) if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(delta, dict) or choice.get("logprobs"):
        return None
    more = any(value for name, value in delta.items() if name not in SILENT and name not in _TEXTS)
    odd = any(delta.get(field) and not isinstance(delta[field], str) for field in _TEXTS)
    return None if more or odd else (choice, delta)
