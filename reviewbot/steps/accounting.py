"""What happened → an account of every changed line: reviewed, skipped or failed, with the reason."""

from collections.abc import Iterable, Mapping, Sequence

from reviewbot.domain.chunk import ChunkOutcome, TooLong
from reviewbot.domain.outcome import FileReport, Outcome, Unreviewed
from reviewbot.domain.patch import FilePatch, Side

Fate = tuple[Outcome, str]
"""An outcome other than reviewed, and its reason."""
Fates = dict[tuple[Side, int], Fate]
"""The changed lines of one file that were not reviewed."""


def by_file(files: Sequence[FilePatch], fates: Sequence[Fate | None]) -> tuple[FileReport, ...]:
    """Account for files that were reviewed or left out as a whole."""
    return tuple(
        _whole(file, fate) if fate is not None else FileReport(file=file, outcome=Outcome.REVIEWED)
        for file, fate in zip(files, fates, strict=True)
    )


def by_line(
    files: Sequence[FilePatch],
    fates: Sequence[Fate | None],
    too_long: Iterable[TooLong],
    unfinished: Iterable[ChunkOutcome],
) -> tuple[FileReport, ...]:
    """Account for files that were reviewed in chunks, some of which came to nothing."""
    lines: dict[int, Fates] = {}
    for line in too_long:
        side = Side.LEFT if line.kind == "-" else Side.RIGHT
        reason = f"a line of about {line.tokens:,} tokens exceeds the model's context"
        lines.setdefault(line.index, {})[side, line.number] = (Outcome.SKIPPED, reason)
    for outcome in unfinished:
        _add(lines, outcome)
    reports = []
    for index, (file, fate) in enumerate(zip(files, fates, strict=True)):
        reports.append(_whole(file, fate) if fate is not None else _partly(file, lines.get(index, {})))
    return tuple(reports)


def _add(lines: dict[int, Fates], outcome: ChunkOutcome) -> None:
    fate = (Outcome.FAILED if outcome.failed else Outcome.SKIPPED, outcome.reason)
    for entry in outcome.chunk.files:
        fates = lines.setdefault(entry.index, {})
        for excerpt in entry.excerpts:
            for at, line in enumerate(excerpt.hunk.lines()):
                if at < excerpt.overlap or line.kind == " ":
                    continue
                side = Side.LEFT if line.kind == "-" else Side.RIGHT
                fates[side, line.number(side) or 0] = fate


def _whole(file: FilePatch, fate: Fate) -> FileReport:
    outcome, reason = fate
    changed = [(Side.LEFT, number) for number in file.removed] + [(Side.RIGHT, number) for number in file.added]
    return FileReport(file=file, outcome=outcome, reason=reason, unreviewed=_runs(dict.fromkeys(changed, fate)))


def _partly(file: FilePatch, fates: Fates) -> FileReport:
    if not fates:
        return FileReport(file=file, outcome=Outcome.REVIEWED)
    ordered = {key: fates[key] for key in sorted(fates)}
    reasons = list(dict.fromkeys(reason for _, reason in ordered.values()))
    if len(fates) < file.changed_count:
        outcome = Outcome.PARTIAL
    elif any(outcome is Outcome.FAILED for outcome, _ in fates.values()):
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.SKIPPED
    return FileReport(file=file, outcome=outcome, reason="; ".join(reasons), unreviewed=_runs(ordered))


def _runs(fates: Mapping[tuple[Side, int], Fate]) -> tuple[Unreviewed, ...]:
    """Join neighbours with the same fate; the lines come in order."""
    runs: list[Unreviewed] = []
    for (side, number), (outcome, reason) in fates.items():
        last = runs[-1] if runs else None
        if last and (last.side, last.end + 1, last.outcome, last.reason) == (side, number, outcome, reason):
            runs[-1] = Unreviewed(side=side, start=last.start, end=number, outcome=outcome, reason=reason)
        else:
            runs.append(Unreviewed(side=side, start=number, end=number, outcome=outcome, reason=reason))
    return tuple(runs)
