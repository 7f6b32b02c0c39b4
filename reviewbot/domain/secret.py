"""Secrets in text: about twenty precise patterns, where they stand, and how to hide them.

Used on every added line, and on whatever leaves for a model or a forge. So it has to be quick (each
pattern begins with a literal, which ``re`` looks up at memory speed), hostile text must not slow it down
(every repetition is bounded or possessive), and it must not cry wolf: checksums, UUIDs, placeholders and
keys of translations are no secrets.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from reviewbot.domain.credential import is_spread, looks_bare, looks_like_login, looks_quoted

_PRIVATE_KEY: Final = "private-key"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in a text: its kind, and its slice ``text[start:end]``, in characters."""

    kind: str
    start: int
    end: int


def find(text: str) -> tuple[Secret, ...]:
    """Find the secrets, in order, without overlaps; a private key by its header alone."""
    matches = sorted(
        (*match.span("v"), rank, rule.kind)
        for rank, rule in enumerate(_RULES)
        for match in rule.pattern.finditer(text)
        if rule.accept(match)
    )
    kept: list[tuple[int, int, int, str]] = []
    for match in matches:
        if not kept or match[0] >= kept[-1][1]:
            kept.append(match)
        elif match[2] < kept[-1][2]:
            kept[-1] = match
    return tuple(Secret(kind, start, end) for start, end, _, kind in kept)


def hint(secret: str) -> str:
    """Give what may be shown of a secret: its first four characters, of a short one at most a quarter."""
    return secret[: min(4, len(secret) // 4)]


def mask(text: str) -> str:
    """Replace each secret by its `hint` and an ellipsis, and the body of a private key by ellipses."""
    return redact(text, lambda kind, secret: "…" if kind == _KEY_BODY else f"{hint(secret)}…")


def redact(text: str, number: Callable[[str, str], str]) -> str:
    """Replace each secret by what ``number(kind, secret)`` gives; the lines stay as many as they were.

    What follows the header of a private key is replaced line by line, under ``private-key-body``.
    """
    pieces: list[str] = []
    done = 0
    for secret in _hidden(text):
        pieces += text[done : secret.start], number(secret.kind, text[secret.start : secret.end])
        done = secret.end
    return "".join((*pieces, text[done:]))


def _hidden(text: str) -> Iterator[Secret]:
    done = 0
    for secret in find(text):
        if secret.start < done:
            continue
        yield secret
        if secret.kind == _PRIVATE_KEY:
            for piece in _body(text, secret.end):
                done = piece.end
                yield piece


def _body(text: str, start: int) -> Iterator[Secret]:
    """Yield the base64 runs of a private key, whatever decorates its lines: diff marks, numbers, quotes."""
    limit = min(len(text), start + _LONGEST_KEY)
    following = text.find("-----BEGIN", start, limit)
    limit = limit if following < 0 else following
    last = text.find("-----END", start, limit)
    for line in _LINE.finditer(text, start, limit if last < 0 else last):
        runs = [run.span() for run in _BASE64.finditer(text, *line.span())]
        if last < 0 and line.start() > start and not any(end - begin >= _LEAST_RUN for begin, end in runs):
            # A hunk may end inside the key: then only what cannot be anything else belongs to it.
            return
        yield from (Secret(_KEY_BODY, begin, end) for begin, end in runs)


_KEY_BODY: Final = "private-key-body"
_LINE: Final = re.compile(r"[^\n]++")
_LONGEST_KEY: Final = 20_000
"""Characters: an RSA key of 16384 bits stays below, with a line number before each line."""
_LEAST_RUN: Final = 16
# Not behind a backslash: in "\nMIIE" the n is no base64. A run of digits alone is a line number.
_BASE64: Final = re.compile(
    r"(?<![\\A-Za-z0-9/=])(?!\d+(?![A-Za-z0-9+/=]))[A-Za-z0-9/][A-Za-z0-9+/=]{3,}+|(?<=\\[nr])[A-Za-z0-9/][A-Za-z0-9+/=]{3,}+"
)


def _begins(match: re.Match[str]) -> bool:
    """Tell whether a token begins here; inside a longer run it is a piece of a checksum or a name."""
    start = match.start()
    before = match.string[max(start - 2, 0) : start]
    return not (before[-1:].isalnum() or before[-1:] == "_") or before in _ESCAPES


_ESCAPES: Final = ("\\n", "\\t", "\\r")


def _token(match: re.Match[str]) -> bool:
    return _begins(match) and is_spread(match["v"])


def _dashed(match: re.Match[str]) -> bool:
    """As `_token`, for prefixes that kebab-case names have too (``task-…``, ``sk-loading-…``)."""
    before = match.string[match.start() - 1 : match.start()]
    return before not in ("-", "/", "+") and _token(match) and any(letter.isdigit() for letter in match["v"])


def _header(match: re.Match[str]) -> bool:
    """Tell a key from code that only speaks of its header, and from a key elided in documentation."""
    rest, closed, _ = match.string[match.end() : match.end() + 200].partition("-----END")
    first = next((row for row in _ROW_END.split(rest) if len(row) > 1), "")
    if _ELIDED.search(first):
        return False
    return _RUN.search(rest) is not None if closed or _CLOSED.match(rest) else True


_ROW_END: Final = re.compile(r"\s+|\\+[nr]")
_CLOSED: Final = re.compile(r"\\?[\"'`)\],;*<]")
_RUN: Final = re.compile(r"[A-Za-z0-9+/]{16}")
_ELIDED: Final = re.compile(r"\.{3}|…|[xX]{4}|[<\[*]\w|\$\{|\{\{|[yY]our|YOUR")


def _web_token(match: re.Match[str]) -> bool:
    header = match["v"].partition(".")[0]
    try:
        decoded = json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(decoded, dict) and "alg" in decoded and _token(match)


def _login(match: re.Match[str]) -> bool:
    return looks_like_login(match["v"], user=match["user"], host=match["host"])


def _assigned(match: re.Match[str]) -> bool:
    if "public" in match.string[max(match.start() - 12, 0) : match.start()].lower():
        return False
    return looks_quoted(match["v"]) if match["q"] else looks_bare(match["v"])


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: str
    pattern: re.Pattern[str]
    """The group ``v`` is the secret. No look-behind at the front: it would cost the literal look-up."""
    accept: Callable[[re.Match[str]], bool]


def _rule(kind: str, pattern: str, accept: Callable[[re.Match[str]], bool] = _token) -> _Rule:
    return _Rule(kind, re.compile(pattern), accept)


_ASSIGNED: Final = (
    r"(?:[_-]?(?:[kK]ey|KEY|[vV]alue|VALUE|[0-9]{1,2}))?+"
    r"(?:\\?[\"'`]?\]?[ \t]{0,20}(?::[ \t]{0,4}[A-Za-z]{3,20}[ \t]{0,4}(?==))?(?:=>|:=|={1,3}|:)"
    r"|\\?[\"'],|>|[ \t](?=[ \t]*\\?[\"']))"
    r"[ \t]{0,20}\\?(?:[brRB@](?=[\"'`]))?+(?P<q>[\"'`])?+"
    r"(?P<v>(?(q)[^\"'`\s\\]{8,200}+|[A-Za-z0-9_+/=.~!@#%^&*-]{12,200}+))"
    r"(?(q)\\?(?P=q)|(?=[ \t]{0,20}(?:[\r\n#;,<]|\\n|$)))"
)

# In the order of preference where two overlap. Forms as their issuers document them, with the length
# as a lower bound where it has changed over the years.
_RULES: Final = (
    _rule("private-key", r"(?P<v>-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)", _header),
    _rule("aws-access-key", r"(?P<v>A[KS]IA[A-Z0-9]{16})(?![A-Za-z0-9])"),
    _rule("github-token", r"(?P<v>gh[pousr]_[A-Za-z0-9]{36,255}+)(?![A-Za-z0-9])"),
    _rule("github-token", r"(?P<v>github_pat_[A-Za-z0-9_]{36,255}+)"),
    _rule(
        "gitlab-token",
        r"(?P<v>gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[A-Za-z0-9_.-]{20,300}+)",
        _dashed,
    ),
    _rule("slack-token", r"(?P<v>xox[abeoprs]-[A-Za-z0-9-]{20,200}+)", _dashed),
    _rule(
        "slack-webhook",
        r"hooks\.slack\.com/services/(?P<v>T[A-Z0-9]{6,14}/B[A-Z0-9]{6,14}/[A-Za-z0-9]{20,40}+)",
        lambda m: is_spread(m["v"]),
    ),
    _rule("stripe-key", r"(?P<v>sk_live_[A-Za-z0-9]{16,250}+)"),
    _rule("stripe-key", r"(?P<v>rk_live_[A-Za-z0-9]{16,250}+)"),
    _rule("digitalocean-token", r"(?P<v>do[opr]_v1_[0-9a-f]{64})(?![A-Za-z0-9])"),
    _rule("vault-token", r"(?P<v>hv[sbr]\.[A-Za-z0-9_-]{24,200}+)"),
    _rule("telegram-token", r"(?<![A-Za-z0-9:])(?P<v>[0-9]{8,10}:AA[A-Za-z0-9_-]{33})(?![A-Za-z0-9_-])"),
    _rule("azure-signature", r"[?&]sig=(?P<v>[A-Za-z0-9%]{43,63}%3[dD])"),
    _rule("bearer-token", r"[Bb]earer (?P<v>[A-Za-z0-9_.~+/-]{24,2000}+={0,2})", lambda m: is_spread(m["v"])),
    _rule("google-api-key", r"(?P<v>AIza[A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])"),
    _rule("anthropic-key", r"(?P<v>sk-ant-[A-Za-z0-9_-]{24,250}+)", _dashed),
    _rule("deepseek-key", r"(?P<v>sk-[0-9a-f]{32})(?![A-Za-z0-9_-])", _dashed),
    _rule(
        "openai-key",
        r"(?P<v>sk-(?:(?:proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{20,250}+|[A-Za-z0-9]{32,64}+(?![A-Za-z0-9_-])))",
        _dashed,
    ),
    _rule("huggingface-token", r"(?P<v>hf_[A-Za-z0-9]{34})(?![A-Za-z0-9])"),
    _rule("npm-token", r"(?P<v>npm_[A-Za-z0-9]{36})(?![A-Za-z0-9])"),
    _rule("pypi-token", r"(?P<v>pypi-AgEI[A-Za-z0-9_-]{50,400}+)"),
    _rule("sendgrid-key", r"(?P<v>SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64})(?![A-Za-z0-9_.-])"),
    _rule("twilio-key", r"(?P<v>SK[0-9a-f]{32})(?![A-Za-z0-9])"),
    _rule("azure-storage-key", r"AccountKey=(?P<v>[A-Za-z0-9+/]{86}==)", lambda m: is_spread(m["v"])),
    _rule(
        "jwt",
        r"(?P<v>eyJ[A-Za-z0-9_-]{8,2000}+\.[A-Za-z0-9_-]{8,8000}+\.[A-Za-z0-9_-]{10,2000}+)",
        _web_token,
    ),
    _rule(
        "url-password",
        r"://(?P<user>[^\s:/?#@\"'`<>()\[\]{},|\\]{0,64}+):(?P<v>[^\s:/@\"'`<>{}\\]{3,100}+)@(?P<host>[A-Za-z0-9_.-]{1,255}+)",
        _login,
    ),
    *(
        _rule("credential", name + _ASSIGNED, _assigned)
        for name in (
            r"ass(?:word|wd|phrase|Phrase|Word)",
            r"ASS(?:WORD|WD|PHRASE)",
            "pwd",
            "PWD",
            "ecret(?:[_-]?[aA]ccess)?",
            "ECRET(?:_ACCESS)?",
            "oken",
            "OKEN",
            r"pi[_-]?[kK]ey",
            r"PI_?KEY",
            r"ccess[_-]?[kK]ey",
            r"CCESS_?KEY",
            r"rivate[_-]?[kK]ey",
            r"RIVATE_?KEY",
        )
    ),
)
