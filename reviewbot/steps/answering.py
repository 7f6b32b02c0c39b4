"""Threads → those where a person waits for an answer, and the prompt that asks a model for it.

Not a command interface: what a person says is the last turn of a conversation about one finding, shown as data. The
bot answers each human turn once and a thread twice at most: two that cannot agree are not helped by a third
answer, and two bots would never end.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment

from reviewbot.domain.finding import Finding
from reviewbot.domain.prompt import Prompt, Task
from reviewbot.domain.request import Account, ChangeRequest
from reviewbot.domain.secret import mask
from reviewbot.domain.thread import Marked, Note, Thread, ThreadKind
from reviewbot.domain.view import label, prose
from reviewbot.steps import answering_marks, dialogue
from reviewbot.steps.challenging import Challenge
from reviewbot.steps.dialogue import Count

MOST_ANSWERS: Final = 2
"""Of the bot's in one thread, ever."""
TURN_TOKENS: Final = 1_200
"""For all that was said in a thread; the oldest turns go first, the last one stays."""
_MOST_TURNS: Final = 8
_LONGEST_TURN: Final = 2_000
"""Characters."""
_LONGEST_BODY: Final = 1_500
_LONGEST_QUOTE: Final = 1_500
_PLACES: Final = (ThreadKind.INLINE, ThreadKind.FILE)
NOT_THERE: Final = "(the quoted code does not stand in the change any more)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One of the bot's threads in which a person has the last word, so far."""

    thread: Thread
    finding: Finding
    """As its mark tells it: under the path at the merge base, without lines."""
    writer: bool
    """Whether that person may write to the project."""

    @property
    def note(self) -> Note:
        """What is to be answered."""
        return self.thread.notes[-1]


def waiting(
    marked: Sequence[Marked], own: Account, request: ChangeRequest, writes: Callable[[Account], bool], most: int
) -> tuple[Conversation, ...]:
    """Give the threads that wait for an answer, in their order.

    ``writes`` tells who may write to the project; it is asked about people that have the last word in a thread of
    the bot's. Besides them only the author of the change is answered: nobody else may spend the project's money.
    """
    found: list[Conversation] = []
    for one in marked:
        finding = _finding(one)
        if len(found) == most or finding is None or not _waits(one.thread, own):
            continue
        person = one.thread.notes[-1].author
        writer = writes(person)
        if writer or person.id == request.author.id:
            found.append(Conversation(thread=one.thread, finding=finding, writer=writer))
    return tuple(found)


def _finding(one: Marked) -> Finding | None:
    """Give what a thread speaks of, if that is surely ours, and one thing."""
    return one.marks[0].finding if one.believed and not one.is_summary and len(one.marks) == 1 else None


def _waits(thread: Thread, own: Account) -> bool:
    person = thread.notes[-1].author
    said = sum(note.author.id == own.id for note in thread.notes[1:])
    human = bool(person.id) and not person.bot and person.id != own.id
    # Where it is not known whether a thread is resolved, it cannot be resolved either.
    return human and said < MOST_ANSWERS and thread.kind in _PLACES and thread.resolvable and not thread.resolved


def system(templates: Environment) -> str:
    """Render the instructions that all reply requests share."""
    return templates.get_template("prompts/reply.system.j2").render()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one of the two has said."""

    who: str
    """``reviewer`` or ``person``."""
    text: str


def prompt(
    templates: Environment,
    conversation: Conversation,
    shown: Challenge | None,
    count: Count,
) -> Prompt:
    """Build the request for one answer. ``shown`` is the code around the finding; None where that is gone."""
    finding = _told(conversation.finding)
    code = NOT_THERE if shown is None else _code(shown)
    turns = _turns(conversation.thread, count)
    whole = "\0".join((finding, code, *(turn.text for turn in turns)))
    mark = dialogue.mark(whole)
    user = templates.get_template("prompts/reply.user.j2").render(finding=finding, code=code, turns=turns, mark=mark)
    instructions = system(templates)
    return dialogue.opening(Task.REPLY, instructions, user, count)


def _told(finding: Finding) -> str:
    body, quote = prose(finding.body)[:_LONGEST_BODY], prose(finding.quote)[:_LONGEST_QUOTE]
    title, path = label(mask(finding.title)), label(mask(finding.path))
    return f"path: {path}\ntitle: {title}\nbody: {body or '-'}\nquote:\n{quote}"


def _code(shown: Challenge) -> str:
    return "\n".join((*shown.enclosing, *(["…"] if shown.enclosing else []), shown.heading, *shown.rows))


def _turns(thread: Thread, count: Count) -> tuple[Turn, ...]:
    """Give the latest turns that have room. What opened the thread is told as the finding."""
    kept: list[Turn] = []
    left = TURN_TOKENS
    for turn in _latest(thread):
        left -= count(turn.text)
        if kept and left < 0:
            break
        kept.insert(0, turn)
    return tuple(kept)


def _latest(thread: Thread) -> Iterator[Turn]:
    for note in reversed(thread.notes[1:][-_MOST_TURNS:]):
        ours = note.author.id == thread.opener.author.id
        # Masked before it is cut, since half a secret is not recognised any more.
        text = prose(answering_marks.without(note.body) if ours else note.body)
        cut = text if len(text) <= _LONGEST_TURN else f"{text[:_LONGEST_TURN]}…"
        yield Turn(who="reviewer" if ours else "person", text=cut)


def repair(templates: Environment, asked: Prompt, answer: str, fault: str, count: Count) -> Prompt:
    """Ask once more after an answer that is no reply, showing it and what is wrong with it."""
    text = templates.get_template("prompts/reply.repair.j2").render(fault=fault)
    return dialogue.once_more(asked, answer, text, count)
