"""The answer of ``reviewbot plan``, for people and for programs."""

from collections.abc import Iterator

from reviewbot.domain.contract import Object, document, file_entries, line_counts
from reviewbot.domain.outcome import FileReport, Outcome
from reviewbot.domain.planned import CLAIMS_PER_CHUNK, Estimate, ReviewPlan
from reviewbot.domain.view import label, plural

_FILES_SHOWN = 10
_CHUNKS_SHOWN = 20


def as_json(plan: ReviewPlan) -> str:
    """Render the plan as the contract writes it."""
    estimate = plan.estimate
    return document(
        {
            "schema": 1,
            "model": plan.model,
            "base": plan.comparison.base_sha,
            "head": plan.comparison.head_sha,
            "files": file_entries(plan.files),
            "lines": line_counts(plan.lines),
            "chunks": _chunks(plan),
            "estimate": {
                "requests": estimate.requests,
                "prompt_tokens": estimate.prompt_tokens,
                "completion_tokens": estimate.completion_tokens,
                "cost_usd": None if estimate.cost_usd is None else format(estimate.cost_usd, "f"),
            },
        }
    )


def _chunks(plan: ReviewPlan) -> Iterator[Object]:
    return (
        {"id": chunk.id, "paths": list(dict.fromkeys(chunk.paths)), "prompt_tokens": chunk.prompt_tokens}
        for chunk in plan.chunks
    )


def as_text(plan: ReviewPlan) -> str:
    """Render the plan to be read: what would be sent, what not and why, and what it would cost."""
    lines = [f"{label(plan.comparison.description)} · plan for {label(plan.model)}, nothing is sent", ""]
    lines += _chunk_table(plan)
    lines += _left_out(plan.files)
    counts, estimate = plan.lines, plan.estimate
    cost = "unknown (no price for this model)" if estimate.cost_usd is None else f"USD {estimate.cost_usd:.4f}"
    lines += [
        (
            f"lines     {counts.changed:,} changed: {counts.reviewed:,} would be reviewed, "
            f"{counts.skipped:,} skipped, {counts.failed:,} unreadable"
        ),
        f"requests  {_requests(estimate)}",
        f"tokens    about {estimate.prompt_tokens:,} in, {estimate.completion_tokens:,} out",
        f"cost      about {cost}" if estimate.cost_usd is not None else f"cost      {cost}",
    ]
    return "\n".join(lines) + "\n"


def _requests(estimate: Estimate) -> str:
    if not estimate.verify_requests:
        return f"{estimate.requests:,}"
    reviews = estimate.requests - estimate.verify_requests
    return (
        f"about {estimate.requests:,}: {reviews:,} to review, and one to verify each claim, "
        f"if there are {CLAIMS_PER_CHUNK} a chunk"
    )


def _chunk_table(plan: ReviewPlan) -> list[str]:
    if not plan.chunks:
        return ["nothing to send", ""]
    lines = ["chunk   tokens  files"]
    for chunk in plan.chunks[:_CHUNKS_SHOWN]:
        paths = [label(path) for path in dict.fromkeys(chunk.paths)]
        rest = f" and {len(paths) - 3} more" if len(paths) > 3 else ""  # noqa: PLR2004 - what fits a line
        lines.append(f"{chunk.id:>5}  {chunk.prompt_tokens:>7,}  {', '.join(paths[:3])}{rest}")
    if len(plan.chunks) > _CHUNKS_SHOWN:
        lines.append(f"  ... {plural(len(plan.chunks) - _CHUNKS_SHOWN, 'more chunk')}; --format json lists all")
    return [*lines, ""]


def _left_out(files: tuple[FileReport, ...]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for entry in files:
        if entry.outcome is not Outcome.REVIEWED:
            reasons.setdefault(entry.reason or "", []).append(label(entry.file.path))
    lines = []
    for reason, paths in reasons.items():
        lines.append(f"not sent: {label(reason)}")
        lines += [f"  {path}" for path in paths[:_FILES_SHOWN]]
        if len(paths) > _FILES_SHOWN:
            lines.append(f"  ... {plural(len(paths) - _FILES_SHOWN, 'more file')}; --format json lists all")
    return [*lines, ""] if lines else []
