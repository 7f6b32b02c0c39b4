"""A change request on a fake GitLab or GitHub, with a model that finds what is marked in it.

with gitlab(tmp_path) as stage:
assert 0 == stage.review().code
assert {"alpha": ["inline"]} == stage.places()
stage.push({"app.rs": ...})
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import gitrepo
from fakes.github_server import FakeGitHub, Setup
from fakes.gitlab_server import FakeGitLab, Rules
from fakes.model_server import serving
from gitrepo import Repo
from jobs import attentive, numbered
from posting.github_stage import GitHub
from posting.gitlab_stage import GitLab
from posting.stage import Shown, Stage

__all__ = ["ALL", "BASE", "CHANGE", "PYTHON", "STAGES", "GitHub", "GitLab", "Shown", "Stage", "github", "gitlab"]

BASE = {"app.rs": numbered(60), "lib.rs": numbered(30)}
CHANGE = {
    "app.rs": numbered(60, l10="wrong alpha", l30="wrong beta"),
    "new.rs": "wrong gamma\n",
}
"""Three findings in three hunks."""
PYTHON = {"app.py": "import os\n\n\ndef cwd() -> str:\n    return undefined_name\n"}
"""What static rules are sure to be wrong, and so the gate counts."""
ALL = {"alpha": ["inline"], "beta": ["inline"], "gamma": ["inline"]}


@contextmanager
def gitlab(
    folder: Path,
    change: Mapping[str, str | bytes] = CHANGE,
    base: Mapping[str, str | bytes] = BASE,
    rules: Rules | None = None,
) -> Iterator[GitLab]:
    """Open a merge request."""
    repo = _repository(folder, base, change)
    with serving(attentive()) as model, FakeGitLab(repo, rules=rules) as server:
        yield GitLab(folder, repo, model, server)


@contextmanager
def github(
    folder: Path,
    change: Mapping[str, str | bytes] = CHANGE,
    base: Mapping[str, str | bytes] = BASE,
    setup: Setup | None = None,
) -> Iterator[GitHub]:
    """Open a pull request; its jobs have an app's token that may do everything."""
    repo = _repository(folder, base, change)
    tips = {"base": repo.git("rev-parse", "main"), "head": repo.git("rev-parse", "feature")}
    with serving(attentive()) as model, FakeGitHub(repo, setup=setup, check_answers=True, **tips) as server:
        yield GitHub(folder, repo, model, server)
        assert server.drift == []


STAGES: Mapping[str, Callable[..., AbstractContextManager[Stage]]] = {"gitlab": gitlab, "github": github}


def _repository(folder: Path, base: Mapping[str, str | bytes], change: Mapping[str, str | bytes]) -> Repo:
    return gitrepo.filled(folder / "forge", _fill, tuple(base.items()), tuple(change.items()))


def _fill(repo: Repo, base: tuple[tuple[str, str | bytes], ...], change: tuple[tuple[str, str | bytes], ...]) -> None:
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")  # as both forges have it
    repo.commit(dict(base))
    repo.branch("feature")
    repo.commit(dict(change))
