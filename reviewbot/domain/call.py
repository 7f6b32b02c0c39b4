"""A chat-completions request of somebody else's, as it is passed on."""

from dataclasses import dataclass, field

TASK = "chat"
"""What a call is told of under where its sender does not say what it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A checked request. Its bytes go out as they came; the rest is what was read from them."""

    body: bytes = field(repr=False)
    """A JSON object, in UTF-8."""
    shape: str
    """Digest of everything in it that shapes the answer, however it is spelt."""
    model: str
    streamed: bool = False
    choices: int = 1
    """How many answers it asks for."""
    usage: bool = False
    """Whether its stream is asked to report its usage."""
    prompt_tokens: int = 0
    """Estimate."""
    max_tokens: int
    """Of all its answers together; an assumption where it sets no limit."""
    parameters: tuple[tuple[str, str], ...] = ()
    """For the ledger, as text."""
    task: str = TASK
    """What its sender says it is for; one of few words, since metrics are told apart by it."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of its headers, those that go on to the provider."""
    shared: bool = True
    """Whether an answer that somebody else's call brought, now or before, will do."""
