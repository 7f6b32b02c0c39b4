"""Looks for secrets on added lines of every text file, and speaks of them without repeating them.

What is made up is the top noise of review bots, so a finding is lowered, never dropped:

- to medium in tests, fixtures, examples and documentation, where a token of a known form may still be
  live; there to low for what has no form of its own (passwords, web tokens);
- to low anywhere for values that show that they are samples (``…EXAMPLE``, ``1234567890``).

Lowered findings are told once for each kind and file.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from reviewbot.domain import place, secret
from reviewbot.domain.analysis import Analysis
from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Span
from reviewbot.domain.patch import FilePatch, Side
from reviewbot.ports import Sources

_FORMLESS: Final = {
    "credential": "literal",
    "url-password": "password in a URL",
    "jwt": "web token",
    "bearer-token": "bearer token",
    "azure-signature": "signature in a URL",
}
_NAMES: Final = {
    **_FORMLESS,
    "private-key": "private key",
    "aws-access-key": "AWS access key",
    "github-token": "GitHub token",
    "gitlab-token": "GitLab token",
    "slack-token": "Slack token",
    "slack-webhook": "Slack webhook",
    "stripe-key": "Stripe live key",
    "digitalocean-token": "DigitalOcean token",
    "vault-token": "Vault token",
    "telegram-token": "Telegram bot token",
    "google-api-key": "Google API key",
    "anthropic-key": "Anthropic key",
    "openai-key": "OpenAI key",
    "deepseek-key": "DeepSeek or OpenAI key",
    "huggingface-token": "Hugging Face token",
    "npm-token": "npm token",
    "pypi-token": "PyPI token",
    "sendgrid-key": "SendGrid key",
    "twilio-key": "Twilio key",
    "azure-storage-key": "Azure storage key",
}
_MADE_UP_FOR: Final = re.compile(
    r"(^|/)(tests?|testing|__tests__|specs?|e2e|test[_-]?data|fixtures?|__fixtures__|mocks?|__mocks__|examples?|samples?|demos?"
    r"|docs?)/|(^|/)(test_[^/]*|conftest\.py)$|([_.-](tests?|spec)|Tests?|Spec|IT)\.\w+$|\.(md|rst|adoc|phpt)$",
)
_SAMPLE: Final = re.compile(r"EXAMPLE|1234567890|0123456789|abcdefghij|ABCDEFGHIJ|9876543210")


def analyze(files: Sequence[FilePatch], sources: Sources) -> Analysis:  # noqa: ARG001 - the diff is enough
    """Report secrets on added lines. No file counts as reviewed by this."""
    return Analysis(source="secrets", findings=tuple(finding for file in files for finding in _in_file(file)))


@dataclass(frozen=True, slots=True)
class _Hit:
    kind: str
    line: int
    quote: str
    severity: Severity

    @property
    def is_lowered(self) -> bool:
        return self.severity in (Severity.LOW, Severity.MEDIUM)

    @property
    def group(self) -> tuple[str, Severity, int]:
        """Lowered ones are told together, by a line number that no line has."""
        return self.kind, self.severity, 0 if self.is_lowered else self.line


def _in_file(file: FilePatch) -> Iterator[Finding]:
    groups = place.first_of_each(_hits(file), key=lambda hit: hit.group, line=lambda hit: hit.line)
    for first, others in groups:
        yield _finding(file.path, first, others)


def _hits(file: FilePatch) -> Iterator[_Hit]:
    texts = place.added(file).texts
    numbers, rows = list(texts), list(texts.values())
    starts = list(accumulate((len(row) + 1 for row in rows), initial=0))
    text = "\n".join(rows)
    made_up_for = _MADE_UP_FOR.search(file.path) is not None
    done = 0
    for found in secret.find(text):
        index = bisect_right(starts, found.start) - 1
        row, offset = rows[index], starts[index]
        value = text[found.start : found.end]
        severity = _severity(found.kind, value, made_up_for=made_up_for)
        quote = _quote(found.kind, row, found.start - offset, found.end - offset, max(done - offset, 0))
        done = found.end
        yield _Hit(found.kind, numbers[index], quote, severity)


def _quote(kind: str, row: str, start: int, end: int, since: int) -> str:
    if kind == "private-key":
        # The header says no secret; without its last dashes no scanner takes the quote for a key again.
        return row[start:end].rstrip("-")
    return place.before(row, start, end, since=since)


def _severity(kind: str, value: str, *, made_up_for: bool) -> Severity:
    if _SAMPLE.search(value):
        return Severity.LOW
    if kind in _FORMLESS:
        return Severity.LOW if made_up_for else Severity.HIGH
    return Severity.MEDIUM if made_up_for else Severity.CRITICAL


def _finding(path: str, hit: _Hit, others: tuple[int, ...]) -> Finding:
    name = _NAMES[hit.kind]
    return Finding(
        path=path,
        severity=hit.severity,
        confidence=Confidence.HIGH,
        category=Category.SECURITY,
        title="Hard-coded credential" if hit.kind == "credential" else f"Committed secret: {name}",
        body=_advice(hit),
        quote=hit.quote,
        source="secrets",
        rule=f"secret/{hit.kind}",
        span=Span(side=Side.RIGHT, start=hit.line, end=hit.line),
        also_at=others,
    )


def _advice(hit: _Hit) -> str:
    if hit.is_lowered:
        return "If it is made up, make that visible in its value; if it has ever been valid, revoke it."
    return (
        "Whoever can read the repository can use it, and removing the line does not remove it from the "
        "history. Revoke it at its issuer, then read the new one from the environment or a secret store."
    )
