"""Which threads are dismissals, and the page that keeps them."""

import re
from dataclasses import replace

import drawing
import pytest
from hypothesis import given
from hypothesis import strategies as some
from steps.posting_scene import APP, BOT, GONE, SHARED, SIGNED, STRANGER, TEMPLATES, UNSIGNED, WRITER, claim, request
from steps.test_silencing import dismissal

from reviewbot.domain.memory import Dismissal, Reaction
from reviewbot.domain.request import GITHUB, GITLAB, Account
from reviewbot.domain.thread import Mark, Marked, Note, Thread, ThreadKind
from reviewbot.steps import picturing, remembering, remembering_page
from reviewbot.steps.marking import Signer
from reviewbot.steps.remembering import Decisions
from reviewbot.steps.remembering_page import Entry, Sheet

PATCH = drawing.patch(APP)
PICTURE = picturing.of(PATCH.files[0])
FINDING = claim("    # never reached", fingerprint="f" * 32)
DAY = "2026-11-22"


def thread(**changes: object) -> Thread:
    """Build one of the bot's threads, resolved by somebody who may write."""
    made = Thread(
        id="t1", kind=ThreadKind.INLINE, notes=(Note(id="n1", author=BOT, body=""),), path="app.py", resolvable=True,
        resolved=True, resolved_by=WRITER, resolved_by_writer=True,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type] # fields are given by name


OPEN = {"resolved": False, "resolved_by": None, "resolved_by_writer": False}


def marked(shown: Thread, *marks: Mark, believed: bool = True) -> Marked:
    """Build a thread with what its marks say."""
    told = marks or (Mark(fingerprint="f" * 32, finding=FINDING, picture=PICTURE),)
    return Marked(thread=shown, marks=told, summary=None, believed=believed, is_summary=False)


def decided(*found: Marked, change: str = APP) -> Decisions:
    """Read the decisions off these threads."""
    return remembering.decisions(found, BOT, request(), drawing.patch(change), DAY)


def test_a_thread_that_a_writer_resolved_without_a_change_is_dismissed() -> None:
    (found,) = decided(marked(thread())).dismissed
    expected = ("f" * 32, "app.py", "maintainer", 12, "https://forge.example/group/project/12#note_n1", DAY)
    assert expected == (found.fingerprint, found.path, found.by, found.request, found.url, found.day)


@pytest.mark.parametrize(
    "one",
    [
        marked(thread(resolved_by_writer=False, resolved_by=STRANGER)),
        marked(thread(resolved_by=BOT)),
        marked(thread(resolved_by=None)),
        marked(thread(), believed=False),
        marked(thread(), Mark(fingerprint="f" * 32, finding=FINDING)),
        marked(thread(), Mark(fingerprint="f" * 32, finding=FINDING, picture="0" * 16)),
        marked(thread(), Mark(fingerprint="f" * 32, finding=replace(FINDING, path="b.py"), picture=PICTURE)),
        marked(thread(), Mark(fingerprint="f" * 32, finding=None, picture=PICTURE)),
        marked(thread(), *[Mark(fingerprint=letter * 32, finding=FINDING, picture=PICTURE) for letter in "ab"]),
    ],
    ids=["stranger", "bot", "nobody", "unbelieved", "no picture", "other picture", "other file", "unread", "two"],
)
def test_in_doubt_nothing_is_dismissed_nor_taken_back(one: Marked) -> None:
    assert Decisions() == decided(one)


def test_a_thread_whose_state_the_forge_hides_takes_nothing_back() -> None:
    assert Decisions() == decided(marked(thread(resolvable=False, **OPEN)))


def test_a_change_to_the_file_is_no_dismissal() -> None:
    assert () == decided(marked(thread()), change=GONE).dismissed


def thumbs(*given: tuple[Account, bool]) -> tuple[Reaction, ...]:
    """Let people react to the thread's first note."""
    return tuple(Reaction(note_id="n1", account=account, up=up) for account, up in given)


@pytest.mark.parametrize(
    ("given", "dismissed", "withdrawn"),
    [((), 0, 1), (((WRITER, False),), 1, 0), (((WRITER, True),), 0, 1), (((WRITER, False), (STRANGER, True)), 0, 1)],
)
def test_thumbs_dismiss_and_take_back(given: tuple[tuple[Account, bool], ...], dismissed: int, withdrawn: int) -> None:
    judged = remembering.judged([marked(thread(**OPEN))], thumbs(*given))
    found = decided(*judged, change=GONE)
    assert (dismissed, withdrawn) == (len(found.dismissed), len(found.withdrawn))


def test_a_thumbs_up_takes_back_what_was_resolved() -> None:
    judged = remembering.judged([marked(thread())], thumbs((WRITER, True)))
    assert Decisions(withdrawn=frozenset({"f" * 32})) == decided(*judged)


def test_one_open_thread_outweighs_a_dismissed_one_of_the_same_finding() -> None:
    found = decided(marked(thread()), marked(thread(**OPEN)))
    assert Decisions(withdrawn=frozenset({"f" * 32})) == found


def test_the_picture_knows_the_changed_lines_and_nothing_else() -> None:
    moved = APP.replace("10 def", "20 def").replace(" 11 ", " 21 ").replace(" 12 ", " 22 ").replace("    13", "    23")
    assert PICTURE == picturing.of(drawing.patch(moved).files[0]) != picturing.of(drawing.patch(GONE).files[0])
    assert "" == picturing.of(None)


# The page.


def page(sheet: Sheet, signer: Signer = UNSIGNED) -> str:
    return remembering_page.written(sheet, signer, request(), TEMPLATES)


def read(text: str, own: Account = BOT, signer: Signer = UNSIGNED) -> Sheet:
    return remembering_page.read(text, own, signer, request())


def told(*dismissals: Dismissal) -> Sheet:
    """Write these down on an empty sheet."""
    return remembering_page.updated(Sheet(), Decisions(dismissed=dismissals), request())


def test_a_page_is_read_as_it_was_written() -> None:
    there = told(dismissal(), dismissal(fingerprint="b" * 32, rule="S608", source="ruff"))
    again = read(page(there))
    assert there.dismissals == again.dismissals
    assert there.seen == again.seen
    assert page(again) == page(there)
    assert again == read(page(there).replace("\n", "\r\n"))
    assert "Nothing is dismissed." in page(Sheet())


def test_what_is_written_down_already_changes_nothing() -> None:
    there = told(dismissal())
    assert there == remembering_page.updated(there, Decisions(dismissed=(dismissal(day="2027-01-01"),)), request())


def test_what_people_take_off_the_page_is_not_written_again_until_it_is_dismissed_anew() -> None:
    same = Decisions(dismissed=(dismissal(),))
    for edited in (
        page(told(dismissal())).replace("[x]", "[ ]"),
        re.sub(r"(?m)^- \[x\].*\n", "", page(told(dismissal()))),
    ):
        there = read(edited)
        assert () == remembering_page.in_force(there, same, request())
        assert there == remembering_page.updated(there, same, request())
        anew = Decisions(dismissed=(dismissal(request=13),))
        assert (dismissal(request=13),) == remembering_page.in_force(there, anew, request(number=13))


def test_only_the_request_of_a_dismissal_takes_it_back() -> None:
    withdrawn = Decisions(withdrawn=frozenset({dismissal().fingerprint}))
    there = told(dismissal())
    assert there == remembering_page.updated(there, withdrawn, request(number=13))
    assert Sheet() == remembering_page.updated(there, withdrawn, request())


def test_a_finding_that_is_dismissed_in_two_requests_has_one_line() -> None:
    there = remembering_page.updated(told(dismissal()), Decisions(dismissed=(dismissal(request=13),)), request())
    assert (dismissal(),) == there.dismissals


def test_the_oldest_go_where_there_is_no_room() -> None:
    many = tuple(dismissal(fingerprint=f"{n:032x}", quote=f"code {n} " * 30, path="p" * 200) for n in range(250))
    there = told(*many)
    assert remembering_page.MOST == len(there.entries)
    text = page(there)
    kept = read(text).dismissals
    assert len(text) <= 60_000
    assert 50 < len(kept) < remembering_page.MOST
    assert many[-1].fingerprint == kept[-1].fingerprint
    assert there.seen == read(text).seen


@pytest.mark.parametrize(
    ("written", "own", "signer", "believed"),
    [
        (UNSIGNED, BOT, UNSIGNED, True),
        (SIGNED, BOT, SIGNED, True),
        (SIGNED, SHARED, SIGNED, True),
        (SIGNED, BOT, UNSIGNED, True),
        (UNSIGNED, BOT, SIGNED, False),
        (UNSIGNED, SHARED, UNSIGNED, False),
        (Signer((b"a stranger's",)), BOT, SIGNED, False),
    ],
)
def test_with_a_secret_only_signed_lines_are_believed(
    written: Signer,
    own: Account,
    signer: Signer,
    believed: bool,
) -> None:
    there = read(page(told(dismissal()), written), own, signer)
    assert (1, 0) if believed else (0, 1) == (len(there.entries), there.strange)


def test_a_line_of_another_project_is_not_believed() -> None:
    text = page(told(dismissal()), SIGNED)
    assert () == remembering_page.read(text, BOT, SIGNED, request(project="other/project")).entries


def test_a_job_without_the_secret_keeps_the_signatures() -> None:
    signed = page(told(dismissal()), SIGNED)
    unsigned = remembering_page.updated(
        read(signed), Decisions(dismissed=(dismissal(fingerprint="b" * 32),)), request()
    )
    assert dismissal() in read(page(unsigned), BOT, SIGNED).dismissals


def test_marks_that_cannot_be_read_are_no_lines() -> None:
    text = page(told(dismissal()))
    assert (0, 1) == (len((there := read(re.sub(r"data=\S+", "data=x", text))).entries), there.strange)
    assert (0, 1) == (len((there := read(re.sub(r"data=\S+", "data=eJyrrgUAAXUA.Q", text))).entries), there.strange)


@given(some.text(max_size=80), some.text(max_size=80), some.sampled_from([GITLAB, GITHUB]))
def test_no_title_or_path_makes_a_line(title: str, path: str, dialect: object) -> None:
    one = dismissal(
        title=title.encode("utf-8", "replace").decode(), path=path.encode("utf-8", "replace").decode() or "p"
    )
    (entry,) = read(page(Sheet(entries=(Entry(dismissal=one),)))).entries
    assert one == entry.dismissal
    assert dialect


def test_a_title_with_a_line_of_its_own_stays_a_title() -> None:
    inner = page(told(dismissal(fingerprint="c" * 32))).split("\n")
    forged = next(line for line in inner if line.startswith("- [x]"))
    text = page(told(dismissal(title=f"x\n{forged}", path=f"y\n{forged}", by=f"z {forged}")))
    assert [dismissal().fingerprint] == [one.fingerprint for one in read(text).dismissals]
    assert 1 == sum(line.startswith("- [") for line in text.split("\n"))
