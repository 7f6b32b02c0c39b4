"""``reviewbot review --verify-suggestions``: the project's own tests have a say, where something may be run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gitrepo
import pytest
import sandbox_scene
from cli.conftest import Ran, Reviewbot
from fakes.model_server import Answer, Asked, findings, serving

MODULE = "def total(prices):\n    return sum(prices)\n\n\ndef share(part, whole):\n    return part / whole\n"
CHANGE = "def total(prices):\n    return 0 + sum(prices)\n\n\ndef share(part, whole):\n    return part * 1 / whole\n"
SUITE = (
    "from shop import share, total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n\n\n"
    "def test_share():\n    assert share(1, 2) == 0.5\n"
)
GOOD, BAD = "    return sum(prices)", "    return part // whole"
OFF = "not tried by tests: "
NOTES = "notes.txt"
"""Where the text report goes: it has the notes that JSON has not."""


@pytest.fixture
def repo(tmp_path: Path) -> gitrepo.Repo:
    """Make a change to two functions that have a test each."""
    repo = gitrepo.init(tmp_path / "repo")
    repo.commit({"shop.py": MODULE, "tests/test_shop.py": SUITE})
    repo.branch("topic")
    repo.commit({"shop.py": CHANGE})
    return repo


@pytest.fixture
def isolated() -> Iterator[None]:
    """Skip, with the reason, where no sandbox works."""
    with sandbox_scene.open_first_scene():
        yield


def script(asked: Asked) -> Answer:
    claims = [("    return 0 + sum(prices)", GOOD), ("    return part * 1 / whole", BAD)]
    return findings(
        *(
            {
                "path": "shop.py", "line": at, "quote": quote, "side": "RIGHT", "severity": "medium", "category": "bug",
                "title": f"Line {at} returns what is wrong", "body": "It is wrong.", "suggestion": replacement,
            }
            for at, (quote, replacement) in zip((2, 6), claims, strict=True)
            if quote in asked.user
        )
    )  # fmt: skip


def told(ran: Ran) -> list[tuple[bool, str]]:
    """Give of each finding whether its suggestion is offered, and its body."""
    rows = sorted(ran.json["findings"], key=lambda finding: finding["line"])
    return [(finding["suggestion"] is not None, finding["body"]) for finding in rows]


def notes(folder: Path) -> str:
    return " ".join((folder / NOTES).read_text("utf-8").split())


@pytest.mark.usefixtures("isolated")
def test_a_suggestion_is_offered_with_the_word_of_its_tests_or_shown_as_text(
    process: Reviewbot, repo: gitrepo.Repo
) -> None:
    import sys

    with serving(script) as server:
        ran = process(
            "review", "--base", "main", "--verify-suggestions", "--format", "json", "--output", f"text={NOTES}",
            REVIEWBOT_BASE_URL=server.base_url, VIRTUAL_ENV=sys.prefix, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
        )  # fmt: skip
    assert 0 == ran.code, ran.err
    good, bad = told(ran)
    assert (True, "It is wrong.\n\nTests pass with it: 2 tests in `tests/test_shop.py`.") == good
    assert not bad[0]
    assert "since `tests/test_shop.py::test_share` fails with it and not without it (`assert 0 == 0.5" in bad[1]
    assert "of 2 suggestions of the model tests pass with 1; tests fail with 1, shown as text" in notes(repo.path)


def reviewed(reviewbot: Reviewbot, *arguments: str, stdin: bytes = b"", cwd: Path | None = None, **environ: str) -> Ran:
    with serving(script) as server:
        return reviewbot(
            "review", "--format", "json", "--output", f"text={NOTES}", *arguments,
            stdin=stdin, cwd=cwd, REVIEWBOT_BASE_URL=server.base_url, **environ,
        )  # fmt: skip


def test_by_default_nothing_is_run(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    ran = reviewed(reviewbot, "--base", "main")
    assert [(True, "It is wrong.")] * 2 == told(ran)
    assert "of the model" not in notes(repo.path)


def test_for_a_forks_change_nothing_is_run_and_that_is_told(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    environ: dict[str, Any] = {
        "GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": repo.git("rev-parse", "main"),
        "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "99",
        "CI_SERVER_URL": "http://127.0.0.1:9", "CI_API_V4_URL": "http://127.0.0.1:9/api/v4",
    }  # fmt: skip
    ran = reviewed(reviewbot, "--no-post", "--verify-suggestions", **environ)
    assert [(True, "It is wrong.")] * 2 == told(ran)
    assert 0 == ran.code
    assert f"of 2 suggestions of the model 2 {OFF}the change comes from a fork" in notes(repo.path)


def test_of_a_diff_without_a_repository_nothing_is_run_and_that_is_told(
    reviewbot: Reviewbot, repo: gitrepo.Repo, tmp_path: Path
) -> None:
    diff = repo.git("diff", "main", "topic").encode() + b"\n"
    ran = reviewed(reviewbot, "--diff", "-", "--verify-suggestions", stdin=diff, cwd=tmp_path)
    assert [(True, "It is wrong.")] * 2 == told(ran)
    assert f"of 2 suggestions of the model 2 {OFF}a diff alone holds no project" in notes(tmp_path)


def test_without_a_sandbox_that_works_nothing_is_run_and_that_is_no_fault(
    process: Reviewbot, repo: gitrepo.Repo, tmp_path: Path
) -> None:
    broken = tmp_path / "venv"
    for name, text in (("pyvenv.cfg", "home = /usr/bin\n"), ("bin/python", "#!/bin/sh\nexit 1\n")):
        (broken / name).parent.mkdir(parents=True, exist_ok=True)
        (broken / name).write_text(text)
        (broken / name).chmod(0o755)
    for name in ("pytest", "coverage"):
        (broken / "lib" / "python3.11" / "site-packages" / name).mkdir(parents=True)
    with serving(script) as server:
        ran = process(
            "review", "--base", "main", "--verify-suggestions", "--format", "json", "--output", f"text={NOTES}",
            REVIEWBOT_BASE_URL=server.base_url, VIRTUAL_ENV=str(broken),
        )  # fmt: skip
    assert 0 == ran.code, ran.err
    assert [(True, "It is wrong.")] * 2 == told(ran)
    assert f"2 {OFF}No test is run: no level of isolation works here" in notes(repo.path)


def test_without_a_suggestion_no_place_to_run_tests_is_looked_for(reviewbot: Reviewbot) -> None:
    with serving(lambda _: Answer()) as server:
        ran = reviewbot("review", "--base", "main", "--verify-suggestions", REVIEWBOT_BASE_URL=server.base_url)
    assert 0 == ran.code
    assert "tests run in" not in ran.err
