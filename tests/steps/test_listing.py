"""``git diff --raw --numstat -z`` → entries."""

import pytest

from reviewbot.domain.patch import Status
from reviewbot.steps.listing import Entry, entries

OLD, NEW, NONE = "1" * 40, "2" * 40, "0" * 40


def listing(*tokens: str) -> tuple[Entry, ...]:
    return entries("".join(f"{token}\0" for token in tokens).encode("utf-8", "surrogateescape"))


def test_no_change_is_no_entry() -> None:
    assert entries(b"") == ()


def test_a_modified_file() -> None:
    (entry,) = listing(f":100644 100755 {OLD} {NEW} M", "x y", "3\t1\tx y")
    assert entry == Entry(
        path="x y",
        old_path="x y",
        status=Status.MODIFIED,
        old_mode="100644",
        new_mode="100755",
        old_blob=OLD,
        new_blob=NEW,
        binary=False,
        counts=(3, 1),
    )


def test_an_added_and_a_deleted_file() -> None:
    added, deleted = listing(
        f":000000 100644 {NONE} {NEW} A", "x", f":100644 000000 {OLD} {NONE} D", "y", "1\t0\tx", "0\t1\ty"
    )
    assert (added.status, added.old_path, added.old_mode, added.old_blob) == (Status.ADDED, None, None, None)
    assert (deleted.status, deleted.old_path, deleted.new_mode, deleted.new_blob) == (Status.DELETED, "y", None, None)


@pytest.mark.parametrize("letter", ["R090", "C100"])
def test_a_renamed_or_copied_file_has_two_paths(letter: str) -> None:
    (entry,) = listing(f":100644 100644 {OLD} {NEW} {letter}", "x", "y", "1\t1\t", "x", "y")
    assert (entry.old_path, entry.path, entry.status, entry.counts) == ("x", "y", Status.RENAMED, (1, 1))


def test_a_type_change_is_a_deleted_and_an_added_file_whose_counts_are_not_known() -> None:
    gone, come = listing(f":100644 120000 {OLD} {NEW} T", "x", "1\t9\tx")
    assert (gone.status, gone.old_path, gone.old_mode, gone.new_mode) == (Status.DELETED, "x", "100644", None)
    assert (come.status, come.old_path, come.old_mode, come.new_mode) == (Status.ADDED, None, None, "120000")
    assert (gone.old_blob, gone.new_blob, come.old_blob, come.new_blob) == (OLD, None, None, NEW)
    assert (gone.binary, gone.counts, come.binary, come.counts) == (None, None, None, None)


def test_a_binary_file_has_no_counts() -> None:
    (entry,) = listing(f":100644 100644 {OLD} {NEW} M", "x", "-\t-\tx")
    assert (entry.binary, entry.counts) == (True, None)


@pytest.mark.parametrize("path", [":colon", "a\tb", "a\nb", "caf\udce9", "-\t-\tx", " ", "é"])
def test_any_path_is_read_as_it_is(path: str) -> None:
    (entry,) = listing(f":100644 100644 {OLD} {NEW} M", path, f"1\t1\t{path}")
    assert (entry.path, entry.counts) == (path, (1, 1))


def test_the_order_is_gits() -> None:
    found = listing(f":100644 100644 {OLD} {NEW} M", "z", f":100644 100644 {OLD} {NEW} M", "a", "1\t1\ta", "2\t2\tz")
    assert [(entry.path, entry.counts) for entry in found] == [("z", (2, 2)), ("a", (1, 1))]
