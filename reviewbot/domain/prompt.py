"""What is sent to a model and what comes back."""

from dataclasses import dataclass, field
from enum import StrEnum

from reviewbot.domain.usage import TokenUsage


class Task(StrEnum):
    """What a request is for; sent as ``X-Reviewbot-Task``."""

    REVIEW = "review"
    VERIFY = "verify"
    TESTS = "tests"
    SUMMARY = "summary"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a chat."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A request before a provider's spelling. The first message is the same for every chunk."""

    task: Task
    messages: tuple[Message, ...]
    prompt_tokens: int
    """Estimate."""
    version: str = ""
    """Of the instructions that it begins with: 8 hex digits that change when they do."""
    repair: bool = False
    """Whether this asks to mend a faulty answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """An answer."""

    text: str
    finish_reason: str | None
    model: str | None
    """As the endpoint names it, which may be more exact than what was asked for."""
    usage: TokenUsage = field(default_factory=TokenUsage)
    content_type: str | None = None
    """Of an answer that is passed on: then ``text`` is its whole body, what is no UTF-8 in it as surrogate escapes."""
