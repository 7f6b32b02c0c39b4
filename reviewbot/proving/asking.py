"""How a model is asked for tests, and for its word on a suspicion: an answer, or why there is none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from jinja2 import Environment

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.ports import Model, Observer
from reviewbot.steps.briefing import Briefs
from reviewbot.steps.decoding import MalformedError

_CUT_OFF = "length"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafting:
    """How a model is asked."""

    model: Model
    options: ModelOptions
    """For writing tests."""
    verify: ModelOptions
    """For judging whether a failing test shows a bug."""
    templates: Environment
    count: Callable[[str], int]
    observe: Observer
    instructions: str = ""
    """The project's own rules."""
    attempts: int = 3
    """Requests for one gap, at most: each tells what was wrong with the tests before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Generic[_T]):
    """An answer that can be used."""

    value: _T


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why there is no answer."""

    reason: str
    budget: bool = False


async def answered(
    drafting: Drafting, options: ModelOptions, briefs: Briefs, prompt: Prompt, read: Callable[[str], _T]
) -> Answered[_T] | Refused:
    """Ask, and once more where the answer is malformed; ``read`` raises MalformedError for such a one."""
    try:
        return await _tried(drafting, options, briefs, prompt, read)
    except BudgetExceeded as error:
        return Refused(reason=str(error), budget=True)
    except ProviderError as error:
        return Refused(reason=str(error))


async def _tried(
    drafting: Drafting, options: ModelOptions, briefs: Briefs, prompt: Prompt, read: Callable[[str], _T]
) -> Answered[_T] | Refused:
    def is_fit(completion: Completion) -> bool:
        try:
            read(completion.text)
        except MalformedError:
            return False
        return True

    completion = await _completion(drafting, options, prompt, is_fit)
    try:
        return Answered(value=read(completion.text))
    except MalformedError as error:
        fault = _fault(completion, error)
    again = briefs.repair(prompt, completion.text, fault)
    completion = await drafting.model.complete(again, options, is_fit)
    try:
        return Answered(value=read(completion.text))
    except MalformedError as error:
        return Refused(reason=f"the model gave no usable answer twice: {_fault(completion, error)}")


async def _completion(
    drafting: Drafting, options: ModelOptions, prompt: Prompt, is_fit: Callable[[Completion], bool]
) -> Completion:
    """Ask; an empty answer is one that can be asked for again, in other words."""
    try:
        return await drafting.model.complete(prompt, options, is_fit)
    except Fault as fault:
        if fault.kind is not FaultKind.EMPTY:
            raise
        return Completion(text="", finish_reason=None, model=None)


def _fault(completion: Completion, error: MalformedError) -> str:
    if completion.finish_reason == _CUT_OFF:
        return f"it was cut off at the longest answer allowed ({error})"
    return str(error)
