"""A model that finds what is marked, and answers people as it is told."""

import json
from collections.abc import Callable

from fakes.model_server import Answer, Asked
from jobs import attentive
from posting.stages import Stage

CONCEDED = "You are right: the caller checks it before."
EXPLAINED = "It still goes wrong when the list is empty."


def said(text: str, *, resolved: bool) -> Answer:
    """Answer a reply request."""
    return Answer(text=json.dumps({"reply": text, "resolved": resolved}))


def answering(answer: Callable[[Asked], Answer] | Answer) -> Callable[[Asked], Answer]:
    """Make a model that answers people like that."""
    finds = attentive()

    def script(asked: Asked) -> Answer:
        if asked.task != "reply":
            return finds(asked)
        return answer(asked) if callable(answer) else answer

    return script


def conceding() -> Callable[[Asked], Answer]:
    """Make a model that gives in."""
    return answering(said(CONCEDED, resolved=True))


def explaining() -> Callable[[Asked], Answer]:
    """Make a model that does not."""
    return answering(said(EXPLAINED, resolved=False))


def replies(stage: Stage) -> list[Asked]:
    """Give the reply requests so far."""
    return [asked for asked in stage.model.asked if asked.task == "reply"]
