"""What goes where: the result to stdout or a file, all else to stderr."""

import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TextIO

from reviewbot.domain import view
from reviewbot.domain.events import Progress
from reviewbot.domain.outcome import Report
from reviewbot.errors import UsageError
from reviewbot.ports import Observer

_WIDTHS = (60, 120)
_DEVICES = Path(os.devnull).absolute().parent


class Notes:
    """Sentences for people, on stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def __call__(self, sentence: str) -> None:
        """Say something, unless the user wants it quiet."""
        if not self._quiet:
            tell(sentence)


def tell(sentence: str) -> None:
    """Write a sentence to standard error; where nobody listens there, it goes on without."""
    # Git and parsers quote what a stranger wrote: without escape sequences, sure to be encodable, and without a
    # line of its own, which a CI runner could take for a command.
    text = view.visible(sentence).replace("\n", "\nreviewbot: ")
    with suppress(OSError, AttributeError, ValueError):  # a closed pipe, or no standard error at all
        sys.stderr.write(f"reviewbot: {text}\n")
        sys.stderr.flush()


def render(name: str, report: Report) -> str:
    """Render a report in a format by its name; only that format's module is loaded."""
    text: str = import_module(f"reviewbot.outputs.{name}").render(report)
    return text


def write_stdout(name: str, report: Report, color: str, environ: Mapping[str, str]) -> None:
    """Write the result, and nothing else, to standard output."""
    if name == "text":
        from reviewbot.outputs import text

        columns = shutil.get_terminal_size((100, 24)).columns
        width = min(max(columns, _WIDTHS[0]), _WIDTHS[1])
        rendered = text.render(report, color=wants_color(color, environ), width=width)
    else:
        rendered = render(name, report)
    write_text(rendered)


def write_text(text: str) -> None:
    """Write text to standard output as UTF-8, whatever the locale says."""
    if sys.stdout is None:  # closed by the caller
        return
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except OSError as error:
        # Keep Python from trying again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # a reader that has seen enough changes no verdict
            message = f"standard output cannot be written: {error.strerror or error}"
            raise UsageError(message) from error


def write_file(path: Path, name: str, report: Report) -> None:
    """Write a format to a file, whole or not at all. Raises UsageError if that is impossible."""
    write_to(path, render(name, report))


def write_to(path: Path, text: str) -> None:
    """Write text to a file, whole or not at all. Raises UsageError if that is impossible."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.absolute().is_relative_to(_DEVICES) or path.is_fifo():
            path.write_bytes(data)  # what must not be replaced, /dev/stdout for one
        else:
            _replace(path, data)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise UsageError(message) from error


def _replace(path: Path, data: bytes) -> None:
    # A name that nobody can foresee: a change could hold a symlink of that name, to be written through.
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def wants_color(choice: str, environ: Mapping[str, str]) -> bool:
    """Decide on colour: the flag, then NO_COLOR and FORCE_COLOR, then whether stdout is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or _is_terminal(sys.stdout)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # None: closed by the caller


@contextmanager
def progress(*, quiet: bool) -> Iterator[Observer]:
    """Show how far the requests are: a bar on a terminal, nothing elsewhere."""
    if quiet or not _is_terminal(sys.stderr):
        yield _unseen
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("reviewing"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")

        def observe(progress: Progress) -> None:
            failed = f"{progress.failed} failed" if progress.failed else ""
            bar.update(task, total=progress.total, completed=progress.done, description=failed)

        yield observe


def _unseen(progress: Progress) -> None:
    """Take no note of progress."""
