"""An open model client around the stretch of the journey that asks it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewbot.domain.endpoint import Endpoint
from reviewbot.domain.events import BreakerChanged, BudgetWarned, Event, KeyChanged
from reviewbot.domain.outcome import Report
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm import calibration
from reviewbot.llm.budget import Limits
from reviewbot.llm.keyfile import KeysFile
from reviewbot.llm.prices import Prices
from reviewbot.observers import ledger
from reviewbot.pipeline import Change, Policy, review_with_model
from reviewbot.ports import Observer
from reviewbot.repository.sources import Trust
from reviewbot.reviewing import Asking
from reviewbot.settings.environment import Stores, keys_in
from reviewbot.settings.schema import Settings
from reviewbot.steps import prompting
from reviewbot.steps.counting import tokens
from reviewbot.wiring import engines
from reviewbot.wiring.clients import ClientPlan, open_client
from reviewbot.wiring.operator import Operator
from reviewbot.wiring.surroundings import real_world, utc_now

if TYPE_CHECKING:
    # prometheus_client is loaded where metrics are kept, and nowhere else.
    from reviewbot.observers.metrics import Metrics


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
    heard = _Heard(job)
    async with open_client(client_plan(job), real_world(), heard, calibration=ratio) as client:
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
    _finish(job.stores, heard)
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
        keys_file=_keys_file(job.stores, real_world()),
        redis_url=job.stores.redis_url,
        fail_open=job.settings.redis.fail_open,
        cached=cache.enabled,
        cache_ttl_s=cache.ttl_s,
        cache_bytes=cache.max_bytes,
        cache_secret=job.stores.cache_secret,
    )


def _keys_file(stores: Stores, world: Surroundings) -> KeysFile | None:
    if stores.keys_file is None:
        return None
    keys_file = KeysFile(stores.keys_file, lambda text: keys_in(text, "REVIEWBOT_API_KEYS_FILE"), world)
    keys_file.read()
    return keys_file


class _Heard:
    """Who hears of requests: the ledger and the metrics, if they are kept, and people, of what they should know."""

    def __init__(self, job: Job) -> None:
        self.say = job.say
        self.metrics: Metrics | None = None
        self._listeners: list[Callable[[Event], None]] = []
        if job.stores.ledger is not None:
            ledger.prune(job.stores.ledger, job.settings.ledger.keep_days, utc_now())
            self._listeners.append(ledger.Ledger(job.stores.ledger, utc_now))
        if job.stores.metrics is not None or job.stores.pushgateway is not None:
            from reviewbot.observers import metrics

            self.metrics = metrics.Metrics()
            self._listeners.append(self.metrics)

    def __call__(self, event: Event, /) -> None:
        for listener in self._listeners:
            listener(event)
        sentence = _sentence(event)
        if sentence is not None:
            self.say(sentence)


def _finish(stores: Stores, heard: _Heard) -> None:
    """Write or push the run's metrics; where that fails, the review is no worse for it."""
    if heard.metrics is None:
        return
    if stores.metrics is not None:
        try:
            stores.metrics.write_text(heard.metrics.render(), "utf-8")
        except OSError as error:
            heard.say(f"REVIEWBOT_METRICS: {stores.metrics} cannot be written: {error.strerror or error}")
    if stores.pushgateway is not None and not heard.metrics.push(stores.pushgateway, "reviewbot"):
        heard.say("REVIEWBOT_PUSHGATEWAY: the metrics could not be pushed")


def _sentence(event: Event) -> str | None:
    match event:
        case BudgetWarned():
            return f"the {event.period}'s budget is nearly used up: ${event.spent_usd:.4f} of ${event.limit_usd}"
        case BreakerChanged(state="open"):
            return f"{event.endpoint} fails too often and is left alone for a while"
        case KeyChanged(state="retired" | "offline" | "alert"):
            return f"key {event.key_id} is {event.state}: {event.reason}"
        case _:
            return None
