"""The bot's threads and the report's findings: which thread holds which finding, and what becomes of the others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from reviewbot.domain.finding import Finding
from reviewbot.domain.outcome import FileReport, Outcome, Report
from reviewbot.domain.patch import FilePatch, Patch, Status
from reviewbot.domain.request import Account
from reviewbot.domain.thread import Mark, Marked, Thread
from reviewbot.domain.view import label, shown
from reviewbot.steps import anchoring, marking, rendering

_UNREAD: Final = (Outcome.SKIPPED, Outcome.FAILED)


class State(Enum):
    """What became of a thread, the most telling first."""

    OPEN = "open"
    DISPUTED = "closed by somebody who may not write to the project"
    DECIDED = "closed by somebody who may"
    DONE = "closed by the bot"


_ORDER: Final = tuple(State)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A mark in one of the bot's threads: the place of one finding."""

    thread: Thread
    mark: Mark
    believed: bool
    state: State
    answered: bool
    """Whether anybody but the bot has written in the thread."""
    alone: bool
    """Whether the thread holds no other finding."""

    @property
    def title(self) -> str:
        """Title for a log; the fingerprint where no more is known."""
        finding = self.mark.finding
        return self.mark.fingerprint if finding is None else label(shown(finding.title))

    @property
    def closer(self) -> str:
        """Who closed it, for people."""
        person = self.thread.resolved_by or self.thread.disliked_by
        return "somebody" if person is None else label(person.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a seat, and why."""

    seat: Seat
    reason: str
    resolves: bool = False
    counts: bool = False
    """Whether it is one more open finding, although the report does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a thread can be closed by."""

    report: Report
    trusted: bool
    checked: Mapping[str, frozenset[str]]
    withheld: frozenset[str]
    """Paths whose diff the forge does not show."""


def seats(marked: Sequence[Marked], own: Account) -> tuple[Seat, ...]:
    """Give the place of every finding that was posted, in the order of the threads."""
    return tuple(
        Seat(
            thread=one.thread,
            mark=mark,
            believed=one.believed,
            state=_state(one.thread, own),
            answered=any(note.author.id != own.id for note in one.thread.notes),
            alone=len(one.marks) == 1,
        )
        for one in marked
        for mark in one.marks
    )


def _state(thread: Thread, own: Account) -> State:
    if not thread.resolved:
        return State.OPEN if thread.disliked_by is None else State.DECIDED
    if thread.resolved_by is not None and thread.resolved_by.id == own.id:
        return State.DONE
    return State.DECIDED if thread.resolved_by_writer else State.DISPUTED


def homes(report: Report, known: Sequence[Seat]) -> Mapping[str, Seat]:
    """Give the seats of findings that have one, by the finding's fingerprint.

    What the bot has closed itself is none: its finding has come back, and people should hear of it.
    """
    found: dict[str, Seat] = {}
    wanted = {finding.fingerprint for finding in report.findings}
    candidates = [seat for seat in known if seat.state is not State.DONE]
    for seat in sorted(candidates, key=lambda seat: _ORDER.index(seat.state)):
        if seat.mark.fingerprint in wanted:
            found.setdefault(seat.mark.fingerprint, seat)
    free = [seat for seat in candidates if seat.mark.fingerprint not in wanted]
    return {**found, **_alike(report, [f for f in report.findings if f.fingerprint not in found], free)}


def _alike(report: Report, findings: Sequence[Finding], free: Sequence[Seat]) -> Mapping[str, Seat]:
    """Find threads that say the same of the same code, under another fingerprint.

    That is so for quotes that were cut in the mark, and for a file that the change itself adds and that was
    renamed since: it has no path at the merge base to go by, so any thread will do whose file is gone.
    """
    paths = _paths(report.patch.files)
    waiting: dict[tuple[str, str, str | None], list[Seat]] = {}
    for seat in free:
        told = seat.mark.finding
        if told is not None:
            waiting.setdefault((*_likeness(told), told.path if told.path in paths else None), []).append(seat)
    found = {}
    for finding in sorted(findings, key=lambda finding: finding.span.start if finding.span else 0):
        file, likeness = rendering.file_of(report, finding), _likeness(finding)
        path = marking.plain(finding.path if file is None else file.base_path)
        alike = waiting.get((*likeness, path))
        if not alike and file is not None and file.status is Status.ADDED:
            alike = waiting.get((*likeness, None))
        if alike:
            found[finding.fingerprint] = alike.pop(0)
    return found


def _likeness(finding: Finding) -> tuple[str, str]:
    kind = finding.category.value if finding.rule is None else marking.plain(finding.rule)
    return kind, " ".join(marking.quote(finding).split())


def _paths(files: Sequence[FilePatch]) -> frozenset[str]:
    return frozenset(marking.plain(path) for file in files for path in (file.path, file.base_path))


def fates(known: Sequence[Seat], housed: Mapping[str, Seat], evidence: Evidence) -> Iterator[Fate]:
    """Say what becomes of each seat. What has been closed already, and was not found again, needs no word."""
    taken = {id(seat) for seat in housed.values()}
    silent = {finding.fingerprint for finding in evidence.report.silenced}
    for seat in known:
        if id(seat) in taken:
            yield Fate(seat=seat, reason=_housed_reason(seat))
        elif seat.state is not State.OPEN:
            continue
        elif seat.mark.fingerprint in silent:
            yield Fate(seat=seat, reason="found again, but its like was dismissed")
        elif seat.mark.fingerprint in housed:
            yield Fate(seat=seat, reason="says what another thread says too")
        else:
            yield _fate(seat, evidence)


def _fate(seat: Seat, evidence: Evidence) -> Fate:
    obstacle = _obstacle(seat, evidence)
    if obstacle is not None:
        return Fate(seat=seat, reason=obstacle, counts=True)
    gone, reason = _gone(seat.mark.finding, evidence)
    if gone and not (seat.thread.resolvable and seat.alone):
        return Fate(seat=seat, reason=f"{reason}, but a comment of this kind cannot be resolved")
    return Fate(seat=seat, reason=reason, resolves=gone, counts=not gone)


def _housed_reason(seat: Seat) -> str:
    if seat.state is State.OPEN:
        return "found again"
    decision = "counts as decided" if seat.state is State.DECIDED else "still counts as open"
    return f"found again, but closed by {seat.closer}: {decision}"


def _obstacle(seat: Seat, evidence: Evidence) -> str | None:
    """Say why a thread must not be closed whatever became of its code."""
    if not evidence.trusted:
        return "the report comes from an untrusted run"
    if not seat.believed:
        return "its mark may not be the bot's own"
    return "somebody has answered" if seat.answered else None


def _gone(told: Finding | None, evidence: Evidence) -> tuple[bool, str]:
    """Tell whether what a thread speaks of is surely gone, and why or why not."""
    if told is None:
        return False, "its mark cannot be read"
    entries = [entry for entry in evidence.report.files if told.path in _paths((entry.file,))]
    looked_at = evidence.checked.get(told.source, frozenset())
    if entries and all(entry.file.path in looked_at for entry in entries):
        return True, f"{label(told.source)} does not report it any more"
    if any(_is_unread(entry, evidence.withheld) for entry in entries):
        return False, "its file was not reviewed this time"
    # Without an entry, renamed perhaps: a file that the change adds has no other name to be found under.
    entries = entries or [entry for entry in evidence.report.files if entry.file.status is Status.ADDED]
    if not told.quote.strip() or "…" in told.quote:
        return False, "its code cannot be looked for: there is a secret in it"
    if any(_stands(told, entry.file) for entry in entries):
        return False, "its code still stands"
    return True, "its code is gone"


def _is_unread(entry: FileReport, withheld: frozenset[str]) -> bool:
    return entry.outcome in _UNREAD or entry.file.defect is not None or entry.file.path in withheld


def _stands(told: Finding, file: FilePatch) -> bool:
    """Tell whether the quote stands anywhere on its side of a file's diff. In doubt it does."""
    if file.defect is not None:
        return True
    (placed,) = anchoring.place(
        (replace(told, path=file.path, hint=1, suggestion=None),), Patch(files=(file,)), marking.plain
    )
    return placed.span is not None or (
        "\n" not in told.quote and any(told.quote in text for text in _texts(file, told))
    )


def _texts(file: FilePatch, told: Finding) -> Iterator[str]:
    for hunk in file.hunks:
        for line in hunk.lines():
            if line.number(told.side) is not None:
                yield marking.plain(line.text)
