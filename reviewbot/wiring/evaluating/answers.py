"""Who answers: an open client, or a recording; and the model as one case sees it, which takes notes of all answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.evaluation import Spent
from reviewbot.domain.prompt import Completion, Prompt, Task
from reviewbot.domain.surroundings import Surroundings
from reviewbot.domain.usage import Usage
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.prices import Prices
from reviewbot.ports import Model
from reviewbot.wiring.evaluating.recordings import Entry, Player, digest

Check = Callable[[Completion], bool]
Answerer = Callable[[str, Prompt, ModelOptions, Check | None], Awaitable[Entry]]
"""Answers a prompt of a case, which is named first. Raises BudgetExceeded or ProviderError."""


def live(model: Model, prices: Prices, world: Surroundings) -> Answerer:
    """Answer by asking a model."""

    async def answer(case: str, prompt: Prompt, options: ModelOptions, check: Check | None) -> Entry:
        began, started = world.now(), world.monotonic()
        completion = await _completed(model, prompt, options, check)
        price = prices.at(options.name, began)
        return Entry(
            case=case,
            task=prompt.task,
            repair=prompt.repair,
            digest=digest(prompt),
            prompt=prompt.version,
            text=completion.text,
            finish_reason=completion.finish_reason,
            model=completion.model,
            usage=completion.usage,
            cost_usd=None if price is None else price.cost(completion.usage),
            seconds=round(world.monotonic() - started, 3),
        )

    return answer


async def _completed(model: Model, prompt: Prompt, options: ModelOptions, check: Check | None) -> Completion:
    """Ask; an empty answer is an answer, so that a recording has it too."""
    try:
        return await model.complete(prompt, options, check)
    except Fault as fault:
        if fault.kind is not FaultKind.EMPTY:
            raise
        return Completion(text="", finish_reason=None, model=None)


def replay(player: Player) -> Answerer:
    """Answer from a recording, from its beginning."""
    player.rewind()

    async def answer(case: str, prompt: Prompt, _options: ModelOptions, _check: Check | None) -> Entry:
        return player.take(case, prompt)

    return answer


@dataclass(slots=True, kw_only=True)
class CaseModel:
    """The model that the pipeline asks about one case."""

    case: str
    answerer: Answerer
    keep: Callable[[Entry], None]
    """Takes every answer, for a recording."""
    entries: list[Entry] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    prompt: str | None = None
    """Version of the instructions, once something was asked."""

    async def complete(self, prompt: Prompt, options: ModelOptions, check: Check | None = None) -> Completion:
        """Answer a prompt, and take note of it."""
        self.prompt = self.prompt or prompt.version
        entry = await self.answerer(self.case, prompt, options, check)
        self.entries.append(entry)
        self.keep(entry)
        used, total = entry.usage, self.usage
        self.usage = replace(
            total,
            requests=total.requests + 1,
            prompt_tokens=total.prompt_tokens + used.prompt_tokens,
            cached_tokens=total.cached_tokens + used.cached_tokens,
            completion_tokens=total.completion_tokens + used.completion_tokens,
            cost_usd=_sum(total.cost_usd, entry.cost_usd),
        )
        return entry.completion

    @property
    def spent(self) -> Spent:
        """What all answers used."""
        times = [entry.seconds for entry in self.entries]
        known = [seconds for seconds in times if seconds is not None]
        usage = self.usage
        return Spent(
            requests=usage.requests,
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            completion_tokens=usage.completion_tokens,
            cost_usd=usage.cost_usd,
            seconds=sum(known) if known and len(known) == len(times) else None,
        )

    @property
    def reviews(self) -> tuple[str, ...]:
        """The answers to review requests, repaired ones too."""
        return tuple(entry.text for entry in self.entries if entry.task is Task.REVIEW)


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other
