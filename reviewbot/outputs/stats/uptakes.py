"""What became of comments → how many of them were accepted, in total, by source and category, and over time."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from reviewbot.domain.uptake import CommentTold, Uptake


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of some comments."""

    name: str
    counts: tuple[tuple[Uptake, int], ...]
    """For each kind how many, the most telling first."""

    @property
    def comments(self) -> int:
        """How many were posted."""
        return sum(count for _, count in self.counts)

    @property
    def accepted(self) -> int:
        """Those that people did something about."""
        return sum(count for uptake, count in self.counts if uptake.accepted)

    @property
    def share(self) -> float | None:
        """Accepted ones among all, from 0 to 1; None where there are none."""
        return self.accepted / self.comments if self.comments else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptakes:
    """What became of all comments that a ledger tells of."""

    total: Accepted
    by_source: tuple[Accepted, ...]
    """Those with the most comments first."""
    by_category: tuple[Accepted, ...]
    days: tuple[Accepted, ...]
    """By the day on which a comment was first told of, in order; days without any are left out."""


class Comments:
    """Takes in what is told of comments. Each counts once, by the best that is known of it."""

    def __init__(self) -> None:
        self._best: dict[tuple[str, str, int, str], CommentTold] = {}
        self._first: dict[tuple[str, str, int, str], date] = {}

    def add(self, day: date, told: CommentTold) -> None:
        """Take in what was told on a day (UTC)."""
        self._first[told.key] = min(self._first.get(told.key, day), day)
        before = self._best.get(told.key)
        if before is None or before.uptake.rank < told.uptake.rank:
            self._best[told.key] = told

    def uptakes(self) -> Uptakes:
        """Give the figures of all that was taken in."""
        best = list(self._best.values())
        return Uptakes(
            total=_accepted("total", best),
            by_source=_largest_first(best, lambda told: told.source),
            by_category=_largest_first(best, lambda told: told.category),
            days=tuple(
                sorted(_groups(best, lambda told: self._first[told.key].isoformat()), key=lambda group: group.name)
            ),
        )


def _largest_first(told: Iterable[CommentTold], name: Callable[[CommentTold], str]) -> tuple[Accepted, ...]:
    return tuple(sorted(_groups(told, name), key=lambda group: (-group.comments, group.name)))


def _groups(told: Iterable[CommentTold], name: Callable[[CommentTold], str]) -> list[Accepted]:
    groups: defaultdict[str, list[CommentTold]] = defaultdict(list)
    for one in told:
        groups[name(one)].append(one)
    return [_accepted(key, group) for key, group in groups.items()]


def _accepted(name: str, told: Iterable[CommentTold]) -> Accepted:
    counts = Counter(one.uptake for one in told)
    return Accepted(name=name, counts=tuple((uptake, counts[uptake]) for uptake in reversed(Uptake)))
