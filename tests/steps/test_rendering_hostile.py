"""What strangers wrote, in every place of a comment and of the summary: it can be read, and does nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steps import hostile
from steps.comments import pen
from steps.forge_reader import alive, suggestions
from steps.hostile import HostileText
from steps.posting_scene import BASE, HEAD, SHARED, SIGNED, claim, request

from reviewbot.domain.finding import Placement, Severity, Span, Suggestion
from reviewbot.domain.outcome import Comparison, FileReport, Outcome, Report, Unreviewed, Verdict
from reviewbot.domain.patch import FilePatch, Hunk, Side, Status
from reviewbot.domain.request import GITHUB, GITLAB, Dialect
from reviewbot.domain.synopsis import Risk, Synopsis
from reviewbot.domain.thread import Note, Thread, ThreadKind
from reviewbot.domain.usage import Usage
from reviewbot.steps import marking, rendering, summarising
from reviewbot.steps.rendering import Pen
from reviewbot.steps.summarising import Overview

CORPUS = tuple(hostile.corpus())
SECRETS = tuple(hostile.SECRETS.values())
DIALECTS = pytest.mark.parametrize("dialect", [GITLAB, GITHUB], ids=["gitlab", "github"])
EACH = pytest.mark.parametrize("hostile_text", CORPUS, ids=[text.id for text in CORPUS])


def hostile_report(text: str) -> Report:
    """Make a report in which a stranger wrote everything: paths, code, what the model and the tools say."""
    path = text or "empty"
    code = text.replace("\n", " ")
    hunk = Hunk(old_start=1, new_start=1, body=f"+{code}\n+second", section=code)
    file = FilePatch(path=path, old_path=None, status=Status.ADDED, hunks=(hunk,))
    run = Unreviewed(side=Side.RIGHT, start=2, end=2, outcome=Outcome.FAILED, reason=text)
    finding = claim(
        code, path=path, title=text, body=text, rule=text, source=text or "llm", severity=Severity.LOW,
        span=Span(side=Side.RIGHT, start=1, end=1), fingerprint="0" * 32,
    )  # fmt: skip
    finding = replace(finding, suggestion=Suggestion(start_line=1, line=1, replacement=text))
    adrift = replace(finding, span=None, suggestion=None, fingerprint="1" * 32)
    return Report(
        engine="llm",
        model=text,
        comparison=Comparison(base_sha=BASE, head_sha=HEAD, description=text),
        files=(
            FileReport(file=file, outcome=Outcome.PARTIAL, unreviewed=(run,)),
            FileReport(file=replace(file, path=f"{text}2"), outcome=Outcome.SKIPPED, reason=text),
        ),
        findings=(finding, adrift),
        synopsis=Synopsis(text=text, risk=Risk.LOW),
        notes=(text,),
        usage=Usage(),
        verdict=Verdict(passed=False, exit_code=1, reasons=(text,)),
    )


def summary_of(written: Pen) -> str:
    """Write a summary in which both findings are listed, and one was closed by the stranger."""
    found = written.report.findings
    return summarising.summary(written, Overview(listed=found, disputed=((found[0], found[0].title),)))


def checked(text: str, dialect: Dialect) -> Mapping[str, Sequence[str]]:
    """Render a text in every place, and list what is alive, by document."""
    written = pen(dialect, hostile_report(text))
    comment = rendering.comment(written, written.report.findings[0], Placement.INLINE)
    documents = {
        "comment": alive(comment.body, SECRETS, headings=0, tables=0),
        "file comment": alive(comment.file_body, SECRETS, headings=0, tables=0),
        "summary": alive(summary_of(written), SECRETS, headings=1, tables=2),
        "title": [secret for secret in SECRETS if secret in comment.title],
    }
    return {name: found for name, found in documents.items() if found}


@DIALECTS
@EACH
def test_a_hostile_text_does_nothing_wherever_it_stands(hostile_text: HostileText, dialect: Dialect) -> None:
    assert {} == checked(hostile_text.text, dialect)


@DIALECTS
@EACH
def test_a_mark_tells_no_secret_and_is_read_again(hostile_text: HostileText, dialect: Dialect) -> None:
    (finding, _) = hostile_report(hostile_text.text).findings
    mark = marking.of_finding(finding, SIGNED, request(dialect))
    note = Note(id="n", author=SHARED, body=mark)
    thread = Thread(id="t", kind=ThreadKind.INLINE, notes=(note,))
    ((again,),) = (one.marks for one in marking.read([thread], SHARED, SIGNED, request(dialect)))
    assert again.finding is not None
    assert (finding.fingerprint, marking.plain(finding.path)) == (again.fingerprint, again.finding.path)
    assert not [secret for secret in SECRETS if secret in repr(again)]


@EACH
def test_what_a_click_commits_is_what_was_suggested(hostile_text: HostileText) -> None:
    written = pen(GITLAB, hostile_report(hostile_text.text))
    comment = rendering.comment(written, written.report.findings[0], Placement.INLINE)
    assert suggestions(comment.body) in ([], [("suggestion:-0+0", hostile_text.text)])
    assert [] == suggestions(comment.file_body)


def test_the_corpus_is_what_its_tables_say_and_large() -> None:
    assert hostile.document() == hostile.CORPUS.read_text("ascii")
    assert len(CORPUS) == len({text.id for text in CORPUS}) >= 300
    assert 12 <= len({text.kind for text in CORPUS})


# Not the secrets: glued to a word they are none.
PIECES = st.sampled_from(
    ["\n", " ", "`", "*", "\\", *(text.text for text in CORPUS if len(text.text) < 100 and text.kind != "secret")]
)


@DIALECTS
@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(PIECES, min_size=2, max_size=4))
def test_hostile_texts_put_together_do_nothing_either(dialect: Dialect, pieces: list[str]) -> None:
    assert {} == checked("".join(pieces), dialect)


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        ("/close", "quick action '/close'"),
        ("a\u2028/close", "quick action '/close'"),
        ("see @admin", "a mention '@a'"),
        ("<b>x</b>", "html_inline"),
        ("</details>\n<b>", "html '</details>\\n<b>\\n"),
        ("[x](y)", "link_open"),
        ("![x](y)", "image"),
        ("```mermaid\n```", "fence 'mermaid'"),
        ("# x", "another heading"),
        ("a\u202e", "hidden '\\u202e'"),
        (SECRETS[0], "secret ghp_"),
        ("<!-- x -->", "2 marks"),
        ("&commat;admin", "a mention '@a'"),
    ],
)
def test_the_reader_sees_what_is_alive(markdown: str, said: str) -> None:
    mark = f"<!-- reviewbot:v1 finding fp={'0' * 32} data=x sig=- -->"
    found = alive(f"{markdown}\n\n{mark}", SECRETS, headings=0, tables=0)
    assert any(one.startswith(said) for one in found), found
