"""Runs ruff's own program on texts laid out in a temporary folder, and reads its answer.

Nothing of the repository is on the command line, in the environment or in the working folder except the
texts themselves. Paths come from strangers: one that would leave the folder is refused.
"""

import importlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from reviewbot.domain.edit import Edit

Locate = Callable[[], str | None]
_OPTIONS: Final = (
    "check",
    "--no-cache",
    "--no-fix",
    "--no-fix-only",
    "--no-respect-gitignore",
    "--exit-zero",
    "--ignore-noqa",
    "--output-format=json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One report of ruff: rows and columns count from 1, columns in code points."""

    path: str
    code: str
    message: str
    row: int
    column: int
    end_row: int
    noqa_row: int | None = None
    """Where a comment that silences it would stand."""
    edits: tuple[Edit, ...] = ()
    """Of a safe fix; empty if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a run gave: diagnostics, or why there are none."""

    diagnostics: tuple[Diagnostic, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    """Path and reason of texts that could not be laid out."""
    fault: str | None = None
    """Why the whole run failed."""


def locate() -> str | None:
    """Find ruff's program: the one installed with us, else one on the search path."""
    try:
        return str(importlib.import_module("ruff").find_ruff_bin())
    except (ImportError, AttributeError, OSError):
        found = shutil.which("ruff")
        # A relative search path would find a program inside the repository under review.
        return found if found and Path(found).is_absolute() else None


def run(
    program: str,
    texts: Mapping[str, bytes],
    *,
    options: Sequence[str] = (),
    configuration: Mapping[str, bytes],
    timeout_s: float,
) -> Answer:
    """Lay out texts and configuration files by path, run ruff over them, and read what it says."""
    with tempfile.TemporaryDirectory(prefix="reviewbot-ruff-") as folder:
        root, home = Path(folder).resolve() / "tree", Path(folder).resolve() / "home"
        root.mkdir()
        home.mkdir()
        for path, text in configuration.items():
            if reason := _lay_out(root, path, text):
                return Answer(fault=f"of the configuration {path}, {reason}")
        refused = {path: reason for path, text in texts.items() if (reason := _lay_out(root, path, text))}
        try:
            answer = subprocess.run(
                [program, *_OPTIONS, *options, "."],
                cwd=root,
                env={"HOME": str(home), "PATH": os.defpath, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Answer(fault=f"ruff took longer than {timeout_s:g} s")
        except OSError as error:
            return Answer(fault=f"ruff could not be started: {error.strerror}")
    if answer.returncode:
        return Answer(fault=_complaint(answer, str(root)))
    return _read(answer.stdout, str(root), [path for path in texts if path not in refused], refused)


def _complaint(answer: subprocess.CompletedProcess[bytes], root: str) -> str:
    said = answer.stderr.decode("utf-8", "replace").replace(f"{root}/", "").split("\n")
    told = " ".join(" ".join(said[:4]).split())[:300]
    return f"ruff ended with code {answer.returncode}: {told}"


def _lay_out(root: Path, path: str, text: bytes) -> str | None:
    """Write one text under its path; give the reason where that is not possible."""
    parts = path.split("/")
    if not path or "\0" in path or "\\" in path or {"", ".", ".."} & set(parts):
        return "its path is not safe to write"
    target = root.joinpath(*parts)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        return f"its path cannot be written: {getattr(error, 'strerror', None) or error}"
    return None


class _Point(BaseModel):
    row: int
    column: int


class _Edit(BaseModel):
    content: str | None
    location: _Point
    end_location: _Point


class _Fix(BaseModel):
    applicability: str
    edits: list[_Edit]


class _Entry(BaseModel):
    code: str | None
    filename: str
    message: str
    location: _Point | None
    end_location: _Point | None
    noqa_row: int | None = None
    fix: _Fix | None = None


_ENTRIES: Final = TypeAdapter(list[_Entry])


def _read(output: bytes, root: str, paths: Sequence[str], refused: Mapping[str, str]) -> Answer:
    try:
        entries = _ENTRIES.validate_json(output)
    except ValidationError:
        return Answer(fault="ruff's answer is not the JSON that was asked for")
    shown: dict[str, list[str]] = {}
    for path in paths:
        shown.setdefault(f"{root}/{os.fsencode(path).decode('utf-8', 'replace')}", []).append(path)
    # Names that are not UTF-8 can fall together: then nobody knows whose diagnostics these are.
    doubtful = {path: _DOUBTFUL for alike in shown.values() if len(alike) > 1 for path in alike}
    found = [
        _diagnostic(entry, path) for entry in entries for path in shown.get(entry.filename, ()) if path not in doubtful
    ]
    return Answer(diagnostics=tuple(found), refused=tuple({**refused, **doubtful}.items()))


_DOUBTFUL: Final = "its name is not UTF-8, and ruff shows another file's name in the same way"


def _diagnostic(entry: _Entry, path: str) -> Diagnostic:
    start = entry.location or _Point(row=1, column=1)
    end = entry.end_location or start
    # A span that ends before the first character of a line does not contain that line.
    end_row = end.row - 1 if end.column == 1 and end.row > start.row else end.row
    fix = entry.fix
    return Diagnostic(
        path=path,
        code=entry.code or "invalid-syntax",
        message=entry.message,
        row=start.row,
        column=start.column,
        end_row=end_row,
        noqa_row=entry.noqa_row,
        edits=tuple(map(_edit, fix.edits)) if fix and fix.applicability == "safe" else (),
    )


def _edit(edit: _Edit) -> Edit:
    start, end = edit.location, edit.end_location
    return Edit(start.row, start.column, end.row, end.column, edit.content or "")
