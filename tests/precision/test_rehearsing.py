"""Suggestions are tried on copies of real files, by the real static rules."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import drawing
from precision.claims import claim

from reviewbot.analyzers import ruff, secrets
from reviewbot.domain.analysis import Analysis
from reviewbot.domain.finding import Finding, Suggestion
from reviewbot.domain.patch import FilePatch
from reviewbot.ports import Sources
from reviewbot.rehearsing import offered
from reviewbot.steps.suggesting import UNPARSED

TEXT = "import os\n\n\ndef home():\n    path = os.getcwd()\n    return path\n"
PATCH = drawing.patch(
    "a.py\n    4 def home():\n  + 5     path = os.getcwd()\n    6     return path\nb.go\n  + 1 x := f("
)


class Texts:
    """Sources with the texts that a test gives."""

    def __init__(self, **texts: str) -> None:
        self._texts = texts

    def new_text(self, file: FilePatch) -> bytes | None:
        text = self._texts.get(file.path.partition(".")[0])
        return None if text is None else text.encode()

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        del names
        return {}


def suggested(replacement: str, line: int = 5, path: str = "a.py") -> Finding:
    quote = TEXT.split("\n")[line - 1]
    change = Suggestion(start_line=line, line=line, replacement=replacement)
    return claim(line, path=path, quote=quote, suggestion=change)


def tried(*findings: Finding, sources: Sources | None = None) -> tuple[Finding, ...]:
    return offered(findings, PATCH, (ruff.analyze, secrets.analyze), sources or Texts(a=TEXT))


def why(finding: Finding) -> str:
    return finding.body.partition("since ")[2].partition(":\n")[0]


def test_a_suggestion_that_holds_is_offered() -> None:
    good = suggested("    path = os.getcwd() + '/'")
    assert (good,) == tried(good)


def test_one_that_does_not_parse_is_shown_as_text() -> None:
    (shown,) = tried(suggested("    path = os.getcwd( + '/'"))
    assert (None, UNPARSED) == (shown.suggestion, why(shown))
    assert "os.getcwd( + '/'" in shown.body


def test_one_that_adds_a_static_finding_anywhere_in_the_file_is_shown_as_text() -> None:
    undefined, unused = tried(suggested("    path = os.getcwd() + undefined_name"), suggested("    path = '/'", line=5))
    assert "ruff would report F821" == why(undefined)
    assert "ruff would report F401" == why(unused)


def test_one_that_puts_a_secret_in_is_shown_as_text() -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
    (shown,) = tried(suggested(f"    path = os.getcwd() + '{token}'"))
    assert why(shown).startswith("secrets would report secret/")
    assert token not in shown.body


def test_what_was_there_before_is_no_fault_of_the_suggestion() -> None:
    text = TEXT.replace("return path", "return pathh")
    good = suggested("    path = os.getcwd() + '/'")
    assert (good,) == tried(good, sources=Texts(a=text))


def test_without_the_whole_text_and_without_a_parser_brackets_decide() -> None:
    good, bad = suggested("    path = os.getcwd() + 1"), suggested("    path = os.getcwd(")
    assert (good, None) == (tried(good, sources=Texts())[0], tried(bad, sources=Texts())[0].suggestion)
    go = claim(1, path="b.go", quote="x := f(", suggestion=Suggestion(start_line=1, line=1, replacement="x := f()"))
    assert None is tried(go)[0].suggestion


def test_what_an_earlier_run_said_of_tests_is_taken_away() -> None:
    good = suggested("    path = os.getcwd() + '/'")
    (shown,) = tried(replace(good, body="It fails.\n\nTests pass with it: 3 tests in `tests/test_a.py`."))
    assert replace(good, body="It fails.") == shown


def test_findings_without_a_suggestion_or_a_file_are_left_alone() -> None:
    plain, elsewhere = claim(5), suggested("x", path="gone.py")
    assert (plain, elsewhere) == tried(plain, elsewhere)


def test_many_suggestions_for_one_file_cost_a_bounded_number_of_runs() -> None:
    runs: list[int] = []

    def counting(files: Sequence[FilePatch], sources: Sources) -> Analysis:
        assert sources.trusted_files(frozenset()) == {}
        runs.append(len(files))
        return Analysis()

    many = [suggested(f"    path = os.getcwd() + str({number})") for number in range(20)]
    shown = offered(many, PATCH, (counting,), Texts(a=TEXT))
    assert 8 == sum(finding.suggestion is not None for finding in shown)
    assert [1] * 9 == runs
    assert "too many" in why(shown[-1])
