"""Labelled changes, what a reviewer said of them, and the figures that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reviewbot.domain.finding import Category, Severity
from reviewbot.domain.patch import Patch, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Lines from ``start`` to ``end``, both included, on one side of a file."""

    path: str
    side: Side
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A problem that a reviewer should point out, at any one of its places."""

    places: tuple[Place, ...]
    """The first is the one that is shown to people, and beside which a comment may stand too."""
    severity: Severity
    category: Category
    why: str
    """What is wrong, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A change with labels."""

    id: str
    """Language and name, as ``python/last-page-lost``; the same wherever the cases lie."""
    language: str
    category: str
    """What it is about, as ``concurrency``; clean cases have one too."""
    about: str
    digest: str
    """Changes with the case: figures of different cases must not be compared."""
    whole: bool
    """Whether the diff shows its files from the first line to the last."""
    patch: Patch
    expected: tuple[Expected, ...]
    """Empty for a clean case: there any comment is wrong."""
    accepted: tuple[Place, ...] = ()
    """Where a comment is neither right nor wrong."""


class Mark(StrEnum):
    """What a comment is worth."""

    HIT = "hit"
    DUPLICATE = "duplicate"
    """It says what another comment has said; counts as false, since it costs the author's time too."""
    FALSE = "false"
    NEUTRAL = "neutral"
    """It stands where the case accepts a comment; it counts in no figure but the number of comments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment that the author of the change would have seen."""

    path: str
    side: Side
    start: int | None
    """None for a comment without a place, which only ``--all`` counts."""
    end: int | None
    severity: Severity
    category: Category
    title: str
    source: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """An expected problem, and whether it was found."""

    place: Place
    severity: Severity
    category: Category
    why: str
    found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the answers about one case used."""

    requests: int = 0
    """Answers, repairs included."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    """None where the model's price is not known."""
    seconds: float | None = None
    """Of all requests, one after the other; None where nobody measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What became of one case."""

    id: str
    language: str
    category: str
    digest: str
    sought: tuple[Sought, ...]
    comments: tuple[Comment, ...]
    claims: int = 0
    """Problems that the model named, shown or not."""
    placed: int = 0
    """Those of them whose quote stands in the change."""
    spent: Spent = Spent()
    failure: str | None = None
    """Why the case was not, or not fully, reviewed. What was not found is missed all the same."""
    exit_code: int = 0
    """Of the review."""

    @property
    def clean(self) -> bool:
        """Whether there is nothing to be found."""
        return not self.sought


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts over some cases, and the shares that follow from them."""

    cases: int = 0
    clean: int = 0
    silent: int = 0
    """Clean cases that were reviewed without a comment."""
    expected: int = 0
    hits: int = 0
    duplicates: int = 0
    false: int = 0
    neutral: int = 0
    claims: int = 0
    placed: int = 0
    failed: int = 0
    tokens: int = 0
    """Prompts and answers together."""
    cost_usd: Decimal | None = Decimal(0)
    seconds: float | None = 0.0

    @property
    def precision(self) -> float | None:
        """Share of the comments that are right, duplicates being wrong; None where there are none."""
        return _share(self.hits, self.hits + self.duplicates + self.false)

    @property
    def recall(self) -> float | None:
        """Share of the expected problems that were found; None where none were expected."""
        return _share(self.hits, self.expected)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None where nothing was expected and nothing said."""
        return _share(2 * self.hits, self.hits + self.duplicates + self.false + self.expected)

    def metrics(self) -> Mapping[str, float | None]:
        """Give what is told of a run, by name, in the order of telling."""
        comments = self.hits + self.duplicates + self.false + self.neutral
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "comments_per_change": _share(comments, self.cases),
            "clean_left_silent": _share(self.silent, self.clean),
            "anchor_validity": _share(self.placed, self.claims),
            "tokens_per_change": _share(self.tokens, self.cases),
            "cost_usd_per_change": None if self.cost_usd is None else _share(float(self.cost_usd), self.cases),
            "seconds_per_change": None if self.seconds is None else _share(self.seconds, self.cases),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a figure lies with a probability of 95 %, judged by resampling the cases."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A figure by name. ``value`` is None where it cannot be given."""

    name: str
    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The figures of the cases that share a language or a category."""

    name: str
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Who was evaluated, and how."""

    engine: str
    """``static`` or ``llm``."""
    model: str | None
    prompt: str | None
    """Version of the instructions: 8 hex digits that change when they do."""
    source: str
    """``live``, ``recorded`` or ``scripted`` answers, or ``rules`` where no model takes part."""
    host: str | None = None
    note: str = ""
    """What a recording says of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One run over all cases."""

    run: Run
    results: tuple[CaseResult, ...]
    total: Figures
    measures: tuple[Measure, ...]
    languages: tuple[Group, ...]
    categories: tuple[Group, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure of two runs over the same cases."""

    name: str
    before: float | None
    after: float | None
    interval: Interval | None
    """Of the difference, from the same resamples of both runs; None where it cannot be given."""

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval leaves out zero: another choice of such cases would show the same direction."""
        return self.interval is not None and not self.interval.low <= 0 <= self.interval.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs side by side, over the cases that both have in the same version."""

    before: Run
    shared: int
    left_out: int
    """Cases that only one of the runs has, or that have changed since."""
    differences: tuple[Difference, ...]
    gained: tuple[str, ...]
    """Cases in which the later run finds more."""
    lost: tuple[str, ...]
    """Cases in which it finds less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """All that is told of an evaluation."""

    evaluation: Evaluation
    comparison: Comparison | None
    cases: tuple[Case, ...]
    """Those of the evaluation, in the order of its results."""


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
