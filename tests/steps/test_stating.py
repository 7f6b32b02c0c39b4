"""Statements of Python texts, and whose line is whose."""

import sysconfig
import textwrap
import warnings
from pathlib import Path

import pytest
from coverage.config import DEFAULT_EXCLUDE
from coverage.parser import PythonParser
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.coverage import lines_of, mask
from reviewbot.steps import stating
from reviewbot.steps.stating import Statements

ROOT = Path(__file__).parents[2]
CORPUS = sorted((ROOT / "reviewbot").rglob("*.py"))
LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).glob("[a-e]*.py"))


def found(text: str) -> Statements:
    result = stating.statements(textwrap.dedent(text).encode())
    assert result is not None
    return result


def owners(text: str) -> dict[int, int]:
    return dict(found(text).first)


def measured_by_the_tool(text: bytes) -> set[int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = PythonParser(text=text.decode(), exclude="|".join(f"(?:{pattern})" for pattern in DEFAULT_EXCLUDE))
        parser.parse_source()
    return set(parser.statements)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_statements_are_those_that_the_tool_measures(path: Path) -> None:
    result = stating.statements(path.read_bytes())
    assert result is not None
    assert measured_by_the_tool(path.read_bytes()) == set(lines_of(result.executable & ~result.marked))


def test_what_the_tool_measures_in_a_library_is_never_taken_for_another_text() -> None:
    assert len(LIBRARY) > 30
    for path in LIBRARY:
        result = stating.statements(path.read_bytes())
        assert result is not None, path
        assert stating.misplaced(result, mask(measured_by_the_tool(path.read_bytes()))) is None, path


def test_every_line_of_an_expression_belongs_to_its_first() -> None:
    text = """\
        x = [
            1,
            # a comment

            2,
        ]
        y = f(
            a=1)
        """
    assert {1: 1, 2: 1, 5: 1, 6: 1, 7: 7, 8: 7} == owners(text)


def test_comments_among_strings_of_several_lines_are_told_from_them() -> None:
    text = (
        'f(\n    """\n# in a string\n""",\n    # a comment\n\n    1,\n)\nif g("""\n"""):\n    # a comment\n    x = 1\n'
    )
    assert {1: 1, 2: 1, 3: 1, 4: 1, 7: 1, 8: 1, 9: 9, 10: 9, 12: 12} == owners(text)


def test_lines_inside_of_a_string_belong_to_its_statement() -> None:
    assert {1: 1, 2: 1, 3: 1, 4: 1, 5: 5} == owners('x = f"""\n\n{y}\n"""\nz = 1\n')


def test_the_head_of_a_block_is_one_statement_and_its_body_others() -> None:
    text = """\
        with (
            open("a") as a,
            open("b") as b,
        ):
            if (a and
                    b):
                pass
        """
    assert {1: 1, 2: 1, 3: 1, 4: 1, 5: 5, 6: 5, 7: 7} == owners(text)


@pytest.mark.parametrize(
    ("text", "executable"),
    [
        ('"""Doc."""\n', []),
        ('def f():\n    """Doc\n    of f."""\n    return 1\n', [1, 4]),
        ("try:\n    a\nexcept (E,\n        F):\n    b\nelse:\n    c\nfinally:\n    d\n", [1, 2, 3, 5, 7, 9]),
        ("if a:\n    b\nelif c:\n    d\nelse:\n    e\n", [1, 2, 3, 4, 6]),
        ("match a:\n    case (1 |\n          2):\n        b\n    case _:\n        c\n", [1, 2, 4, 5, 6]),
        ("class A:\n    x: int\n    y: int = 1\n", [1, 2, 3]),
        ("def f():\n    x: int\n    y: int = 1\n    a.b: int\n", [1, 3, 4]),
        ("def f():\n    class A:\n        x: int\n    if a:\n        y: int\n", [1, 2, 3, 4]),
        ("def f():\n    global a\n    def g():\n        nonlocal b\n        b = 1\n", [1, 3, 5]),
        ("@one\n@two(\n    3,\n)\ndef f(\n    a=1,\n): return 1\n", [1, 2, 5]),
        ("@one\nclass A(\n    B,\n):\n    pass\n", [1, 2, 5]),
        ("a = 1; b = 2\nif a: b\nelse: c\n", [1, 2, 3]),
        ("@(\n    one\n)\ndef f(): pass\n", [1, 4]),
        ("if (a and\n        b): c\nx = (1,\n    2); y = (\n    3)\n", [1, 3]),
        ("match a:\n    case (\n        1\n    ): b\n", [1, 2]),
        ("f = (lambda:\n    1)\n", [1]),
        ("# a comment\n\nx = 1 + \\\n    2\n", [3]),
        ("async def f():\n    async with a:\n        async for b in c:\n            await d\n", [1, 2, 3, 4]),
    ],
)  # fmt: skip
def test_statements_are_counted_as_tools_count_them(text: str, executable: list[int]) -> None:
    assert executable == list(lines_of(found(text).executable))


def test_a_changed_decorator_counts_where_the_tool_measures_the_definition() -> None:
    both = found("@one(\n    1,\n)\n@two\ndef f(\n    a=1,\n):\n    pass\n")
    # coverage.py measures each of them; others only the definition's line, or only the first decorator's.
    for measured, known in ((mask([1, 4, 5]), [1]), (mask([5]), [5])):
        assert known == list(lines_of(stating.touched(both, [2], measured).known))
    for measured, known in ((mask([1, 4, 5]), [5]), (mask([1]), [1])):
        assert known == list(lines_of(stating.touched(both, [6], measured).known))


def test_a_statement_that_the_report_should_know_and_does_not_is_told_apart() -> None:
    text = found("a = 1\nb = 2\nc = 3  # pragma: no cover\nif __name__ == '__main__':\n    d = 4\n# a comment\n")
    touched = stating.touched(text, [1, 2, 3, 4, 5, 6], mask([1]))
    assert ([1], [2]) == (list(lines_of(touched.known)), list(lines_of(touched.unknown)))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\nb  # pragma: no cover\nc\n", [1, 3]),
        ("def f():  # pragma: no cover\n    a\n\n    b\nc\n", [5]),
        ("if a:\n    b\nelse:  # pragma: no cover\n    c\nd\n", [1, 2, 5]),
        ("@one  # pragma: no cover\n@two\ndef f(\n    a,\n):\n    b\nc\n", [7]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\nb\n", [1, 4]),
        ("class A:\n    def f(self): ...\n    @one\n    def g(self):\n        ...\n    x = 1\n", [1, 6]),
        ("if a:\n    # pragma: no cover\n    b\n", [1, 3]),
    ],
)
def test_what_is_marked_is_left_out_with_its_block(text: str, left: list[int]) -> None:
    result = found(text)
    assert left == list(lines_of(result.executable & ~result.marked))


def test_the_projects_own_patterns_leave_out_too() -> None:
    text = b"if debugging():\n    a\n    b\nc\n"
    result = stating.statements(text, (r"debugging\(\)",))
    assert result is not None
    assert [4] == list(lines_of(result.executable & ~result.marked))
    assert [4] == list(lines_of(stating.executable(result, [1, 2, 3, 4])))


@pytest.mark.parametrize("text", [b"def f(:\n", b"x = 1\ry = 2\n", b"\x00", b"# coding: nonsense\nx = 1\n", b"'" * 3])
def test_what_cannot_be_parsed_is_said_to_be_so(text: bytes) -> None:
    assert stating.statements(text) is None


def test_windows_line_ends_and_other_encodings_are_read() -> None:
    crlf = stating.statements(b"x = [\r\n    1,\r\n]\r\ny = 1\r\n")
    latin = stating.statements("# coding: latin-1\nx = 'ä'\n".encode("latin-1"))
    assert crlf is not None
    assert latin is not None
    assert ([1, 4], [2]) == (list(lines_of(crlf.executable)), list(lines_of(latin.executable)))


def test_a_line_on_which_nothing_begins_is_misplaced() -> None:
    text = found("x = [\n    1,\n]\n\n# a comment\ny = 1\n")
    assert [None, 2, 4, 5, 7] == [stating.misplaced(text, mask([1, 6, line])) for line in (1, 2, 4, 5, 7)]


def test_the_share_of_unknown_statements_is_counted() -> None:
    text = found("a\nb\nc\nd  # pragma: no cover\n@e\ndef f():\n    g\n")
    assert (2, 6) == stating.unknown_share(text, mask([1, 2, 6]))


SIMPLE = st.sampled_from(["a = 1", "b(\n    1,\n)", "# comment", "", "c = '''\n\n'''", "if a: b", "x = {\n  1: 2}"])


@given(st.lists(SIMPLE), st.data())
def test_every_changed_line_of_code_counts_and_nothing_else_does(blocks: list[str], data: st.DataObject) -> None:
    text = "".join(f"{block}\n" for block in blocks)
    result = found(text)
    total = text.count("\n")
    lines = data.draw(st.sets(st.integers(1, total))) if total else set[int]()
    expected, number = set[int](), 1
    for block in blocks:
        size = block.count("\n") + 1
        if block and not block.startswith("#") and lines & set(range(number, number + size)):
            expected.add(number)
        number += size
    assert expected == set(lines_of(stating.touched(result, lines, result.executable).known))
