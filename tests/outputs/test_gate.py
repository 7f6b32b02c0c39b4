"""What people and programs are shown of the gate's answer."""

import json
import re
from dataclasses import replace
from fractions import Fraction

import pytest
from gate_scene import ASKED, entry, judged, report, subject
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain import coverage_view
from reviewbot.domain.coverage import CoverageGate, IndirectLoss, PatchCoverage
from reviewbot.domain.outcome import Comparison
from reviewbot.outputs import gate

COMPARISON = Comparison(base_sha="a" * 40, head_sha=None, description="main (aaaaaaa) → the work tree")
TEXT = "a = 1\nif a:\n    b = 2\nc = 3\nd = 4\n"
CHANGE = subject(
    "src/m.py\n    1 a = 1\n  + 2 if a:\n  + 3     b = 2\n  - 2 c = 0\n  + 4 c = 3\n  + 5 d = 4\n"
    "n.go (added)\n  + 1 x()\n",
    {"src/m.py": TEXT},
)
HALF = judged(
    CHANGE, report(entry("src/m.py", "++--+", {2: (2, 1)})), base=[report(entry("src/m.py", "+-"))],
)  # fmt: skip
WHOLE = judged(CHANGE, report(entry("src/m.py", "+++++")))
NOTHING = judged(CHANGE)
HOSTILE = "::set-output|`x`<img src=x>@team /close [a](b)\n<!-- mark -->.py"


def shown(answer: PatchCoverage, name: str) -> str:
    return gate.render(answer, COMPARISON, name)


def test_the_text_has_a_bar_the_gaps_and_the_reasons() -> None:
    assert """\
coverage of main (aaaaaaa) → the work tree

[##########----------] failed: 50 % of 4 changed statements covered, 1 of them with a branch not taken
60 % of the project (before: 50 %)

uncovered
  - src/m.py: 2 of 4 (50 %) covered; lines 3-4; of these uncovered before: 4; branch not taken: 2

not counted
  - n.go: no report speaks of Go

note: 50 % of what was changed is covered, less than 80 %: 2 of 4 statements, 1 were uncovered before
""" == shown(HALF, "text")


def test_where_all_is_covered_the_text_is_short() -> None:
    assert """\
coverage of main (aaaaaaa) → the work tree

[####################] passed: 100 % of 4 changed statements covered
100 % of the project

not counted
  - n.go: no report speaks of Go
""" == shown(WHOLE, "text")


def test_what_was_not_measured_has_no_bar() -> None:
    assert """\
coverage of main (aaaaaaa) → the work tree

not measured

note: there is no coverage report
""" == shown(NOTHING, "text")


def test_the_comment_has_a_table_only_where_something_is_uncovered() -> None:
    assert """\
**Coverage** failed: 50 % of 4 changed statements covered, 1 of them with a branch not taken · 60 % of the project \
(before: 50 %)

| file | of its change covered | uncovered | before already | branch not taken |
| --- | --- | --- | --- | --- |
| `src/m.py` | 2 of 4 (50 %) | 3-4 | 4 | 2 |

- 50 % of what was changed is covered, less than 80 %: 2 of 4 statements, 1 were uncovered before
""" == shown(HALF, "markdown")
    assert "**Coverage** passed: 100 % of 4 changed statements covered · 100 % of the project\n" == shown(
        WHOLE, "markdown"
    )


def test_the_object_for_programs_keeps_the_contract() -> None:
    value = json.loads(shown(HALF, "json"))
    assert {"passed": False, "exit_code": 1, "reasons": list(HALF.reasons)} == value["verdict"]
    assert (50.0, 60.0, 50.0, "failed", 80.0) == tuple(
        value[key] for key in ("patch_percent", "project_percent", "base_percent", "status", "fail_under")
    )
    (file,) = value["files"]
    expected = {"path": "src/m.py", "covered": [2, 5], "missing": [3, 4], "partial": [2], "untouched": [4]}
    assert expected.items() <= file.items()
    assert [{"path": "n.go", "reason": "no report speaks of Go"}] == value["unmeasured"]
    assert ("a" * 40, None) == (value["base"], value["head"])


def test_a_merely_found_report_has_a_verdict_that_passes() -> None:
    value = json.loads(shown(replace(HALF, gate=CoverageGate()), "json"))
    assert ("failed", True, 0) == (value["status"], value["verdict"]["passed"], value["verdict"]["exit_code"])


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_reports_of_strangers_are_called_so(name: str) -> None:
    assert "ran the change" in shown(replace(WHOLE, untrusted=True), name)
    assert "ran the change" not in shown(WHOLE, name)


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_losses_are_listed(name: str) -> None:
    answer = replace(WHOLE, indirect=(IndirectLoss(path="n.py", lines=(3, 4, 9)),))
    assert re.search(r"no longer:?\n+ *- `?n\.py: 3-4, 9", shown(answer, name))


def test_a_strangers_path_can_do_nothing() -> None:
    (file,) = HALF.files
    loss = IndirectLoss(path=HOSTILE, lines=(1,))
    answer = replace(
        HALF, files=(replace(file, path=HOSTILE, note=HOSTILE),), indirect=(loss,), reasons=(HOSTILE,),
        unmeasured=((HOSTILE, HOSTILE),), notes=(HOSTILE * 100,),
    )  # fmt: skip
    text, comment = shown(answer, "text"), shown(answer, "markdown")
    assert not re.search(r"(?m)^\s*(::|/\w|<)", text)
    assert not re.search(r"(?m)^\s*(::|/\w|<)", comment)
    assert "<!--" not in comment
    assert "<img" not in re.sub(r"`[^\n]*`", "", comment)
    assert {"| --- | --- | --- | --- | --- |".count("|")} == {
        len(re.findall(r"(?<!\\)\|", row)) for row in comment.split("\n") if row.startswith("|")
    }


def test_a_comment_of_a_vast_change_stays_within_what_forges_take() -> None:
    (file,) = HALF.files
    files = tuple(
        replace(file, path=f"{number}/{'p' * 200}", missing=tuple(range(1, 9999, 2))) for number in range(500)
    )
    losses = tuple(IndirectLoss(path="q" * 300, lines=tuple(range(1, 999, 2))) for _ in range(500))
    answer = replace(HALF, files=files, indirect=losses, reasons=("r" * 10_000,) * 500)
    comment = shown(answer, "markdown")
    assert len(comment) < 65_536
    assert "| and 480 more files | | | | |" in comment
    assert "480 more files; --format json lists all" in shown(answer, "text")


@pytest.mark.parametrize(
    ("lines", "text"),
    [((), ""), ((3,), "3"), ((3, 4, 5, 9), "3-5, 9"), (tuple(range(1, 40, 2)), "1, 3, 5 and 17 more")],
)
def test_ranges_are_short(lines: tuple[int, ...], text: str) -> None:
    assert text == coverage_view.ranges(lines, most=3)


@pytest.mark.parametrize(
    ("percent", "text"),
    [
        ("50", "50 %"),
        ("66.666", "66.67 %"),
        ("0.005", "0.01 %"),
        ("99.995", "100 %"),
        ("99.994", "99.99 %"),
        ("12.5", "12.5 %"),
    ],
)
def test_percentages_are_rounded_half_up(percent: str, text: str) -> None:
    assert text == coverage_view.percentage(Fraction(percent))


@given(st.fractions(0, 100))
def test_rounding_never_moves_by_more_than_half_a_hundredth(percent: Fraction) -> None:
    assert abs(coverage_view.rounded(percent) - percent) <= Fraction(1, 200)


def test_a_gate_of_nobody_says_so() -> None:
    assert "not measured, and not asked for" in shown(replace(NOTHING, gate=replace(ASKED, asked=False)), "text")


def test_only_a_change_without_code_says_that_none_could_be_measured() -> None:
    answer = judged(subject("README.md\n  + 1 x\n", {}), report(entry("m.py", "+")))
    assert "passed: no changed line could be measured" in shown(answer, "text")
