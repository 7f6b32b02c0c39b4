"""The queue's policy once more, in plain Python on plain values: what the script in Redis must agree with."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reviewbot.domain.job import ReviewJob
from reviewbot.queue.outcomes import Admission, Fate, Later
from reviewbot.queue.policy import QueueRules


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the queue knows of a job."""

    job: ReviewJob
    since: float
    place: str
    attempt: int = 1
    deliveries: int = 0
    tied: tuple[ReviewJob, ...] = ()
    """Others that happened at the same time, to be done after it, the last first."""
    failed: tuple[ReviewJob, ...] = ()
    """Others of that time that were given up: dead, when the last is done."""
    holder: str = ""
    """Ticket and lease of who runs it, in words of the test's own."""


@dataclass
class Model:
    """One queue. Times in seconds since the start."""

    rules: QueueRules
    clock: Callable[[], float] = lambda: 0.0
    pending: dict[str, Entry] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    """Projects with a line, in the order of their turns."""
    held: dict[str, set[str]] = field(default_factory=dict)
    later: dict[str, float] = field(default_factory=dict)
    running: dict[str, Entry] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    """Requests by ticket."""
    dead: dict[str, Entry] = field(default_factory=dict)
    buried: dict[str, float] = field(default_factory=dict)
    """When each of the dead, and of those that are no more, was given up."""
    told: dict[str, tuple[float, list[str]]] = field(default_factory=dict)

    def enqueue(self, job: ReviewJob, now: float) -> Admission:
        """Let a job in, or not."""
        refusal = self._refusal(job)
        at, versions = self.told.get(job.subject, (float("-inf"), []))
        old = self.pending.get(job.subject)
        running = self.running.get(job.request)
        stopped = running if running and running.job.subject == job.subject else None
        if refusal is None and old is None and self._waiting(job.place) >= self.rules.waiting:
            return Admission.REFUSED
        replaced, buried = old or stopped, self.dead.get(job.subject)
        tied: tuple[ReviewJob, ...] = ()
        failed: tuple[ReviewJob, ...] = ()
        if replaced and job.at.timestamp() <= at:
            tied, failed = (*replaced.tied, replaced.job), replaced.failed
        if buried and job.at.timestamp() <= at:
            tied = (*tied, *buried.failed, buried.job)
        tied, failed = (tuple(each for each in jobs if each.version != job.version) for jobs in (tied, failed))
        if job.at.timestamp() > at:
            at, versions = job.at.timestamp(), []
        known = versions[-1:] == [job.version]
        if refusal is None or known or job.at.timestamp() > self.told[job.subject][0]:
            self.told[job.subject] = (at, versions if known else [*versions, job.version])
        if refusal is not None:
            return refusal
        self.dead.pop(job.subject, None)
        entry = Entry(
            job=job,
            since=old.since if old else now,
            place=old.place if old else job.place,
            tied=tied,
            failed=failed,
        )
        self.pending[job.subject] = entry
        if old is None or self.later.pop(job.subject, None) is not None:
            self._line_up(entry)
        return Admission.SUPERSEDING if old or stopped else Admission.FRESH

    def take(self, ticket: str, lease: str, *, spare: bool = False) -> Entry | Later | None:
        """Give what a ticket stands for; with ``spare`` of a project alone of which nothing runs."""
        if ticket in self.taken:
            entry = self.running[self.taken[ticket]]
            if self._survives(entry):
                return self._start(replace(entry, deliveries=entry.deliveries + 1), ticket, lease)
            self._let_go(entry)
            if entry.job.subject not in self.pending:
                self._give_up(entry)
        served = {entry.place for entry in self.running.values()} if spare else set()
        for place in [place for place in self.lines if place not in served]:
            line = self.lines.pop(place)
            free = self._first_free(line)
            if line:
                self.lines[place] = line
            if free is not None:
                return self._start(self.pending.pop(free), ticket, lease)
        return Later.LATER if served & self.lines.keys() else None

    def finish(self, request: str, holder: str) -> Fate:
        """End a job."""
        entry = self._mine(request, holder)
        if entry is None:
            return Fate.LOST
        self._let_go(entry)
        if entry.job.subject not in self.pending:
            if entry.tied:
                self._wait(self._next(entry, entry.failed))
            elif entry.failed:
                self._bury(replace(entry, job=entry.failed[-1], failed=entry.failed[:-1]))
        return Fate.DONE

    def fail(self, request: str, holder: str, due: float | None) -> Fate:
        """End a job that went wrong; ``due`` is None where it is hopeless."""
        entry = self._mine(request, holder)
        if entry is None:
            return Fate.LOST
        subject, newer = entry.job.subject, entry.job.subject in self.pending
        if not newer and due is not None and entry.attempt < self.rules.attempts:
            self.pending[subject] = replace(entry, attempt=entry.attempt + 1)
            self.later[subject] = due
        self._let_go(entry)
        if not newer and subject not in self.later:
            self._give_up(entry)
        return Fate.SUPERSEDED if newer else Fate.RETRIED if subject in self.later else Fate.DEAD

    def hand_back(self, request: str, holder: str) -> Fate:
        """Put a job back."""
        entry = self._mine(request, holder)
        if entry is None:
            return Fate.LOST
        self._let_go(entry)
        if entry.job.subject in self.pending:
            return Fate.SUPERSEDED
        self._wait(entry)
        return Fate.RETURNED

    def superseded(self, request: str, holder: str) -> bool:
        """Tell whether to stop."""
        entry = self._mine(request, holder)
        return entry is None or entry.job.subject in self.pending

    def sweep(self, now: float) -> None:
        """Begin the attempts that are due, no more at once than a project may have waiting."""
        due = [subject for subject, at in self.later.items() if at <= now]
        for subject in sorted(due, key=lambda name: (self.later[name], name))[: self.rules.waiting]:
            del self.later[subject]
            self._wait(replace(self.pending[subject], since=now))

    def requeue(self, now: float) -> int:
        """Put all dead jobs back, in the order in which they were given up; at one time by name."""
        dead, self.dead = self.dead, {}
        for subject in sorted(dead, key=lambda subject: (self.buried[subject], subject)):
            entry = dead[subject]
            self._wait(replace(entry, since=now, attempt=1, deliveries=0, tied=entry.failed, failed=()))
        return sum(1 + len(entry.failed) for entry in dead.values())

    def _refusal(self, job: ReviewJob) -> Admission | None:
        if job.subject not in self.told:
            return None
        at, versions = self.told[job.subject]
        if job.version == versions[-1]:
            running = self.running.get(job.request)
            runs = running is not None and (running.job.subject, running.job.version) == (job.subject, job.version)
            anew = job.again and not runs and job.subject not in self.pending
            return None if anew else Admission.DUPLICATE
        if job.at.timestamp() < at:
            return Admission.OUTDATED
        return Admission.DUPLICATE if job.at.timestamp() == at and job.version in versions else None

    def _waiting(self, place: str) -> int:
        return sum(entry.place == place for entry in self.pending.values())

    def _survives(self, entry: Entry) -> bool:
        return entry.job.subject not in self.pending and entry.deliveries < self.rules.deliveries

    def _give_up(self, entry: Entry) -> None:
        if entry.tied:
            self._wait(self._next(entry, (*entry.failed, entry.job)))
        else:
            self._bury(entry)

    def _next(self, entry: Entry, failed: tuple[ReviewJob, ...]) -> Entry:
        return Entry(job=entry.tied[-1], since=entry.since, place=entry.place, tied=entry.tied[:-1], failed=failed)

    def _bury(self, entry: Entry) -> None:
        self.dead[entry.job.subject] = entry
        self.buried[entry.job.subject] = self.clock()

    def _first_free(self, line: list[str]) -> str | None:
        while line:
            subject = line.pop(0)
            request = self.pending[subject].job.request
            if request not in self.running:
                return subject
            self.held.setdefault(request, set()).add(subject)
        return None

    def _start(self, entry: Entry, ticket: str, lease: str) -> Entry:
        started = replace(entry, holder=f"{ticket} {lease}")
        self.running[entry.job.request] = started
        self.taken[ticket] = entry.job.request
        return started

    def _mine(self, request: str, holder: str) -> Entry | None:
        entry = self.running.get(request)
        return entry if entry is not None and entry.holder == holder else None

    def _let_go(self, entry: Entry) -> None:
        del self.running[entry.job.request]
        del self.taken[entry.holder.split()[0]]
        for subject in self.held.pop(entry.job.request, set()):
            self._line_up(self.pending[subject])

    def _wait(self, entry: Entry) -> None:
        self.pending[entry.job.subject] = entry
        self._line_up(entry)

    def _line_up(self, entry: Entry) -> None:
        line = self.lines.setdefault(entry.place, [])
        line.append(entry.job.subject)
        line.sort(key=lambda subject: (self.pending[subject].since, subject))
