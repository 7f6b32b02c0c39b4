"""An evaluation as one page: figures, tables, and each case with its labels and comments in place. No script."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reviewbot import templating
from reviewbot.domain.evaluation import Assessment, Case, CaseResult, Evaluation, Mark
from reviewbot.domain.patch import FilePatch, Line, Side
from reviewbot.domain.view import label, safe_hunk
from reviewbot.outputs.evaluation import words

_RIGHT = frozenset({Mark.HIT, Mark.NEUTRAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What was expected at a line, or said of it."""

    kind: str
    """``found``, ``missed`` or a comment's mark: how it is drawn."""
    heading: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the diff with what belongs under it."""

    sign: str
    number: int
    text: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One case."""

    id: str
    about: str
    state: str
    """In a few words, for the closed section."""
    right: bool
    """Whether all was found and nothing false was said; other sections are open from the start."""
    files: tuple[tuple[str, tuple[Row, ...]], ...]
    rest: tuple[Note, ...]
    """What has no line."""


def render(assessment: Assessment) -> str:
    """Render the whole page."""
    evaluation, comparison = assessment.evaluation, assessment.comparison
    pairs = zip(assessment.cases, evaluation.results, strict=True)
    template = templating.environment(autoescape=True).get_template("reports/eval.html.j2")
    return template.render(
        title=words.who(evaluation.run),
        what=words.what(evaluation.total),
        note=label(evaluation.run.note),
        measures=list(words.measure_cells(evaluation)),
        compared=None if comparison is None else words.compared(comparison),
        difference_headings=words.DIFFERENCE_HEADINGS,
        differences=[] if comparison is None else list(words.difference_cells(comparison)),
        moves=[] if comparison is None else list(words.moves(comparison)),
        tables=_tables(evaluation),
        legend=words.LEGEND,
        sections=[_section(case, result) for case, result in pairs],
    )


def _tables(evaluation: Evaluation) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    named = (("language", evaluation.languages), ("category", evaluation.categories))
    return [((name, *words.GROUP_HEADINGS), [words.group_cells(group) for group in groups]) for name, groups in named]


def _section(case: Case, result: CaseResult) -> Section:
    notes, rest = _notes(result)
    return Section(
        id=label(case.id),
        about=label(case.about),
        state=_state(result),
        right=_is_right(result),
        files=tuple((label(file.path), tuple(_rows(file, notes))) for file in case.patch.files),
        rest=rest,
    )


def _is_right(result: CaseResult) -> bool:
    said = all(comment.mark in _RIGHT for comment in result.comments)
    return said and result.failure is None and all(sought.found for sought in result.sought)


def _state(result: CaseResult) -> str:
    found = sum(sought.found for sought in result.sought)
    false = sum(comment.mark not in _RIGHT for comment in result.comments)
    parts = ["clean"] if result.clean else [f"{found} of {len(result.sought)} found"]
    parts += [f"{false} false"] if false else []
    parts += ["not reviewed"] if result.failure is not None else []
    return ", ".join(parts)


Place = tuple[str, Side, int]


def _notes(result: CaseResult) -> tuple[Mapping[Place, Sequence[Note]], tuple[Note, ...]]:
    """Sort labels and comments by the line that they stand under."""
    placed: dict[Place, list[Note]] = {}
    rest = [] if result.failure is None else [Note(kind="false", heading="not reviewed", text=label(result.failure))]
    for sought in result.sought:
        kind = "found" if sought.found else "missed"
        heading = f"expected, {kind} · {sought.severity} {sought.category}"
        place = sought.place
        note = Note(kind=kind, heading=heading, text=label(sought.why))
        placed.setdefault((place.path, place.side, place.end), []).append(note)
    for comment in result.comments:
        heading = f"{comment.mark} · {comment.severity} {comment.category} · {label(comment.source)}"
        note = Note(kind=comment.mark, heading=heading, text=label(comment.title))
        if comment.end is None:
            rest.append(note)
        else:
            placed.setdefault((comment.path, comment.side, comment.end), []).append(note)
    return placed, tuple(rest)


def _rows(file: FilePatch, notes: Mapping[Place, Sequence[Note]]) -> Iterator[Row]:
    for hunk in file.hunks:
        for line in safe_hunk(hunk).lines():
            yield Row(
                sign=line.kind,
                number=(line.old if line.kind == "-" else line.new) or 0,
                text=line.text.replace("\t", "    "),
                notes=tuple(_under(file, line, notes)),
            )


def _under(file: FilePatch, line: Line, notes: Mapping[Place, Sequence[Note]]) -> Iterator[Note]:
    for side in Side:
        number = line.number(side)
        if number is not None:
            yield from notes.get((file.path, side, number), ())
