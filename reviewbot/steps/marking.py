"""Findings ↔ hidden marks in the bot's comments: what the next run knows of this one.

A mark is an HTML comment on a line of its own::

    <!-- reviewbot:v1 finding fp=HEX data=TEXT sig=HEX -->
    <!-- reviewbot:v1 summary head=HEX data=TEXT sig=HEX -->

``data`` is JSON, in few letters (`packing`). ``sig`` ties the mark to its request, so that it
cannot be copied to another one; ``-`` where there is no secret to sign with. Anybody can write such a
comment, and whoever may edit comments can break one: nothing in a mark is ever an error.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Suggestion
from reviewbot.domain.patch import Side
from reviewbot.domain.request import Account, ChangeRequest
from reviewbot.domain.secret import mask
from reviewbot.domain.synopsis import Risk, Synopsis
from reviewbot.domain.thread import Mark, Marked, SummaryMark, Thread
from reviewbot.steps.packing import LONGEST_UNPACKED, packed, unpacked
from reviewbot.steps.prompting import readable

LONGEST_FINDING: Final = 6_000
"""Characters of a finding's data; beyond, it tells less of the finding."""
LONGEST_SUMMARY: Final = 20_000
"""Characters of a summary's data; beyond, its findings tell less, and then become fewer."""
_LONGEST_QUOTE: Final = 1_500
_LONGEST_PHRASE: Final = 300
_LONGEST_PATH: Final = 4_096
_LONGEST_TEXT: Final = 100_000
_MOST_LINES: Final = 100
_MOST_MARKS: Final = 300
"""Read from one comment: a review's body can hold several."""
_MOST_FINDINGS: Final = 2_000
"""Told by one summary."""
FOUND_DIGITS: Final = 16
"""Of a fingerprint, where all of a run are told: 64 bits keep a few hundred apart."""
_MOST_FOUND: Final = 700
"""Fingerprints told by one summary: with 8 bytes each they leave room for findings."""

_MARK = re.compile(r"^<!-- reviewbot:v1 (?P<kind>finding|summary)(?P<rest>(?: [a-z]+=[^\s>]*)*)", re.MULTILINE)
_FIELD = re.compile(r" ([a-z]+)=(\S*)")
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_COMMIT = re.compile(r"[0-9a-f]{4,64}")
# `readable` knows only the surrogates that stand for bytes; a model's JSON may hold others.
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs marks with the first secret, and believes all of them, so that secrets can be changed."""

    secrets: tuple[bytes, ...] = field(default=(), repr=False)

    def sign(self, text: str) -> str:
        """Give the signature, or ``-`` without a secret."""
        return _digest(self.secrets[0], text) if self.secrets else "-"

    def verifies(self, text: str, signature: str) -> bool:
        """Tell whether one of the secrets made this signature."""
        given = signature.encode("utf-8", "replace")
        return any(hmac.compare_digest(_digest(secret, text).encode(), given) for secret in self.secrets)


def _digest(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class _Told(BaseModel):
    """A finding as a mark tells it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    fp: str = Field(default="", pattern=r"^(?:[0-9a-f]{32})?$")
    path: str = Field(min_length=1, max_length=_LONGEST_PATH)
    side: Side
    quote: str = Field(max_length=2 * _LONGEST_QUOTE)
    severity: Severity
    confidence: Confidence
    category: Category
    rule: str | None = Field(max_length=2 * _LONGEST_PHRASE)
    source: str = Field(max_length=2 * _LONGEST_PHRASE)
    title: str = Field(max_length=2 * _LONGEST_PHRASE)
    body: str = Field(default="", max_length=_LONGEST_TEXT)
    suggestion: str | None = Field(default=None, max_length=_LONGEST_TEXT)


class _Posted(_Told):
    """A finding as its own comment tells it."""

    picture: str = Field(default="", pattern=r"^[0-9a-f]{0,64}$")


class _ToldSummary(BaseModel):
    """The last run, as the summary's mark tells it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    base: str = Field(pattern=r"^[0-9a-f]{0,64}$")
    digest: str = Field(max_length=128)
    done: bool
    found: list[Annotated[str, Field(pattern=r"^[0-9a-f]{0,32}$")]] = Field(default=[], max_length=_MOST_FOUND)
    recipe: str = Field(max_length=_LONGEST_PHRASE)
    about: str = Field(default="", max_length=_LONGEST_TEXT)
    risk: Risk | None = None
    findings: list[_Told] = Field(max_length=_MOST_FINDINGS)


def plain(text: str) -> str:
    """Give text as marks keep it: readable, without secrets. What is compared with a mark goes through it too."""
    return mask(readable(_NO_BYTE.sub("\ufffd", text)))


def quote(finding: Finding) -> str:
    """Give a finding's quote as marks keep it: of a long one the first lines."""
    kept = "\n".join(plain(finding.quote).split("\n")[:_MOST_LINES])
    if len(kept) <= _LONGEST_QUOTE:
        return kept
    whole = kept[:_LONGEST_QUOTE].rpartition("\n")[0]
    return whole or kept[:_LONGEST_QUOTE]


def of_finding(finding: Finding, signer: Signer, request: ChangeRequest, picture: str = "") -> str:
    """Write a finding's mark. Its path has to be the one at the merge base, which later renames do not change.

    ``picture`` is the digest of its file's change.
    """
    told = _Posted(**_told(finding).model_dump(), picture=picture)
    unsaid = {"fp"} if picture else {"fp", "picture"}
    data = ""
    for dropped in ((), ("suggestion",), ("suggestion", "body"), tuple(_Posted.model_fields)):
        data = packed(told.model_dump_json(exclude={*dropped, *unsaid}))
        if len(data) <= LONGEST_FINDING:
            break
    return _mark("finding", f"fp={finding.fingerprint}", data, signer, request)


def of_summary(mark: SummaryMark, signer: Signer, request: ChangeRequest) -> str:
    """Write the summary's mark. Where not all findings find room, it does not claim to be done."""
    findings = [_told(finding) for finding in mark.findings[:_MOST_FINDINGS]]
    done = mark.done and len(findings) == len(mark.findings)
    if len(mark.found) > _MOST_FOUND:
        mark, done = replace(mark, found=()), False
    text = _summary(mark, findings, done=done)
    if not _fits(text):
        findings = [told.model_copy(update={"body": "", "suggestion": None}) for told in findings]
        text = _summary(mark, findings, done=done)
    while not _fits(text):
        findings = findings[: len(findings) * 3 // 4]
        text = _summary(mark, findings, done=False)
    return _mark("summary", f"head={mark.head_sha}", packed(text), signer, request)


def _fits(text: str) -> bool:
    return len(text.encode()) <= LONGEST_UNPACKED and len(packed(text)) <= LONGEST_SUMMARY


def _summary(mark: SummaryMark, findings: list[_Told], *, done: bool) -> str:
    told = _ToldSummary(
        base=mark.base_sha,
        digest=mark.digest,
        done=done,
        found=[fingerprint[:FOUND_DIGITS] for fingerprint in mark.found],
        recipe=mark.recipe[:_LONGEST_PHRASE],
        about="" if mark.synopsis is None else plain(mark.synopsis.text)[:_LONGEST_QUOTE],
        risk=None if mark.synopsis is None else mark.synopsis.risk,
        findings=findings,
    )
    return told.model_dump_json()


def _told(finding: Finding) -> _Told:
    suggestion = finding.suggestion
    return _Told(
        fp=finding.fingerprint,
        path=plain(finding.path)[:_LONGEST_PATH],
        side=finding.side,
        quote=quote(finding),
        severity=finding.severity,
        confidence=finding.confidence,
        category=finding.category,
        rule=None if finding.rule is None else plain(finding.rule)[:_LONGEST_PHRASE],
        source=plain(finding.source)[:_LONGEST_PHRASE],
        title=plain(finding.title)[:_LONGEST_PHRASE],
        body=plain(finding.body)[:_LONGEST_TEXT],
        suggestion=None if suggestion is None else plain(suggestion.replacement)[:_LONGEST_TEXT],
    )


def _mark(kind: str, key: str, data: str, signer: Signer, request: ChangeRequest) -> str:
    signature = signer.sign(_signed(kind, key.partition("=")[2], data, request))
    return f"<!-- reviewbot:v1 {kind} {key} data={data} sig={signature} -->"


def _signed(kind: str, key: str, data: str, request: ChangeRequest) -> str:
    # The data's alphabet has no NUL, and nothing behind the project's name is free text.
    return "\0".join(("reviewbot:v1", kind, request.dialect.forge, str(request.number), key, data, request.project))


def read(threads: Iterable[Thread], own: Account, signer: Signer, request: ChangeRequest) -> tuple[Marked, ...]:
    """Give the bot's own threads that have marks. Nobody else's are looked at."""
    return tuple(
        marked
        for thread in threads
        if own.id and thread.opener.author.id == own.id
        for marked in _marked(thread, own, signer, request)
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A mark in a text."""

    kind: str
    key: str
    data: str
    believed: bool


def _marked(thread: Thread, own: Account, signer: Signer, request: ChangeRequest) -> Iterator[Marked]:
    found = list(_found(thread.opener.body, own, signer, request))
    summaries = [mark for mark in found if mark.kind == "summary"]
    marks = tuple(_mark_of(mark) for mark in found if mark.kind == "finding" and _FINGERPRINT.fullmatch(mark.key))
    if marks or summaries:
        yield Marked(
            thread=thread,
            marks=marks,
            summary=_summarised(summaries[0]) if summaries and summaries[0].believed else None,
            believed=all(mark.believed for mark in found),
            is_summary=bool(summaries),
        )


def _found(body: str, own: Account, signer: Signer, request: ChangeRequest) -> Iterator[_Found]:
    for _, match in zip(range(_MOST_MARKS), _MARK.finditer(body.replace("\r\n", "\n")), strict=False):
        fields: Mapping[str, str] = dict(_FIELD.findall(match["rest"]))
        kind, data = match["kind"], fields.get("data", "")
        key = fields.get("fp" if kind == "finding" else "head", "")
        signed = signer.verifies(_signed(kind, key, data, request), fields.get("sig", "-"))
        yield _Found(kind, key, data, believed=signed or not own.shared)


def _mark_of(mark: _Found) -> Mark:
    text = unpacked(mark.data) if mark.believed else None
    try:
        told = None if text is None else _Posted.model_validate_json(text)
    except ValidationError:
        told = None
    if told is None:
        return Mark(fingerprint=mark.key, finding=None)
    return Mark(fingerprint=mark.key, finding=_rebuilt(told, mark.key), picture=told.picture)


def _summarised(mark: _Found) -> SummaryMark | None:
    text = unpacked(mark.data)
    if text is None or not _COMMIT.fullmatch(mark.key):
        return None
    try:
        told = _ToldSummary.model_validate_json(text)
    except ValidationError:
        return None
    return SummaryMark(
        head_sha=mark.key,
        base_sha=told.base,
        digest=told.digest,
        done=told.done,
        found=tuple(told.found),
        findings=tuple(_rebuilt(finding, finding.fp) for finding in told.findings),
        recipe=told.recipe,
        synopsis=None if told.risk is None else Synopsis(text=told.about, risk=told.risk),
    )


def _rebuilt(told: _Told, fingerprint: str) -> Finding:
    replacement = told.suggestion
    return Finding(
        path=told.path,
        severity=told.severity,
        confidence=told.confidence,
        category=told.category,
        title=told.title,
        body=told.body,
        quote=told.quote,
        source=told.source,
        rule=told.rule,
        side=told.side,
        # As decoding gives it: without lines, until it is anchored.
        suggestion=None if replacement is None else Suggestion(start_line=0, line=0, replacement=replacement),
        fingerprint=fingerprint,
    )
