"""A model's answer → findings, or a verdict. One of the doors where untrusted text comes in, so pydantic guards it.

One bad finding does not spoil the others: it is rejected with its reason. Without an object that has a
list of findings, or a verdict, the whole answer is malformed.
"""

import json
import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reviewbot.domain.finding import Category, Confidence, Finding, Rejection, Severity, Suggestion
from reviewbot.domain.patch import Side
from reviewbot.domain.synopsis import Risk, Synopsis

_ATTEMPTS = 100
"""How many opening braces are tried, at most: each may cost a walk through the rest of the answer."""
_LONGEST_NUMBER = 20
_LAST_LINE = 1_000_000_000
_MOST_FINDINGS = 50
"""Of one answer: it speaks of some hundred lines."""
_CATEGORIES = tuple(Category)
_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_TITLE_LENGTH = 200
_BODY_LENGTH = 8_000
_SYNOPSIS_LENGTH = 1_200


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What an answer says."""

    findings: tuple[Finding, ...]
    """Without spans yet; a suggestion has its text but no lines (both 0)."""
    rejected: tuple[Rejection, ...]


class MalformedError(Exception):
    """The answer holds nothing usable; the text says what is wrong, in words for the model."""

    def __init__(self, message: str, decoded: Decoded | None = None) -> None:
        super().__init__(message)
        self.decoded = decoded
        """What is left if asking again does not help: findings that were all rejected."""


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return "RIGHT" if value is None else value.strip().upper() if isinstance(value, str) else value


def _line(value: object) -> object:
    """Read the hint; one that is no line number is no reason to lose the finding."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < _LONGEST_NUMBER:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LAST_LINE else None


def _words(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


def _truth(value: object) -> object:
    said = _lower(value)
    return said == "true" if said in ("true", "false") else value


def _category(value: object) -> object:
    """Read a category; one of the model's own making says at least that it is no bug and no hole."""
    known = _lower(value)
    return "bug" if value is None else known if known in _CATEGORIES else "maintainability"


class _Claim(BaseModel):
    """One finding, as interface.md writes it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    path: str = Field(pattern=r"\S")
    line: Annotated[int | None, BeforeValidator(_line)] = None
    quote: str | None = None
    side: Annotated[Literal["RIGHT", "LEFT"], BeforeValidator(_upper)] = "RIGHT"
    severity: Annotated[Literal["low", "medium", "high", "critical"], BeforeValidator(_lower)]
    category: Annotated[
        Literal["bug", "security", "performance", "test", "maintainability"], BeforeValidator(_category)
    ] = "bug"
    title: Annotated[str, BeforeValidator(_words)] = Field(min_length=1)
    body: str | None = None
    suggestion: str | None = None


def findings(text: str, *, source: str = "llm") -> Decoded:
    """Read an answer.

    Raises MalformedError where no object with a list of findings is in it, or where none of them is usable.
    """
    kept: list[Finding] = []
    rejected: list[Rejection] = []
    claims = _claims(_THOUGHTS.sub("", text))
    for claim in claims[:_MOST_FINDINGS]:
        try:
            kept.append(_finding(_Claim.model_validate(claim), source))
        except ValidationError as error:
            rejected.append(_rejection(claim, error))
    if rejected and not kept:
        message = f"none of its findings has the agreed form; of the first: {rejected[0].reason}"
        raise MalformedError(message, Decoded(findings=(), rejected=tuple(rejected)))
    rejected += (_surplus(claim) for claim in claims[_MOST_FINDINGS:])
    return Decoded(findings=tuple(kept), rejected=tuple(rejected))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """What a verifier says of one claim."""

    accept: bool
    reason: str
    """One line; may be empty."""
    evidence: str | None
    """The code that it names as proof, as it wrote it."""


class _Verdict(BaseModel):
    """A verdict, as interface.md writes it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    accept: Annotated[bool, BeforeValidator(_truth)]
    reason: Annotated[str | None, BeforeValidator(_words)] = None
    evidence: str | None = None


def verdict(text: str) -> Ruled:
    """Read a verifier's answer. Where it holds several verdicts, one that rejects is enough.

    Raises MalformedError where there is none, or one is not of the agreed form.
    """
    try:
        ruled = [_Verdict.model_validate(value) for value in _objects(_THOUGHTS.sub("", text), "accept")]
    except ValidationError as error:
        raise _malformed(error) from error
    if not ruled:
        message = 'the object has no "accept"'
        raise MalformedError(message)
    last = next((one for one in ruled if not one.accept), ruled[-1])
    return Ruled(accept=last.accept, reason=(last.reason or "")[:_TITLE_LENGTH], evidence=last.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model says to a person."""

    text: str
    """Markdown."""
    resolved: bool


class _Reply(BaseModel):
    """A reply, as interface.md writes it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    reply: str = Field(pattern=r"\S")
    resolved: Annotated[bool, BeforeValidator(_truth)] = False


def reply(text: str) -> Said:
    """Read an answer to a person; of several the last one. Raises MalformedError where there is none."""
    found = _objects(_THOUGHTS.sub("", text), "reply")
    if not found:
        message = 'the object has no "reply"'
        raise MalformedError(message)
    try:
        said = _Reply.model_validate(found[-1])
    except ValidationError as error:
        raise _malformed(error) from error
    return Said(text=said.reply.strip()[:_BODY_LENGTH], resolved=said.resolved)


class _Synopsis(BaseModel):
    """A summary, as interface.md writes it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    summary: str = Field(pattern=r"\S")
    risk: Annotated[Literal["low", "medium", "high"], BeforeValidator(_lower)]


def synopsis(text: str) -> Synopsis:
    """Read a summary of a change; of several the last one. Raises MalformedError where there is none."""
    found = _objects(_THOUGHTS.sub("", text), "summary")
    if not found:
        message = 'the object has no "summary"'
        raise MalformedError(message)
    try:
        told = _Synopsis.model_validate(found[-1])
    except ValidationError as error:
        raise _malformed(error) from error
    return Synopsis(text=told.summary.strip()[:_SYNOPSIS_LENGTH], risk=Risk(told.risk))


def _malformed(error: ValidationError) -> MalformedError:
    first = error.errors(include_url=False, include_input=False)[0]
    return MalformedError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")


def _claims(text: str) -> list[object]:
    """Find the object's list, whatever stands around it: nothing, a code fence, or words with braces."""
    lists = [claims for value in _objects(text, "findings") if isinstance(claims := value["findings"], list)]
    if not lists:
        message = 'the object has no list "findings"'
        raise MalformedError(message)
    # The last one that says something: before it a model may repeat the form, or think aloud.
    return next((claims for claims in reversed(lists) if claims), lists[0])


def _objects(text: str, key: str) -> list[dict[str, object]]:
    """Find the JSON objects that have a key, in order. Raises MalformedError where the text holds no object at all."""
    if not text.strip():
        message = "the answer is empty"
        raise MalformedError(message)
    decoder = json.JSONDecoder(strict=False, parse_int=_integer)
    fault: str | None = "the answer holds no JSON object"
    found: list[dict[str, object]] = []
    at = text.find("{")
    for attempt in range(_ATTEMPTS):
        if at < 0:
            break
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            fault = f"the answer is no complete JSON object: {error}" if attempt == 0 else fault
            end = at + 1
        else:
            found += [value] if key in value else []
            fault = None if attempt == 0 else fault
        at = text.find("{", end)
    if not found and fault is not None:
        raise MalformedError(fault)
    return found


def _integer(digits: str) -> int | None:
    """Read a number; one that is too long for `int` is none, and no reason to lose the answer."""
    return int(digits) if len(digits) < _LONGEST_NUMBER else None


def _finding(claim: _Claim, source: str) -> Finding:
    return Finding(
        path=claim.path,
        severity=Severity(claim.severity),
        confidence=Confidence.MEDIUM,
        category=Category(claim.category),
        title=claim.title[:_TITLE_LENGTH],
        body=(claim.body or "").strip()[:_BODY_LENGTH],
        quote=claim.quote or "",
        source=source,
        side=Side(claim.side),
        hint=claim.line,
        suggestion=None if claim.suggestion is None else Suggestion(start_line=0, line=0, replacement=claim.suggestion),
    )


def _surplus(claim: object) -> Rejection:
    said = claim if isinstance(claim, dict) else {}
    path, title = said.get("path"), said.get("title")
    return Rejection(
        path=path if isinstance(path, str) else "",
        title=title[:_TITLE_LENGTH] if isinstance(title, str) else "",
        reason=f"one answer may hold {_MOST_FINDINGS} findings at most",
    )


def _rejection(claim: object, error: ValidationError) -> Rejection:
    said = claim if isinstance(claim, dict) else {}
    path, title = said.get("path"), said.get("title")
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the finding"
    return Rejection(
        path=path if isinstance(path, str) else "",
        title=title[:_TITLE_LENGTH] if isinstance(title, str) else "",
        reason=f"the model's finding has not the agreed form: {where}: {first['msg']}",
    )
