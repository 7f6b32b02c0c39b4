"""The main flow: a coverage report in, the gate fails, tests are generated, proven, shown, and committed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gitrepo
import pytest
import sandbox_scene
from fakes.answers import Answer, Asked
from fakes.gitlab_server import FakeGitLab
from fakes.model_server import serving
from gitrepo import Repo, init

ROOT = Path(__file__).parents[2]
MODULE = "def size(n):\n    if n < 10:\n        return 'small'\n    return 'large'\n"
CHANGE = MODULE + "\n\ndef sign(n):\n    if n < 0:\n        return 'minus'\n    return 'plus'\n"
SUITE = "from shop import size\n\n\ndef test_size():\n    assert size(1) == 'small'\n    assert size(10) == 'large'\n"
GOOD = """\
from shop import sign


def test_below_zero():
    assert sign(-1) == 'minus'


def test_zero_and_above():
    assert sign(0) == 'plus'
"""
EMPTY = "from shop import sign\n\n\ndef test_nothing():\n    sign(1)\n"


def script(asked: Asked) -> Answer:
    if asked.headers.get("x-reviewbot-task") != "tests":
        return Answer()
    tests = [
        {"path": f"tests/test_{name}.py", "code": code, "targets": ["shop.py:8"], "why": "both signs"}
        for name, code in (("sign", GOOD), ("nothing", EMPTY))
    ]
    return Answer(text=json.dumps({"tests": tests}))


@pytest.fixture
def forge(tmp_path: Path) -> Repo:
    repo = init(tmp_path / "forge")
    repo.commit({"shop.py": MODULE, "tests/test_shop.py": SUITE})
    repo.branch("feature")
    repo.commit({"shop.py": CHANGE})
    repo.git("checkout", "--quiet", "main")
    return repo


def reviewed(forge: Repo, tmp_path: Path, *options: str, **more: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Measure the suite in a clone, review there as a job would, and give the sticky summary too."""
    clone = Repo(tmp_path / "clone", forge.environ)
    forge.clone(clone.path)
    clone.git("checkout", "--quiet", head := forge.git("rev-parse", "feature"))
    xml = tmp_path / "coverage.xml"
    for arguments in (("run", "--branch", "--source=.", "-m", "pytest", "-q"), ("xml", "-q", "-o", str(xml))):
        environ = gitrepo.environment(PYTHONPATH=str(clone.path), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        environ.pop("COVERAGE_PROCESS_START", None)
        environ.pop("COVERAGE_PROCESS_CONFIG", None)
        subprocess.run(
            [sys.executable, "-m", "coverage", *arguments], cwd=clone.path, env=environ, check=True, capture_output=True
        )
    with serving(script) as model, FakeGitLab(forge) as server:
        server.add_user("reviewbot", token="made-up-token", kind="project", bot=True)
        environ = gitrepo.environment(
            PYTHONPATH=str(ROOT), VIRTUAL_ENV=sys.prefix, REVIEWBOT_BASE_URL=model.base_url, GITLAB_CI="true",
            CI_API_V4_URL=f"{server.url}/api/v4", CI_SERVER_URL=server.url, CI_MERGE_REQUEST_IID="7",
            CI_MERGE_REQUEST_PROJECT_ID="42", CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main", CI_COMMIT_SHA=head,
            GITLAB_TOKEN="made-up-token", **{"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42", **more},
        )  # fmt: skip
        command = [sys.executable, "-m", "reviewbot", "review", "--coverage", str(xml), *options]
        ran = subprocess.run(command, cwd=clone.path, env=environ, capture_output=True, text=True, check=False)
        return ran, next(comment.body for comment in server.comments() if comment.kind == "plain")


@pytest.fixture
def isolated() -> Iterator[None]:
    """Skip, with the reason, where no sandbox works."""
    with sandbox_scene.open_first_scene():
        yield


@pytest.mark.usefixtures("isolated")
def test_what_is_proven_is_shown_in_the_summary_and_committed_where_that_is_asked_for(
    forge: Repo, tmp_path: Path
) -> None:
    before = forge.git("rev-parse", "feature")
    ran, summary = reviewed(forge, tmp_path, "--tests", "commit", "--format", "json")
    report = json.loads(ran.stdout)
    assert 1 == ran.returncode, ran.stderr
    assert ("failed", 25.0) == (report["coverage"]["status"], report["coverage"]["patch_percent"])
    assert {"proven": None, "rejected": "static"} == {test["status"]: test["filter"] for test in report["tests"]}
    assert "Proven tests: <code>tests/test_shop_gaps.py</code>" in summary
    assert before == forge.git("rev-parse", "feature~1")
    assert "tests/test_shop_gaps.py" == forge.git("diff", "--name-only", "feature~1", "feature")
    assert "def test_below_zero" in forge.git("show", "feature:tests/test_shop_gaps.py")


def test_for_a_forks_change_no_test_is_run_and_nothing_is_committed(forge: Repo, tmp_path: Path) -> None:
    before = forge.git("rev-parse", "feature")
    ran, summary = reviewed(
        forge, tmp_path, "--tests", "commit", "--format", "json", CI_MERGE_REQUEST_SOURCE_PROJECT_ID="99"
    )
    report = json.loads(ran.stdout)
    assert (1, []) == (ran.returncode, report["tests"])
    assert "the change comes from a fork" in summary
    assert True is report["coverage"]["untrusted"]
    assert before == forge.git("rev-parse", "feature")
