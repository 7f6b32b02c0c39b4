"""Suggestions are taken in a copy of their file before they are offered: what does not hold is shown as text.

Nothing is run, and nothing is written: static rules read the copies as they read the change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reviewbot.domain.finding import Finding
from reviewbot.domain.patch import FilePatch, Patch
from reviewbot.ports import Analyzer, Sources
from reviewbot.steps import suggesting

_MOST_ROUNDS: Final = 8
"""Suggestions that are tried for one file: static rules run once for each."""
_UNTRIED: Final = "there were too many for this file to try them all"


class _Copies:
    """Sources in which some files have another text."""

    def __init__(self, texts: Mapping[str, str], sources: Sources) -> None:
        self._texts = texts
        self._sources = sources

    def new_text(self, file: FilePatch) -> bytes | None:
        text = self._texts.get(file.path)
        return None if text is None else text.encode("utf-8", "surrogateescape")

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        return self._sources.trusted_files(names)


@dataclass(frozen=True, slots=True)
class _Rehearsal:
    """A finding with a suggestion, by its place among all, and the texts of its file."""

    at: int
    file: FilePatch
    before: str | None
    after: str | None


def offered(
    findings: Sequence[Finding], patch: Patch, analyzers: Sequence[Analyzer], sources: Sources
) -> tuple[Finding, ...]:
    """Give the findings, each with its suggestion if that holds."""
    files = {file.path: file for file in patch.files}
    rehearsals = [
        _rehearsal(at, finding, files[finding.path], sources)
        for at, finding in enumerate(findings)
        if finding.suggestion is not None and finding.path in files
    ]
    result, rounds = [suggesting.unlabelled(finding) for finding in findings], _Rounds()
    for one in rehearsals:
        finding = findings[one.at]
        fault = finding.suggestion and suggesting.fault(finding.path, finding.quote, finding.suggestion, one.after)
        fault = fault or rounds.add(one)
        if fault:
            result[one.at] = suggesting.as_text(finding, fault)
    for at, reason in rounds.found(analyzers, sources):
        result[at] = suggesting.as_text(result[at], reason)
    return tuple(result)


def _rehearsal(at: int, finding: Finding, file: FilePatch, sources: Sources) -> _Rehearsal:
    data = sources.new_text(file)
    before = None if data is None else data.decode("utf-8", "surrogateescape")
    after = None if finding.suggestion is None else suggesting.taken(before, finding.suggestion)
    return _Rehearsal(at, file, before, after)


class _Rounds:
    """Suggestions in rounds with one for each file, so that one run of the static rules tries many."""

    def __init__(self) -> None:
        self._rounds: list[dict[str, _Rehearsal]] = []

    def add(self, one: _Rehearsal) -> str | None:
        """Put a suggestion into the first round without its file; gives why there is none."""
        if one.after is None:
            return None  # static rules need the whole text
        path = one.file.path
        free = next((chosen for chosen in self._rounds if path not in chosen), None)
        if free is None:
            if len(self._rounds) == _MOST_ROUNDS:
                return _UNTRIED
            free = {}
            self._rounds.append(free)
        free[path] = one
        return None

    def found(self, analyzers: Sequence[Analyzer], sources: Sources) -> list[tuple[int, str]]:
        """Give the suggestions after which static rules report more than before, and what."""
        if not self._rounds:
            return []
        everything = {path: one for chosen in self._rounds for path, one in chosen.items()}
        files = {path: one.file for path, one in everything.items()}
        before = _told({path: one.before or "" for path, one in everything.items()}, files, analyzers, sources)
        found = []
        for chosen in self._rounds:
            after = _told({path: one.after or "" for path, one in chosen.items()}, files, analyzers, sources)
            reasons = suggesting.added([finding for finding in before if finding.path in chosen], after)
            found += [(chosen[path].at, reason) for path, reason in reasons.items()]
        return found


def _told(
    texts: Mapping[str, str], files: Mapping[str, FilePatch], analyzers: Sequence[Analyzer], sources: Sources
) -> list[Finding]:
    whole = [suggesting.whole(files[path], text) for path, text in texts.items()]
    copies = _Copies(texts, sources)
    return [finding for analyzer in analyzers for finding in analyzer(whole, copies).findings]
