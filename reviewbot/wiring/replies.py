"""Threads on the forge → conversations, and what a model says to them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.outcome import Report
from reviewbot.errors import ForgeError
from reviewbot.pipeline import Change
from reviewbot.replying import reply
from reviewbot.reviewing import Asking
from reviewbot.settings.schema import Settings
from reviewbot.steps import answering, gating
from reviewbot.steps.answering import Conversation
from reviewbot.wiring import engines
from reviewbot.wiring.publishing import Board, Desk

_INTERRUPTED = 130
_REPLY_TOKENS = 800


def waiting(desk: Desk, board: Board, settings: Settings) -> tuple[Conversation, ...]:
    """Give the conversations in which a person waits for an answer; none where the forge cannot be asked."""
    if not settings.replies.enabled:
        return ()
    try:
        return answering.waiting(board.marked, board.own, desk.request, desk.forge.writes, settings.replies.max)
    except ForgeError:
        return ()  # what is wrong with the forge is told when the report is posted


def options(settings: Settings) -> ModelOptions:
    """Give the parameters of reply requests: those of a review, but for the length of the answer."""
    found = engines.model(settings)
    return found if found.thinking else replace(found, max_tokens=min(found.max_tokens, _REPLY_TOKENS))


async def answered(
    report: Report, change: Change, asking: Asking, conversations: Sequence[Conversation], say: Callable[[str], None]
) -> Report:
    """Let a model answer, and give the report with what people are to be told. What fails changes no exit code.

    A run that was interrupted asks nobody any more.
    """
    if report.verdict.exit_code == _INTERRUPTED:
        return report
    found = await reply(asking, conversations, change.patch, change.sources)
    for reason in dict.fromkeys(found.failed):
        count = found.failed.count(reason)
        say(f"{count} {'reply' if count == 1 else 'replies'} could not be written: {reason}")
    return replace(
        report,
        answers=found.answers,
        usage=replace(asking.model.usage, wall_s=report.usage.wall_s),
        verdict=gating.interrupted(report.verdict) if found.interrupted else report.verdict,
    )
