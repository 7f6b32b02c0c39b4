"""The saved JSON of an earlier run → its results, to be compared with a new one."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from reviewbot.domain.evaluation import CaseResult, Run
from reviewbot.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saved:
    """What of the document is needed: all figures follow from the results."""

    schema: int
    run: Run
    cases: tuple[CaseResult, ...]


def read(path: Path) -> tuple[Run, tuple[CaseResult, ...]]:
    """Read what ``--save`` wrote. Raises UsageError for anything else."""
    try:
        saved = TypeAdapter(_Saved).validate_python(json.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        message = f"--against {path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(message) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _refused(path, f"{where}: {first['msg']}") from error
    except ValueError as error:
        raise _refused(path, str(error)) from error
    if saved.schema != 1:
        raise _refused(path, f"it has schema {saved.schema}, not 1")
    return saved.run, saved.cases


def _refused(path: Path, why: str) -> UsageError:
    return UsageError(f"--against {path} is no result that 'reviewbot eval --save' wrote: {why}")
