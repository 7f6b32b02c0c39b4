"""The bot's threads: which are found again, which are closed, and which are left to people."""

import re
from dataclasses import replace

import pytest
from steps.posting_scene import (
    APP,
    GONE,
    NEVER,
    SHIFTED,
    STRANGER,
    SUM,
    WRITER,
    claim,
    counts,
    forge,
    forge_files,
    reasons,
    report,
)  # fmt: skip

from reviewbot.domain.finding import Finding, Placement, Span
from reviewbot.domain.outcome import Outcome, Report
from reviewbot.domain.patch import Patch, Side
from reviewbot.domain.request import GITHUB, Account
from reviewbot.domain.thread import Note, ThreadKind

# What people did to the thread; whether it is reported again; what comes of it.
DECISIONS = [
    (None, True, "found again"),
    (None, False, "its code still stands"),
    (WRITER, True, "found again, but closed by maintainer: counts as decided"),
    (WRITER, False, None),
    (STRANGER, True, "found again, but closed by author: still counts as open"),
    (STRANGER, False, None),
]


@pytest.mark.parametrize(("closer", "reported", "reason"), DECISIONS)
def test_what_people_closed_is_not_opened_again(closer: Account | None, *, reported: bool, reason: str | None) -> None:
    there = forge()
    there.run(report(APP, claim(SUM)))
    if closer is not None:
        there.close("t1", closer)
    plan = there.run(report(APP, *([claim(SUM)] if reported else []))).plan
    assert ([], []) == (list(plan.create), list(plan.resolve))
    assert ([reason] if reason else []) == reasons(plan)


def test_only_who_may_write_decides_what_is_open() -> None:
    there, found = forge(), report(APP, claim(SUM), claim(NEVER, title="Dead"))
    there.run(found)
    there.close("t1", WRITER)
    there.close("t2", STRANGER)
    there.run(found)
    assert "1 open finding: 1 high (1 in comments on the code). 1 closed by people." in there.summary
    assert "| high | Dead (closed by author, who may not write to the project) | `app.py:12` |" in there.summary
    assert there.run(found).plan.empty


def test_a_thread_closed_by_nobody_known_is_no_decision() -> None:
    there, found = forge(), report(APP, claim(SUM))
    there.run(found)
    there.close("t1", None)
    plan = there.run(found).plan
    assert ["found again, but closed by somebody: still counts as open"] == reasons(plan)


def test_a_thread_too_many_is_no_home_for_another_finding_that_looks_alike() -> None:
    there, change = forge(), "app.py\n  + 1 x = 1\n  + 2 x = 1"
    first, second = claim("x = 1", hint=1), claim("x = 1", hint=2)
    there.run(report(change, first))
    there.threads.append(replace(there.threads[0], id="t9"))
    assert (1, 2, 0) == counts(there.reconcile(report(change, first, second)).plan)[:3]


def test_what_the_bot_closed_and_is_found_again_gets_a_new_thread() -> None:
    there, found = forge(), report(APP, claim(SUM))
    there.run(found)
    there.run(report(GONE))
    assert [True] == [thread.resolved for thread in there.comments]
    plan = there.run(found).plan
    assert (1, 0, 0) == counts(plan)[:3]
    assert [True, False] == [thread.resolved for thread in there.comments]
    assert there.run(found).plan.empty


def test_the_open_one_of_two_threads_is_the_findings_home() -> None:
    there, found = forge(), report(APP, claim(SUM))
    there.run(found)
    there.threads.append(replace(there.threads[0], id="t9"))
    there.close("t1", WRITER)
    assert ["t9"] == [fate.thread_id for fate in there.reconcile(found).plan.keep]
    there.threads[0] = replace(there.threads[0], resolved=False)
    assert ["found again", "says what another thread says too"] == reasons(there.run(found).plan)
    assert "1 open finding: 1 high" in there.summary


TWO = "app.py\n  + 1 one = 1\n  + 2 two = 2\n  + 3 a = 1\n  + 4 b = 2"


@pytest.mark.parametrize(
    ("posted", "now", "reason"),
    [
        (claim(SUM), report(GONE), "its code is gone"),
        (claim(SUM), report(Patch(files=())), "its code is gone"),
        (claim(SUM), report("other.py (added)\n  + 1 x = 1"), "its code is gone"),
        (claim("return sum(rows)", side=Side.LEFT), report(SHIFTED.replace("sum(rows)", "0")), "its code is gone"),
        (claim(SUM, source="ruff", rule="E1"), report(APP), "ruff does not report it any more"),
        (claim(SUM, source="ruff", rule="E1"), report(APP, app=Outcome.SKIPPED), "ruff does not report it any more"),
    ],
)
def test_a_thread_is_closed_when_its_code_or_its_static_finding_is_gone(
    posted: Finding, now: Report, reason: str
) -> None:
    there = forge()
    there.run(report(APP, posted))
    checked = {"ruff": frozenset({"app.py"})}
    plan = there.run(now, checked=checked).plan
    assert (0, 0, 1) == counts(plan)[:3]
    assert [reason] == reasons(plan)
    assert "No open findings. 1 resolved since." in there.summary
    assert there.run(now, checked=checked).plan.empty


def _with_defect(made: Report) -> Report:
    entry = made.files[0]
    return replace(made, files=(replace(entry, file=replace(entry.file, hunks=(), defect="torn")),))


TOKEN = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
KEY = f'key = "{TOKEN}"'


@pytest.mark.parametrize(
    ("posted", "now", "reason"),
    [
        (claim(SUM), report(APP), "its code still stands"),
        (claim(SUM), report(SHIFTED), "its code still stands"),
        (
            claim(SUM),
            report("moved.py (added)\n  + 1     return sum(row.price for row in rows)"),
            "its code still stands",
        ),
        (claim("row.price for"), report(APP), "its code still stands"),
        (claim(SUM), report(GONE, app=Outcome.SKIPPED), "its file was not reviewed this time"),
        (claim(SUM), report(GONE, app=Outcome.FAILED), "its file was not reviewed this time"),
        (claim(SUM), _with_defect(report(GONE)), "its file was not reviewed this time"),
        (claim(SUM), _with_defect(report("moved.py (added)\n  + 1 x = 1")), "its code still stands"),
        (claim(SUM, source="ruff", rule="E1"), report(APP), "its code still stands"),
        (claim("return sum(rows)", side=Side.LEFT), report(APP), "its code still stands"),
    ],
)
def test_a_models_silence_closes_nothing(posted: Finding, now: Report, reason: str) -> None:
    there = forge()
    there.run(report(APP, posted))
    plan = there.run(now, checked={"ruff": frozenset({"other.py"})}).plan
    assert (0, 1, 0) == counts(plan)[:3]
    assert [reason] == reasons(plan)
    assert "1 open finding: 1 high (1 in comments on the code)." in there.summary


TWICE = "app.py\n  + 1 one()\n  + 2 two()\n  + 3 one()\n  + 4 two()"


@pytest.mark.parametrize(
    ("quote", "span"), [("one()\ntwo()", (3, 4)), ("wo(", (4, 4))], ids=["stands twice", "a short part of a line"]
)
def test_what_anchoring_would_not_place_still_stands(quote: str, span: tuple[int, int]) -> None:
    there = forge()
    adrift = report(TWICE, claim(quote))
    placed = replace(
        adrift.findings[0],
        quote=quote,
        span=Span(side=Side.RIGHT, start=span[0], end=span[1]),
        placement=Placement.INLINE,
    )
    there.run(replace(adrift, findings=(placed,)))
    assert ["its code still stands"] == reasons(there.reconcile(report(TWICE)).plan)
    for elsewhere in ("app.py\n  + 1 three", f"app.py\n{TWICE[7:].replace('+', '-')}"):
        assert ["its code is gone"] == reasons(there.reconcile(report(elsewhere)).plan)


def test_code_with_a_secret_cannot_be_looked_for_and_is_never_taken_for_gone() -> None:
    there = forge()
    there.run(report(f"app.py\n  + 1 {KEY}\n  + 2 print(key)", claim(f"{KEY}\nprint(key)")))
    plan = there.run(report("app.py\n  + 1 x = 1")).plan
    assert ["its code cannot be looked for: there is a secret in it"] == reasons(plan)
    assert TOKEN not in "".join(thread.opener.body for thread in there.threads)


def test_a_file_that_the_forge_withholds_now_says_nothing_of_its_threads() -> None:
    there, now = forge(), report(GONE)
    there.run(report(APP, claim(SUM)))
    (shown,) = forge_files(now.patch)
    plan = there.reconcile(now, files=[replace(shown, hunks=None, withheld="collapsed")]).plan
    assert ["its file was not reviewed this time"] == reasons(plan)


@pytest.mark.parametrize("who", [WRITER, STRANGER])
def test_a_thread_that_somebody_answered_is_never_closed(who: Account) -> None:
    there = forge()
    there.run(report(APP, claim(SUM)))
    there.answer("t1", who)
    plan = there.run(report(GONE)).plan
    assert (0, 1, 0) == counts(plan)[:3]
    assert ["somebody has answered"] == reasons(plan)


def test_the_bots_own_words_are_no_answer() -> None:
    there = forge()
    there.run(report(APP, claim(SUM)))
    there.answer("t1", there.own)
    assert 1 == len(there.run(report(GONE)).plan.resolve)


def test_what_cannot_be_resolved_is_kept_and_not_counted_once_its_code_is_gone() -> None:
    found = report(APP, claim(SUM), claim(NEVER))
    there = forge(GITHUB, refused={finding.fingerprint: Placement.FILE for finding in found.findings})
    there.run(found)
    assert [ThreadKind.REVIEW] == [thread.kind for thread in there.comments]
    now = report(GONE, claim(NEVER))
    plan = there.run(now).plan
    assert (0, 2, 0) == counts(plan)[:3]
    assert {"found again", "its code is gone, but a comment of this kind cannot be resolved"} == set(reasons(plan))
    assert "1 open finding: 1 high (1 in comments on the code)." in there.summary
    assert there.run(now).plan.empty


def test_a_reviews_body_with_one_finding_cannot_be_resolved_either() -> None:
    found = report(APP, claim(SUM))
    there = forge(GITHUB, refused={found.findings[0].fingerprint: Placement.FILE})
    there.run(found)
    assert [] == list(there.reconcile(report(GONE)).plan.resolve)


def test_a_thread_with_two_findings_is_not_closed_for_one_of_them() -> None:
    there, found = forge(), report(APP, claim(SUM), claim(NEVER))
    there.run(found)
    body = "\n\n".join(thread.opener.body for thread in there.comments)
    note = Note(id="n1", author=there.own, body=body)
    there.threads[:2] = [replace(there.threads[0], notes=(note,))]
    assert (0, 2, 0) == counts(there.reconcile(report(GONE, claim(NEVER))).plan)[:3]


def test_a_broken_mark_keeps_its_thread_and_prevents_a_second_one() -> None:
    there, found = forge(), report(APP, claim(SUM))
    there.run(found)
    broken = re.sub(r"data=\S+", "data=x", there.threads[0].opener.body)
    there.threads[0] = replace(there.threads[0], notes=(replace(there.threads[0].opener, body=broken),))
    plan = there.reconcile(found).plan
    assert (0, 1, 0) == counts(plan)[:3]
    assert [found.findings[0].fingerprint] == [fate.title for fate in plan.keep]
    assert ["its mark cannot be read"] == reasons(there.reconcile(report(GONE)).plan)


def test_the_plan_names_what_it_keeps_and_closes() -> None:
    there, found = forge(), report(APP, claim(SUM, title="A\nB"))
    there.run(found)
    (kept,) = there.reconcile(found).plan.keep
    (closed,) = there.reconcile(report(GONE)).plan.resolve
    wanted = ("t1", found.findings[0].fingerprint, "A\\nB")
    assert wanted == (kept.thread_id, kept.fingerprint, kept.title)
    assert wanted == (closed.thread_id, closed.fingerprint, closed.title)
