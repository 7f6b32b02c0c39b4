"""Uncovered lines → the definitions that tests call."""

from textwrap import dedent

import pytest

from reviewbot.domain.candidate import Gap, Point, by_path
from reviewbot.domain.coverage import CoverageStatus, PatchCoverage, PatchFileCoverage
from reviewbot.steps import gapping

TEXT = dedent(
    '''
    import os
    from typing import (
        Final,
    )

    LIMIT: Final = 3


    class Cart(Base, kw_only=True):
        size = 2

        @property
        def total(self):
            """Sum."""
            return 1

        class Row:
            def price(self):
                return 2


    def outer():
        def inner():
            return 3
        return inner


    if os.name:
        async def conditional():
            return 4
    else:
        try:
            pass
        except OSError:
            def fallback():
                return 5
    '''
).lstrip()


def found(missing: tuple[int, ...] = (), partial: tuple[int, ...] = (), text: str | None = TEXT) -> tuple[Gap, ...]:
    return gaps(file(missing, partial), text=text)


def file(missing: tuple[int, ...], partial: tuple[int, ...] = (), *, python: bool = True) -> PatchFileCoverage:
    return PatchFileCoverage(path="a.py", covered=(), missing=missing, partial=partial, by_statement=python)


def gaps(*files: PatchFileCoverage, text: str | None = TEXT) -> tuple[Gap, ...]:
    whole = PatchCoverage(status=CoverageStatus.FAILED, patch_percent=None, project_percent=None, files=files)
    return gapping.gaps(whole, {} if text is None else {"a.py": text})


def line(text: str) -> int:
    return TEXT.split("\n").index(text) + 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("LIMIT: Final = 3", ""),
        ("    size = 2", "Cart"),
        ("        return 1", "Cart.total"),
        ("            return 2", "Cart.Row.price"),
        ("        return 3", "outer"),
        ("        return 4", "conditional"),
        ("            return 5", "fallback"),
    ],
)
def test_a_line_belongs_to_the_function_that_tests_can_call(text: str, name: str) -> None:
    (gap,) = found((line(text),))
    assert (name, (line(text),)) == (gap.name, gap.missing)


def test_lines_of_one_definition_are_one_gap_with_its_whole_code() -> None:
    (gap,) = found((line("    def inner():"), line("    return inner")), (line("        return 3"),))
    assert (line("def outer():"), TEXT.split("\n")[21:25]) == (gap.start, list(gap.code))
    assert ((line("    def inner():"), line("    return inner")), (line("        return 3"),)) == (
        gap.missing,
        gap.partial,
    )


def test_a_method_comes_with_its_decorators_and_the_head_of_its_class() -> None:
    (gap,) = found((line("        return 1"),))
    assert ("    @property", "class Cart(Base, kw_only=True):") == (gap.code[0], gap.header)


def test_a_line_outside_of_all_comes_with_the_lines_around_it() -> None:
    (gap,) = found((line("LIMIT: Final = 3"),))
    assert (3, TEXT.split("\n")[2:9]) == (gap.start, list(gap.code))


def test_the_imports_are_shown_whole() -> None:
    (gap,) = found((line("    return inner"),))
    assert ("import os", "from typing import (", "    Final,", ")") == gap.imports


def test_gaps_stand_in_the_order_of_the_file() -> None:
    assert ["Cart.total", "outer"] == [gap.name for gap in found((24, 15))]


@pytest.mark.parametrize(
    ("python", "text"), [(False, TEXT), (True, None), (True, "def broken(:"), (True, "x = '\0'"), (True, "(" * 5000)]
)
def test_a_file_that_cannot_be_read_as_python_is_a_gap_without_tests(python: bool, text: str | None) -> None:
    (gap,) = gaps(file((4, 5), (6,), python=python), text=text)
    assert ((4, 5), (6,), False) == (gap.missing, gap.partial, gap.testable)


def test_tests_and_covered_files_have_no_gaps() -> None:
    test = PatchFileCoverage(path="a.py", covered=(), missing=(15,), by_statement=True, is_test=True)
    assert () == gaps(test, file(()))


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (((15,), ()), "a.py, Cart.total: no test runs line 15"),
        (((23, 25), (24,)), "a.py, outer: no test runs lines 23, 25, and no test takes every branch of line 24"),
        (((6,), ()), "a.py: no test runs line 6"),
    ],
)
def test_a_gap_is_told_in_one_sentence(gap: tuple[tuple[int, ...], tuple[int, ...]], said: str) -> None:
    assert said == gapping.sentence(found(*gap)[0])


def test_runs_of_lines_are_written_as_ranges() -> None:
    assert "1-3, 7, 9-10" == gapping.ranges((10, 9, 1, 2, 3, 7))


def test_a_gap_asks_for_its_lines_and_its_branches() -> None:
    (gap,) = found((24,), (25,))
    points = frozenset({Point(path="a.py", line=24), Point(path="a.py", line=25, branch=True)})
    assert points == gap.points
    assert {"a.py": (24, 25)} == by_path(gap.points)


def test_nothing_encloses_a_line_of_a_text_that_is_no_python() -> None:
    assert None is gapping.enclosing("def broken(:", 1)
