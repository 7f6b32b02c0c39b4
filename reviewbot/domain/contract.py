"""The parts of the JSON contract that reports and plans share, and how a document is laid out."""

import json
from collections.abc import Iterable, Iterator, Mapping

from reviewbot.domain.outcome import FileReport, LineCounts, Unreviewed

Object = Mapping[str, object]
"""What ``json.dumps`` takes; nothing of it is read again here."""


def document(keys: Mapping[str, object]) -> str:
    """Lay out an object with one line a key, and one line an entry of its lists.

    Line numbers one below the other would make a large report long, slow to write and hard to read.
    ASCII only: paths that are not UTF-8 come as escapes of surrogates.
    """
    lines = (f"  {json.dumps(key)}: {_value(value)}" for key, value in keys.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _value(value: object) -> str:
    if isinstance(value, Iterator) or (isinstance(value, (list, tuple)) and value):
        entries = [json.dumps(entry) for entry in value]
        return "[\n    " + ",\n    ".join(entries) + "\n  ]" if entries else "[]"
    return json.dumps(value)


def file_entries(files: Iterable[FileReport]) -> Iterator[Object]:
    """Give the ``files`` of schema 1, one at a time."""
    return (_file(entry) for entry in files)


def line_counts(lines: LineCounts) -> Object:
    """Give the ``lines`` of schema 1."""
    return {
        "changed": lines.changed,
        "reviewed": lines.reviewed,
        "skipped": lines.skipped,
        "failed": lines.failed,
    }


def _file(entry: FileReport) -> Object:
    file = entry.file
    return {
        "path": file.path,
        "old_path": file.old_path,
        "status": file.status,
        "binary": file.binary,
        "added": file.added,
        "removed": file.removed,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "unreviewed": [_run(run) for run in entry.unreviewed],
    }


def _run(run: Unreviewed) -> Object:
    return {
        "side": run.side,
        "start": run.start,
        "end": run.end,
        "outcome": run.outcome,
        "reason": run.reason,
    }
