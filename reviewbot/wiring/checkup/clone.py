"""Whether there is a repository, and its clone reaches back far enough to compare."""

from collections.abc import Mapping
from pathlib import Path

from reviewbot.domain.checkup import Check, Health
from reviewbot.errors import UsageError
from reviewbot.repository.git import locate
from reviewbot.settings import environment
from reviewbot.settings.pipelines import Pipeline
from reviewbot.wiring.changes import Selection, opened

_DEPTH = "clone with full history: GIT_DEPTH: 0 in GitLab, fetch-depth: 0 for actions/checkout"


def check(selection: Selection, environ: Mapping[str, str], pipeline: Pipeline | None) -> tuple[Check, ...]:
    """Open the change that a review would look at."""
    try:
        shallow = locate(selection.repo or Path.cwd(), environ).shallow  # before it is deepened to be compared
        with opened(selection, environ, Path.cwd()) as source:
            change = source.change
    except UsageError as error:
        return (Check(name="change", health=Health.BAD, finding=str(error), exit_code=error.exit_code),)
    count = len(change.patch.files)
    checks = [Check(name="change", health=Health.GOOD, finding=f"{change.comparison.description}: {count} files")]
    if shallow:
        finding = "the clone is shallow: what is missing has to be fetched, in every job"
        checks.append(Check(name="history", health=Health.DOUBTFUL, finding=finding, advice=_DEPTH))
    if environment.in_pipeline(environ) and pipeline is None:
        finding = "this pipeline has no merge request or pull request: the report is saved, and nothing is posted"
        advice = "run the job for merge requests: see docs/ci.md"
        checks.append(Check(name="pipeline", health=Health.DOUBTFUL, finding=finding, advice=advice))
    return tuple(checks)
