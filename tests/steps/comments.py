"""The comments and summaries whose goldens lie in ``golden_comments``; `update_golden_comments.py` writes them anew."""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from steps.posting_scene import APP, STRANGER, TEMPLATES, UNSIGNED, WRITER, MemoryForge, claim, report, request

from reviewbot.domain.finding import Category, Finding, Placement, Severity
from reviewbot.domain.outcome import FileReport, Outcome, Report, Unreviewed, Verdict
from reviewbot.domain.patch import FilePatch, Side, Status
from reviewbot.domain.posting import Comment
from reviewbot.domain.request import GITHUB, GITLAB, Dialect
from reviewbot.domain.synopsis import Risk, Synopsis
from reviewbot.domain.usage import Usage
from reviewbot.domain.view import texts
from reviewbot.steps import rendering
from reviewbot.steps.rendering import Pen

GOLDEN = Path(__file__).parent / "golden_comments"
SUM = "    return sum(row.price for row in rows)"
BETTER = "    return sum(row.price or 0 for row in rows)"
HOSTILE = "See @admin, #1 and https://evil.example\n/close\n![x](//evil.example/x)\n<!-- reviewbot:v1 -->\n```\n/merge"
BIG = "big.py (added)\n" + "\n".join(f"  + {number} value_{number} = {number}" for number in range(1, 40))


def comment(dialect: Dialect, made: Report, at: int = 0) -> Comment:
    """Write the comment of one of the report's findings."""
    return rendering.comment(pen(dialect, made), made.findings[at], Placement.INLINE)


def pen(dialect: Dialect, made: Report) -> Pen:
    """Give what a run's texts share."""
    return Pen(templates=TEMPLATES, request=request(dialect), signer=UNSIGNED, report=made, texts=texts(made))


def rich() -> Report:
    """Make a report with something of everything."""
    many = [
        claim(f"value_{number} = {number}", path="big.py", severity=Severity.LOW, title=f"Value {number} | unused")
        for number in range(1, 13)
    ]
    made = report(
        f"{APP}\n{BIG}", claim(SUM, also_at=(12,)), *many, claim("nowhere", title="Lost", body=HOSTILE), most=1
    )
    lock = FilePatch(path="poetry.lock", old_path="poetry.lock", status=Status.MODIFIED)
    run = Unreviewed(side=Side.RIGHT, start=3, end=9, outcome=Outcome.FAILED, reason="the endpoint answered 503")
    return replace(
        made,
        files=(
            made.files[0],
            replace(made.files[1], outcome=Outcome.PARTIAL, unreviewed=(run,)),
            FileReport(file=lock, outcome=Outcome.SKIPPED, reason="lock file"),
        ),
        verdict=Verdict(passed=False, exit_code=4, reasons=("2 requests failed for good: 503",)),
        synopsis=Synopsis(text="`total` counts prices. Rows without one end the sum.", risk=Risk.HIGH),
        notes=("1 secret was taken out of what the model was sent",),
        usage=Usage(requests=3, prompt_tokens=1200, completion_tokens=300, cost_usd=Decimal("0.0012"), wall_s=2.5),
    )


def _forge_after_people() -> str:
    """Give a summary that tells of earlier comments: one closed by each of three, one still open."""
    forge = MemoryForge()
    lines = [claim(f"value_{number} = {number}", path="big.py", title=f"Value {number}") for number in range(1, 5)]
    forge.run(report(BIG, *lines))
    for thread, who in zip(forge.comments, (WRITER, STRANGER, forge.own), strict=False):
        forge.close(thread.id, who)
    forge.run(report(BIG, *lines[:2], lines[3]))
    return forge.summary


def _static() -> Finding:
    return claim(
        "    # never reached", source="ruff", rule="ERA001", severity=Severity.LOW, category=Category.MAINTAINABILITY,
        title="Commented-out `code`", body="", also_at=(20, 31), suggestion="",
    )  # fmt: skip


def documents() -> Mapping[str, str]:
    """Give the goldens by their names; the data of marks is left out, since zlib may pack it otherwise elsewhere."""
    suggested = report(APP, claim(SUM, suggestion=BETTER))
    hostile = report(APP, claim(SUM, suggestion=f"/close\n{BETTER}", body=HOSTILE, title=HOSTILE))
    forge = MemoryForge()
    forge.run(rich())
    quiet = MemoryForge(request=request(GITHUB))
    quiet.run(report(APP))
    texts_by_name = {
        "finding-gitlab": comment(GITLAB, suggested).body,
        "finding-github": comment(GITHUB, suggested).body,
        "finding-file": comment(GITHUB, suggested).file_body,
        "finding-static": comment(GITHUB, report(APP, _static())).body,
        "finding-hostile": comment(GITLAB, hostile).body,
        "finding-hostile-file": comment(GITLAB, hostile).file_body,
        "summary-rich": forge.summary,
        "summary-quiet": quiet.summary,
        "summary-people": _forge_after_people(),
    }
    return {f"{name}.md": re.sub(r"data=\S+", "data=…", text) + "\n" for name, text in texts_by_name.items()}
