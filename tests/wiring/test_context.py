"""What stands around hunks, of real repositories: which texts are believed, and what comes out of them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import gitrepo
import pytest

from reviewbot import pipeline
from reviewbot.analyzers import conflicts
from reviewbot.domain.chunk import ContextBudget
from reviewbot.domain.finding import Severity
from reviewbot.domain.outline import Outliner
from reviewbot.pipeline import Policy
from reviewbot.repository import outlines
from reviewbot.steps.counting import tokens
from reviewbot.steps.filtering import Rules
from reviewbot.steps.instructing import PathRule
from reviewbot.steps.redacting import Redactions
from reviewbot.wiring.changes import Selection, opened

TOKEN = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
SHOP = """\
class Cart:
    def total(self, rows):
        result = 0

        for row in rows:

            result += row.price

        return result
"""
CONFLICT = "".join(f"{mark * 7}{rest}\n" for mark, rest in (("<", " ours"), ("=", ""), (">", " theirs")))
TESTS = "from shop import Cart\n\n\ndef test_nothing_costs_nothing():\n    assert Cart().total([]) == 0\n"
CART = """\
package shop

func Total(rows []int) int {
	x := 1
	y := 2
	z := 3

	return x
}
"""
MONEY = """\
package shop

// Rounds.
var a int
var b int
var c int
var d int

func Round(amount int, digits int) int {
	return amount
}
"""

POLICY = Policy(
    rules=Rules(),
    budget=ContextBudget(),
    max_comments=0,
    fail_on=None,
    analyzers=(),
    text_checks=(),
    hint="use a model",
)


@pytest.fixture
def repo(tmp_path: Path) -> gitrepo.Repo:
    return gitrepo.init(tmp_path / "repo")


def told(repo: gitrepo.Repo, policy: Policy = POLICY, **environ: str) -> list[str]:
    """Give what is told around the hunks between the last two commits, by chunk, file and hunk."""
    selection = Selection(base="HEAD~1", head="HEAD")
    redactions = Redactions()
    with opened(selection, {**repo.environ, **environ}, repo.path) as source:
        known = pipeline.fates(source.change, policy)
        planned = pipeline.chunks(source.change, policy, known, 0, tokens, redactions.hide)
    entries = [entry for chunk in planned.chunks for entry in chunk.files]
    return [line for entry in entries for excerpt in entry.excerpts for line in excerpt.context]


def committed(repo: gitrepo.Repo, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    repo.commit(before)
    repo.commit(after)


def test_a_hunk_is_told_with_its_class_its_function_and_its_tests(repo: gitrepo.Repo) -> None:
    committed(
        repo,
        {"shop.py": SHOP, "tests/test_shop.py": TESTS},
        {"shop.py": SHOP.replace("row.price", "row.cost")},
    )
    # Git itself says "class Cart:" behind the hunk's numbers.
    assert [
        "inside: def total(self, rows):",
        "total is tested by: test_nothing_costs_nothing (tests/test_shop.py:4)",
    ] == told(repo)


def test_in_a_pipeline_no_text_is_read_from_the_disk(repo: gitrepo.Repo) -> None:
    committed(
        repo,
        {"shop.py": SHOP, "test_shop.py": TESTS},
        {"shop.py": SHOP.replace("row.price", "row.cost"), "test_shop.py": TESTS},
    )
    expected = told(repo)
    repo.write("shop.py", SHOP.replace("class Cart", "class LeftByAnEarlierStep"))
    repo.write("test_shop.py", TESTS.replace("test_nothing", "test_of_the_disk"))
    assert expected == told(repo, GITLAB_CI="true", CI_MERGE_REQUEST_DIFF_BASE_SHA=repo.git("rev-parse", "HEAD~1"))
    assert "total is tested by: test_nothing_costs_nothing (test_shop.py:4)" in expected


def test_a_go_hunk_is_told_with_the_functions_that_it_calls(repo: gitrepo.Repo) -> None:
    after = {
        "cart.go": CART.replace("return x", "return Round(x, 2)"),
        "money.go": MONEY.replace("Rounds.", "Rounds half up."),
        "cart_test.go": "package shop\n\nfunc TestTotal() { Total(nil) }\n",
    }
    committed(repo, {"cart.go": CART, "money.go": MONEY}, after)
    policy = replace(POLICY, outliner=Outliner(suffixes=outlines.SUFFIXES, outline=outlines.by_grammar))
    assert [
        "calls: func Round(amount int, digits int) int (money.go:9)",
        "calls: func Total(rows []int) int (cart.go:3)",
    ] == told(repo, policy)
    assert [] == told(repo)


def test_a_secret_in_an_unchanged_line_is_not_told(repo: gitrepo.Repo) -> None:
    text = SHOP.replace("rows):", f'rows, token="{TOKEN}"):')
    committed(repo, {"shop.py": text}, {"shop.py": text.replace("row.price", "row.cost")})
    found = told(repo)
    assert 'inside: def total(self, rows, token="[REDACTED:github-token:1]"):' in found
    assert TOKEN not in "".join(found)


def test_no_tokens_for_context_means_that_nothing_is_told(repo: gitrepo.Repo) -> None:
    committed(repo, {"shop.py": SHOP}, {"shop.py": SHOP.replace("row.price", "row.cost")})
    assert [] == told(repo, replace(POLICY, budget=ContextBudget(context_tokens=0)))


def test_static_findings_keep_to_their_paths_severities(repo: gitrepo.Repo) -> None:
    committed(repo, {"a.txt": "x\n", "docs/b.txt": "x\n"}, dict.fromkeys(("a.txt", "docs/b.txt"), CONFLICT))

    rules = (PathRule(paths=("docs/",), at_most=Severity.LOW),)
    policy = replace(POLICY, text_checks=(conflicts.analyze,), path_rules=rules)
    with opened(Selection(base="HEAD~1", head="HEAD"), repo.environ, repo.path) as source:
        report = pipeline.review_statically(source.change, policy)
    found = {finding.path: finding.severity for finding in report.findings}
    assert Severity.LOW == found["docs/b.txt"]
    assert Severity.LOW.rank < found["a.txt"].rank
