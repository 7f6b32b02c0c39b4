"""``reviewbot init``."""

import argparse
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from reviewbot.cli.streams import write_text
from reviewbot.errors import UsageError
from reviewbot.wiring.starting import Starter, next_steps, package, starters


def init(options: argparse.Namespace, _environ: Mapping[str, str]) -> int:
    """Write the pipeline files and a configuration, and say what is left to do; gives the exit code."""
    top = _top((options.repo or Path.cwd()).resolve())
    source = package(_direct_url())
    files = starters(options.ci, source)
    standing = {file.path: _text(top / file.path) for file in files}
    _refuse(files, standing, force=options.force)
    kept = next((standing[file.path] for file in files if file.theirs), None)
    lines = [_settled(top, file, standing[file.path]) for file in files]
    steps = [f"{number}. {step}" for number, step in enumerate(next_steps(options.ci, source, kept), 1)]
    write_text("\n".join([*lines, "", "Next:", *steps]) + "\n")
    return 0


def _top(folder: Path) -> Path:
    """Find the top of the repository: forges read pipeline files there only."""
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    message = f"{folder} is in no git work tree, and a forge reads pipeline files at the top of one. Run git init first"
    raise UsageError(message)


def _direct_url() -> str | None:
    try:
        return distribution("reviewbot").read_text("direct_url.json")
    except PackageNotFoundError:
        return None  # run from a checkout that is not installed


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise UsageError(message) from error


def _refuse(files: Iterable[Starter], standing: Mapping[str, str | None], *, force: bool) -> None:
    """Refuse to lose anything, before the first file is written."""
    others = [file.path for file in files if not file.theirs and standing[file.path] not in {None, file.text}]
    if others and not force:
        message = (
            f"there already is {' and '.join(others)}, with other content. Nothing was written. Overwrite with --force "
            "(what is committed stays in git), or move the file away"
        )
        raise UsageError(message)


def _settled(top: Path, file: Starter, standing: str | None) -> str:
    """Bring one file to its state, and tell what happened."""
    if standing == file.text:
        return f"unchanged {file.path}"
    if file.theirs and standing is not None:
        return f"kept {file.path}, which is yours"
    path = top / file.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, "utf-8", newline="\n")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise UsageError(message) from error
    return f"wrote {file.path}"
