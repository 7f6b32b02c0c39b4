"""Where a project keeps its tests, and what a new one may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.steps import neighbouring

FLAT = ("shop/cart.py", "shop/tax.py", "tests/test_tax.py", "tests/conftest.py", "tests/unit/test_zone.py")
MIRROR = ("src/shop/cart.py", "src/shop/tax.py", "src/shop/mail/smtp.py", "tests/shop/test_tax.py", "tests/test_cli.py")
BESIDE = ("shop/cart.py", "shop/tax.py", "shop/tax_test.py", "shop/mail/tests/test_smtp.py", "shop/mail/smtp.py")


def home(source: str, names: tuple[str, ...]) -> str:
    return neighbouring.home(source, neighbouring.tests(names), names)


def test_test_files_are_known_by_their_names() -> None:
    assert ("a/test_b.py", "b_test.py") == neighbouring.tests(
        ["b_test.py", "a/test_b.py", "a/testing.py", "test_x.txt"]
    )


@pytest.mark.parametrize(
    ("source", "names", "folder"),
    [
        ("shop/tax.py", FLAT, "tests"),
        ("shop/cart.py", FLAT, "tests"),
        ("src/shop/cart.py", MIRROR, "tests/shop"),
        ("src/shop/mail/smtp.py", MIRROR, "tests/shop"),
        ("shop/cart.py", BESIDE, "shop"),
        ("shop/mail/smtp.py", BESIDE, "shop/mail/tests"),
        ("shop/__init__.py", (*FLAT, "tests/deep/test_shop.py"), "tests/deep"),
        ("a.py", ("a.py", "test_b.py", "b.py"), ""),
        ("a.py", ("a.py",), "tests"),
    ],
)
def test_a_new_test_goes_where_the_project_would_keep_it(source: str, names: tuple[str, ...], folder: str) -> None:
    assert folder == home(source, names)


def test_a_new_name_is_one_that_no_test_has_anywhere() -> None:
    assert "tests/test_cart.py" == neighbouring.free("tests", "cart", FLAT)
    assert "tests/test_tax_gaps.py" == neighbouring.free("tests", "tax", FLAT)
    taken = (*FLAT, "other/test_tax_gaps.py", "test_tax_gaps_2.py")
    assert "tests/test_tax_gaps_3.py" == neighbouring.free("tests", "test_tax", taken)
    assert "test_cart.py" == neighbouring.free("", "cart", FLAT)


def test_the_tests_of_a_source_are_nearer_than_those_of_its_neighbours() -> None:
    known = ("a/test_far.py", "tests/shop/test_other.py", "z/test_tax.py")
    assert ("z/test_tax.py", "tests/shop/test_other.py", "a/test_far.py") == neighbouring.nearest("shop/tax.py", known)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("tests/test_a.py", None),
        ("tests/deep/test_a.py", None),
        ("tests/a_test.py", None),
        ("test_root.py", "folder of tests: pkg/tests, tests"),
        ("tests2/test_a.py", "folder of tests"),
        ("/tests/test_a.py", "plain relative"),
        ("tests/../../test_a.py", "out of the project"),
        ("tests/.hidden/test_a.py", "hidden"),
        ("tests//test_a.py", "out of the project"),
        ("tests/-k/test_a.py", "hidden"),
        ("-k_test.py", "hidden"),
        ("tests/conftest.py", "name is not that of a test"),
        ("tests/test_a.txt", "name is not that of a test"),
        ("tests\\test_a.py", "plain relative"),
        ("tests/test_a\n.py", "plain relative"),
        ("tests/" + "a" * 200 + "/test_a.py", "plain relative"),
        ("", "plain relative"),
    ],
)
def test_a_path_for_a_new_test_is_checked(path: str, fault: str | None) -> None:
    said = neighbouring.fault(path, {"tests", "pkg/tests"})
    assert said is None if fault is None else said is not None and fault in said


def test_tests_at_the_top_do_not_open_every_folder() -> None:
    assert None is neighbouring.fault("test_a.py", {""})
    assert neighbouring.fault("shop/test_a.py", {""}) is not None


@given(st.text())
def test_an_accepted_path_stays_inside_of_the_folder(path: str) -> None:
    if neighbouring.fault(path, {"tests"}) is None:
        assert path.startswith("tests/")
        assert path.endswith(".py")
        assert not {"..", ".", ""} & set(path.split("/"))
