"""A review of a bare diff against a scripted server, through the real client."""

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from fakes.model_server import Answer, Asked, serving
from talking import World, plan_for

from reviewbot import templating
from reviewbot.domain.chunk import ContextBudget
from reviewbot.domain.endpoint import ClientOptions, ModelOptions
from reviewbot.domain.outcome import Comparison, Report
from reviewbot.llm.budget import Limits
from reviewbot.pipeline import Change, Policy, review_with_model
from reviewbot.ports import Analyzer, Model, Sources
from reviewbot.reviewing import Asking
from reviewbot.steps import diffing, prompting
from reviewbot.steps.carrying import Previous
from reviewbot.steps.counting import tokens
from reviewbot.steps.filtering import Rules
from reviewbot.verifying import Standards
from reviewbot.wiring.clients import open_client


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a review is made, unless a test says otherwise."""

    sources: Sources
    analyzers: tuple[Analyzer, ...] = ()
    standards: Standards = field(default_factory=Standards)
    target_tokens: int = 12_000
    max_comments: int = 0
    previous: Previous | None = None
    budget_usd: str | None = None
    cache: Path | None = None
    """Folder with the answers of earlier runs."""
    runs: int = 1
    """How often the same is reviewed; the last report is given."""
    interrupted_at: str | None = None
    """A task whose first request interrupts the run, as Ctrl-C does."""


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """A report, and what was asked for it."""

    report: Report
    asked: list[Asked]

    @property
    def verified(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.task == "verify"]

    def median_tokens(self) -> float:
        """Give the tokens of the middle verify request."""
        counts = [sum(tokens(message["content"]) for message in asked.body["messages"]) for asked in self.verified]
        return statistics.median(counts)


def reviewed(script: Callable[[Asked], Answer], diff: bytes, setting: Setting) -> Reviewed:
    """Review a diff."""
    cancel: list[Callable[[], object]] = []

    def answer(asked: Asked) -> Answer:
        if asked.task == setting.interrupted_at:
            cancel[0]()
        return script(asked)

    async def session(url: str) -> Report:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        cancel.append(lambda: loop.call_soon_threadsafe(task.cancel))
        limits = Limits(run_usd=None if setting.budget_usd is None else Decimal(setting.budget_usd))
        plan = replace(plan_for(url), options=ClientOptions(attempts=2), limits=limits)
        plan = replace(plan, folder=setting.cache, cache_secret="made-up")
        async with open_client(plan, World().surroundings, lambda _: None) as client:
            return await asked_of(client, diff, setting)

    with serving(answer) as server:
        *_, report = [asyncio.run(session(server.base_url)) for _ in range(setting.runs)]
    return Reviewed(report=report, asked=server.asked)


async def asked_of(model: Model, diff: bytes, setting: Setting) -> Report:
    """Review a diff with a model."""
    comparison = Comparison(base_sha=None, head_sha=None, description="a drawing")
    change = Change(patch=diffing.bare(diff), comparison=comparison, sources=setting.sources, attributes={})
    policy = Policy(
        rules=Rules(),
        budget=ContextBudget(target_tokens=setting.target_tokens),
        max_comments=setting.max_comments,
        fail_on=None,
        analyzers=setting.analyzers,
        text_checks=(),
        hint="",
        standards=setting.standards,
    )
    templates = templating.environment()
    asking = Asking(
        model=model,
        options=ModelOptions(name="deepseek-flash"),
        templates=templates,
        system=prompting.system(templates, ""),
        count=tokens,
        observe=lambda _: None,
    )
    return await review_with_model(change, policy, asking, setting.previous)
