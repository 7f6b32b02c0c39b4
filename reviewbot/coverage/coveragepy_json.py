"""``coverage json`` of coverage.py.

https://coverage.readthedocs.io/en/latest/commands/cmd_json.html. The report is parsed at once, in about twice its
own size of memory: the parser turns each file's lists into masks as soon as it has them.
Its time says no zone, so it is not taken for the time of the report.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reviewbot.coverage import gathering, opening
from reviewbot.coverage.gathering import Gathered
from reviewbot.domain.coverage import Branches, CoverageReport

_LARGEST_BYTES: Final = 512 << 20


def sniff(head: bytes) -> bool:
    """Tell the report by its beginning, which is ``{"meta": {"format": …``."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"{") and b'"meta"' in start and (b'"branch_coverage"' in start or b'"version"' in start)


def read(path: Path, detail: Callable[[str], bool]) -> CoverageReport:
    """Read a report; contexts, functions and classes are left out. Raises UsageError."""
    opening.check(path, _LARGEST_BYTES)
    with opening.reading(path):
        try:
            with path.open(encoding="utf-8-sig") as file:
                document = json.load(file, object_hook=_compact)
            files = _files(document["files"], detail)
            files.has_branches |= document["meta"].get("branch_coverage") is True
        except json.JSONDecodeError as error:
            message = f"line {error.lineno}: {error.msg}"
            raise ValueError(message) from error
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            message = f"it is not as `coverage json` writes it ({type(error).__name__}: {error})"
            raise ValueError(message) from error
    return CoverageReport(format="coverage.py", name=str(path), files=files.files(), has_branches=files.has_branches)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    measured: int
    covered: int
    executed: Sequence[Sequence[int]]
    missing: Sequence[Sequence[int]]


def _compact(found: dict[str, Any]) -> dict[str, Any] | _File:
    """Replace what the report says of a file, class or function; leave everything else."""
    if "executed_lines" not in found:
        return found
    # Versions up to 7.6 at least list what ran and is excluded, too; and docstrings, which nothing here can tell.
    covered = gathering.mask(found["executed_lines"]) & ~gathering.mask(found.get("excluded_lines", ()))
    return _File(
        measured=covered | gathering.mask(found["missing_lines"]),
        covered=covered,
        executed=found.get("executed_branches", ()),
        missing=found.get("missing_branches", ()),
    )


def _files(found: Mapping[str, _File], detail: Callable[[str], bool]) -> Gathered:
    files = Gathered()
    for name, file in found.items():
        files.has_branches |= bool(file.executed or file.missing)
        files.add(name, file.measured, file.covered, _branches(file) if detail(name) else {})
    return files


def _branches(file: _File) -> dict[int, Branches]:
    outcomes: defaultdict[int, dict[str, bool]] = defaultdict(dict)
    for arcs, taken in ((file.missing, False), (file.executed, True)):
        for line, target in arcs:
            outcomes[line][str(target)] = taken
    return {line: gathering.named("arc", targets) for line, targets in outcomes.items()}
