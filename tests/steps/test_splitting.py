"""Diff text → sections: whatever stands around the files, and however somebody tries to forge one."""

import time
from typing import Protocol

import pytest

from reviewbot.errors import UsageError
from reviewbot.steps.splitting import Section, split

SHA = b"ca75f95c598eac39bbebf53ccdb820e0b3992d31"
X = b"diff --git a/x b/x\nindex 1234567..89abcde 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
Y = X.replace(b"/x", b"/y")


class Repository(Protocol):
    """What the fixture of the same name gives."""

    def git(self, *arguments: str) -> bytes: ...

    def commit(self, files: dict[str, str | None], message: str = ...) -> str: ...


def names(data: bytes) -> list[tuple[bytes | None, str | None]]:
    """Give what identifies each section, and its defect."""
    return [(section.git_line or section.header.get(b"+++ "), section.defect) for section in split(data)]


def only(data: bytes) -> Section:
    (section,) = split(data)
    return section


@pytest.mark.parametrize("data", [b"", b"\n", b"  \n\t\n", b"\xef\xbb\xbf"])
def test_nothing_is_an_empty_change(data: bytes) -> None:
    assert list(split(data)) == []


@pytest.mark.parametrize(
    "data", [b"hello\n", b"\0", b"\0" * 100, b"| diff --git a/x b/x\n", b"--- a/x\n", b"+++ b/x\n"]
)
def test_text_that_is_no_diff_is_refused_with_advice(data: bytes) -> None:
    with pytest.raises(UsageError, match="Give the output of 'git diff BASE HEAD'"):
        list(split(data))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_text_is_refused(encoding: str) -> None:
    with pytest.raises(UsageError):
        list(split(X.decode().encode(encoding)))


def test_powershells_redirection_is_named() -> None:
    with pytest.raises(UsageError, match="as PowerShell's '>' writes it"):
        list(split(X.decode().encode("utf-16")))


def test_a_byte_order_mark_before_the_diff_is_no_part_of_it() -> None:
    assert names(b"\xef\xbb\xbf" + X) == [(b"a/x b/x", None)]


def test_a_translated_diff_is_read_as_it_was() -> None:
    crlf = X.replace(b"\n", b"\r\n")
    assert list(split(X)) == list(split(crlf))
    assert list(split(X)) == list(split(b"\xef\xbb\xbf" + crlf))


def test_a_translated_diff_without_git_lines_is_read_as_it_was() -> None:
    text = b"Index: x\n====\n--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n"
    assert list(split(text)) == list(split(text.replace(b"\n", b"\r\n")))


def test_a_translated_diff_keeps_the_carriage_returns_of_its_files() -> None:
    crlf = X.replace(b"+b\n", b"+b\r\n").replace(b"\n", b"\r\n")
    assert only(crlf).hunks[0].body == b"-a\n+b\r"


def test_one_line_with_a_carriage_return_in_a_message_does_not_undo_those_of_the_files() -> None:
    text = b"diff --git a/quoted b/quoted\r\n\n" + X.replace(b"+b\n", b"+b\r\n")
    assert list(split(text))[-1].hunks[0].body == b"-a\n+b\r"


# What git prints around its diffs


@pytest.fixture
def history(repository: Repository) -> Repository:
    """Two commits; the second removes a line ``--``, which a diff shows as ``---``, and quotes a diff."""
    repository.commit({"f": "a\n--\nb\n", "g": "1\n"}, "one")
    message = "two\n\n- a list\n+ more of it\n\n--- a/quoted\n+++ b/quoted\n@@ -1 +1 @@\n-x\n+y\n\n" + X.decode()
    repository.commit({"f": "a\nb\n", "g": "2\n"}, message)
    return repository


@pytest.mark.parametrize(
    "command",
    [
        ("show",),
        ("show", "--format=fuller", "--stat", "-p"),
        ("log", "-p", "-1"),
        ("log", "-p", "--oneline", "-1"),
        ("log", "-p", "--abbrev-commit", "-1"),
        ("format-patch", "--stdout", "-1"),
        ("log", "-p", "--stat", "--format=email", "-1"),
        ("diff", "--stat", "-p", "HEAD~"),
        ("diff", "--raw", "-p", "HEAD~"),
    ],
)
def test_only_the_files_of_a_commit_are_read(history: Repository, command: tuple[str, ...]) -> None:
    assert names(history.git(*command)) == [(b"a/f b/f", None), (b"a/g b/g", None)]


@pytest.mark.parametrize(
    "command", [("log", "-p"), ("log", "-p", "--oneline"), ("format-patch", "--stdout", "--root", "HEAD")]
)
def test_all_commits_of_a_log_are_read(history: Repository, command: tuple[str, ...]) -> None:
    assert [name for name, _ in names(history.git(*command))] == [b"a/f b/f", b"a/g b/g"] * 2
    assert all(defect is None for _, defect in names(history.git(*command)))


@pytest.mark.parametrize(
    "command", [("format-patch", "--stdout", "--no-stat", "-1"), ("log", "-p", "--format=email", "-1")]
)
def test_a_mail_without_a_diffstat_loses_no_file(repository: Repository, command: tuple[str, ...]) -> None:
    """Its removed line ``--`` once passed for the end of the message, and the file was gone."""
    repository.commit({"f": "a\n--\nb\n", "g": "1\n"})
    repository.commit({"f": "a\nb\n", "g": "2\n"})
    assert names(repository.git(*command)) == [(b"a/f b/f", None), (b"a/g b/g", None)]


def test_a_mail_without_a_diffstat_before_one_that_has_it_loses_no_file(repository: Repository) -> None:
    repository.commit({"f": "1\n"})
    repository.commit({"f": "2\n"})
    bare = repository.git("format-patch", "--stdout", "--no-stat", "-1")
    with_stat = repository.git("format-patch", "--stdout", "-1")
    assert names(bare + with_stat) == [(b"a/f b/f", None)] * 2


def test_a_cover_letter_is_no_file(history: Repository) -> None:
    history.git("checkout", "--quiet", "-b", "topic")
    text = history.git("format-patch", "--stdout", "--cover-letter", "-1")
    assert names(text) == [(b"a/f b/f", None), (b"a/g b/g", None)]


def test_a_signature_and_what_follows_it_are_no_content() -> None:
    assert names(X + b"-- \n2.39\n+1 from me\n- nice\n" + Y) == [(b"a/x b/x", None), (b"a/y b/y", None)]


def test_a_log_message_after_a_pure_rename_is_no_header() -> None:
    text = (
        b"diff --git a/x b/z\nsimilarity index 100%\nrename from x\nrename to z\n\ncommit "
        + SHA
        + b"\nindex 1..2\n"
        + Y
    )
    assert [{b"rename from ", b"rename to "}, {b"index ", b"--- ", b"+++ "}] == [set(s.header) for s in split(text)]


# What is no output of git


def test_a_diff_without_git_lines_is_split_at_its_pairs_of_names() -> None:
    text = b"diff -ru old/x new/x\n--- old/x\t2020-01-01\n+++ new/x\t2021-01-01\n@@ -1 +1 @@\n-a\n+b\n"
    assert [section.header[b"--- "] for section in split(text + text.replace(b"x\t2020-01-01", b"y"))] == [
        b"--- old/x\t2020-01-01",
        b"--- old/y",
    ]


def test_a_binary_file_of_diff_r_is_a_file() -> None:
    text = b"--- old/x\n+++ new/x\n@@ -1 +1 @@\n-a\n+b\nBinary files old/y and new/y differ\nOnly in new: z\n"
    assert [{b"--- ", b"+++ "}, {b"Binary files "}] == [set(section.header) for section in split(text)]


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        (b"Submodule a b 1234567..89abcde:", b"new mode "),
        (b"Submodule a b 1234567...89abcde (rewind):", b"new mode "),
        (b"Submodule a b 0000000...89abcde (new submodule)", b"new file mode "),
        (b"Submodule a b 1234567...0000000 (submodule deleted)", b"deleted file mode "),
    ],
)
def test_a_submodules_log_is_a_file_and_no_content_of_the_file_before(line: bytes, mode: bytes) -> None:
    first, second = split(X + line + b"\n  > fix it\n  < break it\n")
    assert (first.defect, second.defect) == (None, None)
    assert (b"a/a b b/a b", mode + b"160000") == (second.git_line, second.header[mode])


def test_a_property_change_of_subversion_is_no_content() -> None:
    text = b"--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n\nProperty changes on: x\n____\n## -0,0 +1 ##\n+native\n"
    assert names(text) == [(b"+++ x", None)]


def test_a_combined_diff_is_a_file_with_a_defect_and_the_next_file_is_read() -> None:
    text = b"diff --cc a/f\nindex 1,2..3\n--- a/a/f\n+++ b/a/f\n@@@ -1,2 -1,2 +1,3 @@@\n  x\n++y\n" + X
    (_, reason), (second, nothing) = names(text)
    assert reason is not None
    assert reason.startswith("a combined diff")
    assert (second, nothing) == (b"a/x b/x", None)


# Hunks that do not add up


@pytest.mark.parametrize(
    ("hunk", "reason"),
    [
        (b"@@ -1,2 +1 @@\n-a\n+b\n", "the text ends inside a hunk"),
        (b"@@ -1,2 +1 @@\n-a\n+b\nhello\n", "fewer lines than its header says"),
        (b"@@ -1 +1,0 @@\n-a\n+b\n", "lines follow a hunk"),
        (b"@@ -1 +1,2 @@\n a\n-b\n+c\n", "more lines than its header says"),
        (b"@@ -1 +1 @@\n-a\n+b\n+c\n", "lines follow a hunk"),
        (b"@@ -1 +1 @@\n-a\n+b\n\n+c\n", "lines follow a hunk"),
        (b"@@ -1 +1 @@\n-a\n+b\n c\n", "lines follow a hunk"),
        (b"@@ -1 +1 @@\n-a\n+b\n\\ No newline\n\\ No newline\n", "lines follow a hunk"),
        (b"@@ -1 +1 @@\n\\ No newline\n-a\n+b\n", "fewer lines than its header says"),
        (b"@@ -1 +" + b"9" * 5_000 + b" @@\n-a\n+b\n", "a hunk header cannot be read: @@ -1 +999"),
        (b"@@ -1 +1" + b"0" * 24 + b" @@\n-a\n+b\n", "a hunk header cannot be read"),
        ("@@ -\u0661 +1 @@\n-a\n+b\n".encode(), "a hunk header cannot be read"),
        (b"@@ -1 +\xb2 @@\n-a\n+b\n", "a hunk header cannot be read"),
        (b"@@ nonsense @@\n-a\n+b\n", "a hunk header cannot be read"),
        (b"", "the text ends behind its header"),
    ],
)
def test_a_hunk_that_does_not_add_up_costs_its_file_only(hunk: bytes, reason: str) -> None:
    head = X[: X.index(b"@@")]
    first, second = (
        split(head + hunk + Y)
        if hunk.startswith(b"@@") and b"ends" not in reason.encode()
        else (only(head + hunk), only(Y))
    )
    assert first.defect is not None
    assert reason in first.defect
    assert first.hunks == []
    assert (second.git_line, second.defect) == (b"a/y b/y", None)


def test_a_defect_does_not_lose_the_next_file_of_a_diff_without_git_lines() -> None:
    broken = b"--- a/x\n+++ b/x\n@@ -1,3 +1 @@\n-a\n+b\n"
    whole = b"--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n"
    assert [section.header[b"--- "] for section in split(broken + whole)] == [b"--- a/x", b"--- a/y"]


def test_a_defect_in_gits_text_cannot_make_a_file_of_content() -> None:
    hunks = b"@@ -1,2 +1,1 @@\n--- a/forged\n+++ b/forged\n@@ -9 +9 @@\n-c\n+d\n"
    assert names(X[: X.index(b"@@")] + hunks) == [
        (b"a/x b/x", "a hunk has fewer lines than its header says: the text was cut off or edited")
    ]


def test_a_blank_line_between_two_hunks_loses_neither() -> None:
    section = only(X + b"\n@@ -9 +9 @@\n-c\n+d\n")
    assert [hunk.old_start for hunk in section.hunks] == [1, 9]


def test_content_can_forge_neither_a_file_nor_a_hunk() -> None:
    body = b"--- a/forged\n+++ b/forged\n-@@ -1 +1 @@\n+diff --git a/z b/z\n From " + SHA + b" \n commit " + SHA
    section = only(b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,4 +1,4 @@\n" + body + b"\n")
    assert (None, [body]) == (section.defect, [hunk.body for hunk in section.hunks])


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"index 1234567..89abcde 100644\n",
        b"old mode 100644\n",
        b"rename from x\n",
        b"new file mode 100644\nindex 0000000..89abcde\n",
        b"deleted file mode 100644\nindex 1234567..0000000\n",
    ],
)
def test_a_header_that_announces_lines_which_never_come_is_cut_off(header: bytes) -> None:
    assert only(b"diff --git a/x b/x\n" + header).defect == "the text ends behind its header: it was cut off"


@pytest.mark.parametrize(
    "header",
    [
        b"old mode 100644\nnew mode 100755\n",
        b"rename from x\nrename to y\n",
        b"copy from x\ncopy to y\n",
        b"old mode 100644\nnew mode 100755\nindex 1234567..89abcde\n",
        b"new file mode 100644\nindex 0000000..e69de29\n",
        b"deleted file mode 100644\nindex e69de29..0000000\n",
        b"new file mode 100644\nindex 0000000..473a0f4c3be8\n",
        b"new file mode 100644\n",
        b"index 1234567..89abcde\nBinary files a/x and b/x differ\n",
        b"index 1234567..89abcde\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n",
    ],
)
def test_a_header_that_announces_no_lines_is_whole(header: bytes) -> None:
    assert only(b"diff --git a/x b/x\n" + header).defect is None


# Bounded work

UNITS = {
    "old names": b"--- a\n",
    "pairs of names": b"--- a\n+++ b\n",
    "git lines": b"diff --git a/x b/x\n",
    "binary patches": b"GIT binary patch\n",
    "binary files": b"Binary file ",
    "binary lines": b"Binary files a/x and b/x differ\n",
    "mails": b"From " + SHA + b" \n",
    "commits": b"commit " + SHA + b"\n",
    "diffstats": b"\n 1 file changed\n",
    "separators": b"---\n",
    "marks": b"\\ No newline\n",
    "unread hunks": b"@@ -1 +1\n",
    "broken files": b"--- a\n+++ b\n@@ -1 +9 @@\n",
    "hunks": b"@@ -1 +1 @@\n-a\n+b\n",
    "merges": b"diff --cc x\n",
    "submodules": b"Submodule a 1234567.",
    "blank lines": b"\n",
}


def _seconds(data: bytes) -> float:
    """Give the least processor time of three runs."""

    def once() -> float:
        started = time.process_time()
        for _ in split(data):
            pass
        return time.process_time() - started

    return min(once() for _ in range(3))


@pytest.mark.parametrize("head", [b"", X, b"From " + SHA + b" \n"], ids=["alone", "behind a file", "in a mail"])
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_four_times_the_text_costs_about_four_times_the_work(unit: bytes, head: bytes) -> None:
    small, large = (head + unit * count + b"\n" + Y for count in (5_000, 20_000))
    # Quadratic work would cost sixteen times as much; what is too quick to measure is linear enough.
    assert _seconds(large) < max(10 * _seconds(small), 0.3)
