"""The scripts of the action and of the written workflows, run by bash with programs that take note of their calls."""

import subprocess
from pathlib import Path

import pytest
from shipping.shipped import ACTION, Stage, generated, steps, workflow

WRITTEN = generated("github")


class Scene:
    """A runner's folders around the action's, or a workflow's, review step."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.temp = folder / "temp"
        self.temp.mkdir()
        self.work = folder / "work"
        self.work.mkdir()
        self.summary, self.output = folder / "summary.md", folder / "output"

    def run(self, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
        runner = {
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_ACTION_PATH": str(self.work / "action"),
        }
        shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
        return self.stage.run(shell, script, self.work, {**runner, **environ})


@pytest.fixture
def scene(stage: Stage, tmp_path: Path) -> Scene:
    return Scene(stage, tmp_path)


def action(scene: Scene, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's review step with its inputs."""
    (scene.temp / "reviewbot-venv" / "bin").mkdir(parents=True)
    (scene.temp / "reviewbot-venv" / "bin" / "reviewbot").symlink_to(scene.stage.add("reviewbot"))
    names = {"COVERAGE", "FAIL_UNDER", "FAIL_ON", "ENGINE", "HEAD", "POST"}
    defaults = {name: ACTION["inputs"][name.lower().replace("_", "-")]["default"] for name in names}
    return scene.run(ACTION["runs"]["steps"][1]["run"], **{**defaults, **inputs})


def test_the_action_reviews_as_configured(scene: Scene) -> None:
    done = action(scene)
    (call,) = scene.stage.calls("reviewbot")
    results = f"{scene.temp}/reviewbot-results"
    assert (0, ("review", "--save-report", f"{results}/report.json")) == (done.returncode, call.argv)
    assert f"report={results}/report.json\nexit-code=0\n" == scene.output.read_text()


def test_the_actions_inputs_become_options(scene: Scene) -> None:
    inputs = {
        "COVERAGE": "a b.xml\n\nc.info\n",
        "FAIL_UNDER": "90",
        "FAIL_ON": "low",
        "ENGINE": "static",
        "HEAD": "f00",
    }
    action(scene, **inputs)
    (call,) = scene.stage.calls("reviewbot")
    wanted = (
        "--coverage", "a b.xml", "--coverage", "c.info", "--fail-under", "90", "--fail-on", "low",
        "--engine", "static", "--head", "f00",
    )  # fmt: skip
    assert wanted == call.argv[3:]


def test_hostile_inputs_stay_one_word_each(scene: Scene) -> None:
    done = action(scene, COVERAGE="$(touch pwned); `touch pwned`", HEAD="'; touch pwned; '")
    (call,) = scene.stage.calls("reviewbot")
    assert 0 == done.returncode
    assert ("--coverage", "$(touch pwned); `touch pwned`") == call.argv[3:5]
    assert ("--head", "'; touch pwned; '") == call.argv[-2:]
    assert [] == list(scene.work.iterdir())


@pytest.mark.parametrize(
    ("code", "seen"), [("0", 0), ("1", 1), ("2", 2), ("3", 3), ("4", 0), ("5", 0), ("70", 70), ("130", 130)]
)
def test_only_a_silent_model_and_an_ended_budget_are_forgiven(scene: Scene, code: str, seen: int) -> None:
    done = action(scene, STUB_EXITS=code)
    assert seen == done.returncode
    assert (code in {"4", "5"}) is ("::warning title=reviewbot::" in done.stdout)
    assert f"exit-code={code}" in scene.output.read_text()


def test_without_posting_the_annotations_are_shown(scene: Scene) -> None:
    done = action(scene, POST="false")
    assert "annotations of the review" in done.stdout.splitlines()
    assert "--no-post" in scene.stage.calls("reviewbot")[0].argv


def test_a_coverage_report_that_is_a_link_is_not_read(scene: Scene) -> None:
    report = scene.work / "coverage.xml"
    report.symlink_to("/etc/hostname")
    done = action(scene, COVERAGE=str(report))
    assert 2 == done.returncode
    assert "symbolic link" in done.stdout
    assert [] == scene.stage.calls("reviewbot")


def test_the_action_installs_itself_isolated_and_away_from_the_change(scene: Scene) -> None:
    python = scene.stage.add("python")
    (scene.temp / "reviewbot-venv" / "bin").mkdir(parents=True)
    (scene.temp / "reviewbot-venv" / "bin" / "python").symlink_to(python)
    done = scene.run(ACTION["runs"]["steps"][0]["run"], PYTHON=str(python))
    calls = scene.stage.calls("python")
    assert (0, 3) == (done.returncode, len(calls))
    assert {"-I"} == {call.argv[0] for call in calls}
    assert {str(scene.temp)} == {call.cwd for call in calls}
    assert str(scene.work / "action") == calls[-1].argv[-1]


def test_the_action_says_what_to_do_about_an_old_python(scene: Scene) -> None:
    python = scene.stage.add("python")
    done = scene.run(ACTION["runs"]["steps"][0]["run"], PYTHON=str(python), STUB_EXITS="1")
    assert 2 == done.returncode
    assert "run actions/setup-python first" in done.stdout


def written(scene: Scene, path: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the review step of a workflow that ``init`` writes."""
    (scene.temp / "reviewbot" / "bin").mkdir(parents=True)
    (scene.temp / "reviewbot" / "bin" / "reviewbot").symlink_to(scene.stage.add("reviewbot"))
    (step,) = [step for _, step in steps(workflow(WRITTEN[path])) if step.get("name") == "Review"]
    return scene.run(step["run"], **environ)


@pytest.mark.parametrize("path", WRITTEN)
def test_a_written_workflow_reviews_with_the_coverage_of_the_tests(scene: Scene, path: str) -> None:
    done = written(scene, path)
    (call,) = scene.stage.calls("reviewbot")
    report = f"{scene.temp}/untrusted/coverage.xml"
    assert (0, ("review", "--coverage", report, "--fail-under", "80")) == (done.returncode, call.argv)


@pytest.mark.parametrize("path", WRITTEN)
@pytest.mark.parametrize(("code", "seen"), [("1", 1), ("3", 3), ("4", 0), ("5", 0)])
def test_a_written_workflow_fails_as_the_review_does(scene: Scene, path: str, code: str, seen: int) -> None:
    assert seen == written(scene, path, STUB_EXITS=code).returncode


@pytest.mark.parametrize("path", WRITTEN)
def test_a_written_workflow_reads_no_report_that_is_a_link(scene: Scene, path: str) -> None:
    (scene.temp / "untrusted").mkdir()
    (scene.temp / "untrusted" / "coverage.xml").symlink_to("/etc/hostname")
    assert 2 == written(scene, path).returncode
    assert [] == scene.stage.calls("reviewbot")
