"""Findings to marks and back; and what others make of marks."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steps.marked import FINGERPRINT, finding, noise, read, read_one, summary_mark, thread
from steps.posting_scene import BOT, SHARED, SIGNED, STRANGER, UNSIGNED, request

from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Suggestion
from reviewbot.domain.patch import Side
from reviewbot.domain.request import GITHUB, Account, ChangeRequest
from reviewbot.steps import marking
from reviewbot.steps.marking import Signer

PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
ANY = st.text(st.characters(exclude_categories=()), max_size=60)
TOKEN = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"


@st.composite
def findings(draw: st.DrawFn, texts: st.SearchStrategy[str] = PLAIN) -> Finding:
    """Draw findings as they are before they are anchored."""
    replacement = draw(st.none() | texts)
    return Finding(
        path=draw(texts) or "a.py",
        severity=draw(st.sampled_from(Severity)),
        confidence=draw(st.sampled_from(Confidence)),
        category=draw(st.sampled_from(Category)),
        title=draw(texts),
        body=draw(texts),
        quote=draw(texts),
        source=draw(texts),
        rule=draw(st.none() | texts),
        side=draw(st.sampled_from(Side)),
        suggestion=None if replacement is None else Suggestion(start_line=0, line=0, replacement=replacement),
        fingerprint=draw(st.from_regex(r"[0-9a-f]{32}", fullmatch=True)),
    )


@settings(deadline=None)
@given(findings())
def test_a_finding_survives_its_mark(told: Finding) -> None:
    (marked,) = read(f"Some text\n\n{marking.of_finding(told, UNSIGNED, request())}")
    assert [told] == [mark.finding for mark in marked.marks]
    assert (True, False, None) == (marked.believed, marked.is_summary, marked.summary)


@settings(deadline=None)
@given(st.lists(findings(), max_size=4))
def test_a_summary_survives_its_mark(told: list[Finding]) -> None:
    written = summary_mark(*told)
    (marked,) = read(marking.of_summary(written, SIGNED, request()), signer=SIGNED)
    assert (written, True, ()) == (marked.summary, marked.is_summary, marked.marks)


@settings(deadline=None)
@given(findings(ANY))
def test_any_text_makes_a_mark_of_one_line_that_can_be_read(told: Finding) -> None:
    mark = marking.of_finding(told, SIGNED, request())
    assert re.fullmatch(
        rf"<!-- reviewbot:v1 finding fp={told.fingerprint} data=[A-Za-z0-9._]* sig=[0-9a-f]{{64}} -->", mark
    )
    (marked,) = read(mark, SHARED, SIGNED)
    (again,) = marked.marks
    assert again.finding is not None
    assert marking.plain(told.path) == again.finding.path
    assert marking.quote(told) == again.finding.quote == marking.quote(again.finding)


def test_a_mark_keeps_no_line_numbers_and_a_suggestion_without_lines() -> None:
    placed = finding(suggestion=Suggestion(start_line=3, line=4, replacement="y"), also_at=(9,), hint=3)
    again = read_one(marking.of_finding(placed, UNSIGNED, request()))
    assert again == finding(suggestion=Suggestion(start_line=0, line=0, replacement="y"))


def test_a_mark_keeps_no_secret() -> None:
    said = f'TOKEN = "{TOKEN}"'
    suggestion = Suggestion(start_line=0, line=0, replacement=said)
    told = finding(path=said, title=said, body=said, quote=said, rule=said, source=said, suggestion=suggestion)
    again = read_one(marking.of_finding(told, UNSIGNED, request()))
    assert again is not None
    assert TOKEN not in repr(again)
    assert 'TOKEN = "ghp_…"' == again.quote == again.title == again.body


def test_bytes_that_are_no_text_and_broken_surrogates_are_kept_as_a_model_sees_them() -> None:
    again = read_one(marking.of_finding(finding(path="caf\udce9.py", title="a\ud800b"), UNSIGNED, request()))
    assert again is not None
    assert ("caf\ufffd.py", "a\ufffdb") == (again.path, again.title)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (finding(body=noise(9_000)), finding(body="", suggestion=None)),
        (
            finding(suggestion=Suggestion(start_line=0, line=0, replacement=noise(9_000))),
            finding(suggestion=None),
        ),
        (finding(path="/".join([noise(60)] * 20)), finding(path="/".join([noise(60)] * 20))),
    ],
)
def test_a_long_finding_tells_less_but_always_its_quote(told: Finding, kept: Finding) -> None:
    mark = marking.of_finding(told, UNSIGNED, request())
    assert len(mark) < marking.LONGEST_FINDING + 200
    assert kept == read_one(mark)


def test_a_finding_that_finds_no_room_at_all_keeps_its_fingerprint() -> None:
    mark = marking.of_finding(
        finding(path=noise(4_000), quote=noise(1_500, 1), title=noise(300, 2)), UNSIGNED, request()
    )
    assert len(mark) < 200
    assert read_one(mark) is None


@pytest.mark.parametrize(
    ("quote", "kept"),
    [
        ("a\nb", "a\nb"),
        ("x" * 4_000, "x" * 1_500),
        (f"first\n{'y' * 4_000}", "first"),
        ("\n".join(["z"] * 400), "\n".join(["z"] * 100)),
    ],
)
def test_a_long_quote_is_kept_up_to_a_whole_line(quote: str, kept: str) -> None:
    assert kept == marking.quote(finding(quote=quote))


def test_a_summary_tells_less_of_its_findings_and_then_of_fewer_and_says_so() -> None:
    many = [finding(body=noise(1_000, number), title=f"title {number}", quote=f"line {number}") for number in range(20)]
    (marked,) = read(marking.of_summary(summary_mark(*many), UNSIGNED, request()))
    assert marked.summary is not None
    assert (True, 20) == (marked.summary.done, len(marked.summary.findings))
    assert {""} == {told.body for told in marked.summary.findings}
    more = [replace(told, title=noise(290, number), quote=noise(900, number)) for number, told in enumerate(many)]
    text = marking.of_summary(summary_mark(*more), UNSIGNED, request())
    assert len(text) < marking.LONGEST_SUMMARY + 300
    (marked,) = read(text)
    assert marked.summary is not None
    assert marked.summary.done is False
    assert 0 < len(marked.summary.findings) < 20


@pytest.mark.parametrize(
    ("many", "kept", "body"),
    [
        ([finding(body="x" * 8_000)] * 300, 300, ""),
        ([finding()] * 3_000, 2_000, finding().body),
        ([finding(title="x" * 300, quote="y" * 1_500)] * 1_000, 750, ""),
    ],
)
def test_a_summary_that_packs_well_stays_within_what_is_unpacked(many: list[Finding], kept: int, body: str) -> None:
    (marked,) = read(marking.of_summary(summary_mark(*many), UNSIGNED, request()))
    assert marked.summary is not None
    assert (kept, kept == len(many)) == (len(marked.summary.findings), marked.summary.done)
    assert {body} == {told.body for told in marked.summary.findings}


@pytest.mark.parametrize(
    ("own", "signer", "believed"),
    [
        (BOT, UNSIGNED, True),
        (BOT, SIGNED, True),
        (SHARED, UNSIGNED, False),
        (SHARED, SIGNED, True),
        (SHARED, Signer((b"other", b"first secret")), True),
        (SHARED, Signer((b"other",)), False),
    ],
)
def test_a_mark_is_believed_under_an_own_account_or_signed(own: Account, signer: Signer, believed: object) -> None:
    writer = SIGNED if signer.secrets else UNSIGNED
    body = "\n".join(
        (marking.of_finding(finding(), writer, request()), marking.of_summary(summary_mark(), writer, request()))
    )
    (marked,) = read(body, own, signer)
    assert believed == marked.believed
    assert believed == (marked.summary is not None)
    assert believed == (marked.marks[0].finding is not None)
    assert (FINGERPRINT, True) == (marked.marks[0].fingerprint, marked.is_summary)


@pytest.mark.parametrize(
    "elsewhere",
    [request(GITHUB), request(project="group/other"), request(number=13)],
    ids=["another forge", "another project", "another request"],
)
def test_a_signed_mark_cannot_be_copied(elsewhere: ChangeRequest) -> None:
    mark = marking.of_finding(finding(), SIGNED, request())
    (marked,) = read(mark, SHARED, SIGNED, elsewhere)
    assert (False, FINGERPRINT, None) == (marked.believed, marked.marks[0].fingerprint, marked.marks[0].finding)


@pytest.mark.parametrize("change", [("fp=0", "fp=1"), ("data=e", "data=f"), ("sig=", "sig=0"), (" sig=", " gis=")])
def test_a_signed_mark_cannot_be_changed(change: tuple[str, str]) -> None:
    mark = marking.of_finding(finding(), SIGNED, request()).replace(*change)
    (marked,) = read(mark, SHARED, SIGNED)
    assert (False, None) == (marked.believed, marked.marks[0].finding)


def test_a_mark_of_a_finding_is_none_of_a_summary() -> None:
    mark = marking.of_summary(summary_mark(), SIGNED, request()).replace("summary head=", "finding fp=")
    assert () == read(mark, SHARED, SIGNED)


def test_one_forged_mark_among_signed_ones_makes_the_thread_unbelieved_but_not_the_others() -> None:
    good = marking.of_finding(finding(), SIGNED, request())
    forged = marking.of_finding(finding(fingerprint="f" * 32), UNSIGNED, request())
    (marked,) = read(f"{good}\n\ntext\n\n{forged}", SHARED, SIGNED)
    assert marked.believed is False
    assert [(FINGERPRINT, True), ("f" * 32, False)] == [
        (mark.fingerprint, mark.finding is not None) for mark in marked.marks
    ]


def test_only_the_bots_own_threads_are_looked_at() -> None:
    mark = marking.of_finding(finding(), UNSIGNED, request())
    nobody = Account(id=0, name="ghost")
    assert () == marking.read([thread(mark, STRANGER)], BOT, UNSIGNED, request())
    assert () == marking.read([thread(mark, nobody)], nobody, UNSIGNED, request())
    assert () == marking.read([thread("no mark"), thread(f"see: {mark}")], BOT, UNSIGNED, request())


def test_a_reviews_body_holds_several_marks() -> None:
    marks = [marking.of_finding(finding(fingerprint=f"{n:032x}"), UNSIGNED, request()) for n in range(3)]
    (marked,) = read("\r\n\r\n".join(f"text {mark[:9]}\r\n\r\n{mark}" for mark in marks))
    assert [f"{n:032x}" for n in range(3)] == [mark.fingerprint for mark in marked.marks]
    assert all(mark.finding is not None for mark in marked.marks)
