"""What stands on the forge, and what a run found: tables of both, and what is to be posted."""

import re
from dataclasses import replace

import pytest
from steps.posting_scene import (
    APP,
    BOT,
    GONE,
    HEAD,
    NEVER,
    SHARED,
    SHIFTED,
    SIGNED,
    STRANGER,
    SUM,
    UNSIGNED,
    claim,
    counts,
    forge,
    forge_files,
    reasons,
    report,
)  # fmt: skip

from reviewbot.domain.finding import Category, Placement, Severity
from reviewbot.domain.outcome import Outcome, Report, Unreviewed, Verdict
from reviewbot.domain.patch import Side
from reviewbot.domain.request import GITHUB, GITLAB, Dialect
from reviewbot.domain.thread import Note, Thread, ThreadKind
from reviewbot.steps import marking

DIALECTS = pytest.mark.parametrize("dialect", [GITLAB, GITHUB], ids=["gitlab", "github"])


@DIALECTS
def test_the_first_run_posts_each_finding_once_and_a_summary(dialect: Dialect) -> None:
    there = forge(dialect)
    plan = there.run(report(APP, claim(SUM), claim(NEVER), claim("nowhere"))).plan
    assert (2, 0, 0, True) == counts(plan)
    assert [(Placement.INLINE, 11), (Placement.INLINE, 12)] == [
        (one.placement, one.span.start) for one in plan.create if one.span is not None
    ]
    assert () == plan.notes
    assert "3 open findings: 3 high (2 in comments on the code, 1 only here)." in there.summary
    assert not plan.empty


@DIALECTS
def test_the_second_run_on_the_same_head_has_nothing_to_do(dialect: Dialect) -> None:
    there, found = forge(dialect), report(APP, claim(SUM), claim("nowhere"))
    there.run(found)
    again = there.run(replace(found, usage=replace(found.usage, requests=5, wall_s=9.0)))
    assert again.plan.empty
    assert (["found again"], 0) == (reasons(again.plan), there.edits)
    assert again.summary({}) is None


def test_a_run_without_findings_still_shows_itself_once() -> None:
    there = forge()
    assert (0, 0, 0, True) == counts(there.run(report(APP)).plan)
    assert there.run(report(APP)).plan.empty


def test_shifted_lines_and_a_force_push_keep_every_thread() -> None:
    there = forge()
    there.run(report(APP, claim(SUM), claim(NEVER)))
    there.request = replace(there.request, head_sha="e" * 40)
    plan = there.run(report(SHIFTED, claim(SUM), claim(NEVER))).plan
    assert (0, 2, 0, True) == counts(plan)
    assert 1 == there.edits


def test_a_renamed_file_keeps_its_threads() -> None:
    there = forge()
    there.run(report(APP, claim(SUM)))
    renamed = APP.replace("app.py", "app.py -> core/app.py", 1)
    assert (0, 1, 0) == counts(there.run(report(renamed, claim(SUM, path="core/app.py"))).plan)[:3]
    assert (0, 1, 0) == counts(there.run(report(renamed)).plan)[:3]


NEW = "new.py (added)\n  + 1 x = 1\n  + 2 y = x\n  + 3 x = 1"


def test_a_new_file_that_is_renamed_keeps_its_threads_in_their_order() -> None:
    there = forge()
    first, second = claim("x = 1", path="new.py", hint=1), claim("x = 1", path="new.py", hint=3)
    there.run(report(NEW, first, second))
    moved = report(NEW.replace("new", "core"), replace(first, path="core.py"), replace(second, path="core.py"))
    plan = there.run(moved).plan
    assert (0, 2, 0) == counts(plan)[:3]
    assert ["t1", "t2"] == [fate.thread_id for fate in plan.keep]
    assert there.run(moved).plan.empty
    silent = there.reconcile(report(NEW.replace("new", "core"))).plan
    assert ["its code still stands"] * 2 == reasons(silent)


@pytest.mark.parametrize(
    "other",
    [
        report(NEW.replace("new", "core"), claim("x = 1", path="core.py", hint=1, category=Category.TEST)),
        report(NEW.replace("new", "core"), claim("y = x", path="core.py")),
        report(f"{NEW}\n{NEW.replace('new', 'core')}", claim("x = 1", path="core.py", hint=1)),
        report("core.py\n  + 1 x = 1", claim("x = 1", path="core.py")),
    ],
    ids=["another kind", "other code", "the file is still there", "no new file"],
)
def test_what_only_looks_like_it_gets_a_thread_of_its_own(other: Report) -> None:
    there = forge()
    there.run(report(NEW, claim("x = 1", path="new.py", hint=1)))
    assert 1 == len(there.reconcile(other).plan.create)


def test_a_finding_whose_quote_was_cut_in_its_mark_is_known_again() -> None:
    there, line = forge(), "x = " + " + ".join(f"value_{number}" for number in range(300))
    there.run(report(f"app.py\n  + 1 {line}", claim(line)))
    carried = there.reconcile(report(f"app.py\n  + 1 {line}", claim(line[:1_500])))
    assert (0, 1, 0) == counts(carried.plan)[:3]


def test_the_forge_decides_what_takes_a_comment_at_its_line() -> None:
    there, found = forge(), report(APP, claim(SUM))
    (shown,) = forge_files(found.patch)
    withheld = replace(shown, hunks=None, withheld="too large")
    made = there.reconcile(found, files=[withheld])
    assert [Placement.FILE] == [one.placement for one in made.plan.create]
    assert ("1 finding can only be posted at the file: the forge does not show the lines",) == made.plan.notes


def test_findings_beyond_the_cap_stand_in_the_summary_alone() -> None:
    there = forge()
    found = report(APP, claim(SUM, severity=Severity.LOW), claim(NEVER, severity=Severity.LOW), most=1)
    assert (1, 0, 0, True) == counts(there.run(found).plan)
    assert "| low | Prices are counted twice | `app.py:12` |" in there.summary
    assert there.run(found).plan.empty


@DIALECTS
@pytest.mark.parametrize("place", [Placement.FILE, Placement.SUMMARY])
def test_a_comment_that_the_forge_did_not_take_is_not_tried_again_on_the_same_head(
    place: Placement, dialect: Dialect
) -> None:
    found = report(APP, claim(SUM), claim(NEVER))
    there = forge(dialect, refused={found.findings[0].fingerprint: place})
    made = there.run(found)
    listed = "`app.py:11` |" in there.summary
    assert (place is Placement.SUMMARY) == listed
    assert (2, True) == (len(made.plan.create), there.run(found).plan.empty)
    there.refused = {}
    there.request = replace(there.request, head_sha="e" * 40)
    assert (place is Placement.SUMMARY) == bool(there.run(found).plan.create)
    assert "`app.py:11` |" not in there.summary


def test_a_crash_before_the_summary_leaves_what_the_next_run_completes() -> None:
    whole, torn, found = forge(), forge(), report(APP, claim(SUM), claim(NEVER), claim("nowhere"))
    whole.run(found)
    torn.run(found)
    del torn.threads[1:]  # only the first comment had been sent
    assert (1, 1, 0, True) == counts(torn.run(found).plan)
    assert sorted(_visible(there) for there in whole.threads) == sorted(_visible(there) for there in torn.threads)
    assert torn.run(found).plan.empty


def _visible(thread: Thread) -> str:
    return re.sub(r"<!--.*?-->", "", thread.opener.body)


def test_an_untrusted_report_only_adds_comments() -> None:
    there = forge()
    there.run(report(APP, claim(SUM)))
    standing = there.summary
    made = there.run(report(GONE, claim(NEVER), claim("nowhere")), trusted=False)
    assert (1, 1, 0, False) == counts(made.plan)
    assert ["the report comes from an untrusted run"] == reasons(made.plan)
    trusted = there.reconcile(report(GONE, claim(NEVER), claim("nowhere"))).plan
    assert () == trusted.notes
    assert ("1 finding of an untrusted run would stand in the summary, which it must not rewrite",) == made.plan.notes
    assert standing == there.summary
    assert made.summary({made.plan.create[0].fingerprint: Placement.SUMMARY}) is None


def test_an_untrusted_report_writes_the_first_summary_but_never_says_done() -> None:
    there = forge()
    assert there.run(report(APP, claim("nowhere")), trusted=False).plan.summary.body is not None
    (marked,) = marking.read(there.threads, BOT, UNSIGNED, there.request)
    assert marked.summary is not None
    assert marked.summary.done is False


@pytest.mark.parametrize(
    ("found", "run", "done"),
    [
        (report(APP), {}, True),
        (report(APP), {"complete": False}, False),
        (replace(report(APP), verdict=Verdict(passed=False, exit_code=1)), {}, True),
        (replace(report(APP), verdict=Verdict(passed=False, exit_code=5)), {}, False),
        (replace(report(APP), verdict=Verdict(passed=False, exit_code=130)), {}, False),
    ],
)
def test_a_run_that_was_cut_short_does_not_say_done(found: Report, run: dict[str, object], *, done: bool) -> None:
    there = forge()
    there.run(found, recipe="r", **run)
    (marked,) = marking.read(there.threads, BOT, UNSIGNED, there.request)
    assert marked.summary is not None
    assert (done, "r", HEAD) == (marked.summary.done, marked.summary.recipe, marked.summary.head_sha)


def test_lines_that_failed_are_not_done() -> None:
    there, found = forge(), report(APP)
    entry = found.files[0]
    run = Unreviewed(side=Side.RIGHT, start=11, end=12, outcome=Outcome.FAILED, reason="503")
    there.run(replace(found, files=(replace(entry, outcome=Outcome.PARTIAL, unreviewed=(run,)),)))
    (marked,) = marking.read(there.threads, BOT, UNSIGNED, there.request)
    assert marked.summary is not None
    assert marked.summary.done is False


def test_under_a_shared_account_without_a_secret_nothing_is_posted_twice_or_closed() -> None:
    there, found = forge(GITHUB, own=SHARED), report(APP, claim(SUM), claim("nowhere"))
    there.run(found)
    assert there.run(found).plan.empty
    plan = there.run(report(GONE, claim("nowhere"))).plan
    assert (0, 1, 0) == counts(plan)[:3]
    assert ["its mark may not be the bot's own"] == reasons(plan)
    assert 1 == there.edits


def test_under_a_shared_account_with_a_secret_all_is_as_under_an_own_one() -> None:
    there, found = forge(GITHUB, own=SHARED), report(APP, claim(SUM))
    there.signer = SIGNED
    there.run(found)
    assert there.run(found).plan.empty
    assert ["its code is gone"] == reasons(there.run(report(GONE)).plan)


def test_a_summary_that_somebody_else_forged_under_the_shared_account_is_taken_over() -> None:
    there = forge(GITHUB, own=SHARED)
    body = f"All is well.\n\n<!-- reviewbot:v1 summary head={HEAD} data=x sig=- -->"
    note = Note(id="n7", author=SHARED, body=body)
    there.threads.append(Thread(id="t7", kind=ThreadKind.PLAIN, notes=(note,)))
    plan = there.run(report(APP)).plan
    assert ("t7", "n7") == (plan.summary.thread_id, plan.summary.note_id)
    assert "No open findings." in there.summary


def test_a_summary_under_a_foreign_account_is_not_ours() -> None:
    there = forge()
    note = Note(id="n7", author=STRANGER, body=f"x\n\n<!-- reviewbot:v1 summary head={HEAD} data=x sig=- -->")
    there.threads.append(Thread(id="t7", kind=ThreadKind.PLAIN, notes=(note,)))
    plan = there.reconcile(report(APP)).plan
    assert (None, True) == (plan.summary.note_id, plan.summary.body is not None)


def test_the_summary_tells_where_comments_really_stand() -> None:
    there, found = forge(), report(APP, claim(SUM), claim(NEVER))
    made = there.reconcile(found)
    first, second = (one.fingerprint for one in made.plan.create)
    text = made.summary({first: Placement.SUMMARY})
    assert text is not None
    assert "2 open findings: 2 high (1 in comments on the code, 1 only here)." in text
    assert made.plan.summary.body == made.summary({first: Placement.INLINE, second: Placement.INLINE})
