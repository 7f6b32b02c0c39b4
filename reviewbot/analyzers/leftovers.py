"""Looks for debugging aids that were left on added lines, in languages other than Python.

Python's are ruff's (T100): reported here too, they would be said twice. Comments and strings are left
out as far as one line shows them.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reviewbot.domain import place
from reviewbot.domain.analysis import Analysis
from reviewbot.domain.finding import Category, Confidence, Finding, Severity
from reviewbot.domain.patch import FilePatch
from reviewbot.ports import Sources


@dataclass(frozen=True, slots=True)
class _Leftover:
    rule: str
    pattern: re.Pattern[str]
    severity: Severity
    category: Category
    title: str
    body: str


_DEBUGGER_BODY: Final = "It stops the program and waits for somebody at a terminal. Remove it before merging."
_SCRIPT: Final = (
    _Leftover(
        "leftover-debugger",
        re.compile(r"(?:^|[;{})])\s*debugger\s*(?:;|\}|$)"),
        Severity.MEDIUM,
        Category.BUG,
        "Debugger statement left in",
        _DEBUGGER_BODY,
    ),
    _Leftover(
        "focused-test",
        re.compile(r"(?:^|[^\w.$])(?:describe|context|suite|it|test|specify)\.only\s*\("),
        Severity.MEDIUM,
        Category.TEST,
        "Focused test left in: the others do not run",
        "With .only the runner leaves out every other test of the file, and still reports success.",
    ),
)
_RUBY: Final = (
    _Leftover(
        "leftover-debugger",
        re.compile(
            r"(?:^|[;{|]|\b(?:do|then|else|and|if|unless)\b)\s*(?:binding\.(?:pry|irb|remote_pry)\b|byebug\b(?!\s*[=.:]))"
        ),
        Severity.MEDIUM,
        Category.BUG,
        "Debugger call left in",
        _DEBUGGER_BODY,
    ),
)
_PHP: Final = (
    _Leftover(
        "leftover-dump",
        re.compile(r"(?<![\w$>:\\])(?<!function )(?:var_dump|dd)\s*\("),
        Severity.LOW,
        Category.MAINTAINABILITY,
        "Dump for debugging left in",
        "It prints inner state to whoever sees the output.",
    ),
)
_BY_SUFFIX: Final = {
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte"), _SCRIPT),
    **dict.fromkeys((".rb", ".rake"), _RUBY),
    ".php": _PHP,
}
_QUOTED: Final = r"\"(?:\\.|[^\"\\])*+\"?|'(?:\\.|[^'\\])*+'?|`(?:\\.|[^`\\])*+`?"
_SLASHES: Final = re.compile(rf"{_QUOTED}|//.*|/\*.*?(?:\*/|$)|^\s*\*(?:\s.*|/.*|$)")
_HASH: Final = re.compile(rf"{_QUOTED}|#.*")
_SLASHES_AND_HASH: Final = re.compile(rf"{_SLASHES.pattern}|#(?!\[).*")
_UNSAID: Final = {".rb": _HASH, ".rake": _HASH, ".php": _SLASHES_AND_HASH}


def analyze(files: Sequence[FilePatch], sources: Sources) -> Analysis:  # noqa: ARG001 - the diff is enough
    """Report debugging aids on added lines. No file counts as reviewed by this."""
    return Analysis(source="leftovers", findings=tuple(finding for file in files for finding in _in_file(file)))


def _in_file(file: FilePatch) -> Iterator[Finding]:
    suffix = posixpath.splitext(file.path)[1].lower()
    kinds = _BY_SUFFIX.get(suffix)
    if kinds is None:
        return
    added = place.added(file)
    unsaid = _UNSAID.get(suffix, _SLASHES)
    hits = [
        (kind, number)
        for number, text in added.texts.items()
        for kind in kinds
        if kind.pattern.search(text) and kind.pattern.search(unsaid.sub('""', text))
    ]
    for (kind, number), others in place.first_of_each(hits, key=lambda hit: hit[0], line=lambda hit: hit[1]):
        span, quote = added.quote(number, number)
        yield Finding(
            path=file.path,
            severity=kind.severity,
            confidence=Confidence.HIGH,
            category=kind.category,
            title=kind.title,
            body=kind.body,
            quote=quote,
            source="leftovers",
            rule=kind.rule,
            span=span,
            also_at=others,
        )
