"""What the prompts of all tasks have in common: how they begin, and how they go on after an answer that is no use."""

import hashlib
from collections.abc import Callable

from reviewbot.domain.prompt import Message, Prompt, Task

Count = Callable[[str], int]
"""Estimates the tokens of a text."""


def mark(data: str) -> str:
    """Give the 12 hex digits that data stands between: its author cannot foresee them, and so cannot end it."""
    return _digest(data)[:12]


def opening(task: Task, instructions: str, request: str, count: Count) -> Prompt:
    """Build a first request; its version is that of the instructions."""
    return Prompt(
        task=task,
        messages=(Message(role="system", content=instructions), Message(role="user", content=request)),
        prompt_tokens=count(instructions) + count(request),
        version=_digest(instructions)[:8],
    )


def once_more(asked: Prompt, answer: str, request: str, count: Count, *, longest: int = 2_000) -> Prompt:
    """Ask again after an answer, of which ``longest`` characters are shown: an endless one would not fit."""
    shown = answer[:longest] or "(empty)"
    return Prompt(
        task=asked.task,
        messages=(*asked.messages, Message(role="assistant", content=shown), Message(role="user", content=request)),
        prompt_tokens=asked.prompt_tokens + count(shown) + count(request),
        version=asked.version,
        repair=True,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
