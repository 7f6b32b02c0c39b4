"""Push after push: only what has changed reaches the model, and what stands is what a whole review would find."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.model_server import refusal
from jobs import Ran, hunks, numbered, silent
from posting.stages import ALL, CHANGE, STAGES, Stage

PUSHES = 6
SEQUENCES = [("gitlab", 5), ("gitlab", 8), ("github", 4)]
LINES = 40


class Author:
    """Somebody who changes files at random, and sometimes marks what they write as wrong."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.chance = random.Random(seed)  # noqa: S311 - pushes that can be made again
        self.count = 0

    def push(self) -> None:
        """Make a change of some kind, and push it."""
        kinds = (self.edit, self.edit, self.edit, self.rename, self.add, self.remove, self.rewrite, self.merge)
        self.chance.choice(kinds)()
        self.edit()
        self.stage.arrive()

    def line(self) -> str:
        self.count += 1
        return self.chance.choice([f"fine {self.count}", f"wrong n{self.count}", f"wrong m{self.count}"])

    def some_file(self) -> str:
        return self.chance.choice(self.stage.repo.git("ls-files", "*.rs").split("\n"))

    def edit(self) -> None:
        path = self.some_file()
        lines = (self.stage.repo.path / path).read_text().splitlines()
        for _ in range(self.chance.randint(1, 3)):
            at = self.chance.randrange(len(lines) + 1)
            lines[at : at + self.chance.randint(0, 2)] = [self.line() for _ in range(self.chance.randint(0, 2))]
        self.stage.commit({path: "".join(f"{line}\n" for line in lines or ["fine"])})

    def rename(self) -> None:
        self.count += 1
        self.stage.repo.git("mv", self.some_file(), f"moved{self.count}.rs")
        self.stage.commit()

    def add(self) -> None:
        self.count += 1
        self.stage.commit({f"added{self.count}.rs": "".join(f"{self.line()}\n" for _ in range(4))})

    def remove(self) -> None:
        if len(self.stage.repo.git("ls-files", "*.rs").split("\n")) > 2:
            self.stage.repo.git("rm", "--quiet", self.some_file())
            self.stage.commit()

    def rewrite(self) -> None:
        """Force-push: the branch in one commit."""
        self.stage.repo.git("reset", "--quiet", "--soft", "main")
        self.stage.commit()

    def merge(self) -> None:
        """Bring the target branch in after it has moved on."""
        self.count += 1
        self.stage.target({f"other{self.count}.txt": "meanwhile\n"})
        self.stage.repo.git("merge", "--quiet", "--no-edit", "main")


def diff(stage: Stage) -> set[tuple[str, str]]:
    """Give the hunks between the branches as git sees them: path, at the merge base if there is one, and lines."""
    text = stage.repo.git("diff", "--no-color", "-M", "-U3", "main...feature")
    return {hunk for part in re.split(r"^diff --git ", text, flags=re.MULTILINE)[1:] for hunk in _hunks(part)}


def _hunks(part: str) -> Iterator[tuple[str, str]]:
    head, *found = re.split(r"^@@ .*\n", part, flags=re.MULTILINE)
    old, new = (re.search(rf"^{sign} [ab]/(.+)$", head, flags=re.MULTILINE) for sign in ("---", r"\+\+\+"))
    yield from (((old or new or [""])[1], body.rstrip("\n")) for body in found)


@pytest.mark.parametrize(("forge", "seed"), SEQUENCES)
def test_only_changed_hunks_are_asked_about_and_what_is_found_is_what_a_whole_review_finds(
    tmp_path: Path, forge: str, seed: int
) -> None:
    base = {"app.rs": numbered(60), "lib.rs": numbered(LINES), "util.rs": numbered(LINES)}
    with STAGES[forge](tmp_path, CHANGE, base) as stage:
        author = Author(stage, seed)
        known: set[tuple[str, str]] = set()
        for number in range(PUSHES):
            if number:
                author.push()
            before = len(stage.model.reviews)
            ran = stage.review("--format", "json", "--max-comments", "0")
            assert 0 == ran.code, ran.err
            sent = {body for asked in stage.model.reviews[before:] for _, body in hunks(asked)}
            there = diff(stage)
            assert sent == {body for _, body in there - known}, f"seed {seed}, push {number}"
            known = there
            whole = stage.review("--format", "json", "--max-comments", "0", "--no-post")
            assert found(whole) == found(ran), f"seed {seed}, push {number}"
            standing = [name for name, places in stage.places().items() if "inline" in places]
            assert whole.names == standing, f"seed {seed}, push {number}"


def found(ran: Ran) -> list[tuple[str, str, int]]:
    return sorted((one["fingerprint"], one["path"], one["line"]) for one in ran.json["findings"])


def test_a_hunk_that_is_taken_back_takes_its_finding_along(stage: Stage) -> None:
    stage.review()
    stage.push({"app.rs": numbered(60, l30="wrong beta")})
    ran = stage.review("--format", "json")
    assert ["beta", "gamma"] == ran.names
    assert "1 resolved" in ran.err
    assert 1 == len(stage.model.reviews)


def test_what_the_last_run_did_not_find_again_does_not_come_back(stage: Stage) -> None:
    """Its thread stays, since silence proves nothing; but it is no finding of a later run that asks nobody about it."""
    stage.review()
    answers = stage.model.script
    stage.model.script = silent
    stage.push({"app.rs": CHANGE["app.rs"].replace("line 11", "changed 11")})
    assert ["beta", "gamma"] == stage.review("--format", "json").names
    stage.model.script = answers
    stage.push({"lib.rs": "wrong delta\n"})
    ran = stage.review("--format", "json")
    assert ["beta", "delta", "gamma"] == ran.names
    assert ALL | {"delta": ["inline"]} == stage.places()


def test_a_file_of_the_change_that_is_renamed_is_known_again_two_pushes_later(stage: Stage) -> None:
    stage.review()
    stage.repo.git("mv", "new.rs", "newer.rs")
    stage.push()
    stage.review()
    asked = len(stage.model.reviews)
    stage.push({"lib.rs": "wrong delta\n"})
    ran = stage.review("--format", "json")
    assert ["alpha", "beta", "delta", "gamma"] == ran.names
    assert 1 == len(stage.model.reviews) - asked
    assert ALL | {"delta": ["inline"]} == stage.places()


def test_equal_lines_keep_a_thread_each(tmp_path: Path) -> None:
    twins = {"app.rs": numbered(60, l10="wrong twin", l30="wrong twin")}
    with STAGES["gitlab"](tmp_path, twins) as stage:
        stage.review()
        stage.push({"lib.rs": "wrong delta\n"})
        assert 0 == stage.review().code
        assert {"delta": ["inline"], "twin": ["inline", "inline"]} == stage.places()
        stage.push({"app.rs": "first\n" + twins["app.rs"]})
        assert 0 == stage.review().code
        assert {"delta": ["inline"], "twin": ["inline", "inline"]} == stage.places()


def test_a_run_that_was_cut_short_is_nothing_to_build_on(stage: Stage) -> None:
    answers = stage.model.script
    stage.model.script = lambda _: refusal(401, "no such key")
    assert 4 == stage.review().code
    stage.model.script = answers
    ran = stage.review("--format", "json")
    assert (0, ["alpha", "beta", "gamma"]) == (ran.code, ran.names)
    assert ALL == stage.places()


def test_after_a_force_push_a_fresh_clone_fetches_what_was_reviewed(stage: Stage) -> None:
    stage.review()
    asked = len(stage.model.reviews)
    stage.repo.git("reset", "--quiet", "--hard", "main")
    stage.push(CHANGE | {"lib.rs": "wrong delta\n"})
    stage.clone = stage.repo.clone(stage.folder / "fresh")
    ran = stage.review("--format", "json")
    assert ["alpha", "beta", "delta", "gamma"] == ran.names
    sent = [body for asked_for in stage.model.reviews[asked:] for _, body in hunks(asked_for)]
    assert ["wrong delta"] == [line[1:] for body in sent for line in body.split("\n") if line.startswith("+")]
