"""A change request in memory: reports made by the real steps, and a forge that only keeps threads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import drawing

from reviewbot import templating
from reviewbot.domain.finding import Category, Confidence, Finding, Placement, Severity, Suggestion
from reviewbot.domain.outcome import Comparison, FileReport, Outcome, Report
from reviewbot.domain.patch import Hunk, Patch
from reviewbot.domain.posting import Comment, PostingPlan
from reviewbot.domain.request import GITHUB, GITLAB, Account, ChangeRequest, Dialect, ForgeFile
from reviewbot.domain.thread import Note, Thread, ThreadKind
from reviewbot.steps import anchoring, marking, merging, prompting, reconciling
from reviewbot.steps.marking import Signer
from reviewbot.steps.reconciling import Reconciled, Run, Scene

BOT = Account(id=7, name="project_1_bot", bot=True)
SHARED = Account(id=41898282, name="github-actions[bot]", bot=True, shared=True)
WRITER = Account(id=1, name="maintainer")
STRANGER = Account(id=2, name="author")
UNSIGNED = Signer()
SIGNED = Signer((b"first secret", b"second secret"))
TEMPLATES = templating.environment()
HEAD = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
BASE = "b" * 40

APP = """
app.py
  @@ def total(rows):
    10 def total(rows):
  - 11     return sum(rows)
  + 11     return sum(row.price for row in rows)
  + 12     # never reached
    13
"""
SUM = "    return sum(row.price for row in rows)"
NEVER = "    # never reached"
GONE = APP.replace(f"  + 11 {SUM}", "  + 11     return total_of(rows)")
SHIFTED = """
app.py
  @@ def total(rows):
    10 def total(rows):
  + 11     # a
  + 12     # b
  - 11     return sum(rows)
  + 13     return sum(row.price for row in rows)
  + 14     # never reached
    15
"""


def request(dialect: Dialect = GITLAB, **changes: object) -> ChangeRequest:
    """Build a request on that forge; ``changes`` replace fields."""
    made = ChangeRequest(
        dialect=dialect,
        project="group/project",
        number=12,
        url="https://forge.example/group/project/12",
        title="Prices",
        description="",
        author=STRANGER,
        labels=(),
        draft=False,
        open=True,
        from_fork=False,
        head_sha=HEAD,
        base_sha=BASE,
        start_sha=BASE,
        source_branch="prices",
        target_branch="main",
    )
    return replace(made, **changes)  # type: ignore[arg-type] # fields are given by name


def claim(quote: str, *, path: str = "app.py", suggestion: str | None = None, **changes: object) -> Finding:
    """Build what a model or a tool claims of some code; it gets its place by the real steps."""
    made = Finding(
        path=path,
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        category=Category.BUG,
        title="Prices are counted twice",
        body="A row without a price **ends** the sum.",
        quote=quote,
        source="llm",
        suggestion=None if suggestion is None else Suggestion(start_line=0, line=0, replacement=suggestion),
    )
    return replace(made, **changes)  # type: ignore[arg-type] # fields are given by name


def report(change: str | Patch, *claims: Finding, most: int = 0, **outcomes: Outcome) -> Report:
    """Review a drawing with these claims. ``outcomes`` are those of files, without their suffix."""
    patch = drawing.patch(change) if isinstance(change, str) else change
    placed = anchoring.place(claims, patch, prompting.readable)
    files = tuple(
        FileReport(file=file, outcome=outcomes.get(file.path.partition(".")[0], Outcome.REVIEWED))
        for file in patch.files
    )
    return Report(
        engine="llm",
        model="a-model",
        comparison=Comparison(base_sha=BASE, head_sha=HEAD, description="main with prices"),
        files=files,
        findings=merging.merge(placed, patch, most).findings,
    )


def forge_files(patch: Patch) -> tuple[ForgeFile, ...]:
    """Give the forge's own diff of a change: here the same as ours."""
    return tuple(
        ForgeFile(path=file.path, old_path=file.old_path, hunks="".join(map(_hunk_text, file.hunks)))
        for file in patch.files
    )


def _hunk_text(hunk: Hunk) -> str:
    rows = hunk.body.split("\n")
    old, new = sum(row[0] != "+" for row in rows), sum(row[0] != "-" for row in rows)
    head = f"@@ -{hunk.old_start - (old == 0)},{old} +{hunk.new_start - (new == 0)},{new} @@\n"
    return head + "".join(f"{row}\n" for row in rows)


@dataclass
class MemoryForge:
    """Threads in memory, and what people do to them. It takes every comment but those in ``refused``."""

    own: Account = BOT
    request: ChangeRequest = field(default_factory=request)
    signer: Signer = UNSIGNED
    threads: list[Thread] = field(default_factory=list)
    refused: Mapping[str, Placement] = field(default_factory=dict)
    """Where the forge puts a comment instead, by fingerprint."""
    edits: int = 0

    def reconcile(self, found: Report, *, files: Sequence[ForgeFile] | None = None, **run: object) -> Reconciled:
        """Compare what stands with a report."""
        scene = Scene(
            request=self.request,
            own=self.own,
            files=forge_files(found.patch) if files is None else tuple(files),
            marked=marking.read(self.threads, self.own, self.signer, self.request),
        )
        made = replace(Run(report=found), **run)  # type: ignore[arg-type] # fields are given by name
        return reconciling.reconcile(scene, made, TEMPLATES, self.signer)

    def run(self, found: Report, **run: object) -> Reconciled:
        """Reconcile, and do what the plan says."""
        made = self.reconcile(found, **run)  # type: ignore[arg-type] # fields are given by name
        self.carry_out(made)
        return made

    def carry_out(self, made: Reconciled) -> None:
        """Do what a plan says, as both forges do: on GitHub, what is about files stands in one review's body."""
        plan, github = made.plan, self.request.dialect is GITHUB
        places = {one.fingerprint: self.refused.get(one.fingerprint, one.placement) for one in plan.create}
        at_files = [one for one in plan.create if places[one.fingerprint] is Placement.FILE]
        for one in plan.create:
            if places[one.fingerprint] is Placement.INLINE:
                self._open(ThreadKind.INLINE, one.body, one)
        if github and at_files:
            self._open(ThreadKind.REVIEW, "\n\n".join(one.file_body for one in at_files), None)
        elif not github:
            for one in at_files:
                self._open(ThreadKind.FILE, one.file_body, one)
        for gone in plan.resolve:
            self.close(gone.thread_id, self.own)
        self._write_summary(plan.summary.note_id, made.summary(places))

    def _write_summary(self, note_id: str | None, body: str | None) -> None:
        if body is None:
            return
        if note_id is None:
            self._open(ThreadKind.PLAIN, body, None)
            return
        self.edits += 1
        for at, thread in enumerate(self.threads):
            if thread.opener.id == note_id:
                self.threads[at] = replace(thread, notes=(replace(thread.opener, body=body), *thread.notes[1:]))

    def _open(self, kind: ThreadKind, body: str, comment: Comment | None) -> None:
        number = str(len(self.threads) + 1)
        note = Note(id=f"n{number}", author=self.own, body=body)
        self.threads.append(
            Thread(
                id=f"t{number}",
                kind=kind,
                notes=(note,),
                path=None if comment is None else comment.path,
                resolvable=comment is not None,
            )
        )

    def close(self, thread_id: str, who: Account | None) -> None:
        """Resolve a thread."""
        self._change(thread_id, resolved=True, resolved_by=who, resolved_by_writer=who in (WRITER, self.own))

    def answer(self, thread_id: str, who: Account) -> None:
        """Write something in a thread."""
        (thread,) = [thread for thread in self.threads if thread.id == thread_id]
        note = Note(id=f"{thread_id}-answer", author=who, body="That is meant.")
        self._change(thread_id, notes=(*thread.notes, note))

    def _change(self, thread_id: str, **changes: object) -> None:
        self.threads = [
            replace(thread, **changes) if thread.id == thread_id else thread  # type: ignore[arg-type]
            for thread in self.threads
        ]

    @property
    def comments(self) -> list[Thread]:
        """Threads with findings."""
        return [thread for thread in self.threads if thread.kind is not ThreadKind.PLAIN]

    @property
    def summary(self) -> str:
        """Text of the one sticky comment."""
        (thread,) = [thread for thread in self.threads if thread.kind is ThreadKind.PLAIN]
        return thread.opener.body


def forge(
    dialect: Dialect = GITLAB, *, own: Account = BOT, refused: Mapping[str, Placement] | None = None
) -> MemoryForge:
    """Give an empty one, with where it puts the comments that it does not take."""
    return MemoryForge(request=request(dialect), own=own, refused=refused or {})


def counts(plan: PostingPlan) -> tuple[int, int, int, bool]:
    """Give how many are created, kept and resolved, and whether the summary is written."""
    return len(plan.create), len(plan.keep), len(plan.resolve), plan.summary.body is not None


def reasons(plan: PostingPlan) -> list[str]:
    """Give why threads are kept or closed."""
    return [fate.reason for fate in plan.keep] + [fate.reason for fate in plan.resolve]
