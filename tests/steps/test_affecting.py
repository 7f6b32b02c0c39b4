"""Which tests a source touches, and which statements stand for its lines."""

import pytest

from reviewbot.steps import affecting

IMPORTS = {
    "tests/test_cart.py": frozenset({"shop", "shop.cart"}),
    "tests/test_totals.py": frozenset({"shop.cart", "shop.cart.total"}),
    "tests/test_front.py": frozenset({"shop", "shop.total"}),
    "tests/test_other.py": frozenset({"os", "shopping.cart"}),
}
TEXT = """\
import os


@cached
def total(
    items,
):
    # All of them.
    if items:
        return sum(
            items
        )
    else:

        return 0


class Cart:
    size = 1
"""


def imported(test: str) -> frozenset[str]:
    return IMPORTS.get(test, frozenset())


def test_tests_are_found_by_name_and_by_import_in_this_order() -> None:
    expected = ("tests/test_cart.py", "tests/test_totals.py")
    assert expected == affecting.affected("shop/cart.py", "shop.cart", sorted(IMPORTS), imported)


def test_without_such_those_of_the_package_are_taken() -> None:
    expected = ("tests/test_cart.py", "tests/test_front.py", "tests/test_totals.py")
    assert expected == affecting.affected("shop/tax.py", "shop.tax", sorted(IMPORTS), imported)


def test_a_module_without_a_package_is_found_by_its_own_name_alone() -> None:
    assert ("tests/test_other.py",) == affecting.affected("os.py", "os", sorted(IMPORTS), imported)


def test_a_test_file_is_its_own_test() -> None:
    assert ("tests/test_cart.py",) == affecting.affected("tests/test_cart.py", "test_cart", sorted(IMPORTS), imported)


def test_a_source_that_nobody_tests_has_no_tests() -> None:
    assert () == affecting.affected("lost.py", "lost", sorted(IMPORTS), imported)


def test_what_is_read_and_run_is_bounded() -> None:
    read: list[str] = []

    def reading(test: str) -> frozenset[str]:
        read.append(test)
        return frozenset({"shop.cart"})

    many = [f"tests/test_{number:03}.py" for number in range(400)]
    found = affecting.affected("shop/cart.py", "shop.cart", many, reading)
    assert (affecting.MOST_RUN, affecting.MOST_READ) == (len(found), len(read))


def test_imports_are_read_from_a_text_that_parses() -> None:
    text = "import os\nfrom shop.cart import total\nfrom . import near\n"
    assert frozenset({"os", "shop.cart", "shop.cart.total"}) == affecting.imported(text)
    assert frozenset() == affecting.imported("def f(:") == affecting.imported(None)


@pytest.mark.parametrize(
    ("start", "end", "lines"),
    [
        (1, 1, {1}),
        (2, 3, set()),
        (4, 7, {9}),  # the head of a function, with its decorator: what is in it has to run
        (8, 8, set()),  # a comment
        (9, 9, {9}),
        (11, 12, {10}),  # inside of a statement
        (13, 15, {9, 15}),
        (18, 18, {18}),  # the head of a class runs when it is imported
        (18, 19, {18, 19}),
    ],
)
def test_lines_are_tried_where_their_statements_run(start: int, end: int, lines: set[int]) -> None:
    assert lines == affecting.statements(TEXT, start, end)


def test_a_text_that_does_not_parse_has_no_statements() -> None:
    assert frozenset() == affecting.statements("def f(:", 1, 1)


def test_a_line_of_no_statement_is_tried_by_nothing() -> None:
    assert frozenset() == affecting.statements("\\\nx = 1\n", 1, 1)
