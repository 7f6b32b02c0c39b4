"""A stream on its way to the tape, in the bytes that came, read as far as the client has to know of it.

Whole events are passed on, never half of one, so that a stream that breaks off can end in an event that tells so. Until
the first event with content nothing is handed out: what fails before that can be tried again, and nobody sees it.
"""

from collections.abc import Mapping
from typing import Final

from reviewbot.domain.prompt import Completion
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.sse import EventReader
from reviewbot.llm.stream import DONE, ENDLESS, LIMIT_BYTES, all_parsed
from reviewbot.llm.tallying import OVERLOADED, Tally
from reviewbot.llm.tape import Tape

ENDED: Final = b"data: " + DONE + b"\n\n"


class Passage:
    """Bytes of a stream on their way to the tape."""

    def __init__(
        self, tape: Tape, content_type: str, *, withhold: bool, choices: int = 1, careful: bool = False
    ) -> None:
        """Take how many choices have to end, and whether every event is to be read, as it is with several."""
        self.tape = tape
        self.tally = Tally()
        self._content_type = content_type
        self.withhold = withhold
        self._choices = choices
        self._careful = careful or choices > 1
        self._rest = b""
        """Of an event whose end has not come yet."""
        self._held: list[bytes] = []
        """What came before the first content."""
        self._size = 0
        self._over = False
        """Whether the word that ends a stream was passed on."""

    def feed(self, piece: bytes) -> None:
        """Take in what came, and pass on the events that are whole. Raises Fault for one that is none."""
        self._size += len(piece)
        if self._size > LIMIT_BYTES:
            raise Fault(FaultKind.MALFORMED, ENDLESS)
        block = self._rest + piece if self._rest else piece
        end = _end_of_events(block)
        self._rest = block[end:]
        if not end:
            return
        whole_events = block[:end]
        if self.tape.begun and not self._careful and _is_more_text(whole_events):
            self.tape.write(whole_events)
        else:
            self._pass(whole_events)

    def cut(self) -> bool:
        """Tell whether a stream that broke off had told all; what it lacks of its form is added."""
        self._rest = b""
        if not self.tape.begun or self.tally.reason is None or len(self.tally.reasons) < self._choices:
            return False
        if not self._over:
            self._pass(ENDED)
        return True

    def close(self) -> None:
        """Pass on what is left: an event whose blank line never came, and which the next would be glued to."""
        if self._rest.strip():
            try:
                self._pass(self._rest.rstrip(b"\r\n") + b"\n\n")
            except Fault:
                if not self.cut():
                    raise
        if self.tape.sealed and self.tally.reason is not None:
            self._pass(ENDED)  # it was kept back when it came too early
        if self.tally.reason is None:
            raise Fault(FaultKind.TRUNCATED, "the answer ended before it was complete")
        if self.tally.reason == OVERLOADED and not self.tape.begun:
            raise Fault(FaultKind.SERVER, "the provider ran out of resources during the answer")
        self._hand_out(b"")

    def completion(self) -> Completion:
        """Give the whole answer."""
        return self.tally.completion(self.tape.text(), self._content_type)

    def _pass(self, block: bytes) -> None:
        if DONE in block and len(parts := _apart(block)) > 1:
            for part in parts:
                self._pass(part)
            return
        events = events_of(block)
        if self.tape.begun and not self._careful:
            events = [event for event in events if not _is_more_text(event + b"\n\n")]
        if self._read(events):
            block = b"".join(part for part in _apart(block) if not any(map(only_usage, all_parsed(events_of(part)))))
        if DONE in block and data_of(block) == [DONE] and self._seal():
            return
        if self.tape.begun:
            self.tape.write(block)
        elif self.tally.begun:
            self._hand_out(block)
        else:
            self._held.append(block)

    def _hand_out(self, block: bytes) -> None:
        """Begin, with all that came before."""
        if not self.tape.begun:
            self.tape.begin(self._content_type)
            self.tape.write(b"".join((*self._held, block)))

    def _seal(self) -> bool:
        """Take note of the stream's last word; tells whether it comes too early, and is to be kept back."""
        self._over = self.tally.reason is not None
        self.tape.sealed = not self._over
        return not self._over

    def _read(self, events: list[bytes]) -> bool:
        """Read events; tell whether one of them is to be kept back."""
        withheld = False
        for said in all_parsed(events):
            self.tally.take(said, "delta")
            withheld = withheld or (self.withhold and only_usage(said))
        return withheld


def _end_of_events(block: bytes) -> int:
    """Give where the last whole event ends; 0 where none does."""
    if block.endswith(b"\n\n"):
        return len(block)
    end = block.rfind(b"\n\n")
    crlf = block.rfind(b"\n\r\n")
    return max(end + 2 if end >= 0 else 0, crlf + 3 if crlf >= 0 else 0)


def only_usage(said: Mapping[str, object]) -> bool:
    """Tell the event that a stream ends with when it is asked to report its usage."""
    return said.get("choices") == [] and isinstance(said.get("usage"), dict)


def data_of(block: bytes) -> list[bytes]:
    """Give the data of the events in a block of whole ones."""
    reader = EventReader()
    found, last = list(reader.feed(block)), reader.close()
    return found if last is None else [*found, last]


def events_of(block: bytes) -> list[bytes]:
    """Give the data of the events in a block of whole ones, but for the word that ends a stream."""
    return [event for event in data_of(block) if event != DONE]


def _is_more_text(block: bytes) -> bool:
    """Tell whether a block has nothing to be read: whole objects that tell of no end, no usage and no error.

    Reading every event costs more than passing it on. This may say no to what it does not understand, never yes: within
    a text, these names would have a backslash before their quotes.
    """
    return (
        0 < block.count(b"\n\n") == block.count(b"}\n\n")
        and block.count(b'"finish_reason"') == block.count(b'"finish_reason":null')
        and b'"error"' not in block
        and (b'"usage"' not in block or block.count(b'"usage"') == block.count(b'"usage":null'))
    )


def _apart(block: bytes) -> list[bytes]:
    """Cut a block into its events, as they came."""
    parts, at = [], 0
    while at < len(block):
        end = _end_of_event(block, at)
        parts.append(block[at:end])
        at = end
    return parts


def _end_of_event(block: bytes, at: int) -> int:
    ends = [found + len(mark) for mark in (b"\n\n", b"\n\r\n") if (found := block.find(mark, at)) >= 0]
    return min(ends, default=len(block))
