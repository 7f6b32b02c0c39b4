"""Secrets are reported where they stand, and not repeated."""

import time
from collections.abc import Callable

import pytest

from reviewbot.analyzers.secrets import analyze
from reviewbot.domain import secret
from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Span
from reviewbot.domain.patch import FilePatch, Side
from reviewbot.ports import Sources

Change = Callable[..., FilePatch]
Texts = Callable[..., Sources]
MIXED = "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQzBv7L"
GITHUB = "ghp" + "_" + MIXED[:36]
AWS = "AKIA" + "R4ND0MT0K3NQZBV7"
SAMPLE = "AKIA" + "IOSFODNN7EXAMPLE"
CHOSEN = "q8Yw3nLz" + "0Vb7Kx"
KEY = f"-----BEGIN PRIVATE KEY-----\n{MIXED}\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def find(change: Change, texts: Texts) -> Callable[..., tuple[Finding, ...]]:
    def find(path: str, new: str, old: str | None = None) -> tuple[Finding, ...]:
        analysis = analyze([change(path, new, old)], texts())
        assert not analysis.covered
        return analysis.findings

    return find


Find = Callable[..., tuple[Finding, ...]]


def test_a_secret_on_an_added_line_is_reported_with_what_stands_before_it(find: Find) -> None:
    (found,) = find("src/app.py", f'import os\ntoken = "{GITHUB}"\n', "import os\n")
    assert found.rule == "secret/github-token"
    assert found.span == Span(side=Side.RIGHT, start=2, end=2)
    assert found.quote == 'token = "ghp_'
    assert (found.severity, found.confidence) == (Severity.CRITICAL, Confidence.HIGH)
    assert (found.category, found.source) == (Category.SECURITY, "secrets")


def test_nothing_of_a_finding_repeats_the_secret(find: Find) -> None:
    new = f'a = "{GITHUB}", "{AWS}"\npassword = "{CHOSEN}"\n{AWS}\n{KEY}'
    for found in find("src/app.py", new):
        said = f"{found.title}\n{found.body}\n{found.quote}"
        assert not any(value[5:] in said for value in (GITHUB, AWS, CHOSEN))
        assert secret.find(said) == ()


def test_the_quote_before_a_second_secret_leaves_out_the_first(find: Find) -> None:
    first, second = find("a.py", f"x = ['{GITHUB}', 'and the other', '{AWS}']\n")
    assert first.quote == "x = ['ghp_"
    assert second.quote == "', 'and the other', 'AKIA"


def test_a_secret_that_begins_its_line_is_quoted_by_four_characters(find: Find) -> None:
    (found,) = find("tokens.txt", f"{GITHUB}\n")
    assert found.quote == "ghp_"


def test_the_quote_from_a_very_long_line_is_short(find: Find) -> None:
    (found,) = find("a.js", f"{'x()+' * 50_000}'{GITHUB}'\n")
    assert found.quote == ("x()+" * 50_000)[-159:] + "'ghp_"


def test_a_private_key_is_quoted_by_its_header(find: Find) -> None:
    (found,) = find("deploy.pem", KEY)
    assert (found.quote, found.severity) == ("-----BEGIN PRIVATE KEY", Severity.CRITICAL)


def test_what_has_no_form_of_its_own_is_high(find: Find) -> None:
    (found,) = find("a.yml", f'password: "{CHOSEN}"\n')
    assert (found.rule, found.severity, found.quote) == ("secret/credential", Severity.HIGH, 'password: "q8Y')


@pytest.mark.parametrize(
    "path",
    [
        *(
            "tests/a.py",
            "src/test/java/A.java",
            "pkg/testdata/key",
            "a_test.go",
            "test_a.py",
            "a.spec.ts",
            "conftest.py",
        ),
        *("docs/use.html", "README.md", "examples/a.js", "FooTest.java", "spec/a_spec.rb", "__mocks__/a.js"),
    ],
)
def test_in_tests_and_examples_a_token_is_medium_and_a_password_low(find: Find, path: str) -> None:
    token, password = find(path, f'{GITHUB}\npassword = "{CHOSEN}"\n')
    assert (token.severity, password.severity) == (Severity.MEDIUM, Severity.LOW)
    assert "made up" in token.body


@pytest.mark.parametrize("path", ["src/latest/a.py", "contest.py", "attestation/a.go", "src/testimony.js"])
def test_a_path_that_merely_contains_the_word_lowers_nothing(find: Find, path: str) -> None:
    assert find(path, f"x = {GITHUB}\n")[0].severity is Severity.CRITICAL


def test_a_value_that_says_it_is_a_sample_is_low_anywhere(find: Find) -> None:
    (found,) = find("src/a.py", f'key = "{SAMPLE}"\n')
    assert found.severity is Severity.LOW


def test_lowered_findings_are_told_once_for_each_kind_and_file(find: Find) -> None:
    first, other = find("tests/a.py", f"a = {GITHUB}\nb = {AWS}\nc = {GITHUB}\n")
    assert (first.also_at, other.also_at) == ((3,), ())
    assert len(find("src/a.py", f"a = {GITHUB}\nb = {GITHUB}\n")) == 2


def test_secrets_on_lines_that_did_not_change_are_not_reported(find: Find) -> None:
    assert find("a.py", f"x = {GITHUB}\ny = 2\n", f"x = {GITHUB}\ny = 1\n") == ()
    assert find("a.py", "y = 1\n", f"x = {GITHUB}\ny = 1\n") == ()


def test_carriage_returns_and_bytes_that_are_no_text_do_no_harm(find: Find) -> None:
    (found,) = find("a.ini", f"caf\udce9 = 1\r\nkey = {GITHUB}\r\n")
    assert found.span is not None
    assert found.span.start == 2


def test_a_line_full_of_secrets_takes_no_longer_than_as_many_lines(find: Find) -> None:
    start = time.process_time()
    assert len(find("a.min.js", f"'{GITHUB}' " * 5_000)) == 1
    assert time.process_time() - start < 5
