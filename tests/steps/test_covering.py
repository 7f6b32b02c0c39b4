"""What of a change is covered, and what the gate says to it."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from gate_scene import ASKED, LAYOUT, NOON, entry, judged, report, subject
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.coverage import CoverageGate, CoverageStatus, PatchFileCoverage
from reviewbot.steps import uniting
from reviewbot.steps.covering import Layout

FOUR = "a = 1\nb = 2\nc = 3\nd = 4\n"
CHANGE = """
    m.py
        1 a = 1
      - 2 b = 0
      - 3 c = 0
      + 2 b = 2
      + 3 c = 3
        4 d = 4
"""
PYTHON = subject(CHANGE, {"m.py": FOUR})
GO = subject("m.go\n  - 1 a()\n  + 1 b()\n  + 2 // c\n  + 3\n  + 4 d()\n", {"m.go": "b()\n// c\n\nd()\n"})


def only(files: tuple[PatchFileCoverage, ...]) -> PatchFileCoverage:
    (file,) = files
    return file


def test_covered_and_missing_statements_make_the_percentage() -> None:
    answer = judged(PYTHON, report(entry("m.py", "+-++")))
    file = only(answer.files)
    assert ((3,), (2,), True) == (file.covered, file.missing, file.by_statement)
    assert (CoverageStatus.FAILED, Fraction(50), Fraction(75)) == (
        answer.status, answer.patch_percent, answer.project_percent,
    )  # fmt: skip
    assert ("50 % of what was changed is covered, less than 80 %: 1 of 2 statements",) == answer.reasons
    assert answer.blocks


def test_at_the_threshold_it_passes() -> None:
    answer = judged(PYTHON, report(entry("m.py", "+-++")), gate=replace(ASKED, fail_under=Fraction(50)))
    assert (CoverageStatus.PASSED, ()) == (answer.status, answer.reasons)


def test_an_informational_gate_says_it_and_stops_nothing() -> None:
    answer = judged(PYTHON, report(entry("m.py", "+---")), gate=replace(ASKED, informational=True))
    assert (CoverageStatus.FAILED, False) == (answer.status, answer.blocks)


def test_a_gate_that_nobody_asked_for_stops_nothing() -> None:
    assert not judged(PYTHON, report(entry("m.py", "+---")), gate=CoverageGate()).blocks


def test_a_branch_not_taken_counts_as_uncovered_where_that_is_asked() -> None:
    found = report(entry("m.py", "++++", {2: (2, 1), 3: (2, 2), 4: (2, 0)}))
    plain, strict = judged(PYTHON, found), judged(PYTHON, found, gate=replace(ASKED, branches=True))
    assert ((2,), Fraction(100), True) == (only(plain.files).partial, plain.patch_percent, plain.gaps)
    assert (Fraction(50), CoverageStatus.FAILED) == (strict.patch_percent, strict.status)


def test_a_single_file_may_have_its_own_floor() -> None:
    two = subject(CHANGE + "    n.py (added)\n      + 1 x = 1\n", {"m.py": FOUR, "n.py": "x = 1\n"})
    gate = CoverageGate(asked=True, fail_under=Fraction(0), file_under=Fraction(60))
    answer = judged(two, report(entry("m.py", "+-++"), entry("n.py", "+")), gate=gate)
    assert ("'m.py': 50 % of what was changed is covered, less than 60 %",) == answer.reasons


def test_the_project_has_its_own_floor() -> None:
    gate = CoverageGate(asked=True, project_under=Fraction("75.1"))
    answer = judged(PYTHON, report(entry("m.py", "+++-")), gate=gate)
    assert ("75 % of the project is covered, less than 75.1 %",) == answer.reasons


@pytest.mark.parametrize(("allowed", "status"), [("25", CoverageStatus.PASSED), ("24.9", CoverageStatus.FAILED)])
def test_the_project_may_drop_only_so_far(allowed: str, status: CoverageStatus) -> None:
    gate = CoverageGate(asked=True, fail_under=Fraction(0), allowed_drop=Fraction(allowed))
    answer = judged(PYTHON, report(entry("m.py", "+-++")), base=[report(entry("m.py", "++++"))], gate=gate)
    assert (status, Fraction(100)) == (answer.status, answer.base_percent)


def test_a_limit_on_the_drop_needs_a_base_to_compare_with() -> None:
    gate = CoverageGate(asked=True, allowed_drop=Fraction(1))
    answer = judged(PYTHON, report(entry("m.py", "++++")), gate=gate)
    assert CoverageStatus.UNMEASURED is answer.status
    assert ("the drop is limited, and there is no usable report of the base to compare with",) == answer.reasons


def test_without_a_report_nothing_is_measured() -> None:
    answer = judged(PYTHON)
    assert (CoverageStatus.UNMEASURED, ("there is no coverage report",), True) == (
        answer.status, answer.reasons, answer.blocks,
    )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "m.py\n  - 1 a = 1\n    1 b = 2\n",
        "m.py (deleted)\n  - 1 a = 1\n",
        "README.md\n  + 1 text\n",
        "m.py\n  + 1 # a comment\n",
        "tests/test_m.py (added)\n  + 1 a = 1\n",
        "types.d.ts (added)\n  + 1 export const a: string\n",
        "m.js\n  + 1 // a comment\n  + 2\n  + 3 }\n",
        "bin\n  + 1 x\n",
    ],
)
def test_where_nothing_can_be_measured_it_passes_even_without_a_report(change: str) -> None:
    answer = judged(subject(change, {"m.py": "# a comment\nb = 2\n"}))
    assert (CoverageStatus.PASSED, None, False) == (answer.status, answer.patch_percent, answer.blocks)
    assert ("no changed line can be measured: the change adds no statement that could run",) == answer.reasons
    assert ("there is no coverage report",) == answer.notes


def test_a_projects_floor_cannot_be_met_without_a_report() -> None:
    answer = judged(subject("README.md\n  + 1 x\n", {}), gate=replace(ASKED, project_under=Fraction(1)))
    assert (CoverageStatus.UNMEASURED, True) == (answer.status, answer.blocks)


def test_other_languages_are_counted_by_the_lines_that_were_measured() -> None:
    answer = judged(GO, report(entry("m.go", "+  -"), kind="clover"))
    file = only(answer.files)
    assert ((1,), (4,), False) == (file.covered, file.missing, file.by_statement)
    assert ("50 % of what was changed is covered, less than 80 %: 1 of 2 lines",) == answer.reasons


def test_blank_lines_of_a_stretch_that_was_measured_do_not_count() -> None:
    file = only(judged(GO, report(entry("m.go", "++++"), kind="go")).files)
    assert (1, 2, 4) == file.covered


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("+  ++", "it measures line 5, and the file has 4"),
        ("+ ++", "it measures line 3, which is blank"),
    ],
)
def test_a_report_of_another_text_is_told_by_what_it_measures(lines: str, why: str) -> None:
    answer = judged(GO, report(entry("m.go", lines), kind="clover"))
    assert CoverageStatus.UNMEASURED is answer.status
    assert (
        f"the report does not fit 'm.go': {why}. It was written of another text: measure the head anew"
        in answer.reasons
    )
    assert (None, ()) == (answer.patch_percent, answer.files)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("+ ++", "it does not know the changed statement in line 2"),
        ("++  ", "it does not know 2 of the file's 4 statements"),
        ("+++++", "it measures line 5, and the file has 4"),
    ],
)
def test_a_report_of_another_python_text_is_refused(lines: str, why: str) -> None:
    (reason,) = judged(PYTHON, report(entry("m.py", lines))).reasons
    assert why in reason


def test_what_the_project_leaves_out_is_no_sign_of_another_text() -> None:
    layout = replace(LAYOUT, exclude=("^b = ",))
    answer = judged(PYTHON, report(entry("m.py", "+ ++")), layout=layout)
    assert ((3,), CoverageStatus.PASSED) == (only(answer.files).covered, answer.status)


def test_a_changed_python_file_whose_text_is_not_known_is_counted_by_lines() -> None:
    answer = judged(subject(CHANGE, {}, whole=False), report(entry("m.py", "+-++")))
    file = only(answer.files)
    assert ((3,), (2,), "counted by lines: only the diff is known") == (file.covered, file.missing, file.note)


def test_a_python_file_that_cannot_be_parsed_is_counted_by_lines() -> None:
    answer = judged(subject(CHANGE, {"m.py": "a = 1\nb 2\nc 3\nd = 4\n"}), report(entry("m.py", "+-++")))
    assert "counted by lines: this Python cannot parse it" == only(answer.files).note


NEW = "    new/n.py (added)\n      + 1 x = (\n      + 2     1)\n      + 3 # c\n      + 4 y = 2  # pragma: no cover\n"
NEW_TEXT = "x = (\n    1)\n# c\ny = 2  # pragma: no cover\n"


def absent(*tree: str, measured: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    change = subject(CHANGE.replace("m.py", measured) + NEW, {measured: FOUR, "new/n.py": NEW_TEXT}, tree)
    answer = judged(change, report(entry(measured, "++++")))
    return tuple(file.path for file in answer.files if file.missing == (1,) and file.note), answer.unmeasured


@pytest.mark.parametrize(
    ("measured", "tree"),
    [("m.py", ()), ("app/m.py", ("app/__init__.py",)), ("new/m.py", ()), ("new/a/m.py", ("new/a/__init__.py",))],
)
def test_a_file_that_is_absent_where_the_report_speaks_is_uncovered(measured: str, tree: tuple[str, ...]) -> None:
    assert (("new/n.py",), ()) == absent(*tree, measured=measured)


@pytest.mark.parametrize(
    ("measured", "where"), [("app/m.py", "'app/'"), ("a/b/c/m.py", "'a/b/c/'"), ("new/a/m.py", "'new/a/'")]
)
def test_a_file_outside_of_what_was_measured_is_listed(measured: str, where: str) -> None:
    assert ((), (("new/n.py", f"outside of what the reports of Python measured: {where}"),)) == absent(
        measured=measured
    )


def test_folders_that_a_report_names_say_what_was_measured() -> None:
    change = subject(CHANGE.replace("m.py", "src/m.py") + NEW, {"src/m.py": FOUR, "new/n.py": NEW_TEXT})
    wide = replace(report(entry("src/m.py", "++++")), roots=(".",))
    narrow = replace(report(entry("m.py", "++++")), roots=("src",))
    assert ["src/m.py", "new/n.py"] == [file.path for file in judged(change, wide).files]
    assert ["src/m.py"] == [file.path for file in judged(change, narrow).files]


def test_a_report_of_nothing_but_tests_speaks_for_the_whole() -> None:
    answer = judged(PYTHON_WITH_TEST, report(entry("tests/test_m.py", "+")))
    assert ((2, 3), "absent from the report") == (only(answer.files).missing, only(answer.files).note)


PYTHON_WITH_TEST = subject(CHANGE, {"m.py": FOUR}, ("tests/test_m.py",))


def test_a_language_that_no_report_speaks_of_is_listed_and_does_not_count() -> None:
    change = subject(CHANGE + "    n.go (added)\n      + 1 x()\n", {"m.py": FOUR})
    answer = judged(change, report(entry("m.py", "++++")))
    assert (Fraction(100), (("n.go", "no report speaks of Go"),)) == (answer.patch_percent, answer.unmeasured)
    alone = judged(subject("n.go (added)\n  + 1 x()\n", {}, ("m.py",)), report(entry("m.py", "++++")))
    assert (CoverageStatus.PASSED, None) == (alone.status, alone.patch_percent)
    assert ("no changed line could be measured: no report speaks of Go",) == alone.reasons


def test_files_of_several_folders_have_their_common_one_for_root() -> None:
    change = subject("web/src/n.ts (added)\n  + 1 x()\n", {}, ("web/src/a/m.ts", "web/src/b/m.ts", "web/conf.ts"))
    found = report(entry("web/src/a/m.ts", "+"), entry("web/src/b/m.ts", "+"), kind="lcov")
    assert (1,) == only(judged(change, found).files).missing
    outside = subject("web/n.ts (added)\n  + 1 x()\n", {}, ("web/src/a/m.ts", "web/src/b/m.ts"))
    assert (("web/n.ts", "outside of what the reports of JavaScript or TypeScript measured: 'web/src/'"),) == (
        judged(outside, found).unmeasured
    )


def test_what_the_configuration_leaves_out_does_not_count() -> None:
    layout = Layout(omit=("m.py",))
    answer = judged(PYTHON, report(entry("m.py", "+---"), entry("n.py", "+")), layout=layout)
    assert (CoverageStatus.PASSED, (("m.py", "left out by the configuration: m.py"),)) == (
        answer.status,
        answer.unmeasured,
    )


def test_a_file_that_could_be_another_is_not_judged() -> None:
    change = subject(CHANGE.replace("m.py", "src/a/m.py"), {"src/a/m.py": FOUR}, ("lib/a/m.py", "x.py"))
    answer = judged(change, report(entry("a/m.py", "++++"), entry("x.py", "+")))
    assert CoverageStatus.UNMEASURED is answer.status
    assert (
        "coverage.xml has 'a/m.py', which could be 'lib/a/m.py', 'src/a/m.py': set coverage.roots",
    ) == answer.reasons


def test_a_diff_that_cannot_be_read_is_not_judged() -> None:
    broken = replace(PYTHON.patch.files[0], hunks=(), defect="cut off")
    answer = judged(replace(PYTHON, patch=replace(PYTHON.patch, files=(broken,))), report(entry("m.py", "++++")))
    assert ("the diff of 'm.py' cannot be read: cut off",) == answer.reasons


def test_links_and_submodules_have_no_statements() -> None:
    (file,) = PYTHON.patch.files
    for mode in ("120000", "160000"):
        odd = replace(PYTHON, patch=replace(PYTHON.patch, files=(replace(file, new_mode=mode),)))
        assert judged(odd, report(entry("m.py", "+--+"))).patch_percent is None


def test_a_report_of_another_commit_is_refused_and_an_older_one_told_of() -> None:
    found = report(entry("m.py", "++++"))
    other, same = replace(found, commit="badc0de"), replace(found, commit="C0FFEE0")
    assert ("coverage.xml was measured at commit badc0de, and the head is c0ffee000000",) == judged(
        PYTHON, other
    ).reasons
    assert CoverageStatus.PASSED is judged(PYTHON, same).status
    old, new = (judged(PYTHON, replace(found, created=NOON + timedelta(hours=hours))) for hours in (-1, 1))
    assert (CoverageStatus.PASSED, 1) == (old.status, len(old.notes))
    assert () == new.notes


def test_one_report_that_cannot_be_used_spoils_the_measurement() -> None:
    answer = judged(PYTHON, report(entry("m.py", "++++")), report(name="two.xml"))
    assert (CoverageStatus.UNMEASURED, ("two.xml is empty: nothing was measured",)) == (answer.status, answer.reasons)


def test_of_a_diff_alone_the_reports_own_files_make_the_project() -> None:
    found = report(entry("m.py", "++++"), entry("n.py", "----"), entry("test_m.py", "----"))
    answer = judged(subject(CHANGE, {"m.py": FOUR}, whole=False), found)
    assert (Fraction(100), Fraction(50)) == (answer.patch_percent, answer.project_percent)
    lost = judged(subject(CHANGE, {"m.py": FOUR}, whole=False), report(entry("other.py", "++++")))
    assert CoverageStatus.UNMEASURED is lost.status
    foreign = judged(subject(CHANGE, {"m.py": FOUR}, whole=False), report(entry("other.go", "++++")))
    assert (("m.py", "no report speaks of Python"),) == foreign.unmeasured


def test_statements_that_were_uncovered_before_are_told_apart() -> None:
    change = subject(
        "m.py\n    1 a = 1\n  - 2 b = 0\n  + 2 b = 2\n  + 3 n = 0\n    4 c = (3,\n  - 4   0)\n  + 5   1)\n",
        {"m.py": "a = 1\nb = 2\nn = 0\nc = (3,\n  1)\n"},
    )
    answer = judged(change, report(entry("m.py", "+---")), base=[report(entry("m.py", "+--"))])
    file = only(answer.files)
    assert ((2, 3, 4), (2, 4)) == (file.missing, file.untouched)
    assert answer.reasons[0].endswith("0 of 3 statements, 2 were uncovered before")


def test_losses_elsewhere_are_told_and_do_not_count() -> None:
    change = subject(CHANGE, {"m.py": FOUR}, ("n.py", "o.py", "tests/test_m.py"))
    now = report(entry("m.py", "-++-"), entry("n.py", "+-+-"), entry("o.py", "-"), entry("tests/test_m.py", "-"))
    before = report(entry("m.py", "++++"), entry("n.py", "+++-"), entry("o.py", "++"), entry("tests/test_m.py", "+"))
    answer = judged(change, now, base=[before])
    assert [("m.py", (1, 4)), ("n.py", (2,))] == [(loss.path, loss.lines) for loss in answer.indirect]
    assert (CoverageStatus.PASSED, Fraction(100)) == (answer.status, answer.patch_percent)
    assert ("1 unchanged file measured otherwise than in the base's report: not compared",) == answer.notes


def test_a_renamed_file_keeps_what_it_had() -> None:
    change = subject("m.py -> n.py\n    1 a = 1\n  + 2 b = 2\n    3 c = 3\n", {"n.py": "a = 1\nb = 2\nc = 3\n"})
    answer = judged(change, report(entry("n.py", "++-")), base=[report(entry("m.py", "++"))])
    assert [("n.py", (3,))] == [(loss.path, loss.lines) for loss in answer.indirect]


def test_a_base_report_that_cannot_be_used_is_told_and_stops_nothing() -> None:
    answer = judged(PYTHON, report(entry("m.py", "++++")), base=[report(name="base.xml")])
    assert (CoverageStatus.PASSED, ("of the base's report: base.xml is empty: nothing was measured",)) == (
        answer.status, answer.notes,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "Python"),
        ("A.JS", "JavaScript or TypeScript"),
        ("a.d.ts", None),
        ("a.md", None),
        (".py", None),
        ("a", None),
    ],
)
def test_languages_go_by_the_suffix(path: str, language: str | None) -> None:
    assert language == uniting.language(path)


SIGNS = st.text(st.sampled_from("+-"), min_size=6, max_size=6)
SIX = subject(
    "m.py (added)\n" + "".join(f"  + {n} x{n} = {n}\n" for n in range(1, 7)),
    {"m.py": "".join(f"x{n} = {n}\n" for n in range(1, 7))},
)


@given(SIGNS, SIGNS, st.fractions(0, 100))
def test_more_reports_never_cover_less_and_the_verdict_is_exact(one: str, two: str, fail_under: Fraction) -> None:
    gate = CoverageGate(asked=True, fail_under=fail_under)
    alone = judged(SIX, report(entry("m.py", one)), gate=gate)
    both = judged(SIX, report(entry("m.py", one)), report(entry("m.py", two)), gate=gate)
    swapped = judged(SIX, report(entry("m.py", two)), report(entry("m.py", one)), gate=gate)
    assert both == swapped
    assert set(only(alone.files).covered) <= set(only(both.files).covered)
    hit = sum("+" in pair for pair in zip(one, two, strict=True))
    assert Fraction(100 * hit, 6) == both.patch_percent
    assert both.blocks is (Fraction(100 * hit, 6) < fail_under)
