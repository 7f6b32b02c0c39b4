"""The stretch of the journey that answers people: conversations in, what is to be said to them out.

One request for each conversation: the finding, the code around it as a verifier sees it, and what was said. An answer
that cannot be had is a value, and changes no exit code: the next run asks again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reviewbot.domain.finding import Finding, Span
from reviewbot.domain.patch import Hunk, Patch, Side
from reviewbot.domain.prompt import Prompt
from reviewbot.domain.thread import Answer, Closing
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.ports import Sources
from reviewbot.reviewing import Asking, Form, answered
from reviewbot.steps import anchoring, answering, challenging, decoding, marking, redacting
from reviewbot.steps.answering import Conversation
from reviewbot.steps.challenging import Challenge
from reviewbot.steps.decoding import Said
from reviewbot.steps.redacting import Redactions

INTERRUPTED = "the run was interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What people are to be told."""

    answers: tuple[Answer, ...]
    failed: tuple[str, ...] = ()
    """Why, for each conversation that has no answer."""
    interrupted: bool = False


async def reply(asking: Asking, conversations: Sequence[Conversation], patch: Patch, sources: Sources) -> Answered:
    """Ask for all answers at once; ``asking.options`` are those of the replies. Never fails."""
    prompts = _prompts(asking, conversations, patch, sources)
    tasks = [asyncio.create_task(_said(asking, prompt)) for prompt in prompts]
    interrupted = False
    try:
        await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        interrupted = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    results = [INTERRUPTED if task.cancelled() else task.result() for task in tasks]
    return Answered(
        answers=tuple(
            _answer(conversation, said)
            for conversation, said in zip(conversations, results, strict=True)
            if isinstance(said, Said)
        ),
        failed=tuple(said for said in results if isinstance(said, str)),
        interrupted=interrupted,
    )


def _answer(conversation: Conversation, said: Said) -> Answer:
    closing = Closing.WRITER if conversation.writer else Closing.AUTHOR
    return Answer(
        thread_id=conversation.thread.id,
        note_id=conversation.note.id,
        text=said.text,
        closing=closing if said.resolved else Closing.NO,
    )


async def _said(asking: Asking, prompt: Prompt) -> Said | str:
    """Ask for one answer; gives it, or why there is none. Never raises but when cancelled."""
    form = Form(options=asking.options, read=decoding.reply, repair=answering.repair)
    try:
        said, _ = await answered(asking, prompt, form)
    except (BudgetExceeded, ProviderError, decoding.MalformedError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a bug that one answer brings to light must not cost the others
        return f"a bug in reviewbot, please report it: {type(error).__name__}: {error}"
    return said


def _prompts(
    asking: Asking, conversations: Sequence[Conversation], patch: Patch, sources: Sources
) -> tuple[Prompt, ...]:
    redactions = Redactions()
    shown = redacting.patch(patch, redactions)
    placed = _placed([conversation.finding for conversation in conversations], patch)
    return tuple(
        answering.prompt(
            asking.templates, conversation, _challenge(finding, shown, sources, redactions, asking), asking.count
        )
        for conversation, finding in zip(conversations, placed, strict=True)
    )


def _placed(findings: Sequence[Finding], patch: Patch) -> tuple[Finding, ...]:
    """Find the code of findings in the newest version; marks name paths as they are at the merge base."""
    renamed = {file.base_path: file.path for file in patch.files}
    moved = [replace(finding, path=renamed.get(finding.path, finding.path), hint=1) for finding in findings]
    # Marks hide secrets: so what is compared with them has to.
    return anchoring.place(moved, patch, marking.plain)


def _challenge(
    finding: Finding, shown: Patch, sources: Sources, redactions: Redactions, asking: Asking
) -> Challenge | None:
    """Cut out the code around a finding, without secrets; None where it stands nowhere in the change."""
    span = finding.span
    # A file whose type has changed is there twice, with one side each.
    files = [file for file in shown.files if file.path == finding.path]
    places = [(file, hunk) for file in files for hunk in file.hunks if span and _holds(hunk, span)]
    if span is None or not places:
        return None
    file, hunk = places[0]
    data = None if span.side is Side.LEFT else sources.new_text(file)
    whole = "" if data is None else redactions.hide(data.decode("utf-8", "replace"))
    return challenging.challenge(finding, hunk, challenging.enclosing(whole, span.start), asking.count)


def _holds(hunk: Hunk, span: Span) -> bool:
    return any(line.number(span.side) == span.start for line in hunk.lines())
