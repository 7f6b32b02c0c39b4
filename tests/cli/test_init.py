"""``reviewbot init``: what it writes is complete and valid, and nothing of anybody's is lost."""

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import gitrepo
import pytest
import yaml
from cli.conftest import ROOT

from reviewbot.cli.init import init
from reviewbot.errors import UsageError
from reviewbot.settings.layers import combine, from_toml
from reviewbot.wiring.configuration import PROJECT_FILE
from reviewbot.wiring.starting import PLACEHOLDER, next_steps, package, starters

GITLAB = {".gitlab-ci.yml", ".gitlab/reviewbot.yml", ".reviewbot.toml"}
GITHUB = {".github/workflows/reviewbot.yml", ".github/workflows/reviewbot-forks.yml", ".reviewbot.toml"}
COMMIT = "0123456789" * 4
Init = Callable[..., str]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return gitrepo.init(tmp_path / "repo").path


@pytest.fixture
def run(top: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Init:
    """Run the command for a folder, the top of the repository by default; give what it said."""

    def run(ci: str, *, force: bool = False, repo: Path = top) -> str:
        assert 0 == init(argparse.Namespace(ci=ci, force=force, repo=repo, debug=False), {})
        return capsysbinary.readouterr().out.decode()

    return run


def files(top: Path) -> dict[str, str]:
    """Give all files of a work tree."""
    found = (path for path in top.rglob("*") if path.is_file() and ".git" not in path.relative_to(top).parts)
    return {path.relative_to(top).as_posix(): path.read_text("utf-8") for path in found}


@pytest.mark.parametrize(("ci", "wanted"), [("gitlab", GITLAB), ("github", GITHUB)])
def test_the_pipeline_and_a_configuration_are_written(run: Init, top: Path, ci: str, wanted: set[str]) -> None:
    said = run(ci)
    assert wanted == set(files(top))
    assert {f"wrote {path}" for path in wanted} == set(said.splitlines()[:3])
    for path, text in files(top).items():
        assert text.endswith("\n")
        assert not text.startswith("\n")
        assert "{%" not in text
        assert yaml.safe_load(text) if path.endswith(".yml") else tomllib.loads(text)


@pytest.mark.parametrize("ci", ["gitlab", "github"])
def test_a_second_run_changes_nothing(run: Init, top: Path, ci: str) -> None:
    run(ci)
    before = files(top)
    said = run(ci)
    assert before == files(top)
    assert {"unchanged"} == {line.split()[0] for line in said.splitlines()[:3]}


def test_a_changed_file_is_not_overwritten_and_nothing_else_is_written(run: Init, top: Path) -> None:
    (top / PROJECT_FILE).write_text('fail_on = "high"\n')
    with pytest.raises(UsageError, match=r"there already is \.reviewbot\.toml, with other content.*--force") as raised:
        run("github")
    assert 2 == raised.value.exit_code
    assert {PROJECT_FILE: 'fail_on = "high"\n'} == files(top)


def test_force_overwrites(run: Init, top: Path) -> None:
    (top / PROJECT_FILE).write_text('fail_on = "high"\n')
    run("github", force=True)
    assert GITHUB == set(files(top))
    assert 'fail_on = "high"\n' != files(top)[PROJECT_FILE]


@pytest.mark.parametrize("force", [False, True])
def test_a_projects_own_gitlab_pipeline_is_never_touched(run: Init, top: Path, *, force: bool) -> None:
    (top / ".gitlab-ci.yml").write_text("build: {script: [make]}\n")
    said = run("gitlab", force=force)
    assert "build: {script: [make]}\n" == files(top)[".gitlab-ci.yml"]
    assert "kept .gitlab-ci.yml, which is yours\n" in said
    assert "   include:\n     - local: .gitlab/reviewbot.yml\n" in said


def test_a_pipeline_that_already_includes_the_job_needs_no_advice(run: Init, top: Path) -> None:
    (top / ".gitlab-ci.yml").write_text("include: [{local: .gitlab/reviewbot.yml}]\n")
    assert "include:" not in run("gitlab")


def test_as_a_command_it_works_on_the_current_folder(top: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reviewbot", "init", "--ci", "gitlab"],
        cwd=top,
        env=gitrepo.environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert GITLAB == set(files(top))
    assert done.stdout.startswith("wrote .gitlab-ci.yml\n")


def test_files_go_to_the_top_of_the_repository(run: Init, top: Path) -> None:
    folder = top / "deep" / "down"
    folder.mkdir(parents=True)
    run("gitlab", repo=folder)
    assert GITLAB == set(files(top))


def test_a_linked_work_tree_is_a_repository_too(run: Init, top: Path, tmp_path: Path) -> None:
    gitrepo.Repo(top).commit()
    gitrepo.Repo(top).git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    run("github", repo=tmp_path / "linked")
    assert GITHUB == set(files(tmp_path / "linked"))


def test_outside_of_a_repository_nothing_is_written(run: Init, tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    with pytest.raises(UsageError, match=r"is in no git work tree.*Run git init first"):
        run("gitlab", repo=folder)
    assert [] == list(folder.iterdir())


@pytest.mark.parametrize("name", [".github", ".reviewbot.toml"])
def test_what_cannot_be_read_or_written_is_told(run: Init, top: Path, name: str) -> None:
    if name == ".github":
        (top / name).write_text("a file\n")
    else:
        (top / name).mkdir()
    with pytest.raises(UsageError, match=r"cannot be (read|written): "):
        run("github")


def test_a_folder_that_cannot_be_made_is_told(run: Init, top: Path) -> None:
    (top / ".github").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"reviewbot.yml cannot be written: "):
        run("github")


@pytest.mark.parametrize(
    ("record", "wanted"),
    [
        (
            {"url": "https://git.example.org/bots/reviewbot.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            f"git+https://git.example.org/bots/reviewbot.git@{COMMIT}",
        ),
        ({"url": "file:///srv/reviewbot", "dir_info": {"editable": True}}, PLACEHOLDER),
        ({"url": "file:///srv/reviewbot", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, PLACEHOLDER),
        ({"url": "https://ann:pass@x.org/r", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, PLACEHOLDER),
        ({"url": 'https://x.org/r"; rm', "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, PLACEHOLDER),
        ({"url": "https://x.org/r", "vcs_info": {"vcs": "git", "commit_id": "main"}}, PLACEHOLDER),
        ({"url": 1, "vcs_info": {"commit_id": COMMIT}}, PLACEHOLDER),
        ([], PLACEHOLDER),
        (None, PLACEHOLDER),
    ],
)
def test_a_pipeline_installs_the_commit_that_wrote_it_where_it_can_be_had(record: object, wanted: str) -> None:
    assert wanted == package(json.dumps(record))


def test_an_installation_without_a_record_gives_the_placeholder() -> None:
    assert PLACEHOLDER == package(None) == package("no JSON")


@pytest.mark.parametrize("ci", ["gitlab", "github"])
def test_an_address_that_is_known_stands_in_the_files_and_not_in_the_steps(ci: str) -> None:
    source = f"git+https://example.org/r@{COMMIT}"
    texts = "".join(file.text for file in starters(ci, source))
    assert f'REVIEWBOT_PACKAGE: "{source}"' in texts
    assert "YOUR-" not in texts
    assert "REVIEWBOT_PACKAGE" in next_steps(ci, PLACEHOLDER, None)[0]
    assert "REVIEWBOT_PACKAGE" not in "".join(next_steps(ci, source, None))


@pytest.mark.parametrize(("ci", "secret"), [("gitlab", "GITLAB_TOKEN"), ("github", "secret REVIEWBOT_API_KEY")])
def test_the_next_steps_name_the_variables_and_their_least_rights(run: Init, ci: str, secret: str) -> None:
    said = run(ci)
    assert secret in said
    assert ("role Developer, scope api" if ci == "gitlab" else "pull-requests: write") in said


def test_the_configuration_is_valid_as_it_is_and_with_every_proposal_in_force() -> None:
    text = next(file.text for file in starters("gitlab", PLACEHOLDER) if file.path == PROJECT_FILE)
    proposed = "".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines(keepends=True))
    layers = [from_toml(part, PROJECT_FILE) for part in (text, proposed)]
    assert [0, 4] == [len(layer.values) for layer in layers if layer]
    settings = combine([layer for layer in layers if layer]).settings
    assert ("high", ("migrations/", "*.snap"), "0.50") == (
        settings.fail_on,
        settings.filter.ignore,
        f"{settings.budget.run_usd:.2f}",
    )
