"""What the client carries out: a prompt of ours, or a call of somebody else's that is passed on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial

from reviewbot.domain.call import Call
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.llm import resuming
from reviewbot.llm.caching import cache_key, call_key
from reviewbot.llm.exchange import Exchange
from reviewbot.llm.stream import Answer
from reviewbot.llm.tallying import WHOLE
from reviewbot.llm.tape import Tape

Check = Callable[[Completion], bool]
"""Tells whether an answer is fit to be kept in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What one attempt is given."""

    exchange: Exchange
    model: ModelOptions
    """What this target is asked for."""
    key: str | None
    deadline_at: float
    """On the event loop's clock."""
    count: Callable[[], None]
    """Called before each request that leaves."""
    tape: Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One request, with all that the client's layers have to know of it."""

    key: str
    """For cache and coalescing: who may share its answer has the same."""
    task: str
    version: str
    """Of the instructions that a prompt begins with."""
    prompt_tokens: int
    """Estimate."""
    model: ModelOptions
    parameters: tuple[tuple[str, str], ...]
    """As the ledger shows them."""
    send: Callable[[Sending], Awaitable[Answer]]
    keeps: Check
    """Whether a whole answer may be kept, besides what the answer itself tells."""
    survey: Callable[[Tape], Awaitable[bool]] | None = None
    """Tells whether another attempt can go on where the tape is; None where nothing is passed on."""
    shared: bool = True
    """Whether it may be answered by somebody else's call, now or before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """The answer to a call, and where it is from."""

    completion: Completion
    source: str
    """``hit``, ``joined`` or ``miss``: the cache, somebody else's call, or one of its own."""
    cost_usd: Decimal | None = None
    """Of a call of its own; None where the price is not known."""


def of_prompt(prompt: Prompt, options: ModelOptions, base_url: str, scope: str, check: Check | None) -> Order:
    """Make an order of a prompt; ``check`` tells which answers may be kept, all whole ones if it is None."""

    async def send(sending: Sending) -> Answer:
        return await sending.exchange.send(prompt, sending.model, sending.key, sending.deadline_at, sending.count)

    key = cache_key(
        base_url=base_url,
        prompt=prompt,
        options=options,
        answer_format="",
        prompt_version=prompt.version,
        scope=scope,
    )
    return Order(
        key=key,
        task=prompt.task.value,
        version=prompt.version,
        prompt_tokens=prompt.prompt_tokens,
        model=options,
        parameters=_parameters(options),
        send=send,
        keeps=lambda answer: answer.finish_reason == "stop" and (check is None or check(answer)),
    )


def of_call(call: Call, base_url: str, scope: str) -> Order:
    """Make an order of a call."""

    async def send(sending: Sending) -> Answer:
        return await sending.exchange.relay(
            call, sending.model.name, sending.key, sending.deadline_at, sending.count, sending.tape
        )

    return Order(
        key=call_key(base_url=base_url, call=call, scope=scope),
        task=call.task,
        version="",
        prompt_tokens=call.prompt_tokens,
        model=ModelOptions(name=call.model, max_tokens=call.max_tokens),
        parameters=call.parameters,
        send=send,
        keeps=lambda answer: answer.finish_reason in WHOLE,
        survey=partial(resuming.survey, call),
        shared=call.shared,
    )


@lru_cache(maxsize=64)
def _parameters(options: ModelOptions) -> tuple[tuple[str, str], ...]:
    return (
        ("temperature", str(options.temperature)),
        ("max_tokens", str(options.max_tokens)),
        ("thinking", str(options.thinking).lower()),
    )
