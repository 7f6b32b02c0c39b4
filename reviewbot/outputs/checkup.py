"""The answer of ``reviewbot doctor``, for people and for programs."""

import json
from collections.abc import Iterator, Sequence

from reviewbot.domain.checkup import Check, Health
from reviewbot.domain.view import label, plural

_SIGNS = {Health.GOOD: "ok", Health.DOUBTFUL: "warn", Health.BAD: "FAIL", Health.ABSENT: "-"}


def as_json(checks: Sequence[Check]) -> str:
    """Render the checks as a list of objects."""
    rows = [
        {"name": check.name, "health": check.health, "finding": check.finding, "advice": check.advice}
        for check in checks
    ]
    return json.dumps(rows, indent=2) + "\n"


def as_text(checks: Sequence[Check]) -> str:
    """Render the checks one a line, each with what to do, and a last line that sums up."""
    return "\n".join(_lines(checks)) + "\n"


def _lines(checks: Sequence[Check]) -> Iterator[str]:
    width = max((len(check.name) for check in checks), default=0)
    for check in checks:
        yield f"{_SIGNS[check.health]:<4}  {check.name:<{width}}  {label(check.finding)}"
        if check.advice:
            yield f"{'':<4}  {'':<{width}}  → {label(check.advice)}"
    bad = sum(check.health is Health.BAD for check in checks)
    doubtful = sum(check.health is Health.DOUBTFUL for check in checks)
    yield ""
    if bad:
        yield f"{plural(bad, 'check')} failed" + (f", {plural(doubtful, 'warning')}" if doubtful else "")
    else:
        yield "ready to review" + (f", with {plural(doubtful, 'warning')}" if doubtful else "")
