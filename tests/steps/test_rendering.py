"""Findings to comments; the texts themselves lie in ``golden_comments``."""

from dataclasses import replace
from pathlib import Path

import drawing
import pytest
from steps import update_golden_comments
from steps.comments import BETTER, GOLDEN, SUM, comment, documents, pen
from steps.forge_reader import suggestions
from steps.posting_scene import APP, UNSIGNED, claim, report, request

from reviewbot import templating
from reviewbot.domain.finding import Placement, Span, Suggestion
from reviewbot.domain.outcome import FileReport, Outcome, Report
from reviewbot.domain.patch import Patch, Side
from reviewbot.domain.request import GITHUB, GITLAB, Dialect
from reviewbot.steps import marking, picturing, rendering

DOCUMENTS = documents()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_comment_is_byte_for_byte_its_golden(name: str) -> None:
    assert GOLDEN.joinpath(name).read_bytes() == DOCUMENTS[name].encode()


def test_the_script_writes_the_same_goldens_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "of_old.md").touch()
    update_golden_comments.main(tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in GOLDEN.iterdir()}


def test_a_comment_says_where_it_hangs() -> None:
    made = report(APP.replace("app.py", "old.py -> app.py", 1), claim(SUM, title="Sums `twice`\nor so"))
    inline = comment(GITLAB, made)
    span = Span(side=Side.RIGHT, start=11, end=11)
    assert (made.findings[0].fingerprint, "Sums `twice`\\nor so") == (inline.fingerprint, inline.title)
    assert ("app.py", "old.py", span) == (inline.path, inline.old_path, inline.span)
    at_file = rendering.comment(pen(GITLAB, made), made.findings[0], Placement.FILE)
    assert (Placement.FILE, None) == (at_file.placement, at_file.span)


def test_the_same_mark_ends_both_texts_and_tells_the_path_at_the_merge_base() -> None:
    made = report(APP.replace("app.py", "old.py -> app.py", 1), claim(SUM))
    told = rendering.portable(made, made.findings[0])
    mark = marking.of_finding(told, UNSIGNED, request(GITLAB), picturing.of(made.files[0].file))
    inline = comment(GITLAB, made)
    assert "old.py" == told.path
    assert inline.body.endswith(f"\n\n{mark}")
    assert inline.file_body.endswith(f"\n\n{mark}")


def test_of_a_type_change_the_entry_with_the_findings_side_is_taken() -> None:
    gone = drawing.file("link (deleted)\n  - 1 target")
    come = drawing.file("link (added)\n  + 1 text")
    files = tuple(FileReport(file=file, outcome=Outcome.REVIEWED) for file in (gone, come))
    made = replace(report(Patch(files=())), files=files)
    assert gone is rendering.file_of(made, claim("target", path="link", side=Side.LEFT))
    assert come is rendering.file_of(made, claim("text", path="link"))
    assert rendering.file_of(made, claim("text", path="other")) is None
    assert "other" == rendering.portable(made, claim("text", path="other")).path


REPLACED = """
app.py
    1 a = 1
  + 2 b = 2
  + 3 c = 3
  - 2 old
  + 4 d = 4
    5 e = 5
"""


def suggesting(
    span: tuple[int, int], lines: tuple[int, int], *, side: Side = Side.RIGHT, text: str = "x = 1"
) -> Report:
    """Make a report with one finding whose suggestion replaces these lines."""
    made = report(REPLACED, claim("b = 2"))
    finding = replace(
        made.findings[0],
        side=side,
        span=Span(side=side, start=span[0], end=span[1]),
        suggestion=Suggestion(start_line=lines[0], line=lines[1], replacement=text),
    )
    return replace(made, findings=(finding,))


@pytest.mark.parametrize(
    ("dialect", "made", "info"),
    [
        (GITLAB, suggesting((2, 2), (2, 2)), "suggestion:-0+0"),
        (GITLAB, suggesting((2, 3), (2, 3)), "suggestion:-1+0"),
        (GITLAB, suggesting((2, 2), (1, 4)), "suggestion:-1+2"),
        (GITLAB, suggesting((2, 4), (2, 4)), "suggestion:-2+0"),
        (GITLAB, suggesting((3, 4), (2, 3)), None),
        (GITLAB, suggesting((2, 2), (3, 3)), None),
        (GITLAB, suggesting((101, 101), (1, 101)), "suggestion:-100+0"),
        (GITLAB, suggesting((102, 102), (1, 102)), None),
        (GITLAB, suggesting((1, 1), (1, 102)), None),
        (GITLAB, suggesting((2, 2), (2, 2), side=Side.LEFT), None),
        (GITLAB, suggesting((2, 2), (2, 2), text="x" * 10_001), None),
        (GITLAB, suggesting((2, 2), (2, 2), text="/close"), None),
        (GITHUB, suggesting((2, 2), (2, 2)), "suggestion"),
        (GITHUB, suggesting((2, 3), (2, 3)), "suggestion"),
        (GITHUB, suggesting((2, 2), (2, 3)), None),
        (GITHUB, suggesting((2, 4), (2, 4)), None),
        (GITHUB, suggesting((2, 9), (2, 9)), None),
        (GITHUB, suggesting((2, 2), (2, 2), side=Side.LEFT), None),
    ],
)
def test_a_suggestion_can_be_taken_only_where_the_forge_would_replace_its_lines(
    dialect: Dialect, made: Report, info: str | None
) -> None:
    written = comment(dialect, made)
    assert ([] if info is None else [info]) == [found for found, _ in suggestions(written.body)]
    assert [] == suggestions(written.file_body)
    assert ("```diff" in written.body) == (info is None)


def test_a_long_suggestion_is_shown_in_part() -> None:
    made = suggesting((2, 2), (2, 2), text="\n".join(f"{number} {'x' * 300}" for number in range(100)))
    rows = comment(GITLAB, made).body.split("```diff\n")[1].split("\n```")[0].split("\n")
    assert 61 == len(rows)
    assert "… 41 lines more …" == rows[-1]
    assert {203} == {len(row) for row in rows[1:60]}


def test_a_long_body_is_cut_and_says_so_and_all_fits_on_github() -> None:
    token = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
    worst = "\u202e<&\n" * 30_000
    made = report(APP, claim(SUM, title=worst, body=worst, rule=worst, also_at=tuple(range(1_000, 2_000))))
    finding = replace(made.findings[0], suggestion=Suggestion(start_line=11, line=11, replacement=worst))
    written = comment(GITHUB, replace(made, findings=(finding,)))
    assert len(written.body) < len(written.file_body) < GITHUB.body_limit
    assert "\n\n(Cut here: the whole text is too long for a comment.)\n" in written.body
    assert "ghp_R" not in rendering.body("x " * 20 + token, 50)
    assert "short" == rendering.body("short", 50)


def test_a_finding_without_title_has_one() -> None:
    made = report(APP, claim(SUM, title=" \n", body=""))
    assert comment(GITHUB, made).body.startswith("**A finding without a title** · high\n\nllm bug\n\n<!--")


def test_an_overridden_template_is_used_and_the_mark_stays() -> None:
    made = report(APP, claim(SUM, suggestion=BETTER))
    templates = templating.environment({"comments/finding.md.j2": "Mine: {{ title }}"}.get)
    written = rendering.comment(replace(pen(GITLAB, made), templates=templates), made.findings[0], Placement.INLINE)
    first, mark = written.body.split("\n\n")
    assert "Mine: Prices are counted twice" == first
    assert mark.startswith("<!-- reviewbot:v1 finding fp=")


def test_a_file_that_the_forge_names_otherwise_needs_no_file_of_ours() -> None:
    made = report(APP, claim(SUM, suggestion=BETTER))
    strange = replace(made.findings[0], path="elsewhere.py")
    written = rendering.comment(pen(GITHUB, made), strange, Placement.INLINE)
    assert (None, []) == (written.old_path, suggestions(written.body))
