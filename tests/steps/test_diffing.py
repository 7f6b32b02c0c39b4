"""Diff text → Patch: hostile text on one door, git's own listing on the other."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reviewbot.domain.patch import FilePatch, Patch, Status
from reviewbot.errors import UsageError
from reviewbot.repository.changes import Changes
from reviewbot.steps import diffing, listing

CASES = [case.read_bytes() for case in sorted((Path(__file__).parents[1] / "data" / "diffs").glob("*.diff"))]
SMALL = [case for case in CASES if len(case) < 5_000]
TOKENS = [
    b"diff --git a/x b/x\n", b"diff --cc x\n", b"--- a/x\n", b"+++ b/x\n", b"--- /dev/null\n",
    b"index 1234567..89abcde\n",
    b"@@ -1 +1 @@\n", b"@@ -1,2 +1,2 @@ f\n", b"@@ -0,0 +1 @@\n", b"@@ -1,0 +1,0 @@\n", b"@@ -9 +9 @@\n", b"@@ -x\n",
    b"-a\n", b"+b\n", b" c\n", b"\n", b"\r\n", b"\\ No newline at end of file\n", b"-- \n", b"---\n", b"+\r\n",
    b"-", b"+",
    b"new file mode 100644\n", b"deleted file mode 100644\n", b"rename from x\n", b'rename to "\\8"\n', b"old mode 1\n",
    b"GIT binary patch\n", b"Binary files a/x and b/x differ\n", b"From " + b"0" * 40 + b" \n", b"commit 1234567\n",
    b"Submodule x 1234567..89abcde:\n", b" 1 file changed\n", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"hello\n",
    b"\xe2\x80\xa8",
]  # fmt: skip


class Repository(Protocol):
    """What the fixture of the same name gives."""

    folder: Path

    def git(self, *arguments: str) -> bytes: ...

    def commit(self, files: dict[str, str | bytes | None]) -> str: ...

    def changes(self, base: str, head: str) -> Changes: ...


def read(data: bytes) -> Patch | None:
    """Parse a text; None where it is refused. Everything that callers look at is looked at."""
    try:
        patch = diffing.bare(data)
    except UsageError:
        return None
    for file in patch.files:
        assert file.path
        assert file.defect is None or not file.hunks
        assert all(number > 0 for number in file.added + file.removed)
        for numbers in (file.added, file.removed):
            assert list(numbers) == sorted(set(numbers))
    return patch


def texts(patch: Patch) -> Iterator[bytes]:
    for file in patch.files:
        for hunk in file.hunks:
            for line in hunk.lines():
                yield line.text.encode("utf-8", "surrogateescape")


def assert_nothing_is_invented(data: bytes) -> None:
    patch = read(data)
    if patch is None:
        return
    rows = data.split(b"\n")
    known = {row[1:] for row in rows} | {row for row in rows if not row.strip(b"\r")}
    known |= {row.removesuffix(b"\r") for row in known}
    assert set(texts(patch)) <= known


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert_nothing_is_invented(data)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=25).map(b"".join))
@example(b'diff --git "a/\\8" "b/\\8"\n')
@example(b"--- a/x\n+++ b/x\n@@ -1,0 +1,0 @@\n")
@example(b"--- a/x\n+++ b/x\n@@ -0 +0 @@\n-a\n+b\n")
def test_any_mixture_of_what_diffs_are_made_of_is_read_or_refused(data: bytes) -> None:
    assert_nothing_is_invented(data)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a real diff with a few bytes deleted, doubled, flipped or put elsewhere."""
    data = bytearray(draw(st.sampled_from(SMALL)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        size = draw(st.sampled_from([1, 1, 2, 10, 80]))
        match draw(st.sampled_from(["delete", "double", "flip", "move", "line"])):
            case "delete":
                del data[at : at + size]
            case "double":
                data[at:at] = data[at : at + size]
            case "flip":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "move":
                piece = data[at : at + size]
                del data[at : at + size]
                data[at // 2 : at // 2] = piece
            case _:
                data[at:at] = b"\n" + draw(st.sampled_from(TOKENS))
    return bytes(data)


@settings(max_examples=500, deadline=None)
@given(mutated())
def test_a_damaged_diff_is_read_or_refused(data: bytes) -> None:
    assert_nothing_is_invented(data)


TWO_FILES = b"""\
diff --git a/a.py b/a.py
index 1234567..89abcde 100644
--- a/a.py
+++ b/a.py
@@ -1,3 +1,3 @@ def f():
 one
-two
+2
 three
@@ -10,2 +10,3 @@
 ten
+10a
 eleven
diff --git a/old.py b/b.py
similarity index 90%
rename from old.py
rename to b.py
index 1234567..89abcde 100644
--- a/old.py
+++ b/b.py
@@ -1 +1,2 @@
-x
+y
+z
\\ No newline at end of file
"""


def prefix(cut: FilePatch, whole: FilePatch) -> bool:
    """Tell whether hunks are the first of the whole file's, the very last line perhaps cut short."""
    *before, last = [*cut.hunks, whole.hunks[0]] if not cut.hunks else cut.hunks
    if tuple(before) != whole.hunks[: len(before)]:
        return False
    theirs = whole.hunks[len(cut.hunks) - 1]
    same = (last.old_start, last.new_start) == (theirs.old_start, theirs.new_start)
    return same and len(last.body.split("\n")) == len(theirs.body.split("\n")) and theirs.body.startswith(last.body)


@pytest.mark.parametrize("at", range(len(TWO_FILES)))
def test_a_text_cut_anywhere_shows_whole_hunks_or_a_defect(at: int) -> None:
    whole = diffing.bare(TWO_FILES).files
    patch = read(TWO_FILES[:at])
    if patch is None:
        assert at < len(b"diff --git ")
        return
    for cut, file in zip(patch.files, whole, strict=False):
        if cut.defect is None and not cut.hunks:
            # A rename is whole without lines; nothing shows that some were to come.
            assert TWO_FILES[:at].partition(b"rename to ")[2].partition(b"--- ")[1] == b""
        elif cut.defect is None:
            assert cut.path == file.path
            assert prefix(cut, file)


def test_a_cut_text_shows_each_whole_file() -> None:
    first, second = diffing.bare(TWO_FILES[: TWO_FILES.index(b"+z")]).files
    assert (first.defect, first.added, first.removed) == (None, (2, 11), (2,))
    assert second.defect == "the text ends inside a hunk: it was cut off"


def test_empty_input_is_an_empty_patch() -> None:
    assert diffing.bare(b"").files == ()


def test_a_path_that_cannot_be_made_out_is_a_defect_and_shows_what_there_was() -> None:
    (file,) = diffing.bare(b"diff --git nonsense\n--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n").files
    assert (file.path, file.defect, file.hunks) == ("nonsense", "its path cannot be made out", ())
    (file,) = diffing.bare(b"--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n").files
    assert file.path == "a file without a name"


def test_content_beside_the_words_for_binary_is_content() -> None:
    text = TWO_FILES.replace(b"--- a/a.py", b"Binary files a/a.py and b/a.py differ\n--- a/a.py")
    assert [file.binary for file in diffing.bare(text).files] == [False, False]


# The door with git's own listing


def listed(repository: Repository, base: str, head: str = "HEAD") -> tuple[FilePatch, ...]:
    """Parse what git says of two commits."""
    changes = repository.changes(base, head)
    return diffing.listed(listing.entries(changes.listing), changes.text).files


def test_every_kind_of_change_is_read_as_git_lists_it(repository: Repository) -> None:
    lines = "".join(f"line {number}\n" for number in range(30))
    base = repository.commit({
        "edited b/edited": lines, "renamed": lines * 2, "moved": lines * 3, "gone": "x\n", "emptied": "x\n",
        "filled": "", "binary": b"\0\1", 'caf\u00e9 "\t\n': "x\n", "type": "target\n", "last": "x\n",
    })  # fmt: skip
    repository.commit({"renamed": None, "moved": None, "gone": None})
    (repository.folder / "type").unlink()
    (repository.folder / "type").symlink_to("target")
    repository.commit({
        "edited b/edited": lines.replace("line 7\n", "7\n"), "new name": lines * 2, "dir/moved": lines * 3 + "end\n",
        "emptied": "", "filled": "x\n", "binary": b"\0\2", 'caf\u00e9 "\t\n': "y\n", "last": "x", "come": "1\n2\n",
    })  # fmt: skip
    files = {(file.path, file.status): file for file in listed(repository, base)}
    assert {key: file.defect for key, file in files.items() if file.defect} == {}
    shown = {key: (file.old_path, file.binary, file.added, file.removed) for key, file in files.items()}
    assert shown == {
        ("edited b/edited", Status.MODIFIED): ("edited b/edited", False, (8,), (8,)),
        ("new name", Status.RENAMED): ("renamed", False, (), ()),
        ("dir/moved", Status.RENAMED): ("moved", False, (91,), ()),
        ("gone", Status.DELETED): ("gone", False, (), (1,)),
        ("come", Status.ADDED): (None, False, (1, 2), ()),
        ("emptied", Status.MODIFIED): ("emptied", False, (), (1,)),
        ("filled", Status.MODIFIED): ("filled", False, (1,), ()),
        ("binary", Status.MODIFIED): ("binary", True, (), ()),
        ('caf\u00e9 "\t\n', Status.MODIFIED): ('caf\u00e9 "\t\n', False, (1,), (1,)),
        ("type", Status.DELETED): ("type", False, (), (1,)),
        ("type", Status.ADDED): (None, False, (1,), ()),
        ("last", Status.MODIFIED): ("last", False, (1,), (1,)),
    }
    assert files["last", Status.MODIFIED].hunks[0].no_newline == (1,)


def test_a_bare_diff_and_a_listed_one_agree(repository: Repository) -> None:
    base = repository.commit({"a": "1\n2\n", "b": "x\n" * 20, "c": "1\n"})
    repository.commit({"a": "1\n3\n", "b": None, "d": "x\n" * 20 + "y\n", "c": b"\0"})
    changes = repository.changes(base, "HEAD")
    bare = [replace(file, old_blob=None, new_blob=None) for file in diffing.bare(changes.text).files]
    assert bare == [replace(file, old_blob=None, new_blob=None) for file in listed(repository, base)]


@pytest.fixture
def two(repository: Repository) -> Changes:
    """Two modified files, as git lists and shows them."""
    base = repository.commit({"a": "1\n", "b": "1\n"})
    repository.commit({"a": "2\n", "b": "2\n"})
    return repository.changes(base, "HEAD")


def test_another_number_of_files_spoils_all_of_them(two: Changes) -> None:
    entries = listing.entries(two.listing)
    cut = two.text[: two.text.index(b"diff --git a/b")]
    for text, count in ((cut, 1), (b"", 0), (two.text + cut, 3)):
        files = diffing.listed(entries, text).files
        assert [file.defect for file in files] == [f"git lists 2 files but its text shows {count}"] * 2
        assert [(file.path, file.hunks) for file in files] == [("a", ()), ("b", ())]


def test_other_counts_than_gits_are_a_defect_of_that_file_only(two: Changes) -> None:
    first, second = listing.entries(two.listing)
    files = diffing.listed((replace(first, counts=(2, 1)), second), two.text).files
    assert [file.defect for file in files] == ["git counts +2 -1, its text shows +1 -1", None]
    assert [len(file.hunks) for file in files] == [0, 1]


def test_text_that_git_shows_as_binary_but_counts_is_a_defect(two: Changes) -> None:
    text = re.sub(rb"--- a/a\n.*?(?=diff --git)", b"Binary files a/a and b/a differ\n", two.text, flags=re.DOTALL)
    assert text != two.text
    first, second = diffing.listed(listing.entries(two.listing), text).files
    assert (first.defect, first.binary) == ("git counts +1 -1, its text shows +0 -0", False)
    assert second.defect is None


def test_a_damaged_hunk_is_a_defect_of_that_file_only(two: Changes) -> None:
    first, second = diffing.listed(listing.entries(two.listing), two.text.replace(b"+2\n", b"2\n", 1)).files
    assert (first.defect, first.hunks) == (
        "a hunk has fewer lines than its header says: the text was cut off or edited",
        (),
    )
    assert second.defect is None


def test_a_binary_half_of_a_type_change_is_binary(repository: Repository) -> None:
    base = repository.commit({"x": b"\0\1\2"})
    (repository.folder / "x").unlink()
    (repository.folder / "x").symlink_to("y")
    repository.commit({})
    gone, come = listed(repository, base)
    assert (gone.status, gone.binary, come.status, come.binary) == (Status.DELETED, True, Status.ADDED, False)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_a_listed_text_with_any_damage_raises_nothing_but_a_usage_error(noise: bytes, at: int) -> None:
    raw = f":100644 100644 {'1' * 40} {'2' * 40} M\0a.py\0:100644 100644 {'1' * 40} {'2' * 40} R090\0old.py\0b.py\0"
    entries = listing.entries(f"{raw}2\t1\ta.py\0002\t1\t\0old.py\0b.py\0".encode())
    try:
        files = diffing.listed(entries, TWO_FILES[:at] + noise + TWO_FILES[at:]).files
    except UsageError:
        return
    assert [file.path for file in files] == ["a.py", "b.py"]
    for file, entry in zip(files, entries, strict=True):
        assert file.defect is not None or (len(file.added), len(file.removed)) == entry.counts
