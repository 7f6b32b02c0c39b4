"""Proven tests → the fewest, in files that fit into the project."""

import ast
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.candidate import Candidate, CandidateStatus, Filter, Judged, Point, SuggestedFile
from reviewbot.steps import assembling


def proven(name: str, *lines: int, code: str = "", path: str = "a.py") -> Judged:
    text = code or f"from a import f\n\n\ndef test_{name}():\n    assert f() == 1\n"
    covers = tuple(Point(path=path, line=line) for line in lines)
    candidate = Candidate(path=f"tests/test_{name}.py", code=text)
    return Judged(candidate=candidate, status=CandidateStatus.PROVEN, covers=covers)


def name(source: str, taken: Collection[str]) -> str:
    return f"tests/test_{source.removesuffix('.py')}_{len(taken)}.py"


def merged(*tests: Judged, apart: Collection[Candidate] = ()) -> tuple[SuggestedFile, ...]:
    return assembling.merged(tests, name, apart)


def names(tests: Collection[Judged]) -> list[str]:
    return [test.candidate.path.removeprefix("tests/test_").removesuffix(".py") for test in tests]


# The fewest


def test_a_test_that_adds_nothing_is_dropped_with_its_reason() -> None:
    kept, dropped = assembling.minimised([proven("small", 1), proven("big", 1, 2), proven("other", 3)])
    assert (["big", "other"], ["small"]) == (names(kept), names(dropped))
    (test,) = dropped
    assert (CandidateStatus.REJECTED, Filter.MINIMISED) == (test.status, test.filter)
    assert "what it covers is covered by other new tests" == test.reason


def test_of_two_that_cover_the_same_the_shorter_is_kept() -> None:
    long = proven("long", 1, code="# a long way round\ndef test_long():\n    assert f() == 1\n")
    kept, _ = assembling.minimised([long, proven("s", 1, code="def test_s():\n    assert f()\n")])
    assert ["s"] == names(kept)


def test_of_two_alike_the_first_is_kept() -> None:
    kept, _ = assembling.minimised([proven("a", 1), proven("b", 1)])
    assert ["a"] == names(kept)


@given(st.lists(st.sets(st.integers(1, 8), min_size=1), max_size=8))
def test_nothing_that_was_covered_is_lost(sets: list[set[int]]) -> None:
    tests = [proven(f"t{number}", *lines) for number, lines in enumerate(sets)]
    kept, dropped = assembling.minimised(tests)
    assert {point for test in tests for point in test.covers} == {point for test in kept for point in test.covers}
    assert sorted(names(tests)) == sorted([*names(kept), *names(dropped)])


# Files


def test_tests_of_one_source_become_one_file() -> None:
    one = proven("a", 1, code='"""Doc."""\n\nfrom a import f\nimport os\n\n\ndef test_a():\n    assert f() == os.sep\n')
    two = proven("b", 2, code="import os\nfrom a import g\n\n\n# Why.\ndef test_b():\n    assert g() == os.sep\n")
    (file,) = merged(one, two)
    assert "tests/test_a_0.py" == file.path
    assert (
        "import os\n\nfrom a import f\nfrom a import g\n\n\ndef test_a():\n    assert f() == os.sep\n\n\n"
        "# Why.\ndef test_b():\n    assert g() == os.sep\n"
    ) == file.code
    assert (Point(path="a.py", line=1), Point(path="a.py", line=2)) == file.covers
    assert (one.candidate, two.candidate) == file.made_of


def test_tests_of_two_sources_become_two_files() -> None:
    files = merged(proven("b", 1, path="b.py"), proven("a", 1))
    assert ["tests/test_a_0.py", "tests/test_b_1.py"] == [file.path for file in files]


def test_a_file_of_one_test_keeps_its_text() -> None:
    test = proven("a", 1, code="# Mine.\nfrom a import f\n\ndef test_a():\n    assert f() == 1\n")
    assert test.candidate.code == merged(test)[0].code


def test_the_same_fixture_is_written_once() -> None:
    fixture = "import pytest\n\n\n@pytest.fixture\ndef cart():\n    return 1\n\n\n"
    one, two = (
        proven(n, at, code=f"{fixture}def test_{n}(cart):\n    assert cart == 1\n") for at, n in enumerate("ab", 1)
    )
    (file,) = merged(one, two)
    assert 1 == file.code.count("def cart()")
    assert 2 == len(asserted(file.code))


def asserted(code: str) -> list[str]:
    return [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef) and "test" in node.name]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("def test_x():\n    assert 1\n", "def test_x():\n    assert 2\n"),
        ("X = 1\n\n\ndef test_a():\n    assert X\n", "X = 2\n\n\ndef test_b():\n    assert X\n"),
        ("from a import f\n\n\ndef test_a():\n    assert f\n", "from b import f\n\n\ndef test_b():\n    assert f\n"),
        ("import a as x\n\n\ndef test_a():\n    assert x\n", "import b as x\n\n\ndef test_b():\n    assert x\n"),
        ("from a import f\n\n\ndef test_a():\n    assert f\n", "f = 1\n\n\ndef test_b():\n    assert f\n"),
        ("class TestA:\n    x = 1\n", "class TestA:\n    x = 2\n"),
        ("x: int = 1\n\n\ndef test_a():\n    assert x\n", "x: int = 2\n\n\ndef test_b():\n    assert x\n"),
    ],
)
def test_what_would_clash_stays_apart(one: str, two: str) -> None:
    assert [one, two] == [file.code for file in merged(proven("a", 1, code=one), proven("b", 2, code=two))]


@pytest.mark.parametrize(
    "code",
    [
        "from . import helper\n\n\ndef test_b():\n    assert helper\n",
        "@pytest.fixture(autouse=True)\ndef x(): ...\n\n\ndef test_b():\n    assert x\n",
        "def test_b():\n    assert __file__\n",
        "for x in range(3):\n    pass\n\n\ndef test_b():\n    assert x\n",
        "print('x')\n\n\ndef test_b():\n    assert x\n",
    ],
)
def test_what_means_another_thing_elsewhere_stays_where_it_was_proven(code: str) -> None:
    files = merged(proven("a", 1), proven("b", 2, code=code))
    assert ["tests/test_a_0.py", "tests/test_b.py"] == [file.path for file in files]
    assert code == files[1].code


def test_two_files_that_cannot_be_moved_do_not_take_each_others_place() -> None:
    code = "def test_b():\n    assert __file__\n"
    files = merged(proven("b", 1, code=code), proven("b", 2, code=code + "# Another.\n"))
    assert ["tests/test_b.py", "tests/test_b_2.py"] == [file.path for file in files]


def test_what_is_to_stay_apart_stays_apart() -> None:
    one, two = proven("a", 1), proven("b", 2)
    assert 2 == len(merged(one, two, apart={one.candidate}))


def test_imports_from_the_future_come_first() -> None:
    one = proven("a", 1)
    two = proven("b", 2, code="from __future__ import annotations\n\n\ndef test_b():\n    assert f\n")
    (file,) = merged(one, two)
    assert file.code.startswith("from __future__ import annotations\n")
    compile(file.code, "x", "exec")
