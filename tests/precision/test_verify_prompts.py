"""What a verifier is shown of a claim, and what counts as evidence; the texts lie in ``golden``."""

from pathlib import Path

import drawing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from precision import update_golden_verify
from precision.claims import claim
from precision.verify_prompts import CLAIM, GOLDEN, HOSTILE, SMALL, TEXT, challenge, documents, prompt

from reviewbot.domain.patch import Side
from reviewbot.domain.prompt import Task
from reviewbot.steps import challenging
from reviewbot.steps.counting import tokens
from reviewbot.steps.redacting import Redactions

DOCUMENTS = documents()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_prompt_is_byte_for_byte_its_golden(name: str) -> None:
    assert GOLDEN.joinpath(name).read_bytes() == DOCUMENTS[name].encode()


def test_the_script_writes_the_same_goldens_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "of_old.txt").touch()
    update_golden_verify.main(tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in GOLDEN.glob("*.txt")}


def test_a_request_names_task_claim_quote_and_path() -> None:
    made = prompt(CLAIM, SMALL)
    user = made.messages[1].content
    assert (Task.VERIFY, False, ["system", "user"]) == (made.task, made.repair, [one.role for one in made.messages])
    assert all(said in user for said in (CLAIM.title, CLAIM.body, CLAIM.quote, CLAIM.path, "new lines 10 to 10"))
    assert made.prompt_tokens == sum(tokens(message.content) for message in made.messages) < 800


def test_the_mark_is_another_one_where_somebody_knows_it() -> None:
    mark = prompt(HOSTILE, f"evil.py (added)\n  + 1 {HOSTILE.quote}").messages[1].content.partition(">")[0]
    forged = claim(1, path="evil.py", title=mark, quote="x")
    assert prompt(forged, "evil.py (added)\n  + 1 x").messages[1].content.partition(">")[0] != mark


def test_no_secret_is_sent() -> None:
    token = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
    said = claim(1, title=f"{token} leaks", body=token, quote=f"key = '{token}'")
    hidden = Redactions()
    user = prompt(said, f"a.py (added)\n  + 1 {hidden.hide(said.quote)}", redactions=hidden).messages[1].content
    assert token not in user
    assert 4 == user.count("[REDACTED:")


def test_what_encloses_a_line_is_shown_from_the_outside_in() -> None:
    found = ("class Basket:", "    def total(self):", "        if self.rows:", "            for row in self.rows:")
    assert found == challenging.enclosing(TEXT, 10)
    assert () == challenging.enclosing(TEXT, 1) == challenging.enclosing(TEXT, 99) == challenging.enclosing(TEXT, 0)


def test_of_deep_nesting_the_outermost_and_the_innermost_are_shown() -> None:
    rows = [" " * depth + f"if {depth}:" for depth in range(9)]
    assert ("if 0:", " if 1:", "     if 5:", "      if 6:", "       if 7:") == challenging.enclosing("\n".join(rows), 9)


def test_the_code_around_is_bounded_and_holds_the_quoted_lines() -> None:
    rows = "\n".join(f"  + {number} value_{number} = compute({number})" for number in range(1, 400))
    said = claim((200, 202), path="a.py", quote="value_200 = compute(200)")
    shown = challenge(said, f"a.py (added)\n{rows}")
    cost = tokens("\n".join(shown.rows))
    assert challenging.CODE_TOKENS * 0.8 < cost <= challenging.CODE_TOKENS + 40
    assert {"+value_200 = compute(200)", "+value_201 = compute(201)", "+value_202 = compute(202)"} < set(shown.rows)
    first = int(shown.rows[0].partition("_")[2].partition(" ")[0])
    assert f"@@ -0,0 +{first},{len(shown.rows)} @@" == shown.heading.replace("-1,0", "-0,0")


def test_of_an_endless_line_what_stands_around_the_quote_is_shown() -> None:
    long = "a" * 5_000 + "needle_of_interest()" + "b" * 5_000
    shown = challenge(claim(1, quote="needle_of_interest()"), f"a.js (added)\n  + 1 {long}")
    (row,) = shown.rows
    assert len(row) < 400
    assert shown.holds("needle_of_interest()")


@pytest.mark.parametrize(
    "evidence",
    [
        "total = row.price",
        "        total = row.price\n",
        "+        total = row.price",
        "-        total += row.price\n+        total = row.price",
        "for row in self.rows:\n    total = row.price\nreturn total",
        "for row in self.rows:\n    total += row.price\nreturn total",
        "class Basket:",
    ],
)
def test_evidence_stands_in_what_was_shown(evidence: str) -> None:
    assert challenge(CLAIM, SMALL, TEXT).holds(evidence)


@pytest.mark.parametrize(
    "evidence", ["total = row.cost", "return total\nfor row in self.rows:", "import json", " ", "=+"]
)
def test_evidence_from_elsewhere_is_none(evidence: str) -> None:
    assert not challenge(CLAIM, SMALL, TEXT).holds(evidence)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 30), st.integers(0, 5), st.sampled_from(Side))
def test_every_quoted_line_is_its_own_evidence(start: int, more: int, side: Side) -> None:
    sign = "-" if side is Side.LEFT else "+"
    rows = "\n".join(f"  {sign} {number} value_{number} = {number}" for number in range(1, 40))
    said = claim((start, start + more), side=side, quote="x")
    file = drawing.patch(f"a.py\n{rows}").files[0]
    shown = challenging.challenge(said, file.hunks[0], (), tokens)
    assert shown.holds("\n".join(f"value_{number} = {number}" for number in range(start, start + more + 1)))
