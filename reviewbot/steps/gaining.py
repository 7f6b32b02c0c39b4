"""What ran → which of the points that were asked for it reached."""

from collections.abc import Collection, Iterable, Mapping

from reviewbot.domain.candidate import Point
from reviewbot.domain.trial import Measured

_NOTHING = Measured()


def reached(points: Iterable[Point], measured: Mapping[str, Measured]) -> frozenset[Point]:
    """Give the points that a suite leaves nothing of to ask for: lines that ran, branches that were all taken."""
    found = set()
    for point in points:
        file = measured.get(point.path, _NOTHING)
        untaken = any(start == point.line for start, _ in file.untaken)
        if point.line in file.lines and not (point.branch and untaken):
            found.add(point)
    return frozenset(found)


def gained(
    points: Collection[Point], measured: Mapping[str, Measured], before: Mapping[str, Measured]
) -> frozenset[Point]:
    """Give the points that a test reaches newly: lines that it ran, and branches that the suite had not taken."""
    found = set()
    for point in points:
        now, then = measured.get(point.path, _NOTHING), before.get(point.path, _NOTHING)
        new = now.taken - then.taken
        if point.line in now.lines and (not point.branch or any(start == point.line for start, _ in new)):
            found.add(point)
    return frozenset(found)
