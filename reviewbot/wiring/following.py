"""What became of the bot's comments: read from the forge and the clone, told to the ledger once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reviewbot.domain.finding import Finding
from reviewbot.domain.patch import FilePatch, Patch
from reviewbot.domain.request import ChangeRequest
from reviewbot.domain.uptake import CommentTold
from reviewbot.errors import UsageError
from reviewbot.observers import ledger
from reviewbot.pipeline import Change
from reviewbot.settings.environment import Stores
from reviewbot.settings.schema import Settings
from reviewbot.steps import following
from reviewbot.steps.following import Push
from reviewbot.wiring.changes import Selection, opened
from reviewbot.wiring.publishing import Board
from reviewbot.wiring.surroundings import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Where it is kept what becomes of comments."""

    stores: Stores
    settings: Settings

    @property
    def wanted(self) -> bool:
        """Whether it is kept anywhere."""
        return any((self.stores.ledger, self.stores.metrics, self.stores.pushgateway))

    def tell(self, told: Sequence[CommentTold]) -> tuple[CommentTold, ...]:
        """Write to the ledger what it does not know yet, and give that."""
        path = self.stores.ledger
        if path is None:
            return tuple(told)
        fresh = following.news(told, ledger.uptakes(path))
        write = ledger.Ledger(path, utc_now, keep_days=self.settings.ledger.keep_days)
        for one in fresh:
            write(one)
        return fresh


def follow(
    record: Record, request: ChangeRequest, board: Board, change: Change, selection: Selection,
    environ: Mapping[str, str],
) -> tuple[CommentTold, ...]:  # fmt: skip
    """Look what became of the comments that stand, record it, and give what is new."""
    if not record.wanted:
        return ()
    push = _push(board, request, change, selection, environ)
    return record.tell(following.followed(board.marked, board.own, request, push))


def teller(record: Record, request: ChangeRequest) -> Callable[[Sequence[Finding]], None]:
    """Give what records the findings that have just been posted."""

    def tell(findings: Sequence[Finding]) -> None:
        if record.wanted:
            record.tell([following.posted(finding, request) for finding in findings])

    return tell


def _push(
    board: Board, request: ChangeRequest, change: Change, selection: Selection, environ: Mapping[str, str]
) -> Push:
    def text(file: FilePatch) -> str | None:
        data = change.sources.new_text(file)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    seen = None if board.summary is None else board.summary.head_sha
    moved = seen is not None and seen != request.head_sha
    since = _since(seen, selection, environ) if moved else None
    removed = {} if since is None else following.removed(since)
    return Push(patch=change.patch, text=text, moved=moved, removed=removed)


def _since(seen: str | None, selection: Selection, environ: Mapping[str, str]) -> Patch | None:
    """Compare the newest commit with the one that the last run saw; None where that is gone, as after a force-push."""
    try:
        with opened(replace(selection, merge_base=seen), environ, Path.cwd()) as source:
            change = source.change
    except UsageError:
        return None
    # Without that commit it is the merge base that was compared with: that tells nothing of this push.
    return change.patch if change.comparison.base_sha == seen else None
