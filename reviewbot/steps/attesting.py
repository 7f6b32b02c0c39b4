"""What a run printed → what pytest said in it: the line that begins with the run's own secret.

The line comes out of a process that runs code nobody has read. It is believed only where it carries the secret, and
has exactly the form agreed on.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewbot.domain.trial import Attested, Failure, Measured

_LONGEST_TEXT = 4_000
_Count = Annotated[int, Field(ge=0, le=10_000_000)]
_Line = Annotated[int, Field(ge=-10_000_000, le=10_000_000)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Failure(_Said):
    id: str
    own: bool
    message: str
    text: str


class _Measured(_Said):
    lines: list[_Line]
    taken: list[tuple[_Line, _Line]]
    untaken: list[tuple[_Line, _Line]]


class _Attested(_Said):
    collected: _Count
    passed: _Count
    skipped: _Count
    failures: list[_Failure]
    errors: list[_Failure]
    measured: dict[str, _Measured]


def attested(printed: bytes, secret: str) -> Attested | None:
    """Find the report in what a process printed; None where there is none, or more than one, or a faulty one."""
    mark = secret.encode() + b" "
    lines = [line[len(mark) :] for line in printed.split(b"\n") if line.startswith(mark)]
    if len(lines) != 1:
        return None
    try:
        said = _Attested.model_validate_json(lines[0])
    except ValidationError:
        return None
    return Attested(
        collected=said.collected,
        passed=said.passed,
        skipped=said.skipped,
        failures=tuple(_failure(failure) for failure in said.failures),
        errors=tuple(_failure(error) for error in said.errors),
        measured={path: _measured(found) for path, found in said.measured.items()},
    )


def _failure(said: _Failure) -> Failure:
    return Failure(id=said.id, own=said.own, message=said.message[:_LONGEST_TEXT], text=said.text[:_LONGEST_TEXT])


def _measured(said: _Measured) -> Measured:
    return Measured(lines=frozenset(said.lines), taken=frozenset(said.taken), untaken=frozenset(said.untaken))
