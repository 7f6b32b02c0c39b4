"""What ``reviewbot init`` writes: a forge's pipeline files, and a configuration to start from."""

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from reviewbot import templating
from reviewbot.wiring.configuration import PROJECT_FILE

PLACEHOLDER = "git+https://YOUR-HOST/YOUR-GROUP/reviewbot@VERSION"
"""What stands for reviewbot's own address where it is not known."""
_GITLAB_PIPELINE, _GITLAB_JOB = ".gitlab-ci.yml", ".gitlab/reviewbot.yml"
_PLAIN = re.compile(r"https://[\w.:~/-]+")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """A file to begin with."""

    path: str
    """From the top of the repository, with slashes."""
    text: str
    theirs: bool = False
    """Whether a file of this name belongs to the project: where there is one it is never replaced."""


def package(direct_url: str | None) -> str:
    """Tell what pip has to install in a pipeline to get this very reviewbot.

    ``direct_url`` is the text of the record that pip keeps of an installation that came from no index
    (PEP 610). An address that a pipeline could not reach, such as a folder, gives the placeholder.
    """
    try:
        record = json.loads(direct_url or "null")
        url, commit = record["url"], record["vcs_info"]["commit_id"]
        usable = _PLAIN.fullmatch(url) and urlsplit(url).password is None and _COMMIT.fullmatch(commit)
    except (ValueError, KeyError, TypeError):
        return PLACEHOLDER
    return f"git+{url}@{commit}" if usable else PLACEHOLDER


def starters(ci: str, source: str) -> tuple[Starter, ...]:
    """Render the files for ``gitlab`` or ``github``; ``source`` is what pip installs."""
    configuration = Starter(path=PROJECT_FILE, text=_rendered("reviewbot.toml", source))
    if ci == "gitlab":
        return (
            Starter(path=_GITLAB_PIPELINE, text=_rendered("gitlab.yml", source), theirs=True),
            Starter(path=_GITLAB_JOB, text=_rendered("gitlab-review.yml", source)),
            configuration,
        )
    return (
        Starter(path=".github/workflows/reviewbot.yml", text=_rendered("github.yml", source)),
        Starter(path=".github/workflows/reviewbot-forks.yml", text=_rendered("github-forks.yml", source)),
        configuration,
    )


def _rendered(name: str, source: str) -> str:
    return templating.environment().get_template(f"ci/{name}.j2").render(package=source)


def next_steps(ci: str, source: str, kept: str | None) -> tuple[str, ...]:
    """Say what is left for people to do; ``kept`` is the text of the project's own pipeline, where it has one."""
    steps = _gitlab_steps(kept) if ci == "gitlab" else _GITHUB_STEPS
    if source == PLACEHOLDER:
        where = _GITLAB_JOB if ci == "gitlab" else "both workflows"
        steps = (f"In {where}, set REVIEWBOT_PACKAGE to the address of your reviewbot, with a fixed version.", *steps)
    request = "merge request" if ci == "gitlab" else "pull request"
    return (*steps, f"Commit the files, and open a {request}.")


_KEY = "REVIEWBOT_API_KEY: key of the model's endpoint; without one static rules review"
_GITHUB_STEPS = (
    "In reviewbot.yml, make the job `test` run your tests, and write coverage.xml.",
    f"""Under Settings > Secrets and variables > Actions:
   - secret {_KEY}
   - variables REVIEWBOT_BASE_URL, REVIEWBOT_MODEL, REVIEWBOT_BUDGET_RUN, where the defaults do not fit
   GITHUB_TOKEN is GitHub's own; the files ask for contents: read and pull-requests: write.""",
)


def _gitlab_steps(kept: str | None) -> tuple[str, ...]:
    include = f"Add to {_GITLAB_PIPELINE}:\n\n   include:\n     - local: {_GITLAB_JOB}\n"
    tests = f"""Make the job `test` of {_GITLAB_PIPELINE} run your tests, and write coverage.xml; or name yours
   under `needs` in {_GITLAB_JOB}."""
    variables = f"""Under Settings > CI/CD > Variables, masked:
   - GITLAB_TOKEN: project access token, role Developer, scope api
   - {_KEY}"""
    included = kept is None or _GITLAB_JOB in kept
    return (tests, variables) if included else (include, tests, variables)
