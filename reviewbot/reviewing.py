"""The stretch of the journey that asks a model: chunks in, findings and unfinished chunks out."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from jinja2 import Environment

from reviewbot.domain.chunk import Chunk, ChunkOutcome
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Progress
from reviewbot.domain.finding import Finding, Rejection
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.ports import Model, Observer
from reviewbot.steps import decoding, prompting
from reviewbot.steps.redacting import Redactions

_CUT_OFF = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a model is asked."""

    model: Model
    options: ModelOptions
    templates: Environment
    system: str
    """The instructions that all chunks share."""
    count: Callable[[str], int]
    observe: Observer


@dataclass(slots=True, kw_only=True)
class Answers:
    """What the model said, over all chunks."""

    findings: list[Finding] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    unfinished: list[ChunkOutcome] = field(default_factory=list)
    budget_ended: str | None = None
    """Why, if money was the reason that some chunks were not sent."""
    bug: str | None = None
    """What went wrong, if it was our own fault."""
    interrupted: bool = False
    redacted: int = 0
    """Secrets that were taken out of what was sent."""
    model_name: str | None = None
    """As the endpoint calls it."""


async def ask(asking: Asking, chunks: Sequence[Chunk], redactions: Redactions) -> Answers:
    """Ask about all chunks at once; a failing one is a value, and never loses the others.

    An interruption ends the waiting, and what has not come by then is unfinished.
    """
    prompts = [prompting.review(asking.templates, asking.system, chunk, redactions, asking.count) for chunk in chunks]
    answers = Answers(redacted=len(redactions))
    tasks = [asyncio.create_task(_ask_one(asking, prompt)) for prompt in prompts]
    _report_progress(tasks, asking.observe)
    try:
        await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        answers.interrupted = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for chunk, task in zip(chunks, tasks, strict=True):
        _take(answers, chunk, task, redactions)
    return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """Why a chunk came to nothing."""

    reason: str
    budget: bool = False
    bug: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Success:
    decoded: decoding.Decoded
    model: str | None


async def _ask_one(asking: Asking, prompt: Prompt) -> _Success | _Failure:
    """Ask about one chunk. Never raises but when cancelled: a failing chunk is a value."""
    try:
        return await _answered(asking, prompt)
    except BudgetExceeded as error:
        return _Failure(reason=str(error), budget=True)
    except ProviderError as error:
        return _Failure(reason=str(error))
    except Exception as error:  # noqa: BLE001 - a bug that one answer brings to light must not cost the others
        return _Failure(reason=f"a bug in reviewbot, please report it: {type(error).__name__}: {error}", bug=True)


async def _answered(asking: Asking, prompt: Prompt) -> _Success | _Failure:
    completion = await _completion(asking, prompt)
    try:
        return _Success(decoded=decoding.findings(completion.text), model=completion.model)
    except decoding.MalformedError as error:
        fault = _fault(completion, error)
    again = prompting.repair(asking.templates, prompt, completion.text, fault, asking.count)
    completion = await asking.model.complete(again, asking.options, _is_fit)
    try:
        return _Success(decoded=decoding.findings(completion.text), model=completion.model)
    except decoding.MalformedError as error:
        if error.decoded is not None:
            return _Success(decoded=error.decoded, model=completion.model)
        return _Failure(reason=f"the model gave no usable answer twice: {_fault(completion, error)}")


async def _completion(asking: Asking, prompt: Prompt) -> Completion:
    """Ask; an empty answer is one that can be asked for again, in other words."""
    try:
        return await asking.model.complete(prompt, asking.options, _is_fit)
    except Fault as fault:
        if fault.kind is not FaultKind.EMPTY:
            raise
        return Completion(text="", finish_reason=None, model=None)


def _is_fit(completion: Completion) -> bool:
    """Tell whether an answer may be kept for the next run."""
    try:
        decoding.findings(completion.text)
    except decoding.MalformedError:
        return False
    return True


def _fault(completion: Completion, error: decoding.MalformedError) -> str:
    if completion.finish_reason == _CUT_OFF:
        return f"it was cut off at the longest answer allowed ({error})"
    return str(error)


def _take(answers: Answers, chunk: Chunk, task: "asyncio.Task[_Success | _Failure]", redactions: Redactions) -> None:
    if task.cancelled():
        answers.unfinished.append(ChunkOutcome(chunk=chunk, failed=False, reason="the run was interrupted"))
        return
    result = task.result()
    if isinstance(result, _Failure):
        answers.unfinished.append(ChunkOutcome(chunk=chunk, failed=not result.budget, reason=result.reason))
        if result.budget:
            answers.budget_ended = answers.budget_ended or result.reason
        if result.bug:
            answers.bug = answers.bug or result.reason
        return
    answers.findings += [_restored(finding, redactions) for finding in result.decoded.findings]
    answers.rejected += result.decoded.rejected
    answers.model_name = answers.model_name or result.model


def _restored(finding: Finding, redactions: Redactions) -> Finding:
    """Put secrets back into code, which must match the file; never into prose."""
    suggestion = finding.suggestion
    if suggestion is not None:
        suggestion = replace(suggestion, replacement=redactions.restore(suggestion.replacement))
    return replace(finding, quote=redactions.restore(finding.quote), suggestion=suggestion)


def _report_progress(tasks: "Sequence[asyncio.Task[_Success | _Failure]]", observe: Observer) -> None:
    state = {"done": 0, "failed": 0}

    def note(task: "asyncio.Task[_Success | _Failure]") -> None:
        state["done"] += 1
        state["failed"] += task.cancelled() or isinstance(task.result(), _Failure)
        observe(Progress(done=state["done"], total=len(tasks), failed=state["failed"]))

    observe(Progress(done=0, total=len(tasks)))
    for task in tasks:
        task.add_done_callback(note)
