"""Any history of pushes, reviews and people: every run settles, and nobody is told anything twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from steps.posting_scene import (
    BOT,
    SHARED,
    SIGNED,
    STRANGER,
    UNSIGNED,
    WRITER,
    MemoryForge,
    claim,
    report,
    request,
)  # fmt: skip

from reviewbot.domain.finding import Category, Finding, Placement
from reviewbot.domain.outcome import Report
from reviewbot.domain.request import GITHUB, GITLAB
from reviewbot.domain.thread import Thread
from reviewbot.steps import marking

LINES = tuple(f"value_{number} = compute({number})" for number in range(6))


@dataclass(frozen=True, kw_only=True)
class Push:
    """A state of the branch, what its review reports, and what people do then."""

    path: str
    blank: int
    """Lines added at the top: all others shift."""
    lines: tuple[str, ...]
    reported: tuple[Finding, ...]
    people: tuple[tuple[str, int], ...]
    """What is done to which thread, counted round."""
    most: int

    def report(self) -> Report:
        """Review it."""
        rows = [""] * self.blank + list(self.lines)
        drawn = "\n".join(f"  + {number} {row}" for number, row in enumerate(rows, start=1))
        claims = [replace(finding, path=self.path) for finding in self.reported if finding.quote in self.lines]
        return report(f"{self.path} (added)\n{drawn}", *claims, most=self.most)


FINDINGS = st.builds(
    claim,
    st.sampled_from([*LINES, "stands nowhere"]),
    category=st.sampled_from([Category.BUG, Category.SECURITY]),
    title=st.sampled_from(["One", "Two"]),
)
PUSHES = st.builds(
    Push,
    path=st.sampled_from(["a.py", "b.py"]),
    blank=st.integers(0, 3),
    lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=6, unique=True).map(tuple),
    reported=st.lists(FINDINGS, max_size=5).map(tuple),
    people=st.lists(st.tuples(st.sampled_from(["decide", "close", "answer"]), st.integers(0, 9)), max_size=2).map(
        tuple
    ),
    most=st.sampled_from([0, 2]),
)
FORGES = st.builds(
    lambda dialect, own, signer: MemoryForge(request=request(dialect), own=own, signer=signer),
    st.sampled_from([GITLAB, GITHUB]),
    st.sampled_from([BOT, SHARED]),
    st.sampled_from([UNSIGNED, SIGNED]),
)


def fingerprints(forge: MemoryForge, threads: Sequence[Thread]) -> list[str]:
    """Give what is marked in threads, but for those that the bot has closed itself."""
    standing = [thread for thread in threads if thread.resolved_by != forge.own]
    marked = marking.read(standing, forge.own, forge.signer, forge.request)
    return [mark.fingerprint for one in marked for mark in one.marks]


def listed(forge: MemoryForge) -> list[str]:
    """Give what the summary alone holds, as its mark says under an account of the bot's own."""
    own = replace(forge.own, shared=False)
    (sticky,) = (one for one in marking.read(forge.threads, own, forge.signer, forge.request) if one.is_summary)
    assert sticky.summary is not None
    return [finding.fingerprint for finding in sticky.summary.findings]


def believes(forge: MemoryForge) -> bool:
    """Tell whether marks are believed: written under an account of the bot's own, or signed."""
    return not forge.own.shared or bool(forge.signer.secrets)


def act(forge: MemoryForge, what: str, at: int) -> None:
    """Let somebody do something to a thread."""
    if not forge.comments:
        return
    thread = forge.comments[at % len(forge.comments)]
    if what == "answer":
        forge.answer(thread.id, WRITER)
    elif not thread.resolved:
        forge.close(thread.id, WRITER if what == "decide" else STRANGER)


@settings(max_examples=150, deadline=None)
@given(FORGES, st.lists(PUSHES, min_size=1, max_size=4), st.sampled_from([None, Placement.FILE, Placement.SUMMARY]))
def test_every_run_settles_and_each_finding_stands_in_one_place(
    forge: MemoryForge, pushes: list[Push], demoted: Placement | None
) -> None:
    for number, push in enumerate(pushes):
        forge.request = replace(forge.request, head_sha=f"{number:040x}")
        found = push.report()
        if demoted is not None:
            forge.refused = {finding.fingerprint: demoted for finding in found.findings[:1]}
        before = {thread.id: thread for thread in forge.threads}
        made = forge.run(found)

        closed = {fate.thread_id for fate in made.plan.resolve}
        assert all(len(before[thread_id].notes) == 1 and not before[thread_id].resolved for thread_id in closed)
        standing = Counter(fingerprints(forge, forge.comments))
        assert not [fingerprint for fingerprint, count in standing.items() if count > 1]
        houses = {fate.fingerprint for fate in made.plan.keep} | {one.fingerprint for one in made.plan.create}
        places = Counter(listed(forge)) + standing
        known = {finding.fingerprint for finding in found.findings} & set(places)
        assert not [fingerprint for fingerprint in known if places[fingerprint] > 1]
        # Those that are not marked under their own fingerprint stand in a thread that was found by its quote.
        assert len(found.findings) - len(known) <= len(houses - known)

        threads = list(forge.threads)
        again = forge.run(found)
        assert threads == forge.threads
        # Nothing tells such a forge that a comment was refused before: it is asked again, in vain.
        assert again.plan.empty or (not believes(forge) and demoted is Placement.SUMMARY)
        for what, at in push.people:
            act(forge, what, at)


@settings(max_examples=80, deadline=None)
@given(forge=FORGES, push=PUSHES, blank=st.integers(0, 3), renamed=st.booleans())
def test_shifted_lines_renamed_files_and_new_heads_make_no_new_thread(
    *, forge: MemoryForge, push: Push, blank: int, renamed: bool
) -> None:
    forge.run(push.report())
    moved = replace(push, blank=blank, path="moved.py" if renamed and believes(forge) else push.path)
    forge.request = replace(forge.request, head_sha="e" * 40)
    plan = forge.reconcile(moved.report()).plan
    assert ((), ()) == (plan.create, plan.resolve)
