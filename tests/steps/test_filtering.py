"""Which files are left out, and why; globs against git itself."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import drawing
import pytest

from reviewbot.domain.patch import FilePatch, Hunk, Status
from reviewbot.steps import filtering
from reviewbot.steps.filtering import Rules


class Repository(Protocol):
    """What the fixture of the same name gives."""

    folder: Path

    def git(self, *arguments: str, stdin: bytes = ..., check: bool = ...) -> bytes: ...


def modified(path: str) -> FilePatch:
    return drawing.file(f"{path}\n  - 1 a\n  + 1 b")


def reason(file: FilePatch, attributes: Mapping[str, str] | None = None, **rules: tuple[str, ...]) -> str | None:
    return filtering.reason(file, Rules(**rules), attributes or {})  # type: ignore[arg-type]


def test_an_ordinary_file_is_reviewed() -> None:
    for path in ("app.py", "src/vendors.py", "poetry.lock.py", "docs/min.js.md", "snap.py", "lock", "jquery.js"):
        assert reason(modified(path)) is None


def test_reasons_come_in_the_order_of_the_files() -> None:
    files = [modified("a.py"), modified("uv.lock"), modified("b.txt")]
    attributes = {"b.txt": {"linguist-vendored": "set"}}
    assert filtering.reasons(files, Rules(), attributes) == (
        None,
        "a lock file",
        "vendored: .gitattributes says linguist-vendored",
    )


# Without changed lines


BARE = FilePatch(path="x", old_path="x", status=Status.MODIFIED)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (replace(BARE, binary=True), "binary"),
        (replace(BARE, old_path="y", status=Status.RENAMED), "renamed without a change of content"),
        (replace(BARE, old_mode="100644", new_mode="100755"), "only its mode changed, from 100644 to 100755"),
        (replace(BARE, old_path=None, status=Status.ADDED, new_mode="100644"), "an empty file"),
        (replace(BARE, status=Status.DELETED, old_mode="100644"), "an empty file"),
        (replace(BARE, hunks=(Hunk(old_start=1, new_start=1, body=" a"),)), "without a changed line"),
        (replace(modified("x"), old_mode="160000"), "a submodule: review the commits in its own repository"),
        (replace(modified("x"), new_mode="160000"), "a submodule: review the commits in its own repository"),
    ],
)
def test_a_file_without_lines_of_its_own_says_why(file: FilePatch, expected: str) -> None:
    assert reason(file) == expected
    assert reason(file, ignore=("*",)) == expected


# Rules and attributes


def test_what_the_configuration_ignores_comes_before_what_it_includes() -> None:
    assert (
        reason(modified("gen/a.py"), ignore=("docs/", "gen/"), include=("*.py",))
        == "ignored by the configuration: gen/"
    )


@pytest.mark.parametrize("path", ["uv.lock", "vendor/a.py", "a.min.js", "a_pb2.py"])
def test_an_included_file_is_reviewed_whatever_its_name(path: str) -> None:
    assert reason(modified(path)) is not None
    assert reason(modified(path), include=(path,)) is None
    assert reason(modified(path), {"linguist-generated": "set", "diff": "unset"}, include=("*",)) is None


def test_too_large_a_file_is_left_out_even_if_it_is_included() -> None:
    file = modified("a.py")
    assert filtering.reason(file, Rules(max_file_bytes=5), {}) is None
    large = filtering.reason(file, Rules(max_file_bytes=4, include=("*",)), {})
    assert large == "too large: 5 characters of diff, the limit is 4"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"linguist-generated": "set"}, "generated: .gitattributes says linguist-generated"),
        ({"linguist-generated": "true"}, "generated: .gitattributes says linguist-generated"),
        ({"linguist-vendored": "set"}, "vendored: .gitattributes says linguist-vendored"),
        ({"diff": "unset"}, "not to be diffed: .gitattributes says -diff"),
        ({"diff": "python"}, None),
        ({"linguist-generated": "unset"}, None),
        ({"linguist-vendored": "false"}, None),
    ],
)
def test_attributes_decide(attributes: dict[str, str], expected: str | None) -> None:
    assert reason(modified("a.py"), attributes) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("uv.lock", "a lock file"),
        ("web/package-lock.json", "a lock file"),
        ("Cargo.lock", "a lock file"),
        ("go.sum", "a lock file"),
        ("a.min.js", "minified, by its name"),
        ("a-min.css", "minified, by its name"),
        ("a.js.map", "minified, by its name"),
        ("api_pb2.py", "generated, by its name"),
        ("api_pb2_grpc.pyi", "generated, by its name"),
        ("api.pb.go", "generated, by its name"),
        ("x.Designer.cs", "generated, by its name"),
        ("ui.test.js.snap", "generated, by its name"),
    ],
)
@pytest.mark.parametrize("value", ["unset", "false"])
def test_names_say_that_a_file_is_generated_unless_an_attribute_denies_it(path: str, expected: str, value: str) -> None:
    assert reason(modified(path)) == expected
    assert reason(modified(path), {"linguist-generated": value}) is None
    assert reason(modified(path), {"linguist-vendored": value}) == expected


@pytest.mark.parametrize("path", ["vendor/a.py", "x/node_modules/y/a.js", "Third_Party/a.c", ".yarn/a.cjs"])
def test_folders_say_that_a_file_is_vendored_unless_an_attribute_denies_it(path: str) -> None:
    assert re.fullmatch("vendored: inside .*/", reason(modified(path)) or "")
    assert reason(modified(path), {"linguist-vendored": "unset"}) is None
    assert reason(modified(path), {"linguist-generated": "unset"}) is not None


# Content

GENERATED = "generated: it says so in its first lines"


@pytest.mark.parametrize(
    "mark",
    [
        "# @generated by a tool",
        "// Code generated by protoc-gen-go. DO NOT EDIT.",
        "/* DO NOT EDIT: this file is generated */",
        "# This file was automatically generated by SWIG; do not modify",
        "// <auto-generated>",
    ],
)
def test_a_mark_in_the_first_lines_says_that_a_file_is_generated(mark: str) -> None:
    assert reason(drawing.file(f"a.py (added)\n  + 1 {mark}\n  + 2 x")) == GENERATED
    assert reason(drawing.file(f"a.py (deleted)\n  - 1 {mark}\n  - 2 x")) == GENERATED
    unchanged = f"a.py\n    1 {mark}\n  + 2 x"
    assert reason(drawing.file(unchanged)) == GENERATED
    assert reason(drawing.file(f"old.py -> {unchanged}")) == GENERATED
    assert reason(drawing.file(unchanged), {"linguist-generated": "unset"}) is None


@pytest.mark.parametrize(
    "text", ["generated", "we generated this", "do not edit", "@generatedvalue", "code generated by hand"]
)
def test_ordinary_words_are_no_mark(text: str) -> None:
    assert reason(drawing.file(f"a.py (added)\n  + 1 # {text}")) is None


def test_a_modified_file_that_gains_a_mark_in_this_very_change_is_reviewed() -> None:
    assert reason(drawing.file("a.py\n  + 1 # @generated\n    2 x\n  + 3 evil()")) is None
    assert reason(drawing.file("old.py -> a.py\n  + 1 # @generated\n    2 x\n  + 3 evil()")) is None


def test_a_modified_file_that_loses_its_mark_is_reviewed() -> None:
    assert reason(drawing.file("a.py\n  - 1 # @generated\n    1 x\n  + 2 y")) is None


def test_only_the_first_ten_lines_count() -> None:
    rows = "\n".join(f"    {number} x" for number in range(1, 10))
    assert reason(drawing.file(f"a.py\n{rows}\n    10 # @generated\n  + 11 y")) == GENERATED
    assert reason(drawing.file(f"a.py\n{rows}\n    10 x\n    11 # @generated\n  + 12 y")) is None
    assert reason(drawing.file("a.py\n    9 x\n    10 x\n    11 # @generated\n  + 12 y")) is None
    assert reason(drawing.file("a.py\n    700 # @generated\n  + 701 y")) is None


def test_a_mark_far_to_the_right_is_no_mark() -> None:
    assert reason(drawing.file(f"a.py (added)\n  + 1 {'x' * 300} @generated")) is None


def test_very_long_lines_on_average_say_that_a_file_is_minified() -> None:
    lines = f"a.js\n  - 1 {'x' * 3_000}\n  + 1 {'y' * 3_000}\n    2 end"
    expected = "minified: its lines have more than 1,000 characters on average"
    assert reason(drawing.file(lines)) == expected
    assert reason(drawing.file(lines), {"linguist-generated": "unset"}) is None
    assert reason(drawing.file(lines.replace("a.js", "a.py"))) is None
    assert reason(drawing.file(lines.replace("    2 end", "\n".join(f"    {at} z" for at in range(2, 12))))) is None


# Globs

GLOBS = (
    "*.py", "foo", "foo/", "/foo", "/foo/", "foo/*", "foo/**", "**/foo", "**/foo/", "foo/**/bar", "**/foo/**",
    "a/b", "/a/b", "a/b/", "*.d/", "**", "**/", "*", "/*", "/*.py", "f?o", "a?b", "[ab].py", "[!a].py",
    "[^a].py", "a[/]b", "a[!x]b", "[a-c].py", "[a-].py", "[]].py", "[.*].py", "x[.]*", "*.min.*", "*a*a*b",
    "foo.", "a**b", "**foo", "foo**", "a/**b", "a/b**/c", "\\*.py", "\\!x", "\\#x", "a\\b", "[\\]].py", "a//b",
    "/", "//", "foo/**/", "/**", "/**/foo", "**/a/*/b", "*/foo", "docs/*.md", " lead", "trail\\ ", "a/**/**/b",
    "***", "é.py", ".*", "*.", "src/*/gen/**", "?", "??", "*/*", "[ab]?", "x.[^p]*", "[\\a-\\c].py", "[]-a].py",
)  # fmt: skip
PATHS = (
    "a.py", "b.py", "c.py", "-.py", "].py", "1.py", "*.py", "foo", "foo/a", "foo/a/b", "x/foo", "x/foo/y",
    "x/y/foo/z", "foo/bar", "foo/x/bar", "foo/x/y/bar/z", "a/b", "a/b/c", "x/a/b", "a/x/b", "a/x/y/b",
    "a/b/q.py", "x.d/y", "x.d", "fao", "f/o", "aab", "axb", "ab", "aXXb", "!x", "#x", "x", "[ab", "foo.",
    "docs/a.md", "docs/x/b.md", " lead", "lead", "trail ", "a/bx/c", "a/xb", "barfoo", "foobar", "foo.min.js",
    "x.min/a", "x.", "x.*", ".hidden", "dir/.hidden/x", "é.py", "aaab", "aba", "..py", "a/m/k/b", "q/a/m/b",
    "a\\b", "src/x/gen/y/z.py", "src/gen/y", "new\nline.py", "^.py",
)  # fmt: skip
DELIBERATE = {
    # A character is a character, and no byte of one.
    "[!a].py": {"é.py"},
    "[^a].py": {"é.py"},
}


def test_globs_match_what_git_check_ignore_says(repository: Repository) -> None:
    """At least sixty globs with sixty paths each."""
    assert len(GLOBS) >= 60
    assert len(PATHS) >= 60
    differing = {}
    for glob in GLOBS:
        (repository.folder / ".gitignore").write_text(f"{glob}\n", encoding="utf-8")
        stdin = "".join(f"{path}\0" for path in PATHS).encode()
        answer = repository.git("check-ignore", "--no-index", "-z", "--stdin", stdin=stdin, check=False)
        theirs = set(answer.decode().split("\0")) - {""}
        ours = {path for path in PATHS if filtering.matches(path, glob)}
        if theirs != ours:
            differing[glob] = theirs ^ ours
    assert differing == DELIBERATE


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        # The configuration has no comments and no order in which a later glob could take back an earlier one.
        ("!x", "!x"),
        ("#x", "#x"),
        # git says that these match nothing; here they mean what they look like.
        ("foo\\", "foo\\"),
        ("[ab", "[ab"),
        ("trail ", "trail "),
    ],
)
def test_what_git_reads_otherwise_on_purpose(glob: str, path: str) -> None:
    assert filtering.matches(path, glob)
    assert not filtering.matches("other", glob)


@pytest.mark.parametrize(("glob", "path"), [("[c-a].py", "c.py"), ("[]", "[]"), ("[!c-a]", "/"), ("", "a")])
def test_an_empty_choice_matches_nothing(glob: str, path: str) -> None:
    assert not filtering.matches(path, glob)


def test_a_path_made_against_a_glob_does_not_slow_it_down() -> None:
    """With backtracking this would take 10^19 steps."""
    assert not filtering.matches("a" * 5_000, "*a" * 5 + "*b")
    assert filtering.matches("a" * 5_000 + "b", "*a" * 5 + "*b")
