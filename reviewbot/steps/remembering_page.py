"""Dismissals ↔ the page on which the forge keeps them: an issue that people read, and may take lines out of.

One line for each, with a box and a hidden mark of its own::

    - [x] Title in `path`: dismissed by alice in [!12](…), 2026-12-31 <!-- reviewbot:v1 dismissed fp=… data=… sig=… -->
    <!-- reviewbot:v1 dismissals seen=12.0123456789abcdef,… -->

Unticking a line, or deleting it, takes the dismissal back. Which decisions have been written down once is told apart,
so that a line that people have deleted is not written again while its thread still says the same.
"""

import re
from dataclasses import dataclass, replace
from typing import Annotated, Final

from jinja2 import Environment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewbot.domain import markup
from reviewbot.domain.finding import Category
from reviewbot.domain.memory import LONGEST_QUOTE, Dismissal
from reviewbot.domain.request import Account, ChangeRequest
from reviewbot.steps import packing, rendering
from reviewbot.steps.marking import Signer
from reviewbot.steps.remembering import Decisions

TITLE: Final = "reviewbot: dismissed findings"
MOST: Final = 200
"""Dismissals on the page."""
_MOST_SEEN: Final = 300
_LONGEST_PAGE: Final = 60_000
"""Characters; GitHub takes 65,536, and people may write something besides."""
_LONGEST_PHRASE: Final = 300
_LINE: Final = re.compile(
    r"^ {0,3}[-*] \[(?P<box>[ xX])\] .*<!-- reviewbot:v1 (?P<mark>dismissed fp=(?P<fp>[0-9a-f]{32})"
    r" data=(?P<data>[\w.]*) sig=(?P<sig>[^\s>]*)) -->[ \t]*$",
    re.MULTILINE | re.ASCII,
)
_SEEN: Final = re.compile(r"^<!-- reviewbot:v1 dismissals seen=(?P<seen>[0-9a-f.,]*) -->[ \t]*$", re.MULTILINE)


class _Told(BaseModel):
    """A dismissal as its mark tells it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    path: Annotated[str, Field(max_length=4_096)]
    category: Category
    source: str
    rule: str | None
    title: str
    quote: str
    by: str
    request: int
    url: str
    day: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the page."""

    dismissal: Dismissal
    holds: bool = True
    """Whether its box is ticked."""
    mark: str = ""
    """As it stands on the page: kept as it is, since another job's secret may have signed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a page says, the oldest line first."""

    entries: tuple[Entry, ...] = ()
    seen: tuple[str, ...] = ()
    """Keys of all decisions that were ever written down, as far as the page goes back."""
    strange: int = 0
    """Lines with a mark that cannot be believed."""

    @property
    def dismissals(self) -> tuple[Dismissal, ...]:
        """Those that hold."""
        return tuple(entry.dismissal for entry in self.entries if entry.holds)


def read(body: str, own: Account, signer: Signer, request: ChangeRequest) -> Sheet:
    """Read a page of the bot's own. Whoever may edit it could write a mark: with a secret, only signed ones count."""
    text = body.replace("\r\n", "\n")
    found: dict[str, Entry] = {}
    strange = 0
    for match in _LINE.finditer(text):
        signed = signer.verifies(_signed(match["fp"], match["data"], request), match["sig"])
        believed = signed or not (signer.secrets or own.shared)
        dismissal = _dismissal(match["fp"], match["data"]) if believed else None
        if dismissal is None:
            strange += 1
        else:
            found[match["fp"]] = Entry(dismissal=dismissal, holds=match["box"] != " ", mark=match["mark"])
    seen = _SEEN.search(text)
    keys = () if seen is None else tuple(key for key in seen["seen"].split(",") if key)
    return Sheet(entries=tuple(found.values()), seen=keys, strange=strange)


def updated(sheet: Sheet, decisions: Decisions, request: ChangeRequest) -> Sheet:
    """Write down what a request's threads say; the same sheet where that is known already."""
    gone = {
        entry.dismissal.fingerprint
        for entry in sheet.entries
        if entry.dismissal.request == request.number and entry.dismissal.fingerprint in decisions.withdrawn
    }
    keys = {entry.dismissal.key for entry in sheet.entries if entry.dismissal.fingerprint in gone}
    entries = {e.dismissal.fingerprint: e for e in sheet.entries if e.dismissal.fingerprint not in gone}
    seen = [key for key in sheet.seen if key not in keys]
    for new in fresh(sheet, decisions):
        known = entries.get(new.fingerprint)
        if known is None or not known.holds:
            entries.pop(new.fingerprint, None)
            entries[new.fingerprint] = Entry(dismissal=new)
            seen.append(new.key)
    return replace(sheet, entries=tuple(entries.values())[-MOST:], seen=tuple(seen[-_MOST_SEEN:]))


def fresh(sheet: Sheet, decisions: Decisions) -> tuple[Dismissal, ...]:
    """Give the dismissals that were never written down."""
    seen = frozenset(sheet.seen)
    return tuple(dismissal for dismissal in decisions.dismissed if dismissal.key not in seen)


def in_force(sheet: Sheet, decisions: Decisions, request: ChangeRequest) -> tuple[Dismissal, ...]:
    """Give what silences findings in a run for this request: it need not have been written down yet."""
    return updated(sheet, decisions, request).dismissals


def written(sheet: Sheet, signer: Signer, request: ChangeRequest, templates: Environment) -> str:
    """Write the page; where there is no room for all, the oldest go."""
    lines = [_line(entry, signer, request) for entry in sheet.entries]
    seen = f"<!-- reviewbot:v1 dismissals seen={','.join(sheet.seen)} -->"
    template = templates.get_template("comments/dismissals.md.j2")
    while True:
        text = template.render(lines=lines, most=MOST).strip("\n")
        page = f"{text}\n\n{seen}\n"
        if len(page) <= _LONGEST_PAGE or not lines:
            return page
        lines = lines[max(len(lines) // 20, 1) :]


def _line(entry: Entry, signer: Signer, request: ChangeRequest) -> str:
    told = entry.dismissal
    mark = entry.mark or _mark(told, signer, request)
    number = f"{request.dialect.sign}{told.request}"
    where = f"[{number}]({told.url})" if re.fullmatch(r"https?://[\w.:/#-]+", told.url, re.ASCII) else number
    said = f"{rendering.phrase(told.title)} in {rendering.path(told.path)}: dismissed by {markup.text(told.by)}"
    return f"- [{'x' if entry.holds else ' '}] {said} in {where}, {told.day} <!-- reviewbot:v1 {mark} -->"


def _mark(told: Dismissal, signer: Signer, request: ChangeRequest) -> str:
    data = packing.packed(_told(told).model_dump_json())
    return f"dismissed fp={told.fingerprint} data={data} sig={signer.sign(_signed(told.fingerprint, data, request))}"


def _told(dismissal: Dismissal) -> _Told:
    return _Told(
        path=dismissal.path,
        category=dismissal.category,
        source=dismissal.source[:_LONGEST_PHRASE],
        rule=None if dismissal.rule is None else dismissal.rule[:_LONGEST_PHRASE],
        title=dismissal.title[:_LONGEST_PHRASE],
        quote=dismissal.quote[:LONGEST_QUOTE],
        by=dismissal.by[:_LONGEST_PHRASE],
        request=dismissal.request,
        url=dismissal.url,
        day=dismissal.day,
    )


def _dismissal(fingerprint: str, data: str) -> Dismissal | None:
    text = packing.unpacked(data)
    if text is None:
        return None
    try:
        told = _Told.model_validate_json(text)
    except ValidationError:
        return None
    return Dismissal(fingerprint=fingerprint, **told.model_dump())


def _signed(fingerprint: str, data: str, request: ChangeRequest) -> str:
    # For the project, not for one of its requests. The data's alphabet has no NUL.
    place = (request.dialect.forge, fingerprint, data, request.project)
    return "\0".join(("reviewbot:v1", "dismissed", *place))
