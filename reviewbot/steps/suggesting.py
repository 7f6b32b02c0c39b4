"""A suggestion → whether it can be offered for a click: taken in a copy of the file, what would come of it.

A text must parse afterwards, where its language is one that can be read here; of other languages, and where
only the diff is known, the brackets must balance as they did. And static rules must find nothing new.
"""

import ast
import json
import re
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from textwrap import dedent
from typing import Final

from reviewbot.domain import edit, secret
from reviewbot.domain.finding import Finding, Suggestion
from reviewbot.domain.patch import FilePatch, Hunk, Status

UNPARSED: Final = "it would leave a file that does not parse"
UNBALANCED: Final = "its brackets do not balance as those of the lines that it replaces"
_BRACKETS: Final = ("()", "[]", "{}")
_FENCE: Final = "```"
_LONGEST_WORD: Final = 200
_MOST_NAMED: Final = 3
_LABEL = re.compile(r"\n*^Tests pass with it: \d+ tests? in [^\n]*\.$", re.MULTILINE)


def _python(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(text)


_PARSERS: Final[Mapping[str, Callable[[str], object]]] = {
    ".py": _python,
    ".pyi": _python,
    ".json": json.loads,
    ".toml": tomllib.loads,
}


def taken(text: str | None, suggestion: Suggestion) -> str | None:
    """Give the text of a file with a suggestion taken; None where the text is not known, or too short for it."""
    if text is None or suggestion.line > text.count("\n") + 1:
        return None
    return edit.apply(text, suggestion)


def fault(path: str, quote: str, suggestion: Suggestion, after: str | None) -> str | None:
    """Say why a suggestion cannot be taken, or None. ``quote`` is what it replaces, ``after`` the text then."""
    parser = _PARSERS.get(path[path.rfind(".") :]) if "." in path else None
    if parser is not None and after is not None:
        return None if _parses(parser, after) else UNPARSED
    if parser is _python and _parses(parser, dedent(quote)) and not _parses(parser, dedent(suggestion.replacement)):
        return UNPARSED
    before, instead = _depths(quote), _depths(suggestion.replacement)
    return None if before == instead else UNBALANCED


def _parses(parser: Callable[[str], object], text: str) -> bool:
    try:
        parser(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):  # each parser's own errors are ValueErrors
        return False
    return True


def _depths(text: str) -> tuple[int, ...]:
    return tuple(text.count(pair[0]) - text.count(pair[1]) for pair in _BRACKETS)


def whole(file: FilePatch, text: str) -> FilePatch:
    """Give a file as if the change added all of it: so static rules look at every line."""
    rows = text.removesuffix("\n").split("\n")
    body = "\n".join(f"+{row}" for row in rows)
    marks = () if text.endswith("\n") else (len(rows) - 1,)
    hunk = Hunk(old_start=1, new_start=1, body=body, no_newline=marks)
    return replace(file, status=Status.ADDED, old_path=None, hunks=(hunk,), old_blob=None, new_blob=None)


def added(before: Iterable[Finding], after: Iterable[Finding]) -> Mapping[str, str]:
    """Give what static rules report more often afterwards: by path, why the suggestion there is not offered."""
    known, told = _counted(before), _counted(after)
    found: dict[str, str] = {}
    for (path, source, rule), count in told.items():
        if count > known[path, source, rule]:
            found.setdefault(path, f"{source} would report {rule}")
    return found


def _counted(findings: Iterable[Finding]) -> Counter[tuple[str, str, str]]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for finding in findings:
        counts[finding.path, finding.source, finding.rule or finding.title] += 1 + len(finding.also_at)
    return counts


def as_text(finding: Finding, reason: str) -> Finding:
    """Show a suggestion that does not hold as text, with the reason, instead of offering it for a click."""
    suggestion = finding.suggestion
    if suggestion is None:
        return finding
    fence = _FENCE
    while fence in suggestion.replacement:
        fence += "`"
    # Secrets are put back into code that is to be applied; this is prose.
    shown = f"{fence}\n{secret.mask(suggestion.replacement)}\n{fence}"
    body = f"{finding.body}\n\nNot offered as a change, since {reason}:\n\n{shown}".lstrip("\n")
    return replace(finding, body=body, suggestion=None)


def labelled(finding: Finding, passed: int, tests: Sequence[str]) -> Finding:
    """Say of a finding that tests pass with its suggestion: how many, and of which files."""
    rest = f" and {len(tests) - _MOST_NAMED} more files" if len(tests) > _MOST_NAMED else ""
    shown = ", ".join(f"`{plain(test)}`" for test in tests[:_MOST_NAMED]) + rest
    noun = "test" if passed == 1 else "tests"
    label = f"Tests pass with it: {passed} {noun} in {shown}."
    return replace(finding, body=f"{finding.body}\n\n{label}".lstrip("\n"))


def unlabelled(finding: Finding) -> Finding:
    """Take away what an earlier run said of tests: they may fare otherwise by now."""
    return replace(finding, body=_LABEL.sub("", finding.body))


def plain(text: str) -> str:
    """Give what a test is called, or says, for a place in a sentence: one short line without secrets."""
    line = secret.mask(text.strip().partition("\n")[0])[:_LONGEST_WORD]
    return "".join(char if char.isprintable() and char != "`" else "\ufffd" for char in line)
