"""The forge that is none: what a dry run outside of a pipeline is planned for."""

import drawing
import pytest

from reviewbot.domain.outcome import Comparison
from reviewbot.domain.patch import Patch
from reviewbot.domain.posting import PostingPlan, Summary
from reviewbot.errors import ReadOnlyError
from reviewbot.forges.local import LocalForge
from reviewbot.steps import diffing

PATCH = drawing.patch(
    """
    app.py
        1 def f():
      - 2     return 1
      + 2     return 2
    new.py (added)
      + 1 x = 1
    gone.py (deleted)
      - 1 y = 1
    """
)
COMPARISON = Comparison(base_sha="b" * 40, head_sha="a" * 40, description="main with topic")


def test_it_shows_the_whole_patch_so_that_it_can_be_read_back() -> None:
    files = LocalForge(COMPARISON, PATCH).files()
    assert {None} == {file.withheld for file in files}
    again = diffing.shown(files)
    assert [(file.path, file.old_path, file.hunks) for file in PATCH.files] == [
        (file.path, file.old_path, file.hunks) for file in again.files
    ]


def test_its_request_is_at_the_commits_that_were_compared_or_at_none() -> None:
    request = LocalForge(COMPARISON, PATCH).request()
    assert ("a" * 40, "b" * 40, True) == (request.head_sha, request.base_sha, request.open)
    bare = LocalForge(Comparison(base_sha=None, head_sha=None, description="a diff"), Patch(files=())).request()
    assert ("0" * 40, "0" * 40) == (bare.head_sha, bare.base_sha)


def test_nothing_stands_there_and_nothing_can_be_posted() -> None:
    forge = LocalForge(COMPARISON, PATCH)
    assert () == forge.threads()
    assert forge.account().id
    plan = PostingPlan(
        request=forge.request(), create=(), keep=(), resolve=(), summary=Summary(thread_id=None, note_id=None, body="x")
    )
    with pytest.raises(ReadOnlyError, match="there is no merge request or pull request here"):
        forge.carry_out(plan, lambda _: None)
