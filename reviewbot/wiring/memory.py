"""What people have dismissed: read from the forge before a review, written down after it was posted.

Never a reason to fail: where issues cannot be used, the memory reaches as far as the request's own threads, and it is
said what would widen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from reviewbot.domain.memory import Dismissal, Memory, Page
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import Patch
from reviewbot.domain.view import plural
from reviewbot.errors import ForgeError
from reviewbot.ports import Archive
from reviewbot.steps import ranking, remembering, remembering_page, silencing
from reviewbot.steps.remembering import Decisions
from reviewbot.steps.remembering_page import Sheet
from reviewbot.wiring.publishing import Board, Desk

WIDER = {
    "gitlab": "give the token's user the role Reporter or above, and let the project have issues",
    "github": "grant the job 'issues: write', and let the repository have issues",
}
"""What makes the memory reach beyond one request, by forge."""
_UNSIGNED = "other programs write as the same account, and there is no secret to sign with: set REVIEWBOT_CACHE_SECRET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What a run knows of people's decisions."""

    memory: Memory = field(default_factory=Memory)
    decisions: Decisions = field(default_factory=Decisions)
    """What this request's own threads say."""
    sheet: Sheet = field(default_factory=Sheet)
    """What the project's page says."""
    page: Page | None = None
    lasting: bool = False
    """Whether there is a page, or could be one."""
    trouble: str | None = None
    """Why there is none, and what to do."""


def recall(desk: Desk, board: Board, patch: Patch, keep: Literal["issue", "request", "off"], now: datetime) -> Recalled:
    """Read what silences findings in this run."""
    if keep == "off":
        return Recalled()
    request, found = desk.request, Recalled()
    if keep == "issue":
        found = _read(desk, board)
    decisions = Decisions()
    if board.heard:
        decisions = remembering.decisions(board.clicked, board.own, request, patch, f"{now:%Y-%m-%d}")
    known = remembering_page.in_force(found.sheet, decisions, request)
    return replace(found, memory=Memory(dismissals=known, sign=request.dialect.sign), decisions=decisions)


def write_down(desk: Desk, recalled: Recalled) -> str | None:
    """Write down what is new. Gives why that did not work, and what to do; None where all is well.

    The page is read again just before: another job may have written since. Should two have opened one at once, the
    older one is the page, and the second round writes there.
    """
    request, archive = desk.request, desk.forge.archive()
    if archive is None or not recalled.lasting or _kept(recalled.sheet, recalled, desk) is None:
        return None
    try:
        own = desk.forge.account()
        for _ in range(2):
            page = _first(archive)
            sheet = Sheet() if page is None else remembering_page.read(page.body, own, desk.signer, request)
            new = _kept(sheet, recalled, desk)
            if new is None:
                return None
            text = remembering_page.written(new, desk.signer, request, desk.templates)
            archive.write(remembering_page.TITLE, text, page)
            if page is not None:
                return None
    except ForgeError as error:
        return _narrow(desk, error)
    return None


def listed(desk: Desk) -> tuple[Page | None, tuple[Dismissal, ...]]:
    """Give the page, and what it silences. Raises ForgeError."""
    archive = desk.forge.archive()
    page = None if archive is None else _first(archive)
    if page is None:
        return None, ()
    sheet = remembering_page.read(page.body, desk.forge.account(), desk.signer, desk.request)
    return page, sheet.dismissals


def silenced(report: Report, recalled: Recalled, max_comments: int) -> Report:
    """Leave out of a saved report what people have dismissed; its verdict was the review's to give."""
    heard = silencing.silence(report.findings, recalled.memory)
    if not heard.silenced:
        return report
    findings = ranking.place(heard.kept, max_comments)
    return replace(report, findings=findings, rejected=(*report.rejected, *heard.rejected), silenced=heard.silenced)


def _kept(sheet: Sheet, recalled: Recalled, desk: Desk) -> Sheet | None:
    """Give the sheet with what is new; None where nothing is."""
    new = remembering_page.updated(sheet, recalled.decisions, desk.request)
    return None if new == sheet else new


def _read(desk: Desk, board: Board) -> Recalled:
    archive = desk.forge.archive()
    if archive is None:
        return Recalled()
    if board.own.shared and not desk.signer.secrets:
        return Recalled(trouble=f"{_reach(desk)}: {_UNSIGNED}")
    try:
        page = _first(archive)
    except ForgeError as error:
        return Recalled(trouble=_narrow(desk, error))
    if page is None:
        return Recalled(lasting=True)
    sheet = remembering_page.read(page.body, board.own, desk.signer, desk.request)
    strange = f"{plural(sheet.strange, 'line')} of {page.url} not believed: this bot has not signed so"
    return Recalled(sheet=sheet, page=page, lasting=True, trouble=strange if sheet.strange else None)


def _first(archive: Archive) -> Page | None:
    pages: Sequence[Page] = archive.pages(remembering_page.TITLE)
    return pages[0] if pages else None


def _narrow(desk: Desk, error: ForgeError) -> str:
    said = str(error).partition(". ")[0]
    return f"{_reach(desk)}: {said}. To share it, {WIDER[desk.request.dialect.forge]}"


def _reach(desk: Desk) -> str:
    return f"the memory of dismissed findings reaches as far as this {desk.request.dialect.request_word}"
