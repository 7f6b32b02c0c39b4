"""No forge at all: a dry run outside of a pipeline shows what would be posted on a request without any thread."""

from collections.abc import Callable, Mapping

from reviewbot.domain.finding import Placement
from reviewbot.domain.outcome import Comparison
from reviewbot.domain.patch import FilePatch, Hunk, Patch
from reviewbot.domain.posting import Posted, PostingPlan
from reviewbot.domain.request import GITHUB, Account, ChangeRequest, ForgeFile
from reviewbot.domain.thread import Thread
from reviewbot.errors import ReadOnlyError

_NOBODY = Account(id=1, name="reviewbot", bot=True)
_NO_COMMIT = "0" * 40


class LocalForge:
    """A request that stands nowhere: it can be read, and takes no post."""

    def __init__(self, comparison: Comparison, patch: Patch) -> None:
        self._comparison = comparison
        self._patch = patch

    def request(self) -> ChangeRequest:
        """Give a request around the comparison."""
        base = self._comparison.base_sha or _NO_COMMIT
        return ChangeRequest(
            dialect=GITHUB,
            project="this repository",
            number=0,
            url="",
            title=self._comparison.description,
            description="",
            author=_NOBODY,
            labels=(),
            draft=False,
            open=True,
            from_fork=False,
            head_sha=self._comparison.head_sha or _NO_COMMIT,
            base_sha=base,
            start_sha=base,
            source_branch="",
            target_branch="",
        )

    def account(self) -> Account:
        """Give a made-up account."""
        return _NOBODY

    def files(self) -> tuple[ForgeFile, ...]:
        """Show the whole patch, as a forge without limits would."""
        return tuple(_file(file) for file in self._patch.files)

    def threads(self) -> tuple[Thread, ...]:
        """Nothing stands anywhere."""
        return ()

    def writes(self, account: Account) -> bool:  # noqa: ARG002 - the port wants it
        """Nobody may write here."""
        return False

    def archive(self) -> None:
        """Nothing is kept."""

    def carry_out(
        self,
        plan: PostingPlan,  # noqa: ARG002 - the port wants them
        summary: Callable[[Mapping[str, Placement]], str | None],  # noqa: ARG002
    ) -> Posted:
        """Refuse."""
        message = "there is no merge request or pull request here to post to"
        raise ReadOnlyError(message)


def _file(file: FilePatch) -> ForgeFile:
    hunks = "\n".join(_text(hunk) for hunk in file.hunks)
    return ForgeFile(path=file.path, old_path=file.old_path, hunks=hunks or None, withheld=None)


def _text(hunk: Hunk) -> str:
    rows = hunk.body.split("\n")
    old, new = sum(row[0] != "+" for row in rows), sum(row[0] != "-" for row in rows)
    # A side without lines names the line before it.
    starts = (hunk.old_start - (old == 0), hunk.new_start - (new == 0))
    return f"@@ -{starts[0]},{old} +{starts[1]},{new} @@\n{hunk.body}"
