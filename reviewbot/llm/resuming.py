"""Takes up a stream that broke off after some of it was passed on: its reader sees no break.

The same is asked again. What the new answer begins with has to be what was passed on, letter by letter; that is left
out, and what follows goes on under the first one's id. At the first letter that differs the new answer is broken off,
and its reader is told of the break: half of one answer and half of another make none.

Only text is taken up: calls of tools, probabilities and several choices are not put together from two answers.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from reviewbot.domain.call import Call
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.passing import ENDED, Passage, data_of, only_usage
from reviewbot.llm.sse import EventReader
from reviewbot.llm.stream import DONE, all_parsed
from reviewbot.llm.tallying import OVERLOADED, SILENT
from reviewbot.llm.tape import Tape, Told

_TEXTS: Final = ("reasoning", "reasoning_content", "content")
"""Where a delta has text, in the order in which it is read."""
_NAMES: Final = ("id", "created")
_SLICE_BYTES: Final = 100_000
"""Of what was passed on, read in one go: all other streams wait meanwhile."""
_SILENCE: Final = 50
"""Events that are left out before a sign of life is given: readers and proxies give up on who says nothing."""
_ALIVE: Final = b": taking up where it broke off\n\n"


async def survey(call: Call, tape: Tape) -> bool:
    """Read what a call's tape has told so far; tells whether another answer can go on there."""
    if tape.told is not None and tape.told.size == tape.size:
        return True
    tape.told = None
    if call.streamed and call.choices <= 1 and not tape.sealed:
        with suppress(Fault):  # not every event is read when it is passed on
            tape.told = await _told(tape)
    return tape.told is not None


async def _told(tape: Tape) -> Told | None:
    reader, data = EventReader(), tape.since(0)
    texts: dict[str, list[str]] = {}
    names: dict[str, object] = {}
    for at in range(0, len(data), _SLICE_BYTES):
        for said in all_parsed([event for event in reader.feed(data[at : at + _SLICE_BYTES]) if event != DONE]):
            found = _choice(said)
            if found is None or found[0].get("finish_reason"):
                return None
            if found[0]:
                names = names or {name: said[name] for name in _NAMES if said.get(name)}
            for field in _TEXTS:
                if found[1].get(field):
                    texts.setdefault(field, []).append(found[1][field])
        await asyncio.sleep(0)
    return Told({field: _units("".join(parts)) for field, parts in texts.items()}, names, len(data))


def differs() -> Fault:
    """Make the fault of a second answer that is not the first one."""
    return Fault(FaultKind.DIVERGED, "the provider began another answer")


class Resumption(Passage):
    """A stream on its way to a tape that has the beginning of it already."""

    def __init__(self, tape: Tape, content_type: str, before: Told, *, withhold: bool) -> None:
        super().__init__(tape, content_type, withhold=withhold, careful=True)
        self._before = before
        self._at = dict.fromkeys(before.texts, 0)
        """How much of each text the new answer has repeated, in bytes."""
        self._left_out = 0

    def _pass(self, block: bytes) -> None:
        for line in block.splitlines():
            if line.startswith(b":"):
                self.tape.write(line + b"\n\n")
        for data in data_of(block):
            if data != DONE:
                self._pass_event(data)
            elif self._repeating:
                raise differs()
            elif not self._seal():
                self.tape.write(ENDED)

    def _pass_event(self, data: bytes) -> None:
        (said,) = all_parsed([data])
        self.tally.take(said, "delta")
        if self._repeating:
            said = self._without_known(said)
        if not said:
            self._left_out += 1
            if self._left_out % _SILENCE == 0:
                self.tape.write(_ALIVE)
        elif not (self.withhold and only_usage(said)):
            spelt = json.dumps({**said, **self._before.names}, separators=(",", ":"))
            self.tape.write(b"data: " + spelt.encode("ascii") + b"\n\n")

    @property
    def _repeating(self) -> bool:
        return any(self._at[field] < len(text) for field, text in self._before.texts.items())

    def _without_known(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Leave out of an event what was passed on before; gives nothing where no more is in it."""
        found = _choice(said)
        if found is None:
            raise differs()
        choice, delta = found
        rest = {field: self._unknown(field, delta[field]) for field in _TEXTS if delta.get(field)}
        # Its reader knows who speaks, and may join the words of all events.
        others = {name: value for name, value in delta.items() if name not in SILENT}
        ended = choice.get("finish_reason")
        if ended == OVERLOADED:
            raise Fault(FaultKind.SERVER, "the provider ran out of resources during the answer")
        if (ended or any(rest.values())) and self._repeating:
            raise differs()
        return {**said, "choices": [{**choice, "delta": others | rest}]} if ended or any(rest.values()) else {}

    def _unknown(self, field: str, text: str) -> str:
        """Take a text off what is known, and give what is left of it. Raises Fault where it is another one."""
        known, at, new = self._before.texts.get(field, b""), self._at.get(field, 0), _units(text)
        size = min(len(known) - at, len(new))
        if known[at : at + size] != new[:size]:
            raise differs()
        if size:
            self._at[field] = at + size
        return new[size:].decode("utf-16-le", "surrogatepass")


def _units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _choice(said: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Give the choice of an event and its delta, both empty where there is none; None where it is more than text."""
    choices = (said["choices"] or [{}]) if "choices" in said else None
    choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
    delta = (choice.get("delta") or {}) if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(delta, dict) or choice.get("logprobs"):
        return None
    more = any(value for name, value in delta.items() if name not in SILENT and name not in _TEXTS)
    odd = any(delta.get(field) and not isinstance(delta[field], str) for field in _TEXTS)
    return None if more or odd else (choice, delta)
