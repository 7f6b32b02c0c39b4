"""The stretch of the journey that asks a model: chunks in, findings and unfinished chunks out."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from jinja2 import Environment

from reviewbot.domain.chunk import Chunk, ChunkOutcome
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Progress
from reviewbot.domain.finding import Finding, Rejection
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.ports import Model, Observer
from reviewbot.steps import decoding, informing, prompting
from reviewbot.steps.redacting import Redactions

_CUT_OFF = "length"

T = TypeVar("T")


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
    verifier: ModelOptions | None = None
    """Parameters of verify requests; None for those of reviews."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[T]):
    """What kind of answer is asked for."""

    options: ModelOptions
    read: Callable[[str], T]
    """Raises `decoding.MalformedError`."""
    repair: Callable[[Environment, Prompt, str, str, Callable[[str], int]], Prompt]
    """Makes the prompt that asks once more, of the first one, the faulty answer and what is wrong with it."""

    def fits(self, completion: Completion) -> bool:
        """Tell whether an answer may be kept for the next run."""
        try:
            self.read(completion.text)
        except decoding.MalformedError:
            return False
        return True


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


async def ask(
    asking: Asking,
    chunks: Sequence[Chunk],
    redactions: Redactions,
    facts: Callable[[Chunk], Sequence[str]] = lambda _: (),
) -> Answers:
    """Ask about all chunks at once; a failing one is a value, and never loses the others.

    An interruption ends the waiting, and what has not come by then is unfinished. ``facts`` gives what is known
    of a chunk besides its diff.
    """
    templates, count = asking.templates, asking.count
    prompts = [
        informing.informed(
            templates,
            prompting.review(templates, asking.system, chunk, redactions, count),
            facts(chunk),
            redactions,
            count,
        )
        for chunk in chunks
    ]
    answers = Answers(redacted=len(redactions))
    tasks = [asyncio.create_task(_ask_one(asking, prompt)) for prompt in prompts]
    report_progress(tasks, asking.observe, lambda result: isinstance(result, _Failure))
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
    form = Form(options=asking.options, read=decoding.findings, repair=prompting.repair)
    try:
        decoded, model = await answered(asking, prompt, form)
    except decoding.MalformedError as error:
        return _Failure(reason=str(error)) if error.decoded is None else _Success(decoded=error.decoded, model=None)
    return _Success(decoded=decoded, model=model)


async def answered(asking: Asking, prompt: Prompt, form: Form[T]) -> tuple[T, str | None]:
    """Ask, and once more after an answer that cannot be used. Gives what was said, and by which model.

    Raises BudgetExceeded, ProviderError, and `decoding.MalformedError` after the second faulty answer.
    """
    completion = await _completion(asking, prompt, form)
    try:
        return form.read(completion.text), completion.model
    except decoding.MalformedError as error:
        fault = _fault(completion, error)
    again = form.repair(asking.templates, prompt, completion.text, fault, asking.count)
    completion = await asking.model.complete(again, form.options, form.fits)
    try:
        return form.read(completion.text), completion.model
    except decoding.MalformedError as error:
        message = f"the model gave no usable answer twice: {_fault(completion, error)}"
        raise decoding.MalformedError(message, error.decoded) from error


async def _completion(asking: Asking, prompt: Prompt, form: Form[T]) -> Completion:
    """Ask; an empty answer is one that can be asked for again, in other words."""
    try:
        return await asking.model.complete(prompt, form.options, form.fits)
    except Fault as fault:
        if fault.kind is not FaultKind.EMPTY:
            raise
        return Completion(text="", finish_reason=None, model=None)


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


def report_progress(tasks: "Sequence[asyncio.Task[T]]", observe: Observer, failed: Callable[[T], bool]) -> None:
    """Tell how far tasks are; ``failed`` says whether a result is a failure."""
    state = {"done": 0, "failed": 0}

    def note(task: "asyncio.Task[T]") -> None:
        state["done"] += 1
        state["failed"] += task.cancelled() or failed(task.result())
        observe(Progress(done=state["done"], total=len(tasks), failed=state["failed"]))

    observe(Progress(done=0, total=len(tasks)))
    for task in tasks:
        task.add_done_callback(note)


def model_trouble(answers: Answers) -> list[tuple[int, str]]:
    """Give what went wrong as exit codes with reasons."""
    found = []
    failed = [outcome for outcome in answers.unfinished if outcome.failed]
    if answers.interrupted:
        found.append((130, "interrupted: the report holds what was known by then"))
    if failed:
        noun = "request" if len(failed) == 1 else "requests"
        found.append((4, f"{len(failed)} {noun} failed for good: {failed[0].reason}"))
    if answers.bug:
        found.append((70, answers.bug))
    if answers.budget_ended:
        found.append((5, answers.budget_ended))
    return found


def model_notes(answers: Answers) -> tuple[str, ...]:
    """Give what the reader should know besides."""
    if not answers.redacted:
        return ()
    noun = "secret was" if answers.redacted == 1 else "secrets were"
    return (f"{answers.redacted} {noun} taken out of what the model was sent",)
