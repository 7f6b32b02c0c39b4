"""Which tests assert something that could be false."""

import ast

import pytest

from reviewbot.steps import asserting


def hollow(body: str, *, more: str = "") -> bool:
    tree = ast.parse(f"{more}\ndef test_it(fixture):\n    {body}\n")
    return asserting.hollow(tree) == ("test_it",)


@pytest.mark.parametrize(
    "body",
    [
        "assert f() == 1",
        "assert f(1)",
        "assert not f()",
        "assert x is None",
        "assert x is not other",
        "assert x in rows",
        "assert all(row > 1 for row in rows)",
        "assert isinstance(x, int) and x == 1",
        "assert not isinstance(x, int)",
        "with pytest.raises(ValueError): f()",
        "with pytest.raises(Exception, match='no'): f()",
        "with pytest.warns(UserWarning): f()",
        "with self.assertRaises(KeyError): f()",
        "self.assertEqual(f(), 1)",
        "self.assertTrue(f())",
        "mock.assert_called_once_with(1)",
        "check(f())",
    ],
)
def test_what_could_be_false_is_an_assertion(body: str) -> None:
    assert not hollow(body, more="def check(value):\n    assert value == 1\n")


@pytest.mark.parametrize(
    "body",
    [
        "f()",
        "assert True",
        "assert 1 == 1",
        "assert not False",
        "assert 'text'",
        "assert x == x",
        "assert x is not None",
        "assert None != x",
        "assert isinstance(x, int)",
        "assert callable(f) and hasattr(f, 'x')",
        "assert f() == 1 or True",
        "assert (f() == 1, 'always true')",
        "assert (x := f())",
        "assert lambda: f()",
        "assert f'{x}'",
        "with pytest.raises(Exception): f()",
        "with open(x) as file: f()",
        "with lock: f()",
        "self.assertTrue(True)",
        "self.assertEqual(x, x)",
        "self.assertIsNotNone(f())",
        "self.assertIsInstance(f(), int)",
        "assertion(f())",
        "f()()",
        "check(f())",
    ],
)
def test_what_holds_in_any_case_is_none(body: str) -> None:
    assert hollow(body, more="def check(value):\n    return value\n")


def test_tests_are_functions_and_methods_as_pytest_collects_them() -> None:
    code = (
        "def test_one(): pass\nasync def test_two(): pass\ndef other(): pass\n"
        "class TestThree:\n    def test_three(self): pass\n    def other(self): pass\n"
        "class Four(unittest.TestCase):\n    def test_four(self): pass\n"
        "class Helper:\n    def test_not(self): pass\n"
    )
    names = [function.name for function in asserting.test_functions(ast.parse(code))]
    assert ["test_one", "test_two", "test_three", "test_four"] == names
    assert tuple(names) == asserting.hollow(ast.parse(code))
