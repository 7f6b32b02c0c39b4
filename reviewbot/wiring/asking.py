"""An open model client around the stretch of the journey that asks it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reviewbot.domain.events import BreakerChanged, BudgetWarned, Event, KeyChanged
from reviewbot.domain.outcome import Report
from reviewbot.domain.uptake import CommentTold
from reviewbot.llm import calibration
from reviewbot.observers import ledger
from reviewbot.pipeline import Change, Policy, Rehearse, review_with_model
from reviewbot.ports import Observer
from reviewbot.repository.sources import Trust
from reviewbot.reviewing import Asking
from reviewbot.settings.environment import Stores
from reviewbot.settings.schema import Settings
from reviewbot.steps import prompting
from reviewbot.steps.answering import Conversation
from reviewbot.steps.carrying import Previous
from reviewbot.steps.counting import tokens
from reviewbot.wiring import engines, policies, replies, synopses
from reviewbot.wiring.clients import open_client
from reviewbot.wiring.engines import Engine
from reviewbot.wiring.instructions import gathered
from reviewbot.wiring.plans import client_plan
from reviewbot.wiring.surroundings import real_world, utc_now
from reviewbot.wiring.synopses import Telling

if TYPE_CHECKING:
    # prometheus_client is loaded where metrics are kept, and nowhere else.
    from reviewbot.observers.metrics import Metrics
    from reviewbot.wiring.generating import Generating


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a model review needs."""

    change: Change
    policy: Policy
    settings: Settings
    engine: Engine
    stores: Stores
    trust: Trust | None
    """Where overridden prompts come from."""
    previous: Previous | None = None
    """What an earlier run has reviewed."""
    conversations: tuple[Conversation, ...] = ()
    """Threads in which people wait for an answer."""
    followed: tuple[CommentTold, ...] = ()
    """What has become of comments, for the metrics; the ledger has it already."""
    telling: Telling = field(default_factory=Telling)
    """What is known of the change besides its diff."""
    generating: "Generating | None" = None
    """What generated tests need; None where none are to be written."""
    rehearse: Rehearse | None = None
    """Runs the tests that suggestions touch; None where that was not asked for."""
    say: Callable[[str], None]
    """Takes sentences for people."""


async def ask(job: Job, observe: Observer) -> Report:
    """Review a change with a model."""
    model = engines.model(job.settings)
    templates = policies.templates(job.trust)
    ratio = calibration.load(job.stores.folder, model.name)
    heard = _Heard(job)
    heard.count(job.followed)
    plan = client_plan(job.engine, job.settings, job.stores, real_world())
    async with open_client(plan, real_world(), heard, calibration=ratio) as client:
        asking = Asking(
            model=client,
            options=model,
            templates=templates,
            system=prompting.system(templates, gathered(job.settings, job.trust)),
            count=lambda text: ratio.first(tokens(text)),
            observe=observe,
            verifier=engines.verifier(job.settings),
        )
        async with synopses.asked(job.change.patch, asking, job.settings, job.telling) as synopsis:
            report = await review_with_model(job.change, job.policy, asking, job.previous, job.rehearse)
            if job.generating is not None:
                from reviewbot.wiring.generating import generate

                tests = await generate(job.generating, client, templates, asking.count, observe)
                report = replace(report, tests=tests, usage=replace(client.usage, wall_s=report.usage.wall_s))
            if job.conversations:
                replying = replace(asking, options=replies.options(job.settings))
                report = await replies.answered(report, job.change, replying, job.conversations, job.say)
            report = await synopses.told(report, synopsis, asking, job.say)
    calibration.save(job.stores.folder, model.name, ratio)
    _finish(job.stores, heard)
    return report


class _Heard:
    """Who hears of requests: the ledger and the metrics, if they are kept, and people, of what they should know."""

    def __init__(self, job: Job) -> None:
        self.say = job.say
        self.metrics: Metrics | None = None
        self._listeners: list[Callable[[Event], None]] = []
        if job.stores.ledger is not None:
            self._listeners.append(ledger.Ledger(job.stores.ledger, utc_now, keep_days=job.settings.ledger.keep_days))
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

    def count(self, followed: Sequence[CommentTold]) -> None:
        """Count in the metrics what the ledger has been told of already."""
        if self.metrics is not None:
            for told in followed:
                self.metrics(told)


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
            is_now = "fails often" if event.state == "alert" else f"is {event.state}"
            return f"key {event.key_id} {is_now}: {event.reason}"
        case _:
            return None
