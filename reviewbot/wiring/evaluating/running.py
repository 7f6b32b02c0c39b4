"""Cases → results: each case goes through the pipeline of a review, several at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment

from reviewbot import templating
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.evaluation import Case, CaseResult, Run, Spent
from reviewbot.domain.events import Event, Progress
from reviewbot.domain.outcome import Comparison, Report
from reviewbot.domain.patch import FilePatch
from reviewbot.errors import ProviderError, UsageError
from reviewbot.llm.prices import Prices
from reviewbot.observers.ledger import Ledger
from reviewbot.pipeline import Change, Policy, review_statically, review_with_model
from reviewbot.ports import Observer
from reviewbot.reviewing import Asking
from reviewbot.settings.environment import Stores
from reviewbot.settings.schema import Settings
from reviewbot.steps import prompting, scoring
from reviewbot.steps.counting import tokens
from reviewbot.wiring import engines
from reviewbot.wiring.clients import open_client
from reviewbot.wiring.engines import Engine
from reviewbot.wiring.evaluating.answers import Answerer, CaseModel, live, replay
from reviewbot.wiring.evaluating.cases import new_text
from reviewbot.wiring.evaluating.recordings import Entry, Player, Recording
from reviewbot.wiring.instructions import gathered
from reviewbot.wiring.plans import client_plan
from reviewbot.wiring.surroundings import real_world, utc_now

_PROMPTS = "prompts/*.j2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What an evaluation needs."""

    cases: tuple[Case, ...]
    policy: Policy
    settings: Settings
    engine: Engine
    """Its endpoint is None for static rules, and for answers from a recording."""
    recording: Recording | None
    """Where the answers come from, instead of an endpoint."""
    stores: Stores
    everything: bool
    """Whether what stands in the summary counts like inline comments."""
    observe: Observer
    keep: Callable[[Entry], None]
    """Takes every answer."""


Finished = tuple[Run, tuple[CaseResult, ...]]


async def evaluate(job: Job, variants: Sequence[Path | None]) -> tuple[Finished, ...]:
    """Run all cases once for each variant of the prompts: a folder of templates, or None for our own.

    Raises UsageError for a folder without prompts, and ProviderError where not one case could be reviewed.
    """
    if job.engine.name == "static":
        return (await _statically(job),)
    environments = [_templates(folder) for folder in variants]
    if job.recording is not None:
        player = Player(job.recording)
        return tuple([await _with_model(job, replay(player), each) for each in environments])
    async with _endpoint(job) as answerer:
        return tuple([await _with_model(job, answerer, each) for each in environments])


@asynccontextmanager
async def _endpoint(job: Job) -> AsyncIterator[Answerer]:
    world = real_world()
    plan = client_plan(job.engine, job.settings, job.stores, world)
    # What is measured is this model, asked afresh: neither what a cache remembers nor what a fallback says.
    plan = replace(plan, cached=False, fallbacks=())
    async with open_client(plan, world, _listener(job)) as client:
        yield live(client, Prices.load(job.engine.operators.prices), world)


def _listener(job: Job) -> Callable[[Event], None]:
    """Give the ledger, if one is kept: evaluations cost money like reviews do."""
    if job.stores.ledger is None:
        return lambda _: None
    return Ledger(job.stores.ledger, utc_now, keep_days=job.settings.ledger.keep_days)


async def _with_model(job: Job, answerer: Answerer, templates: Environment) -> Finished:
    options = engines.model(job.settings)
    if job.recording is not None:
        options = replace(options, name=job.recording.head.model)
    models = [CaseModel(case=case.id, answerer=answerer, keep=job.keep) for case in job.cases]

    async def review(at: int) -> CaseResult:
        model = models[at]
        report = await review_with_model(_change(job.cases[at]), job.policy, _asking(job, model, options, templates))
        claims, placed = scoring.validity(model.reviews, job.cases[at].patch)
        return replace(_result(job, at, report), claims=claims, placed=placed, spent=model.spent)

    results = await _all(job, review)
    if all(result.failure is not None for result in results):
        message = f"no case could be reviewed: {results[0].failure}"
        raise ProviderError(message)
    prompt = next((model.prompt for model in models if model.prompt is not None), None)
    return _run(job, options.name, prompt), results


def _asking(job: Job, model: CaseModel, options: ModelOptions, templates: Environment) -> Asking:
    return Asking(
        model=model,
        options=options,
        templates=templates,
        system=prompting.system(templates, gathered(job.settings, None)),
        count=tokens,
        observe=_unseen,
        verifier=engines.verifier(job.settings),
    )


async def _statically(job: Job) -> Finished:
    async def review(at: int) -> CaseResult:
        report = await asyncio.to_thread(review_statically, _change(job.cases[at]), job.policy)
        return replace(_result(job, at, report), spent=Spent())

    results = await _all(job, review)
    return Run(engine="static", model=None, prompt=None, source="rules"), results


async def _all(job: Job, review: Callable[[int], Awaitable[CaseResult]]) -> tuple[CaseResult, ...]:
    """Review all cases, as many at a time as requests may be under way: more would only wait, and look slow."""
    gate, done, failed = asyncio.Semaphore(job.settings.client.concurrency), 0, 0
    job.observe(Progress(done=0, total=len(job.cases)))

    async def one(at: int) -> CaseResult:
        nonlocal done, failed
        async with gate:
            result = await review(at)
        done += 1
        failed += result.failure is not None
        job.observe(Progress(done=done, total=len(job.cases), failed=failed))
        return result

    return tuple(await asyncio.gather(*(one(at) for at in range(len(job.cases)))))


def _result(job: Job, at: int, report: Report) -> CaseResult:
    case = job.cases[at]
    sought, comments = scoring.score(case, report.findings, everything=job.everything)
    troubled = report.verdict.exit_code != 0 or not report.complete
    return CaseResult(
        id=case.id,
        language=case.language,
        category=case.category,
        digest=case.digest,
        sought=sought,
        comments=comments,
        failure=("; ".join(report.verdict.reasons) or "it was reviewed in part only") if troubled else None,
        exit_code=report.verdict.exit_code,
    )


def _run(job: Job, model: str, prompt: str | None) -> Run:
    if job.recording is None:
        host = None if job.engine.endpoint is None else job.engine.endpoint.host
        return Run(engine="llm", model=model, prompt=prompt, source="live", host=host)
    head = job.recording.head
    source = "scripted" if head.scripted else "recorded"
    return Run(engine="llm", model=model, prompt=prompt, source=source, note=head.note)


def _change(case: Case) -> Change:
    return Change(
        patch=case.patch,
        comparison=Comparison(base_sha=None, head_sha=None, description=f"the case {case.id}"),
        sources=_CaseSources(whole=case.whole),
        attributes={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _CaseSources:
    """The texts around a case's change: what its diff shows, and nothing else."""

    whole: bool

    def new_text(self, file: FilePatch) -> bytes | None:
        """Give the text of a file that the diff shows whole."""
        return new_text(file) if self.whole and file.new_mode is None else None

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        """Give no files: a case has no project around it that could steer the analyzers."""
        del names
        return {}


def _templates(folder: Path | None) -> Environment:
    if folder is None:
        return templating.environment()
    if not any(folder.glob(_PROMPTS)):
        message = f"--templates {folder} holds no {_PROMPTS}: it is laid out like .reviewbot/templates"
        raise UsageError(message)

    def override(name: str) -> str | None:
        path = folder / name
        return path.read_text("utf-8") if path.is_file() else None

    return templating.environment(override)


def _unseen(progress: Progress) -> None:
    """Take no note of progress within a case."""
