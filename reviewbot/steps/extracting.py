"""A model's answer → test files, or its word on a claim. Untrusted text comes in here, so pydantic guards it.

One bad test does not spoil the others. Without an object of the agreed form the whole answer is malformed.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reviewbot.steps.decoding import MalformedError

_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"\A\s*```[\w-]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_MOST_OBJECTS = 100
"""How many opening braces are tried, at most: each may cost a walk through the rest of the answer."""
_MOST_TESTS = 60
_LONGEST_CODE = 40_000
_LONGEST_WHY = 500
_LONGEST_EVIDENCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A test file as a model gave it."""

    path: str
    code: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What an answer holds."""

    drafts: tuple[Draft, ...]
    faults: tuple[str, ...] = ()
    """What was wrong with those that are not among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """A model's word on a claim."""

    accept: bool
    reason: str
    evidence: str | None
    """Code that shows it, said to be verbatim."""


def _words(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else ""


class _Test(BaseModel):
    """One test file, as interface.md writes it; ``targets`` are not needed, since what runs is measured."""

    model_config = ConfigDict(extra="ignore", strict=True)

    path: str = Field(min_length=1)
    code: str = Field(min_length=1, max_length=_LONGEST_CODE)
    why: Annotated[str, BeforeValidator(_words)] = ""


class _Opinion(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    accept: bool
    reason: Annotated[str, BeforeValidator(_words)] = ""
    evidence: str | None = None


def tests(text: str) -> Extracted:
    """Read an answer to a request for tests. Raises MalformedError where none of it can be used."""
    listed = _object(text, "tests")["tests"]
    if not isinstance(listed, list):
        message = '"tests" is not a list'
        raise MalformedError(message)
    drafts: list[Draft] = []
    faults: list[str] = []
    for entry in listed[:_MOST_TESTS]:
        try:
            said = _Test.model_validate(entry)
        except ValidationError as error:
            faults.append(_fault(error))
        else:
            drafts.append(Draft(path=said.path.strip(), code=_unfenced(said.code), why=said.why[:_LONGEST_WHY]))
    if faults and not drafts:
        message = f"none of its tests has the agreed form; of the first: {faults[0]}"
        raise MalformedError(message)
    if len(listed) > _MOST_TESTS:
        faults.append(f"one answer may hold {_MOST_TESTS} tests at most")
    return Extracted(drafts=tuple(drafts), faults=tuple(faults))


def opinion(text: str) -> Opinion:
    """Read an answer to a request to verify a claim. Raises MalformedError."""
    try:
        said = _Opinion.model_validate(_object(text, "accept"))
    except ValidationError as error:
        raise MalformedError(_fault(error)) from error
    evidence = None if said.evidence is None else said.evidence[:_LONGEST_EVIDENCE]
    return Opinion(accept=said.accept, reason=said.reason[:_LONGEST_WHY], evidence=evidence)


def _object(text: str, key: str) -> dict[str, object]:
    """Find the last object with such a key: before it a model may repeat the form, or think aloud."""
    found = [value for value in _objects(_THOUGHTS.sub("", text)) if key in value]
    if not found:
        message = f'the answer holds no complete JSON object with "{key}"' if text.strip() else "the answer is empty"
        raise MalformedError(message)
    return next((value for value in reversed(found) if value[key] != []), found[-1])


def _objects(text: str) -> Iterator[dict[str, object]]:
    """Yield the JSON objects of a text, whatever stands around them: nothing, a code fence, or words with braces."""
    decoder = json.JSONDecoder(strict=False)
    at = text.find("{")
    for _ in range(_MOST_OBJECTS):
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield value
        at = text.find("{", end)


def _unfenced(code: str) -> str:
    """Take a code fence from around a file, and end it with one newline."""
    match = _FENCE.match(code)
    return (match[1] if match else code).rstrip() + "\n"


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the answer"
    return f"{where}: {first['msg']}"
