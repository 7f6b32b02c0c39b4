"""A model's answer → findings. One of the two doors where untrusted text comes in, so pydantic guards it.

One bad finding does not spoil the others: it is rejected with its reason. Without an object that has a
list of findings the whole answer is malformed.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reviewbot.domain.finding import Category, Confidence, Finding, Rejection, Severity, Suggestion
from reviewbot.domain.patch import Side

_ATTEMPTS = 100
"""How many opening braces are tried, at most: each may cost a walk through the rest of the answer."""
_LONGEST_NUMBER = 20
_LAST_LINE = 1_000_000_000
_TITLE_LENGTH = 200
_BODY_LENGTH = 8_000


class MalformedError(Exception):
    """The answer holds no usable object; the text says what is wrong, in words for the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What an answer says."""

    findings: tuple[Finding, ...]
    """Without spans yet; a suggestion has its text but no lines (both 0)."""
    rejected: tuple[Rejection, ...]


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


def _category(value: object) -> object:
    return "bug" if value is None else _lower(value)


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
    """Read an answer. Raises MalformedError where no object with a list of findings is in it."""
    kept: list[Finding] = []
    rejected: list[Rejection] = []
    for claim in _claims(text):
        try:
            kept.append(_finding(_Claim.model_validate(claim), source))
        except ValidationError as error:
            rejected.append(_rejection(claim, error))
    return Decoded(findings=tuple(kept), rejected=tuple(rejected))


def _claims(text: str) -> list[object]:
    """Find the object's list, whatever stands around it: nothing, a code fence, or words with braces."""
    if not text.strip():
        message = "the answer is empty"
        raise MalformedError(message)
    decoder = json.JSONDecoder(strict=False, parse_int=_integer)
    fault = "the answer holds no JSON object"
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
            claims = value.get("findings")
            if isinstance(claims, list):
                return claims
            fault = 'the object has no list "findings"' if attempt == 0 else fault
        at = text.find("{", end)
    raise MalformedError(fault)


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
