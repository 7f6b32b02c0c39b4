"""The change request that a command runs for: found in the environment, asked of its forge, told of what fails.

A forge that cannot be reached does not cost the review: the report is saved, and posted later.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from reviewbot.domain.request import ChangeRequest
from reviewbot.errors import ForgeError, ReadOnlyError, Superseded
from reviewbot.settings import pipelines
from reviewbot.settings.pipelines import Pipeline
from reviewbot.wiring.changes import Selection
from reviewbot.wiring.forges import Attended, attended


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The change request, as far as it could be asked for."""

    pipeline: Pipeline
    attended: Attended | None = None
    read_only: ReadOnlyError | None = None
    """Why nothing can be written there."""
    trouble: ForgeError | None = None
    """Why it could not be asked at all."""

    @property
    def request(self) -> ChangeRequest | None:
        """The request as the forge knows it."""
        return None if self.attended is None else self.attended.request


def host(environ: Mapping[str, str], stack: ExitStack, say: Callable[[str], None]) -> Host | None:
    """Find the change request of this job; None outside of a merge-request pipeline.

    Raises Superseded where a newer push has come.
    """
    pipeline = pipelines.detect(environ)
    if pipeline is None:
        return None
    try:
        found = stack.enter_context(attended(pipeline, time.sleep))  # noqa: TID251 - the command line is the world
    except Superseded:
        raise
    except ReadOnlyError as error:
        say(str(error))
        return Host(pipeline=pipeline, read_only=error)
    except ForgeError as error:
        say(f"{error}. The review goes on, and its report is saved")
        return Host(pipeline=pipeline, trouble=error)
    return Host(pipeline=pipeline, attended=found)


def selected(selection: Selection, found: Host | None) -> Selection:
    """Compare what the forge compares, where the user has not said otherwise."""
    request = None if found is None else found.request
    if request is None or selection.staged or selection.diff is not None:
        return selection
    return replace(
        selection,
        base=selection.base or f"origin/{request.target_branch}",
        head=selection.head or request.head_sha,
        merge_base=None if selection.base else request.base_sha,
    )


FAILED = 3
"""Exit code of a post that failed."""
