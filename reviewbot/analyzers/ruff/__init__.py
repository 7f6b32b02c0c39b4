"""Runs ruff on the changed Python files and keeps what it says of added lines.

The changed-line filter is the feature: it removes 88 to 99 % of what ruff says of whole files. The files
are never imported or run; they are written to a temporary folder under the configuration of the trusted
side (`configuring`), and ruff reads them there (`running`).
"""

import io
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reviewbot.analyzers.ruff import judging
from reviewbot.analyzers.ruff.configuring import NAMES, Configuration, configuration
from reviewbot.analyzers.ruff.reporting import findings
from reviewbot.analyzers.ruff.running import Diagnostic, Locate, locate, run
from reviewbot.analyzers.ruff.silencing import spoken
from reviewbot.domain.analysis import Analysis
from reviewbot.domain.patch import FilePatch, Status
from reviewbot.ports import Sources

_PROFILE: Final = Path(__file__).with_name("profile.toml")
_TIMEOUT_S: Final = 120.0
_SYMLINK: Final = "120000"


def analyze(
    files: Sequence[FilePatch], sources: Sources, *, locate: Locate = locate, timeout_s: float = _TIMEOUT_S
) -> Analysis:
    """Report what ruff says of the added lines of Python files.

    A deleted file is covered: nothing of it is left to read. A file whose text is not known is not
    covered; one that ruff could not read has failed. ``timeout_s`` holds for each run of ruff: there is
    one under the repository's own configuration, and one for each Python version that projects without
    such a configuration ask for.
    """
    python = [file for file in files if _is_python(file)]
    present = [file for file in python if file.status is not Status.DELETED]
    texts = {file.path: text for file in present if (text := _text(file, sources)) is not None}
    gone = {file.path for file in python} - {file.path for file in present}
    program = locate() if texts else None
    if program is None:
        reason = "ruff was not found: install it beside reviewbot"
        return Analysis(source="ruff", covered=frozenset(gone), failed=tuple((path, reason) for path in texts))
    told = _ask(program, texts, configuration(sources.trusted_files(NAMES)), timeout_s)
    heard, silenced = spoken(told.diagnostics, present, texts)
    return Analysis(
        source="ruff",
        findings=tuple(findings(heard, present, texts)),
        covered=frozenset((gone | texts.keys()) - told.failed.keys() - told.skipped.keys()),
        failed=tuple(sorted(told.failed.items())),
        skipped=tuple(sorted(told.skipped.items())),
        silenced=silenced,
        notes=(*told.notes, *_broken(told.diagnostics)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    diagnostics: tuple[Diagnostic, ...]
    failed: Mapping[str, str]
    skipped: Mapping[str, str]
    """What ruff cannot read, and will not be able to read the next time."""
    notes: tuple[str, ...]


def _is_python(file: FilePatch) -> bool:
    link = _SYMLINK in (file.new_mode, file.old_mode if file.status is Status.DELETED else None)
    readable = not (file.binary or file.defect or file.is_submodule or link)
    return readable and file.path.endswith((".py", ".pyi"))


def _text(file: FilePatch, sources: Sources) -> bytes | None:
    known = sources.new_text(file)
    if known is not None:
        return _as_utf8(known)
    if file.status is not Status.ADDED:
        return None
    lines = [line.text for hunk in file.hunks for line in hunk.lines()]
    ends = "" if not lines or any(hunk.no_newline for hunk in file.hunks) else "\n"
    return ("\n".join(lines) + ends).encode("utf-8", "surrogateescape")


def _as_utf8(text: bytes) -> bytes:
    """Give a text that names another encoding as UTF-8, which is all that ruff reads."""
    try:
        text.decode()
    except UnicodeDecodeError:
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(text).readline)
            return text.decode(encoding).encode()
        except (SyntaxError, UnicodeDecodeError, LookupError):
            return text  # ruff says what is wrong with it
    return text


def _ask(program: str, texts: Mapping[str, bytes], trusted: Configuration, timeout_s: float) -> _Told:
    """Run ruff under the repository's configuration where there is one, else under the profile."""
    own = {path: text for path, text in texts.items() if trusted.uses_own(path)}
    faults = {fault for fault in map(trusted.fault, texts) if fault}
    notes = [_fallback(fault) for fault in sorted(faults)]
    found: list[Diagnostic] = []
    failed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    if own:
        answer = run(program, own, configuration=trusted.files_for(own), timeout_s=timeout_s)
        if answer.fault:
            notes.append(_fallback(answer.fault))
            own = {}
        else:
            notes.append("ruff ran with the repository's own configuration.")
        found += answer.diagnostics
        skipped.update(answer.refused)
    rest = {path: text for path, text in texts.items() if path not in own}
    if rest:
        notes.append("ruff ran with reviewbot's built-in profile.")
    for target in sorted({trusted.target(path) or "" for path in rest}):
        group = {path: text for path, text in rest.items() if (trusted.target(path) or "") == target}
        options = (f"--config={_PROFILE}", *([f"--target-version={target}"] if target else []))
        answer = run(program, group, options=options, configuration={}, timeout_s=timeout_s)
        found += answer.diagnostics
        if answer.fault:
            failed.update(dict.fromkeys(group, answer.fault))
        skipped.update(answer.refused)
    skipped.update(
        {one.path: f"ruff could not read it: {one.message}" for one in found if one.code == judging.UNREADABLE}
    )
    return _Told(diagnostics=tuple(found), failed=failed, skipped=skipped, notes=tuple(notes))


def _fallback(fault: str) -> str:
    return f"The repository's ruff configuration could not be used: {fault.rstrip('.')}."


def _broken(diagnostics: Iterable[Diagnostic]) -> list[str]:
    paths = sorted({one.path for one in diagnostics if one.code == judging.SYNTAX})
    return [f"{path} has invalid syntax: most rules of ruff could not run on it." for path in paths]
