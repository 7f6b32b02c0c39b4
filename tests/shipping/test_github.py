"""The action and the workflows: valid, pinned, without rights to spare, and safe where a fork is concerned."""

import re
from typing import Any

import jsonschema
import pytest
import yaml
from shipping.conftest import Check
from shipping.shipped import ACTION, ROOT, steps, workflow, workflows

WORKFLOWS = workflows()
TRUSTED = [path for path, text in WORKFLOWS.items() if "workflow_run" in workflow(text)["on"]]
OTHERS = [path for path in WORKFLOWS if path not in TRUSTED]
SECRET = re.compile(r"\$\{\{[^}]*\b(secrets\.|github\.token)")
PINNED = re.compile(r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def test_every_workflow_is_looked_at() -> None:
    assert {".github/workflows/ci.yml", ".github/workflows/review-forks.yml"} < set(WORKFLOWS)
    assert {".github/workflows/review-forks.yml", ".github/workflows/reviewbot-forks.yml"} == set(TRUSTED)


@pytest.mark.parametrize("path", WORKFLOWS)
def test_workflows_fit_the_published_schema(path: str, check: Check) -> None:
    check("workflow", workflow(WORKFLOWS[path]))


def test_the_schema_would_refuse_a_mistyped_key(check: Check) -> None:
    document = workflow(WORKFLOWS[".github/workflows/ci.yml"])
    document["jobs"]["test"]["step"] = []
    with pytest.raises(jsonschema.ValidationError):
        check("workflow", document)


def test_the_action_and_dependabot_fit_the_published_schema(check: Check) -> None:
    check("action", ACTION)
    check("dependabot", yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8")))


@pytest.mark.parametrize("path", WORKFLOWS)
def test_actions_of_others_are_pinned_by_commit_with_their_version(path: str) -> None:
    used = [line.strip().removeprefix("- ") for line in WORKFLOWS[path].splitlines() if "uses:" in line]
    assert used
    assert [] == [line for line in used if not PINNED.fullmatch(line) and line != "uses: ./"]


def test_an_action_has_one_version_in_all_workflows() -> None:
    pins = {
        (line.split("@")[0], line)
        for text in WORKFLOWS.values()
        for line in (line.strip().removeprefix("- ") for line in text.splitlines())
        if PINNED.fullmatch(line)
    }
    assert len({name for name, _ in pins}) == len(pins) > 2


@pytest.mark.parametrize("path", WORKFLOWS)
def test_a_job_has_no_right_that_it_does_not_ask_for(path: str) -> None:
    document = workflow(WORKFLOWS[path])
    allowed = {"contents": "read", "pull-requests": "write", "actions": "read"}
    assert {} == document["permissions"]
    for job in document["jobs"].values():
        assert {"contents"} <= set(job["permissions"])
        assert job["permissions"].items() <= allowed.items()
        assert job["timeout-minutes"] <= 60


@pytest.mark.parametrize("path", WORKFLOWS)
def test_no_expression_is_pasted_into_a_script(path: str) -> None:
    scripts = [step["run"] for _, step in steps(workflow(WORKFLOWS[path])) if "run" in step]
    assert [] == [script for script in scripts if "${{" in script]


def test_inputs_reach_the_action_by_its_environment_only() -> None:
    scripts = [step["run"] for step in ACTION["runs"]["steps"]]
    assert [] == [script for script in scripts if "${{" in script]
    passed = str([step["env"] for step in ACTION["runs"]["steps"]])
    assert [] == [name for name in ACTION["inputs"] if f"inputs.{name} " not in passed]


def test_the_action_installs_without_a_secret() -> None:
    install, review = ACTION["runs"]["steps"]
    assert {"PYTHON": "${{ inputs.python }}"} == install["env"]
    assert "pip" not in review["run"]
    assert {"REVIEWBOT_API_KEY", "GITHUB_TOKEN"} < set(review["env"])


@pytest.mark.parametrize("path", WORKFLOWS)
def test_no_workflow_runs_a_change_with_the_rights_of_its_target(path: str) -> None:
    assert "pull_request_target" not in WORKFLOWS[path]
    for _, step in steps(workflow(WORKFLOWS[path])):
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", OTHERS)
def test_the_job_that_runs_a_change_has_no_secret(path: str) -> None:
    jobs = workflow(WORKFLOWS[path])["jobs"]
    assert {"test", "review"} == set(jobs)
    assert {"contents": "read"} == jobs["test"]["permissions"]
    assert SECRET.search(str(jobs["test"])) is None
    assert "coverage" == _artefact(jobs["test"])["name"]
    assert SECRET.search(str(jobs["review"])) is not None


@pytest.mark.parametrize("path", OTHERS)
def test_the_job_with_secrets_leaves_forks_alone_and_waits_for_the_coverage(path: str) -> None:
    review = workflow(WORKFLOWS[path])["jobs"]["review"]
    assert "test" == review["needs"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in review["if"]
    assert {"contents": "read", "pull-requests": "write"} == review["permissions"]


@pytest.mark.parametrize("path", OTHERS)
def test_coverage_is_measured_at_the_commit_that_is_reviewed(path: str) -> None:
    checkout = next(step for _, step in steps(workflow(WORKFLOWS[path])) if "checkout" in step.get("uses", ""))
    assert "github.event.pull_request.head.sha" in checkout["with"]["ref"]


@pytest.mark.parametrize("path", TRUSTED)
def test_the_trusted_workflow_takes_nothing_of_a_fork_but_data(path: str) -> None:
    document = workflow(WORKFLOWS[path])
    ((_, job),) = document["jobs"].items()
    (before,) = document["on"]["workflow_run"]["workflows"]
    assert before in {workflow(WORKFLOWS[other])["name"] for other in OTHERS}
    assert "github.event.workflow_run.head_repository.full_name != github.repository" in job["if"]
    assert {"actions": "read", "contents": "read", "pull-requests": "write"} == job["permissions"]
    checkout, download = job["steps"][:2]
    assert {"fetch-depth": 0, "persist-credentials": False} == checkout["with"]
    assert "${{ runner.temp }}/untrusted" == download["with"]["path"]
    assert "${{ github.event.workflow_run.id }}" == download["with"]["run-id"]
    assert "head_sha" not in str(job["steps"])


@pytest.mark.parametrize("path", [path for path in WORKFLOWS if "reviewbot" in path])
def test_written_workflows_install_without_a_secret_and_away_from_the_change(path: str) -> None:
    install = [step for _, step in steps(workflow(WORKFLOWS[path])) if step.get("name") == "Install reviewbot"]
    for step in install:
        assert {"REVIEWBOT_PACKAGE"} == set(step["env"])
        lines = step["run"].splitlines()
        assert 'cd "$RUNNER_TEMP"' == lines[0]
        assert all("/python3 -I -m" in f"/{line}" or "/python -I -m" in line for line in lines[1:])
    assert 1 == len(install)


def _artefact(job: dict[str, Any]) -> dict[str, str]:
    (upload,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    given: dict[str, str] = upload["with"]
    return given
