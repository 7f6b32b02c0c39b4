"""A section's header → paths, status and modes."""

import pytest

from reviewbot.domain.patch import FilePatch, Status
from reviewbot.steps import heading
from reviewbot.steps.splitting import split

LINES = "@@ -1 +1 @@\n-a\n+b\n"
EDIT = "index 1234567..89abcde 100644\n"


def read(text: str | bytes) -> FilePatch | None:
    (section,) = split(text.encode() if isinstance(text, str) else text)
    return heading.read(section)


def named(text: str | bytes) -> tuple[str | None, str, Status] | None:
    head = read(text)
    return None if head is None else (head.old_path, head.path, head.status)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("a/x.py", "b/x.py", "x.py"),
        ("a/a.py b/a.py", "b/a.py b/a.py", "a.py b/a.py"),
        ("a/b/b.py", "b/b/b.py", "b/b.py"),
        ("b/b/a.py", "b/b/a.py", "b/b/a.py"),
        ("x y.py", "x y.py", "x y.py"),
        ("i/x.py", "w/x.py", "x.py"),
        ("before/x.py", "after/x.py", "x.py"),
        ("x.py", "x.py", "x.py"),
    ],
)
def test_a_path_is_the_same_on_both_sides_whatever_its_prefix(old: str, new: str, path: str) -> None:
    tab = "\t" if " " in path else ""
    with_names = f"diff --git {old} {new}\n{EDIT}--- {old}{tab}\n+++ {new}{tab}\n{LINES}"
    assert named(with_names) == (path, path, Status.MODIFIED)
    without_git = f"--- {old}\t2020-01-01 10:00:00 +0000\n+++ {new}\t2020-01-02 10:00:00 +0000\n{LINES}"
    assert named(without_git) == (path, path, Status.MODIFIED)


@pytest.mark.parametrize("path", ["x.py", "a b", "a b/a b", "b/x", "x b/x b/x"])
def test_a_mode_change_says_its_path_only_once_and_is_cut_in_the_middle(path: str) -> None:
    mode = "old mode 100644\nnew mode 100755\n"
    assert named(f"diff --git a/{path} b/{path}\n{mode}") == (path, path, Status.MODIFIED)
    assert named(f"diff --git {path} {path}\n{mode}") == (path, path, Status.MODIFIED)


@pytest.mark.parametrize(
    ("quoted", "path"),
    [
        (r'"a/\303\251.py" "b/\303\251.py"', "é.py"),
        (r'"a/\351.py" "b/\351.py"', "\udce9.py"),
        (r'"a/tab\t.py" "b/tab\t.py"', "tab\t.py"),
        (r'"a/new\nline" "b/new\nline"', "new\nline"),
        (r'"a/\"quote\\.py" "b/\"quote\\.py"', '"quote\\.py'),
        (r'"a/\a\b\v\f\r" "b/\a\b\v\f\r"', "\a\b\v\f\r"),
        (r'"a/x\" \"b/y" "b/x\" \"b/y"', 'x" "b/y'),
        # git writes no such thing. \8 is no octal number, and once ended the run.
        (r'"a/\8" "b/\8"', "8"),
        (r'"a/\777" "b/\777"', "\udcff"),
    ],
)
def test_a_quoted_path_is_unquoted(quoted: str, path: str) -> None:
    assert named(f"diff --git {quoted}\nold mode 100644\nnew mode 100755\n") == (path, path, Status.MODIFIED)


def test_one_half_alone_may_be_quoted() -> None:
    text = 'diff --git a/x "b/\\303\\251"\nsimilarity index 100%\nrename from x\nrename to "\\303\\251"\n'
    assert named(text) == ("x", "é", Status.RENAMED)
    assert named(text[: text.index("similarity")] + EDIT) == ("x", "é", Status.RENAMED)
    assert named('diff --git "a/\\303\\251" b/é\nold mode 1\nnew mode 2\n') == ("é", "é", Status.MODIFIED)


def test_renames_and_copies_name_both_paths() -> None:
    for verb in ("rename", "copy"):
        text = f"diff --git a/x b/y b/z b/w\nsimilarity index 90%\n{verb} from x b/y\n{verb} to z b/w\n"
        assert named(text) == ("x b/y", "z b/w", Status.RENAMED)


def test_two_files_compared_by_name_are_a_rename() -> None:
    text = f"diff --git a/old/x b/new/y\n{EDIT}--- a/old/x\n+++ b/new/y\n{LINES}"
    assert named(text) == ("old/x", "new/y", Status.RENAMED)


def test_added_and_deleted_files() -> None:
    added = (
        "diff --git a/x b/x\nnew file mode 100644\nindex 0000000..89abcde\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n"
    )
    head = read(added)
    assert head is not None
    assert (head.old_path, head.path, head.status) == (None, "x", Status.ADDED)
    assert (head.old_mode, head.new_mode, head.old_blob, head.new_blob) == (None, "100644", None, "89abcde")
    deleted = (
        "diff --git a/x b/x\ndeleted file mode 100755\nindex 1234567..0000000\n"
        "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n"
    )
    head = read(deleted)
    assert head is not None
    assert (head.old_path, head.path, head.status) == ("x", "x", Status.DELETED)
    assert (head.old_mode, head.new_mode, head.old_blob, head.new_blob) == ("100755", None, "1234567", None)


def test_modes_and_blobs_of_a_modified_file() -> None:
    head = read(f"diff --git a/x b/x\nold mode 100644\nnew mode 100755\n{EDIT}--- a/x\n+++ b/x\n{LINES}")
    assert head is not None
    assert (head.old_mode, head.new_mode, head.old_blob, head.new_blob) == ("100644", "100755", "1234567", "89abcde")
    head = read(f"diff --git a/x b/x\n{EDIT}--- a/x\n+++ b/x\n{LINES}")
    assert head is not None
    assert (head.old_mode, head.new_mode) == ("100644", "100644")


# Texts without git's own lines


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("/dev/null", "b/x", (None, "x", Status.ADDED)),
        ("/dev/null", "x", (None, "x", Status.ADDED)),
        ("a/x", "/dev/null", ("x", "x", Status.DELETED)),
        ("x.orig", "x", ("x", "x", Status.MODIFIED)),
        ("a/x.orig", "b/x", ("x", "x", Status.MODIFIED)),
        ("old-1.0/src/x", "new-1.1/src/x", ("src/x", "src/x", Status.MODIFIED)),
        ("one/two/x", "one/three/x", ("one/three/x", "one/three/x", Status.MODIFIED)),
        ('"a/\\303\\251"\t2020', '"b/\\303\\251"\t2020', ("é", "é", Status.MODIFIED)),
    ],
)
def test_pairs_of_names_alone(old: str, new: str, expected: tuple[str | None, str, Status]) -> None:
    assert named(f"--- {old}\n+++ {new}\n{LINES}") == expected


@pytest.mark.parametrize("epoch", ["1970-01-01 00:00:00.000000000 +0000", "1969-12-31 19:00:00.000000000 -0500"])
def test_a_file_that_diff_n_adds_or_deletes_has_the_time_zero_and_no_lines(epoch: str) -> None:
    now = "2026-01-02 03:04:05.000000000 +0000"
    added = f"--- old/x\t{epoch}\n+++ new/x\t{now}\n@@ -0,0 +1 @@\n+b\n"
    assert named(added) == (None, "x", Status.ADDED)
    deleted = f"--- old/x\t{now}\n+++ new/x\t{epoch}\n@@ -1 +0,0 @@\n-b\n"
    assert named(deleted) == ("x", "x", Status.DELETED)
    assert named(added.replace(epoch, now)) == ("x", "x", Status.MODIFIED)
    assert named(f"--- old/x\t{epoch}\n+++ new/x\t{epoch}\n{LINES}") == ("x", "x", Status.MODIFIED)


def test_binary_files_of_diff_r() -> None:
    head = read("Binary files old/x and new/x differ\n")
    assert head is not None
    assert (head.path, head.binary) == ("x", True)
    assert named("Binary files /dev/null and b/x differ\n") == ("x", "x", Status.MODIFIED)


@pytest.mark.parametrize(
    "text",
    [
        "diff --git \n",
        "diff --git a/ b/\nold mode 1\nnew mode 2\n",
        "diff --git a/x\n",
        "diff --git a/x b/yy\n",
        "diff --git o/x new/x\nold mode 1\nnew mode 2\n",
        "diff --git a/x b/y\nold mode 1\nnew mode 2\n".replace("a/x b/y", "u/v w/x"),
        'diff --git "a/x b/x\n',
        'diff --git a/x b/x"\n',
        "--- /dev/null\n+++ /dev/null\n",
        "--- \n+++ \n",
        "Binary files a and b and c differ\n",
    ],
)
def test_a_path_that_cannot_be_made_out_is_none(text: str) -> None:
    assert named(text) is None
