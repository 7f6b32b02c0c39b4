"""A folder of labelled cases → cases.

A case is a folder with ``case.toml`` and ``change.diff``, a unified diff as git writes it. ``case.toml``:

    about = "What a customer typed becomes part of an SQL text."   # for people, never sent
    language = "python"
    category = "injection"
    whole = true                    # the diff shows its files whole (git diff -U9999): static rules need that

    [[expected]]                    # none at all: a clean case
    severity = "critical"
    category = "security"
    why = "The typed text stands in the SQL."
    places = [{ quote = "query = f'…'" }, { quote = "execute(query)" }]   # any of them is right

    [[accepted]]                    # a comment here is neither right nor wrong
    quote = "…"

A place is a ``quote`` of the change, with ``line`` where it occurs more than once, ``side = "LEFT"`` for removed lines
and ``path`` where the change has several files.
"""

import hashlib
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewbot.domain.evaluation import Case, Expected, Place
from reviewbot.domain.finding import Category, Confidence, Finding, Severity
from reviewbot.domain.patch import FilePatch, Patch, Side
from reviewbot.errors import UsageError
from reviewbot.steps import anchoring, diffing, prompting

_LABELS, _CHANGE = "case.toml", "change.diff"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Place(_Part):
    quote: str = Field(min_length=1)
    path: str | None = None
    side: Literal["LEFT", "RIGHT"] = "RIGHT"
    line: int | None = Field(default=None, gt=0)


class _Expected(_Part):
    severity: Severity
    category: Category
    why: str = Field(min_length=1)
    places: tuple[_Place, ...] = Field(min_length=1)


class _Labels(_Part):
    about: str = Field(min_length=1)
    language: str = Field(pattern=r"^[a-z+#-]+$")
    category: str = Field(pattern=r"^[a-z-]+$")
    whole: bool = False
    expected: tuple[_Expected, ...] = ()
    accepted: tuple[_Place, ...] = ()


def read(folder: Path) -> tuple[Case, ...]:
    """Read all cases below a folder, in the order of their ids. Raises UsageError that names the case at fault."""
    found = [_case(path.parent) for path in sorted(folder.rglob(_LABELS))]
    if not found:
        message = f"there are no cases in {folder}: a case is a folder with {_LABELS} and {_CHANGE}"
        raise UsageError(message)
    cases = {case.id: case for case in found}
    if len(cases) < len(found):
        twice = next(case.id for case in found if cases[case.id] is not case)
        message = f"two cases are called {twice}: the name of a case's folder must be its own within its language"
        raise UsageError(message)
    return tuple(cases[name] for name in sorted(cases))


def new_text(file: FilePatch) -> bytes:
    """Give the new text of a file that a diff shows whole."""
    lines = [line.text for hunk in file.hunks for line in hunk.lines() if line.new is not None]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _case(folder: Path) -> Case:
    labels_data, diff = _bytes(folder / _LABELS), _bytes(folder / _CHANGE)
    labels = _labels(labels_data, folder)
    patch = _patch(diff, folder)
    if labels.whole and any(len(file.hunks) != 1 or file.hunks[0].new_start != 1 for file in patch.files):
        raise _fault(folder, f"it is said to be whole, but {_CHANGE} does not show its files from their first line on")
    return Case(
        id=f"{labels.language}/{folder.name}",
        language=labels.language,
        category=labels.category,
        about=labels.about,
        digest=hashlib.sha256(labels_data + b"\0" + diff).hexdigest()[:12],
        whole=labels.whole,
        patch=patch,
        expected=tuple(
            Expected(
                places=tuple(_place(place, patch, folder) for place in each.places),
                severity=each.severity,
                category=each.category,
                why=each.why,
            )
            for each in labels.expected
        ),
        accepted=tuple(_place(place, patch, folder) for place in labels.accepted),
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"the case {path.parent} cannot be used: {path.name} cannot be read: {error.strerror or error}"
        raise UsageError(message) from error


def _labels(data: bytes, folder: Path) -> _Labels:
    try:
        return _Labels.model_validate(tomllib.loads(data.decode("utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _fault(folder, f"{_LABELS}: {where}: {first['msg']}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _fault(folder, f"{_LABELS} is no TOML: {error}") from error


def _patch(diff: bytes, folder: Path) -> Patch:
    try:
        patch = diffing.bare(diff)
    except UsageError as error:
        raise _fault(folder, f"{_CHANGE}: {error}") from error
    defect = next((file.defect for file in patch.files if file.defect is not None), None)
    if defect is not None:
        raise _fault(folder, f"{_CHANGE}: {defect}")
    return patch


def _place(place: _Place, patch: Patch, folder: Path) -> Place:
    """Find the quote as a model's quote is found, so that labels and findings mean the same lines."""
    if place.path is None and len(patch.files) > 1:
        raise _fault(folder, f"{_CHANGE} has several files: say the path of '{place.quote}'")
    probe = Finding(
        path=place.path or patch.files[0].path,
        severity=Severity.LOW,
        confidence=Confidence.LOW,
        category=Category.BUG,
        title="",
        body="",
        quote=place.quote,
        source="label",
        side=Side(place.side),
        hint=place.line,
    )
    (found,) = anchoring.place([probe], patch, prompting.readable)
    if found.span is None:
        hint = "give its line if it occurs more than once"
        raise _fault(folder, f"'{place.quote}' has no one place on the {place.side} side of the change; {hint}")
    return Place(path=found.path, side=found.span.side, start=found.span.start, end=found.span.end)


def _fault(folder: Path, why: str) -> UsageError:
    return UsageError(f"the case {folder} cannot be used: {why}")
