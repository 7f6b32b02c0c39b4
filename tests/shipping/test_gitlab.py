"""GitLab's pipeline, component and written files: valid, and their scripts run in a real clone."""

from pathlib import Path
from typing import Any

import gitrepo
import jsonschema
import pytest
import yaml
from shipping.conftest import Check
from shipping.shipped import COMPONENT, ROOT, Stage, component, generated

OWN = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text("utf-8"))
WRITTEN = {path: yaml.safe_load(text) for path, text in generated("gitlab").items()}
SPEC = yaml.safe_load(COMPONENT.read_text("utf-8").split("\n---\n")[0])["spec"]["inputs"]
PACKAGE = "git+https://example.org/bots/reviewbot@v1"
SHELL = ("sh", "-e", "-c")


def reviews() -> dict[str, dict[str, Any]]:
    """Give every job that reviews merge requests."""
    return {
        "own": OWN[".review"] | OWN["review"],
        "component": component(package=PACKAGE)["reviewbot"],
        "written": WRITTEN[".gitlab/reviewbot.yml"]["reviewbot"],
    }


@pytest.mark.parametrize("path", WRITTEN)
def test_written_files_fit_the_published_schema(path: str, check: Check) -> None:
    check("gitlab", WRITTEN[path])


def test_our_own_pipeline_and_the_component_fit_the_published_schema(check: Check) -> None:
    check("gitlab", OWN)
    check("gitlab", component(package=PACKAGE))
    check("gitlab", component(package=PACKAGE, needs=["test"], post=False, coverage="a.xml b.xml"))


def test_the_schema_would_refuse_a_mistyped_key(check: Check) -> None:
    document = component(package=PACKAGE)
    document["reviewbot"]["artefacts"] = {}
    with pytest.raises(jsonschema.ValidationError):
        check("gitlab", document)


@pytest.mark.parametrize("name", reviews())
def test_a_review_waits_for_nobody_else_and_forgives_only_a_silent_model_and_an_ended_budget(name: str) -> None:
    job = reviews()[name]
    assert {"exit_codes": [4, 5]} == job["allow_failure"]
    assert [{"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'}] == job["rules"]
    assert "reviewbot-$CI_MERGE_REQUEST_IID" == job["resource_group"]
    assert job.get("interruptible", OWN["default"]["interruptible"]) is True
    assert {"codequality": "gl-code-quality-report.json"} == job["artifacts"]["reports"]
    assert "always" == job["artifacts"]["when"]


@pytest.mark.parametrize("job", [OWN[".review"], component(package=PACKAGE)["reviewbot"], reviews()["written"]])
def test_a_review_has_the_whole_history(job: dict[str, Any]) -> None:
    assert 0 == job["variables"]["GIT_DEPTH"]


def test_the_coverage_report_of_the_tests_reaches_the_review() -> None:
    for tests, review in ((OWN["test"], OWN["review"]), (WRITTEN[".gitlab-ci.yml"]["test"], reviews()["written"])):
        assert ["coverage.xml"] == tests["artifacts"]["paths"]
        (need,) = review["needs"]
        assert ("test", True) == (need["job"], need["artifacts"])


def test_no_file_holds_a_secret_or_a_place_for_one() -> None:
    for document in (OWN, *WRITTEN.values(), component(package=PACKAGE), {"inputs": {"variables": SPEC}}):
        names = [
            name.upper() for job in document.values() if isinstance(job, dict) for name in job.get("variables", ())
        ]
        assert [] == [name for name in names if any(word in name for word in ("TOKEN", "KEY", "SECRET"))]


def test_the_components_inputs_have_types_and_say_what_they_are() -> None:
    """The stored schema is older than components; these are the keys and types of GitLab's today."""
    assert [] == [name for name, input_ in SPEC.items() if not input_["description"]]
    assert {"string", "number", "boolean", "array"} >= {input_["type"] for input_ in SPEC.values()}
    assert {"type", "description", "default", "options"} >= {key for input_ in SPEC.values() for key in input_}
    assert ["package"] == [name for name, input_ in SPEC.items() if "default" not in input_]
    for input_ in SPEC.values():
        assert input_.get("default") in input_.get("options", [input_.get("default")])


def test_every_input_of_the_component_is_used() -> None:
    body = COMPONENT.read_text("utf-8").split("\n---\n")[1]
    assert [] == [name for name in SPEC if f"$[[ inputs.{name} ]]" not in body]
    scripts = component(package=PACKAGE)["reviewbot"]
    assert "inputs" not in str([scripts["before_script"], scripts["script"]])


def run_component(stage: Stage, folder: Path, **inputs: object) -> tuple[int, tuple[str, ...]]:
    """Run the component's job where reviewbot is installed; give the exit code and what it was called with."""
    stage.add("reviewbot")
    exits = str(inputs.pop("exits", "0"))
    job = component(package=PACKAGE, **inputs)["reviewbot"]
    variables = {name: str(value) for name, value in job["variables"].items()}
    script = "\n".join([*job["before_script"], *job["script"]])
    done = stage.run(SHELL, script, folder, {**variables, "STUB_EXITS": exits})
    (call,) = stage.calls("reviewbot")
    return done.returncode, call.argv


OUTPUTS = ("review", "--output", "codequality=gl-code-quality-report.json", "--output", "html=reviewbot.html")


def test_the_component_reviews_as_configured(stage: Stage, tmp_path: Path) -> None:
    assert (0, OUTPUTS) == run_component(stage, tmp_path)


def test_the_components_inputs_become_options(stage: Stage, tmp_path: Path) -> None:
    code, argv = run_component(
        stage, tmp_path, coverage="a.xml b.info", fail_under=72.5, fail_on="high", engine="static", post=False
    )
    wanted = (
        "--coverage", "a.xml", "--coverage", "b.info", "--fail-under", "72.5", "--fail-on", "high",
        "--engine", "static", "--no-post",
    )  # fmt: skip
    assert (0, (*OUTPUTS, *wanted)) == (code, argv)


@pytest.mark.parametrize("code", [1, 3, 4, 5])
def test_the_component_ends_as_the_review_does(stage: Stage, tmp_path: Path, code: int) -> None:
    assert code == run_component(stage, tmp_path, exits=code)[0]


def test_the_component_installs_its_package_where_the_image_has_none(stage: Stage, tmp_path: Path) -> None:
    job = component(package=PACKAGE)["reviewbot"]
    stage.add("pip")
    variables = {name: str(value) for name, value in job["variables"].items()}
    # `command -v` must not find one of this machine.
    script = 'command() { [ "$2" != reviewbot ]; }\n' + "\n".join(job["before_script"])
    done = stage.run(SHELL, script, tmp_path, variables)
    (call,) = stage.calls("pip")
    assert (0, ("install", "--quiet", "--disable-pip-version-check", PACKAGE)) == (done.returncode, call.argv)


@pytest.fixture
def clone(tmp_path: Path) -> gitrepo.Repo:
    """Make a clone as a runner does, at a merge request's head, which differs from main in the file ``marker``."""
    origin = gitrepo.init(tmp_path / "origin")
    origin.commit({"marker": "the target's"}, "first")
    origin.branch("topic")
    origin.commit({"marker": "the change's"}, "second")
    origin.git("update-ref", "refs/merge-requests/7/head", "topic")
    origin.git("checkout", "--quiet", "main")
    clone = origin.clone(tmp_path / "clone")
    clone.git("checkout", "--quiet", "--detach", "origin/topic")
    return clone


def run_own(stage: Stage, clone: gitrepo.Repo, job: str, **environ: str) -> int:
    """Run a job of our own pipeline."""
    for name in ("reviewbot", "pip", "apt-get"):
        stage.add(name)
    script = "\n".join([*OWN[".review"]["before_script"], *OWN[job]["script"]])
    return stage.run(SHELL, script, clone.path, {**clone.environ, "TARGET": "main", **environ}).returncode


def test_our_own_review_installs_the_target_and_reviews_the_change(stage: Stage, clone: gitrepo.Repo) -> None:
    assert 0 == run_own(stage, clone, "review")
    (install,), (review,) = stage.calls("pip"), stage.calls("reviewbot")
    assert ["the target's"] == list(install.read.values())
    assert ("review", "--coverage", "coverage.xml", "--fail-under", "80", *OUTPUTS[1:]) == review.argv


def test_our_own_review_ends_as_reviewbot_does(stage: Stage, clone: gitrepo.Repo) -> None:
    assert 4 == run_own(stage, clone, "review", STUB_EXITS="4")


def test_a_forks_request_is_read_and_never_checked_out(stage: Stage, clone: gitrepo.Repo) -> None:
    clone.git("checkout", "--quiet", "--detach", "origin/main")
    change = clone.git("rev-parse", "origin/topic")
    before = (clone.head, clone.git("status", "--porcelain"))
    assert 0 == run_own(stage, clone, "review-fork", MERGE_REQUEST="7", CI_PROJECT_ID="42")
    (review,) = stage.calls("reviewbot")
    assert ("review", "--head", change, *OUTPUTS[1:]) == review.argv
    told = {name: value for name, value in review.environ.items() if name.startswith("CI_MERGE_REQUEST")}
    assert {
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_PROJECT_ID": "42",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": change,
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    } == told
    assert before == (clone.head, clone.git("status", "--porcelain"))
    assert "the target's" == (clone.path / "marker").read_text()


@pytest.mark.parametrize("number", ["7/head:refs/heads/main", "-7", "$(touch pwned)", "7 8", "x"])
def test_what_is_no_number_of_a_request_is_refused(stage: Stage, clone: gitrepo.Repo, number: str) -> None:
    assert 2 == run_own(stage, clone, "review-fork", MERGE_REQUEST=number, CI_PROJECT_ID="42")
    assert [] == stage.calls("reviewbot")
    assert ["marker"] == [path.name for path in clone.path.iterdir() if path.name != ".git"]


def test_only_a_pipeline_of_the_default_branch_reviews_forks() -> None:
    assert [{"if": "$MERGE_REQUEST && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"}] == OWN["review-fork"]["rules"]
    assert {"if": "$MERGE_REQUEST", "when": "never"} == OWN["test"]["rules"][0]


def test_the_written_job_installs_its_package_and_reviews_with_the_coverage(stage: Stage, tmp_path: Path) -> None:
    job = reviews()["written"]
    for name in ("reviewbot", "pip", "apt-get"):
        stage.add(name)
    variables = {name: str(value) for name, value in job["variables"].items()}
    done = stage.run(SHELL, "\n".join([*job["before_script"], *job["script"]]), tmp_path, variables)
    (install,), (review,) = stage.calls("pip"), stage.calls("reviewbot")
    assert (0, job["variables"]["REVIEWBOT_PACKAGE"]) == (done.returncode, install.argv[-1])
    assert ("review", "--coverage", "coverage.xml", "--fail-under", "80", *OUTPUTS[1:]) == review.argv
