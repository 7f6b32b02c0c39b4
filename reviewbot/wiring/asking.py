"""An open model client around the stretch of the journey that asks it."""

from dataclasses import dataclass
from pathlib import Path

from reviewbot.domain.endpoint import Endpoint
from reviewbot.domain.outcome import Report
from reviewbot.llm import calibration
from reviewbot.llm.budget import RunBudget
from reviewbot.llm.client import Client, Surroundings
from reviewbot.pipeline import Change, Policy, review_with_model
from reviewbot.ports import Observer
from reviewbot.repository.sources import Trust
from reviewbot.reviewing import Asking
from reviewbot.settings.schema import Settings
from reviewbot.steps import prompting
from reviewbot.steps.counting import tokens
from reviewbot.wiring import engines
from reviewbot.wiring.surroundings import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a model review needs."""

    change: Change
    policy: Policy
    settings: Settings
    endpoint: Endpoint
    trust: Trust | None
    """Where overridden prompts come from."""
    cache: Path | None
    """Folder for what may outlive the run."""


async def ask(job: Job, observe: Observer) -> Report:
    """Review a change with a model."""
    model = engines.model(job.settings)
    templates = engines.templates(job.trust)
    budget = RunBudget(job.settings.budget.run_usd)
    ratio = calibration.load(job.cache, model.name)
    options = engines.client_options(job.settings)
    async with Client(job.endpoint, options, budget, Surroundings(now=utc_now), ratio) as client:
        asking = Asking(
            model=client,
            options=model,
            templates=templates,
            system=prompting.system(templates, job.settings.instructions),
            count=lambda text: ratio.first(tokens(text)),
            observe=observe,
        )
        report = await review_with_model(job.change, job.policy, asking)
    calibration.save(job.cache, model.name, ratio)
    return report
