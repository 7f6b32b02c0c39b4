"""The page, as markup: self-contained, without script, everything in its place."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.lexer import Lexer
from typing_extensions import override

from reviewbot.domain.finding import Finding, Rejection, Span
from reviewbot.domain.outcome import FileReport, Outcome, Report
from reviewbot.domain.patch import FilePatch, Hunk, Side, Status
from reviewbot.outputs.html import render

ANY_TEXT = st.text(st.sampled_from("<>&\"'{}%=/`\n ax") | st.characters(exclude_categories=()), max_size=40)
VOID = {"meta", "col", "input"}


class Page(HTMLParser):
    """Tags with their attributes, and the text; fails on tags that do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}

    def classes(self, name: str) -> list[str]:
        return [found for _, attrs in self.tags if name in (found := attrs.get("class") or "").split()]


def large_report(quiet: Report, findings: Sequence[Finding], count: int, status: Status = Status.ADDED) -> Report:
    body = "\n".join(f"+line_{number} = {number}" for number in range(1, count + 1))
    hunks = (Hunk(old_start=1, new_start=1, body=body), Hunk(old_start=1, new_start=90_000, body="+far = 1"))
    file = FilePatch(path="large.py", old_path=None, status=status, hunks=hunks)
    return replace(quiet, files=(FileReport(file=file, outcome=Outcome.REVIEWED),), findings=tuple(findings))


def test_the_page_has_no_script_and_loads_nothing(report: Report) -> None:
    page = Page(render(report))
    assert not page.names() & {"script", "img", "link", "iframe", "object", "form", "base"}
    for _, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on") or name in ("src", "srcset", "style")]
        assert (attrs.get("href") or "#").startswith("#")
    assert "url(" not in render(report)
    assert "@import" not in render(report)


def test_the_page_forbids_what_it_does_not_have(report: Report) -> None:
    policies = [attrs["content"] for _, attrs in Page(render(report)).tags if "http-equiv" in attrs]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    ]


def test_every_finding_is_listed_and_links_to_its_place(report: Report) -> None:
    page = Page(render(report))
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    targets = [f"#{attrs['id']}" for tag, attrs in page.tags if tag == "article"]
    assert links == [f"#finding-{number}" for number in range(1, 7)]
    assert sorted(targets) == links


def test_a_finding_stands_under_its_last_line(report: Report) -> None:
    out = render(report)
    line = out.index('<td class="no">16</td><td class="code" data-sign="+">')
    card = out.index('id="finding-2"')
    after = out.index('<td class="no">16</td><td class="no">17</td>')
    assert line < card < after


def test_a_finding_without_a_place_is_listed_apart(report: Report) -> None:
    out = render(report)
    assert out.index("Without a place in the diff</h2>") < out.index('id="finding-4"') < out.index("Changes</h2>")


def test_a_finding_whose_line_is_not_rendered_is_not_lost(report: Report, finding: Callable[..., Finding]) -> None:
    skipped = finding(path="dist/app.min.js", span=Span(side=Side.RIGHT, start=1, end=1))
    beyond = finding(span=Span(side=Side.RIGHT, start=900, end=900))
    page = Page(render(replace(report, findings=(skipped, beyond))))
    assert len([tag for tag, _ in page.tags if tag == "article"]) == 2


def test_rejected_claims_are_listed_with_their_reasons(report: Report, quiet: Report) -> None:
    listed = render(report).partition("Rejected claims</h2>")[2].partition("<h2>")[0]
    assert all(text in listed for text in ("1 claim", "Dead code", "gone.py", "the quote is not in the diff"))
    assert "Rejected claims" not in render(quiet)
    many = tuple(Rejection(path="a.py", title=f"t{number}", reason="r") for number in range(11))
    assert "<details><summary>11 claims" in render(replace(report, rejected=many))


def test_files_with_findings_are_open_and_skipped_ones_have_no_diff(report: Report) -> None:
    page = Page(render(report))
    files = [attrs for tag, attrs in page.tags if tag == "details" and "file" in (attrs.get("class") or "")]
    assert ["open" in attrs for attrs in files] == [True, True, True, False, False, False]
    assert "var b=2" not in render(report)
    assert "generated: matches *.min.js" in render(report)


def test_code_is_coloured_and_a_string_over_lines_stays_one(report: Report) -> None:
    out = render(report)
    assert '<i class="k">def</i> <i class="f">fetch</i>' in out
    assert '<i class="s">    at most limit rows.</i></td>' in out


def test_a_file_of_no_known_language_is_plain(report: Report) -> None:
    assert ' data-sign="+">price = 2\\u202e # \\x1b[31mred\\u200b</td>' in render(report)


def test_a_lexer_that_fails_leaves_the_code_plain(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Lexer, _text: str) -> object:
        message = "lexer"
        raise RuntimeError(message)

    monkeypatch.setattr("pygments.lexer.RegexLexer.get_tokens_unprocessed", fail)
    assert ' data-sign=" ">def fetch(limit):</td>' in render(report)


def test_a_very_long_line_is_plain(quiet: Report) -> None:
    hunk = Hunk(old_start=1, new_start=1, body="+x = '" + "y" * 2_000 + "'")
    file = FilePatch(path="a.py", old_path=None, status=Status.ADDED, hunks=(hunk,))
    out = render(replace(quiet, files=(FileReport(file=file, outcome=Outcome.REVIEWED),)))
    assert ">x = &#x27;yyy" in out


def test_lines_nobody_reviewed_are_marked_with_the_reason(report: Report) -> None:
    page = Page(render(report))
    titles = [attrs["title"] for tag, attrs in page.tags if tag == "tr" and "title" in attrs]
    assert titles[:2] == [
        "failed: the endpoint answered 503 four times",
        "skipped: the line is too long for any request",
    ]


def test_the_bar_shows_the_lines_by_outcome(report: Report, quiet: Report) -> None:
    page = Page(render(report))
    bars = [(attrs["class"], attrs["x"], attrs["width"]) for tag, attrs in page.tags if tag == "rect"]
    assert bars == [("reviewed", "0", "18"), ("skipped", "18", "3"), ("failed", "21", "6")]
    assert "rect" not in Page(render(replace(quiet, files=()))).names()


def test_a_large_file_shows_only_what_is_around_its_findings(quiet: Report, finding: Callable[..., Finding]) -> None:
    found = [
        finding(path="large.py", span=Span(side=Side.RIGHT, start=line, end=line))
        for line in (1_000, 1_030, 2_000, 4_000)
    ]
    out = render(large_report(quiet, found, 4_000))
    assert "4,001 changed lines: only the code around findings is shown." in out
    shown = Page(out).classes("add")
    assert len(shown) == 111 + 81 + 41
    assert "… 959 lines not shown …" in out
    assert "… 889 lines not shown …" in out
    assert "… 1 line not shown …" in out


def test_a_large_file_without_findings_shows_nothing_but_says_so(quiet: Report) -> None:
    out = render(large_report(quiet, (), 4_000))
    assert not Page(out).classes("add")
    assert "… 4,000 lines not shown …" in out


def test_a_small_hunk_of_a_large_file_is_shown_whole(quiet: Report, finding: Callable[..., Finding]) -> None:
    found = finding(path="large.py", span=Span(side=Side.RIGHT, start=90_000, end=90_000))
    out = render(large_report(quiet, (found,), 4_000))
    assert Page(out).classes("add") == ["add"]


def test_a_quiet_report_has_no_filter(quiet: Report) -> None:
    page = Page(render(quiet))
    assert "input" not in page.names()
    assert "None." in page.words


@settings(deadline=None, max_examples=40)
@given(path=ANY_TEXT, title=ANY_TEXT, body=ANY_TEXT, code=ANY_TEXT)
def test_no_text_becomes_markup(hostile: Callable[..., Report], path: str, title: str, body: str, code: str) -> None:
    plain = Page(render(hostile(path="a.py", title="t", body="```\nc\n```\nb `d`\n", code="x = 'y'")))
    page = Page(render(hostile(path=path, title=title, body=body, code=code)))
    assert page.open == []
    assert page.names() <= plain.names()
    attributes = {name for _, attrs in plain.tags for name in attrs}
    assert {name for _, attrs in page.tags for name in attrs} <= attributes
