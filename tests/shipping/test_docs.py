"""What docs/ci.md tells people to write is as valid and as safe as what is shipped."""

import re
from typing import Any

import pytest
import yaml
from shipping.conftest import Check
from shipping.shipped import ACTION, ROOT, steps, workflow
from shipping.test_github import PINNED
from shipping.test_gitlab import SPEC

TEXT = (ROOT / "docs" / "ci.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n# (\S+)\n(.*?)```", TEXT, re.DOTALL)
GITLAB = [text for path, text in BLOCKS if path == ".gitlab-ci.yml"]
(GITHUB,) = [text for path, text in BLOCKS if path.startswith(".github/workflows/")]


def test_every_example_is_looked_at() -> None:
    assert TEXT.count("```yaml") == len(BLOCKS) == 4


@pytest.mark.parametrize("text", GITLAB)
def test_examples_for_gitlab_fit_the_published_schema(text: str, check: Check) -> None:
    check("gitlab", without_includes(text))


def without_includes(text: str) -> dict[str, Any]:
    """Leave out the include of a component, which the stored schema is too old for."""
    return {name: job for name, job in yaml.safe_load(text).items() if name != "include"}


def test_the_component_is_given_inputs_that_it_has() -> None:
    (include,) = yaml.safe_load(GITLAB[0])["include"]
    assert include["component"].endswith("/reviewbot/review@VERSION")
    assert {"package"} <= set(include["inputs"]) <= set(SPEC)
    assert all(f"`{name}`" in TEXT for name in SPEC)


def test_the_example_for_github_is_valid_pinned_and_without_rights_to_spare(check: Check) -> None:
    document = workflow(GITHUB)
    check("workflow", document)
    assert {} == document["permissions"]
    assert {"contents": "read"} == document["jobs"]["test"]["permissions"]
    assert "secrets." not in str(document["jobs"]["test"])
    used = [line.strip().removeprefix("- ") for line in GITHUB.splitlines() if "uses:" in line]
    assert ["uses: YOUR-GROUP/reviewbot@COMMIT"] == [line for line in used if not PINNED.fullmatch(line)]
    (given,) = [step["with"] for _, step in steps(document) if "reviewbot@" in step.get("uses", "")]
    assert set(given) <= set(ACTION["inputs"])


def test_the_job_with_the_key_and_the_one_with_the_token_are_two() -> None:
    document = yaml.safe_load(GITLAB[1])
    assert ["reviewbot review --no-post --save-report reviewbot-report.json"] == document["review"]["script"]
    assert ["reviewbot post reviewbot-report.json"] == document["post"]["script"]
    assert document["review"]["environment"] != document["post"]["environment"]


def test_pre_commit_is_given_a_hook_that_there_is() -> None:
    (config,) = [yaml.safe_load(text) for path, text in BLOCKS if path == ".pre-commit-config.yaml"]
    (manifest,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert manifest["id"] == config["repos"][0]["hooks"][0]["id"]


def test_links_to_files_lead_somewhere() -> None:
    paths = re.findall(r"\]\(\.\./([^)]+)\)", TEXT)
    assert len(paths) > 2
    assert [] == [path for path in paths if not (ROOT / path).is_file()]
