"""Altered sources: each is Python, differs in one place, and is another program."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.steps import mutating


def all_of(source: str, line: int) -> set[str]:
    """Give what becomes of one line, of all its mutants."""
    return {mutant.code.split("\n")[line - 1].strip() for mutant in mutating.altered(source, [line])}


@pytest.mark.parametrize(
    ("line", "altered"),
    [
        ("return a < b", {"return (a >= b)", "return (None)"}),
        ("return a == b", {"return (a != b)", "return (None)"}),
        ("return a is b", {"return (a is not b)", "return (None)"}),
        ("return a in b", {"return (a not in b)", "return (None)"}),
        ("return a and b", {"return (a or b)", "return (None)"}),
        ("return a + b", {"return (a - b)", "return (None)"}),
        ("return a @ b", {"return (a + b)", "return (None)"}),
        ("return not a", {"return (a)", "return (None)"}),
        ("return -a", {"return (a)", "return (None)"}),
        ("return a if b else c", {"return (c if b else a)", "return (None)"}),
        ("return 1", {"return (2)", "return (None)"}),
        ("return True", {"return (False)", "return (None)"}),
        ("return 'x'", {"return ('')", "return (None)"}),
        ("return ''", {"return ('altered')", "return (None)"}),
        ("return b'x'", {"return (None)"}),
        ("return 'a %s' % b", {"return ('') % b", "return (None)"}),
        ("return f'{a + 1}'", {"return (None)"}),
        ("return None", set()),
        ("return", set()),
        ("a = b", {"a = (None)"}),
        ("a: int = 1", {"a: int = (2)", "a: int = (None)"}),
        ("a: int", set()),
        ("a += b", {"a -= b"}),
        ("a.append(1)", {"a.append((2))", "(None)"}),
        ("raise ValueError('x')", {"pass"}),
        ("assert a > 1", {"pass", "assert (a <= 1)", "assert a > (2)"}),
        ("del a", {"pass"}),
        ("with a(1): pass", {"with a((2)): pass"}),
        ("for x in a(): pass", {"for x in (()): pass"}),
        ("pass", set()),
        ("import os", set()),
    ],
)
def test_a_line_is_altered_in_each_way_that_fits(line: str, altered: set[str]) -> None:
    assert altered == all_of(f"def f(a, b, c):\n    {line}\n", 2)


@pytest.mark.parametrize(
    ("source", "line", "altered"),
    [
        ("while True:\n    break\n", 2, {"pass"}),
        ("if a:\n    x = 'y'\n", 1, {"if (not a):"}),
        ("while a > b:\n    f()\n", 1, {"while (not a > b):", "while (a <= b):"}),
        ("try:\n    f()\nexcept ValueError as error:\n    g()\n", 3, {"except (()) as error:"}),
        ("try:\n    f()\nexcept:\n    g()\n", 3, set()),
        ("match a + b:\n    case 1:\n        f()\n", 1, {"match (a - b):"}),
        ("x = 'é' + y\n", 1, {"x = ('é' - y)", "x = ('') + y", "x = (None)"}),
        ("if a: return_ = 1\n", 1, {"if (not a): return_ = 1", "if a: return_ = (2)", "if a: return_ = (None)"}),
        ("def f():\n    return (\n        a\n        < b\n    )\n", 2, {"return ("}),
    ],
)
def test_statements_of_several_lines_are_altered_at_their_first(source: str, line: int, altered: set[str]) -> None:
    assert altered == all_of(source, line)


def test_an_alteration_says_what_it_is() -> None:
    whats = [mutant.what for mutant in mutating.altered("x = a < b\n", [1])]
    assert ["line 1: `a < b` became `a >= b`", "line 1: `a < b` became `None`"] == whats
    (long,) = mutating.altered(f"{'x' * 80}()\n", [1])
    assert f"line 1: `{'x' * 59}…` became `None`" == long.what


def test_lines_are_altered_in_turn_and_not_without_end() -> None:
    source = "".join(f"x = a + {number}\n" for number in range(20))
    lines = [mutant.what.partition(":")[0] for mutant in mutating.altered(source, [3, 1, 2])]
    assert ["line 1", "line 2", "line 3", "line 1", "line 2", "line 3", "line 1", "line 2"] == lines


def test_windows_line_ends_and_other_lines_stay_as_they_are() -> None:
    (mutant,) = mutating.altered("# é\r\nraise a\r\n# end", [2])
    assert "# é\r\npass\r\n# end" == mutant.code


@pytest.mark.parametrize(
    ("source", "line", "emptied"),
    [
        ("def f(a):\n    b = a\n    return b\n", 3, "def f(a):\n    return None\n"),
        ('def f(a):\n    """Doc."""\n    return a\n', 3, 'def f(a):\n    """Doc."""\n    return None\n'),
        ("def f(a): return a\n", 1, "def f(a): return None\n"),
        ("async def f(a):\n    yield a\n", 2, "async def f(a):\n    return None\n"),
        ("class A:\n    def f(self):\n        g()\n", 3, "class A:\n    def f(self):\n        return None\n"),
        ("def f():\n    @g\n    def h(): pass\n    return h\n", 3, "def f():\n    return None\n"),
    ],
)
def test_a_function_is_made_to_return_none(source: str, line: int, emptied: str) -> None:
    mutant = mutating.emptied(source, line)
    assert mutant is not None
    assert emptied == mutant.code
    assert mutant.what.endswith("` returned None at once")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("x = 1\n", 1),
        ("class A:\n    x = 1\n", 2),
        ("def f():\n    pass\n", 2),
        ("def f():\n    return None\n", 2),
        ('def f():\n    """Doc."""\n', 1),
        ("def f():\n    ...\n", 2),
        ("def f(:\n", 1),
    ],
)
def test_nothing_is_emptied_that_returns_none_already(source: str, line: int) -> None:
    assert None is mutating.emptied(source, line)


def test_what_is_no_python_is_not_altered() -> None:
    assert () == mutating.altered("def f(:\n", [1])


SOURCES = st.sampled_from(
    [
        "x = [a for a in b if a > 1]\n",
        "def f(a, *b, c=1, **d):\n    return {a: b, 'c': [c, -d]}\n",
        "with a as b, c(1) as d:\n    b += d % 2 ** 3\n",
        "@deco(1)\nclass A(B, k=2):\n    x: int = 3 if y else 'é'\n",
        "try:\n    raise A from b\nexcept (A, B) as c:\n    assert c, 'x'\nfinally:\n    del c\n",
        "while not a: \n\tif b or c: break\n\telse: continue\n",
        "async def f():\n    async for x in a(1):\n        await b(x)\n    async with c(2): return lambda: 3\n",
        "match a:\n    case {'x': 1} if a > 2: f(1)\n    case _: g(f'{a!r:>{b}}')\n",
    ]
)


@given(SOURCES)
def test_every_mutant_is_python_and_another_program(source: str) -> None:
    lines = range(1, source.count("\n") + 1)
    for mutant in mutating.altered(source, lines):
        assert ast.dump(ast.parse(mutant.code)) != ast.dump(ast.parse(source))
        assert mutant.code.count("\n") <= source.count("\n")
