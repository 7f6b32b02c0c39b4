"""Hidden marks in the bot's replies: which note each of them answers, and whether it closes the thread.

    <!-- reviewbot:v1 reply to=NOTE closes=no|author|writer head=HEX sig=HEX -->

The forge is the only memory: a note that a mark names has been answered, whatever became of the run that did it.
Who may write such a mark, and how it is believed, is as with other marks (`reviewbot.steps.marking`).
"""

import re
from dataclasses import dataclass

from reviewbot.domain.request import Account, ChangeRequest
from reviewbot.domain.thread import Closing, Note
from reviewbot.steps.marking import Signer

_MARK = re.compile(
    r"^<!-- reviewbot:v1 reply to=(?P<to>\w{1,64}) closes=(?P<closes>no|author|writer) head=(?P<head>[0-9a-f]{4,64})"
    r" sig=(?P<sig>[^\s>]*) -->$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyMark:
    """What the mark of one of the bot's replies says."""

    note_id: str
    """The note that it answers."""
    closing: Closing
    head_sha: str
    """The commit that it was written for."""


def write(mark: ReplyMark, signer: Signer, request: ChangeRequest) -> str:
    """Write a mark."""
    fields = f"to={mark.note_id} closes={mark.closing.value} head={mark.head_sha}"
    return f"<!-- reviewbot:v1 reply {fields} sig={signer.sign(_signed(mark, request))} -->"


def read(note: Note, own: Account, signer: Signer, request: ChangeRequest) -> ReplyMark | None:
    """Read the mark of a reply of the bot's own; None where there is none that can be believed."""
    # Our own one is the last: what stands above it is text that a model wrote, made safe.
    found = list(_MARK.finditer(note.body.replace("\r\n", "\n"))) if own.id and note.author.id == own.id else []
    if not found:
        return None
    match = found[-1]
    mark = ReplyMark(note_id=match["to"], closing=Closing(match["closes"]), head_sha=match["head"])
    believed = not own.shared or signer.verifies(_signed(mark, request), match["sig"])
    return mark if believed else None


def without(body: str) -> str:
    """Give a comment of the bot's without any of its marks."""
    return re.sub(r"<!-- reviewbot:v1 [^>]*-->", "", body).strip()


def _signed(mark: ReplyMark, request: ChangeRequest) -> str:
    # No field but the last can hold a NUL, and it is the project's name, as in other marks.
    place = (request.dialect.forge, str(request.number))
    return "\0".join(("reviewbot:v1", "reply", *place, mark.note_id, mark.closing, mark.head_sha, request.project))
