"""``reviewbot demo`` as a stranger runs it: once, whole, and then looked at from all sides."""

import argparse
import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import gitrepo
import pytest

from reviewbot.cli.demo import demo, remarks, show
from reviewbot.demo import project
from reviewbot.errors import UsageError
from reviewbot.sandbox.choosing import choose
from reviewbot.sandbox.interpreting import own


@dataclass(frozen=True, slots=True)
class Shown:
    """What a demo left behind."""

    code: int
    out: str
    err: str
    page: str
    left: list[str]
    """In the folder for temporary files, and beside the page."""


def options(folder: Path, **more: object) -> argparse.Namespace:
    given = {"output": folder / "demo.html", "keep": None, "quiet": False, "debug": False, **more}
    return argparse.Namespace(**given)


def run(folder: Path, *, proving: bool, environ: dict[str, str] | None = None, **more: object) -> Shown:
    """Run it in this process, with streams of its own."""
    asked = options(folder, **more)
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    surroundings = {**gitrepo.environment(), **(environ or {})}
    with redirect_stdout(out), redirect_stderr(err):
        code = demo(asked, surroundings) if proving else show(asked, surroundings, proving=False)
    out.seek(0)
    left = sorted(path.name for path in folder.iterdir())
    return Shown(code, out.read(), err.getvalue(), asked.output.read_text("utf-8"), left)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Run the demo with generated tests, under variables that must not reach it."""
    elsewhere = {"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": "7", "REVIEWBOT_BASE_URL": "http://192.0.2.1/v1"}
    return run(tmp_path_factory.mktemp("whole"), proving=True, environ=elsewhere)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Run the demo as where pytest is missing, in a folder that is kept."""
    folder = tmp_path_factory.mktemp("short")
    return run(folder, proving=False, keep=folder / "kept")


@pytest.fixture
def sandboxed() -> None:
    """Skip where nothing can hold a test that a model might have written."""
    sandbox, isolation = choose(python=own())
    if sandbox is None:
        pytest.skip(isolation.detail)


def test_the_demo_goes_as_it_should_although_its_gate_fails(whole: Shown) -> None:
    assert 0 == whole.code
    assert "verdict   failed (exit code 1)" in whole.out
    assert "the gate fails on purpose" in whole.err


def test_the_steps_are_told_in_order_with_their_times(whole: Shown) -> None:
    told = whole.err.splitlines()
    assert ["1/4", "2/4", "3/4", "4/4"] == [line.split()[1] for line in told if "/4 " in line]
    assert 4 == sum("done in" in line for line in told)
    assert told[-1].endswith("s in all")


def test_nobody_could_take_the_answers_for_a_models(whole: Shown) -> None:
    assert "scripted answers, no model" in whole.err
    assert "(scripted-demo)" in whole.out.splitlines()[0]
    assert "Scripted answer of the demo, no model." in whole.page


def test_every_kind_of_finding_is_shown(whole: Shown) -> None:
    for title in ("Committed secret: GitHub token", "Undefined name `date`", "A cart of exactly 50.00 pays for"):
        assert title in whole.out
    assert "+     if cents >= FREE_SHIPPING_FROM:" in whole.out


def test_a_claim_that_the_verifier_rejects_is_no_finding_and_the_page_says_why(whole: Shown) -> None:
    assert "Shipping is charged twice" not in whole.out
    assert "1 claim not shown" in whole.out
    listed = whole.page.partition("Rejected claims")[2]
    assert "Shipping is charged twice" in listed
    assert "the verifier rejects it: total(items) adds up the items alone" in listed


def test_the_planted_secret_is_shown_nowhere(whole: Shown) -> None:
    assert project.token() not in whole.out + whole.err + whole.page


def test_coverage_is_measured_for_real(whole: Shown) -> None:
    assert "uncovered: shop/discounts.py 19-22, shop/receipt.py 22" in " ".join(whole.out.split())
    assert 5 == whole.page.count('title="not covered by tests"')


@pytest.mark.usefixtures("sandboxed")
def test_one_generated_test_is_proven_and_two_are_rejected(whole: Shown) -> None:
    assert "3 candidates: 1 proven, 2 rejected" in whole.out
    assert "def test_a_percentage_is_taken_off" in whole.page
    assert "test_it_runs asserts nothing that could be false" in whole.page
    assert "the model gave no test for it" in whole.page


def test_nothing_is_left_behind_but_the_page(whole: Shown) -> None:
    assert ["demo.html"] == whole.left


def test_without_pytest_the_demo_says_so_and_goes_on(short: Shown) -> None:
    assert 0 == short.code
    assert "'pip install pytest' changes that" in short.err
    assert "candidates" not in short.out


def test_a_project_that_is_kept_can_be_reviewed_again(short: Shown, tmp_path_factory: pytest.TempPathFactory) -> None:
    kept = gitrepo.Repo(tmp_path_factory.getbasetemp() / "short0" / "kept")
    assert ["demo.html", "kept"] == short.left
    assert project.HEAD == kept.git("branch", "--show-current")
    assert (kept.path / project.REPORT).is_file()


def test_quiet_says_nothing_beside_the_result(tmp_path: Path) -> None:
    assert "" == run(tmp_path, proving=False, quiet=True).err


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        run(tmp_path, proving=False, quiet=True, output=tmp_path / "file" / "demo.html")


def test_a_review_that_did_not_end_as_planned_is_told() -> None:
    (said,) = remarks(4, 3, proving=True)
    assert "exit code 4, and should have with 1" in said


def test_a_machine_without_a_sandbox_is_told() -> None:
    said = list(remarks(1, 0, proving=True))
    assert "no generated test could be run here" in said[0]
    assert 2 == len(said)
