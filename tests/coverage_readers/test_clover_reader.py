"""Clover reports of three tools that mean different things by them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from coverage_readers.report_files import DATA, all_told, everything, nothing

from reviewbot.coverage import clover
from reviewbot.errors import UsageError


def test_clover_counts_how_often_a_condition_was_true_and_false() -> None:
    report = clover.read(DATA / "openclover.xml", everything)
    assert all_told(report) == {
        "C:\\work\\shop\\src\\org\\example\\shop\\Cart.java": ([5, 6, 7], [8, 9], {7: "3/4", 9: "0/2"}),
        "C:\\work\\shop\\test\\org\\example\\shop\\CartTest.java": ([4], [], {}),
    }
    assert datetime(2026, 1, 2, 3, tzinfo=UTC) == report.created


def test_istanbul_counts_how_many_branches_were_taken_and_not() -> None:
    found = all_told(clover.read(DATA / "istanbul-clover.xml", everything))
    assert ([2, 3, 4, 7, 9, 16], [5, 13], {4: "1/2", 9: "1/2", 13: "0/2"}) == found["/srv/shop/src/cart.js"]


def test_phpunit_gives_the_path_as_the_name() -> None:
    report = clover.read(DATA / "phpunit-clover.xml", everything)
    assert {"/srv/shop/src/Cart.php": ([7, 9], [10], {})} == all_told(report)
    assert datetime(2026, 1, 2, 3, tzinfo=UTC) == report.created
    assert not report.has_branches


def test_branches_are_kept_only_where_they_are_asked_for() -> None:
    report = clover.read(DATA / "openclover.xml", nothing)
    assert [{}, {}] == [file.branches for file in report.files]
    assert report.has_branches


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('<line num="1" count="1"/>', "a line of no file"),
        ('<file path="a"><line count="1"/></file>', "an element without 'num'"),
        ('<file path="a"><line num="1" type="cond" truecount="1"/></file>', "without 'falsecount'"),
        ('<file path="a"><line num="1" count="many"/></file>', "'many'"),
        ("<file/>", "an element without 'name'"),
    ],
)
def test_a_damaged_report_is_told_in_words(body: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "clover.xml"
    path.write_text(f'<coverage generated="1">{body}</coverage>')
    with pytest.raises(UsageError, match=reason):
        clover.read(path, everything)
