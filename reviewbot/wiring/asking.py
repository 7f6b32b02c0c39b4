"""An open model client around the stretch of the journey that asks it."""

from collections.abc import Callable
from dataclasses import dataclass

from reviewbot.domain.endpoint import Endpoint
from reviewbot.domain.events import Event
from reviewbot.domain.outcome import Report
from reviewbot.llm import calibration
from reviewbot.llm.budget import Limits
from reviewbot.llm.prices import Prices
from reviewbot.observers import ledger
from reviewbot.pipeline import Change, Policy, review_with_model
from reviewbot.ports import Observer
from reviewbot.repository.sources import Trust
from reviewbot.reviewing import Asking
from reviewbot.settings.environment import Stores
from reviewbot.settings.schema import Settings
from reviewbot.steps import prompting
from reviewbot.steps.counting import tokens
from reviewbot.wiring import engines
from reviewbot.wiring.clients import ClientPlan, open_client
from reviewbot.wiring.operator import Operator
from reviewbot.wiring.surroundings import real_world, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a model review needs."""

    change: Change
    policy: Policy
    settings: Settings
    endpoint: Endpoint
    operators: Operator
    stores: Stores
    trust: Trust | None
    """Where overridden prompts come from."""
    say: Callable[[str], None]
    """Takes sentences for people."""


async def ask(job: Job, observe: Observer) -> Report:
    """Review a change with a model."""
    model = engines.model(job.settings)
    templates = engines.templates(job.trust)
    ratio = calibration.load(job.stores.folder, model.name)
    async with open_client(client_plan(job), real_world(), _listener(job), calibration=ratio) as client:
        asking = Asking(
            model=client,
            options=model,
            templates=templates,
            system=prompting.system(templates, job.settings.instructions),
            count=lambda text: ratio.first(tokens(text)),
            observe=observe,
        )
        report = await review_with_model(job.change, job.policy, asking)
    calibration.save(job.stores.folder, model.name, ratio)
    return report


def client_plan(job: Job) -> ClientPlan:
    """Say what client a review needs."""
    client, budget, cache = job.settings.client, job.settings.budget, job.settings.cache
    return ClientPlan(
        endpoint=job.endpoint,
        model=engines.model(job.settings).name,
        options=engines.client_options(job.settings),
        fallbacks=job.operators.fallbacks,
        limits=Limits(run_usd=budget.run_usd, day_usd=budget.day_usd, month_usd=budget.month_usd),
        prices=Prices.load(job.operators.prices),
        requests_per_minute=client.requests_per_minute,
        tokens_per_minute=client.tokens_per_minute,
        folder=job.stores.folder,
        redis_url=job.stores.redis_url,
        fail_open=job.settings.redis.fail_open,
        cached=cache.enabled,
        cache_ttl_s=cache.ttl_s,
        cache_bytes=cache.max_bytes,
        cache_secret=job.stores.cache_secret,
    )


def _listener(job: Job) -> Callable[[Event], None]:
    """Give who hears of requests: the ledger, if one is kept, and people, of what they should know."""
    heard: list[Callable[[Event], None]] = []
    if job.stores.ledger is not None:
        heard.append(ledger.Ledger(job.stores.ledger, utc_now))

    def listen(event: Event) -> None:
        for one in heard:
            one(event)
        sentence = _sentence(event)
        if sentence is not None:
            job.say(sentence)

    return listen


def _sentence(event: Event) -> str | None:
    from reviewbot.domain.events import BreakerChanged, BudgetWarned, KeyChanged

    match event:
        case BudgetWarned():
            return f"the {event.period}'s budget is nearly used up: ${event.spent_usd:.4f} of ${event.limit_usd}"
        case BreakerChanged(state="open"):
            return f"{event.endpoint} fails too often and is left alone for a while"
        case KeyChanged(state="retired" | "offline" | "alert"):
            return f"key {event.key_id} is {event.state}: {event.reason}"
        case _:
            return None
