"""One rich report that every output renders, with everything in it that has ever broken a report.

`update_golden.py` runs this file too, so that tests and goldens see the same report.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from reviewbot.domain.finding import (
    Category,
    Confidence,
    Finding,
    Placement,
    Rejection,
    Severity,
    Span,
    Suggestion,
)
from reviewbot.domain.outcome import Comparison, FileReport, Outcome, Report, Unreviewed, Verdict
from reviewbot.domain.patch import FilePatch, Hunk, Side, Status
from reviewbot.domain.synopsis import Risk, Synopsis
from reviewbot.domain.usage import Usage
from reviewbot.outputs import annotations, codequality, html, json, junit, markdown, sarif, text

GOLDEN = Path(__file__).parent / "golden"
TOKEN = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
HOSTILE_BODY = """\
The loop never ends when `limit` is `None`, see **issue #12**.
/close
@everyone ![pixel](https://evil.example/p.png) <img src=x onerror=alert(1)> [click](javascript:alert(1))
- first: ask for `limit > 0`
- then raise ```` ``` ````

```python
raise ValueError(limit)
/approve
```
A last word\r/merge\u2028/close\u202e."""

SERVICE = Hunk(
    old_start=10,
    new_start=10,
    section="def fetch(limit):",
    body="""\
 def fetch(limit):
     \"\"\"Fetch
     at most limit rows.
     \"\"\"
-    rows = query(limit=limit)
-    assert rows
+    rows = []
+    while len(rows) != limit:
+        rows += query()
     return rows""",
)
SERVICE_END = Hunk(
    old_start=80,
    new_start=81,
    section="class Service:",
    body=" class Service:\n+\tname = 'service'\n+\tretries = retries\n     def stop(self): ...",
)
SCRIPT = Hunk(
    old_start=1,
    new_start=1,
    body=f"+import os\n+\n+TOKEN = \"{TOKEN}\"\n+print('</script><script>alert(1)</script>')\n+# done",
    no_newline=(4,),
)
LATIN = Hunk(
    old_start=1,
    new_start=1,
    body=" caf\udce9\n-price = 1\n+price = 2\u202e # \x1b[31mred\u200b\n+\udcff\udcfe\n+total = price\n+last = total",
)
RENAMED = Hunk(old_start=3, new_start=3, body="-x = 1\n+x = 2")
GONE = Hunk(old_start=1, new_start=1, body="-one\n-two\n-three")
GENERATED = Hunk(old_start=1, new_start=1, body="+var a=1;\n+var b=2;")
BIG = Hunk(old_start=1, new_start=1, body="+first = 1\n+second = 2\n+third = 3")


def _files() -> tuple[FileReport, ...]:
    latin = "caf\udce9/r\udcff.txt"
    return (
        FileReport(
            file=FilePatch(
                path="src/app/service.py",
                old_path="src/app/service.py",
                status=Status.MODIFIED,
                hunks=(SERVICE, SERVICE_END),
            ),
            outcome=Outcome.REVIEWED,
        ),
        FileReport(
            file=FilePatch(path="a b/<script>.py", old_path=None, status=Status.ADDED, hunks=(SCRIPT,)),
            outcome=Outcome.REVIEWED,
        ),
        FileReport(
            file=FilePatch(path=latin, old_path=latin, status=Status.MODIFIED, hunks=(LATIN,)),
            outcome=Outcome.PARTIAL,
            reason="some of its lines were not reviewed",
            unreviewed=(
                _run(Side.RIGHT, 3, 3, Outcome.SKIPPED, "the line is too long for any request"),
                _run(Side.RIGHT, 4, 5, Outcome.FAILED, "the endpoint answered 503 four times"),
                _run(Side.LEFT, 2, 2, Outcome.FAILED, "the endpoint answered 503 four times"),
            ),
        ),
        FileReport(
            file=FilePatch(path="new_name.py", old_path="old_name.py", status=Status.RENAMED, hunks=(RENAMED,)),
            outcome=Outcome.REVIEWED,
        ),
        FileReport(
            file=FilePatch(path="gone.py", old_path="gone.py", status=Status.DELETED, hunks=(GONE,)),
            outcome=Outcome.REVIEWED,
        ),
        FileReport(
            file=FilePatch(path="logo.png", old_path="logo.png", status=Status.MODIFIED, binary=True),
            outcome=Outcome.SKIPPED,
            reason="binary",
        ),
        FileReport(
            file=FilePatch(path="dist/app.min.js", old_path=None, status=Status.ADDED, hunks=(GENERATED,)),
            outcome=Outcome.SKIPPED,
            reason="generated: matches *.min.js",
            unreviewed=(_run(Side.RIGHT, 1, 2, Outcome.SKIPPED, "generated: matches *.min.js"),),
        ),
        FileReport(
            file=FilePatch(path="big.py", old_path=None, status=Status.ADDED, hunks=(BIG,)),
            outcome=Outcome.FAILED,
            reason="the endpoint answered 503 four times",
            unreviewed=(_run(Side.RIGHT, 1, 3, Outcome.FAILED, "the endpoint answered 503 four times"),),
        ),
    )


def _run(side: Side, start: int, end: int, outcome: Outcome, reason: str) -> Unreviewed:
    return Unreviewed(side=side, start=start, end=end, outcome=outcome, reason=reason)


def make_finding(**changes: object) -> Finding:
    """Build a finding on the new line 16 of the service; ``changes`` replace fields."""
    finding = Finding(
        path="src/app/service.py",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        category=Category.BUG,
        title="The loop never ends",
        body="",
        quote="        rows += query()",
        source="llm",
        span=Span(side=Side.RIGHT, start=16, end=16),
        fingerprint="f" * 32,
        placement=Placement.INLINE,
    )
    return replace(finding, **changes)  # type: ignore[arg-type] # fields are given by name


def _findings() -> tuple[Finding, ...]:
    return (
        make_finding(
            path="a b/<script>.py",
            severity=Severity.CRITICAL,
            category=Category.SECURITY,
            title="A GitHub token is in the source",
            body="Revoke it: whoever has read this line can use it.",
            quote='TOKEN = "',
            source="secrets",
            rule="github-token",
            span=Span(side=Side.RIGHT, start=3, end=3),
            fingerprint="a1" * 16,
        ),
        make_finding(
            title="The loop never ends & `limit` <b>is</b> ignored",
            body=HOSTILE_BODY,
            quote="    while len(rows) != limit:\n        rows += query()",
            span=Span(side=Side.RIGHT, start=15, end=16),
            suggestion=Suggestion(
                start_line=14,
                line=16,
                replacement="    rows = []\n    while len(rows) < limit:\n        rows += query(limit)",
            ),
            fingerprint="b2" * 16,
        ),
        make_finding(
            severity=Severity.MEDIUM,
            title="Undefined name `retries`",
            quote="retries = retries",
            source="ruff",
            rule="F821",
            span=Span(side=Side.RIGHT, start=83, end=83),
            also_at=(90, 91),
            fingerprint="c3" * 16,
        ),
        make_finding(
            severity=Severity.MEDIUM,
            confidence=Confidence.MEDIUM,
            title="Callers outside of this change\nstill pass a string",
            body="Nothing in the diff shows it.",
            quote="fetch('10')",
            span=None,
            side=Side.RIGHT,
            hint=99,
            fingerprint="d4" * 16,
            placement=Placement.SUMMARY,
        ),
        make_finding(
            severity=Severity.LOW,
            category=Category.TEST,
            title="The assertion is gone",
            body="Was that meant?",
            quote="    assert rows",
            side=Side.LEFT,
            span=Span(side=Side.LEFT, start=15, end=15),
            fingerprint="e5" * 16,
        ),
        make_finding(
            path="caf\udce9/r\udcff.txt",
            severity=Severity.LOW,
            category=Category.MAINTAINABILITY,
            title="Hidden text \u202e here",
            quote="price = 2\u202e # \x1b[31mred\u200b\n\udcff\udcfe",
            span=Span(side=Side.RIGHT, start=2, end=3),
            fingerprint="f6" * 16,
        ),
    )


def make_report() -> Report:
    """Build the rich report of a run with a model."""
    return Report(
        engine="llm",
        model="deepseek-flash",
        comparison=Comparison(
            base_sha="1a2b3c4" + "0" * 33,
            head_sha=None,
            description="main (1a2b3c4) → work tree",
        ),
        files=_files(),
        findings=_findings(),
        rejected=(Rejection(path="gone.py", title="Dead code", reason="the quote is not in the diff"),),
        synopsis=Synopsis(text="`fetch` now stops at *limit*.\n\n@all [Callers](x) see `None`.", risk=Risk.MEDIUM),
        usage=Usage(
            requests=14,
            cache_hits=3,
            coalesced=1,
            retries=2,
            prompt_tokens=120_000,
            cached_tokens=80_000,
            completion_tokens=9_000,
            cost_usd=Decimal("0.0123"),
            wall_s=4.20049,
        ),
        verdict=Verdict(passed=False, exit_code=4, reasons=("2 chunks failed for good",)),
        notes=("Settings come from .reviewbot.toml at 1a2b3c4.",),
    )


def make_quiet_report() -> Report:
    """Build the report of a static run that found nothing and left nothing out."""
    return Report(
        engine="static",
        model=None,
        comparison=Comparison(base_sha="1" * 40, head_sha=None, description="main (1111111) → work tree"),
        files=_files()[:1],
        findings=(),
        notes=("No API key: set REVIEWBOT_API_KEY for a model review.",),
    )


def make_hostile(*, path: str, title: str, body: str, code: str) -> Report:
    """Build a report in which a stranger wrote everything that can be written by strangers."""
    hunk = Hunk(old_start=1, new_start=1, body="+" + code.replace("\n", ""))
    file = FilePatch(path=path, old_path=None, status=Status.ADDED, hunks=(hunk,))
    placed = make_finding(
        path=path,
        title=title,
        body=body,
        quote=code,
        source=title,
        span=Span(side=Side.RIGHT, start=1, end=1),
        suggestion=Suggestion(start_line=1, line=1, replacement=body),
    )
    adrift = replace(placed, severity=Severity.LOW, span=None, suggestion=None)
    return Report(
        engine="llm",
        model=title,
        comparison=Comparison(base_sha=None, head_sha=None, description=path),
        files=(
            FileReport(file=file, outcome=Outcome.FAILED, reason=title),
            FileReport(file=replace(file, path=body), outcome=Outcome.SKIPPED, reason=body),
        ),
        findings=(placed, adrift),
        rejected=(Rejection(path=path, title=title, reason=body),),
        notes=(title, body),
        verdict=Verdict(passed=False, exit_code=1, reasons=(body,)),
    )


def make_skipped(count: int, reason: str = "lock file") -> tuple[FileReport, ...]:
    """Build files that were skipped as a whole for one reason."""
    hunk = Hunk(old_start=1, new_start=1, body="+locked")
    return tuple(
        FileReport(
            file=FilePatch(path=f"locks/{number:02}.lock", old_path=None, status=Status.ADDED, hunks=(hunk,)),
            outcome=Outcome.SKIPPED,
            reason=reason,
            unreviewed=(_run(Side.RIGHT, 1, 1, Outcome.SKIPPED, reason),),
        )
        for number in range(count)
    )


def documents() -> dict[str, str]:
    """Render the rich report in every format, and the quiet one for people, by golden file."""
    rich, calm = make_report(), make_quiet_report()
    return {
        "report.txt": text.render(rich),
        "report.ansi": text.render(rich, color=True),
        "report.md": markdown.render(rich),
        "report.html": html.render(rich),
        "report.json": json.render(rich),
        "report.sarif": sarif.render(rich),
        "report.codequality.json": codequality.render(rich),
        "report.junit.xml": junit.render(rich),
        "report.annotations": annotations.render(rich),
        "quiet.txt": text.render(calm),
        "quiet.md": markdown.render(calm),
    }


@pytest.fixture
def report() -> Report:
    """Give the rich report."""
    return make_report()


@pytest.fixture
def quiet() -> Report:
    """Give the report with nothing to say."""
    return make_quiet_report()


@pytest.fixture(scope="session")
def hostile() -> Callable[..., Report]:
    """Give the builder of hostile reports."""
    return make_hostile


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Give the builder of findings."""
    return make_finding


@pytest.fixture
def skipped() -> Callable[..., tuple[FileReport, ...]]:
    """Give the builder of skipped files."""
    return make_skipped


@pytest.fixture(scope="session")
def rendered() -> dict[str, str]:
    """Give what the outputs make of the reports, by golden file."""
    return documents()


@pytest.fixture
def golden() -> Path:
    """Give the folder of golden files."""
    return GOLDEN
