"""Answers become replies with marks, and a thread that the bot gave up counts as its person's decision."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps.conversations import FINGERPRINT, HOSTILE, answer, marked, note, replied, voice
from steps.forge_reader import COMMAND, HIDDEN
from steps.posting_scene import BOT, HEAD, SHARED, SIGNED, STRANGER, UNSIGNED, WRITER, request

from reviewbot.domain.request import Account
from reviewbot.domain.thread import Closing, Marked
from reviewbot.steps import answering_marks, answering_plan
from reviewbot.steps.answering_marks import ReplyMark
from reviewbot.steps.marking import Signer


def credited(one: Marked, own: Account = BOT, signer: Signer = UNSIGNED) -> tuple[object, bool]:
    (found,) = answering_plan.credited([one], own, request(), signer)
    return found.thread.resolved_by, found.thread.resolved_by_writer


def closed(*said: object, by: Account = BOT, **changes: object) -> Marked:
    return marked(*said, resolved=True, resolved_by=by, **changes)  # type: ignore[arg-type] # notes


def test_a_reply_names_the_note_that_it_answers() -> None:
    settled = answering_plan.settle(voice(), [marked(note(2, WRITER))], [answer("**So** it is.")])
    (reply,) = settled.replies
    assert ("t1", "n1", "n2", FINGERPRINT, "Prices are counted twice", False) == (
        reply.thread_id, reply.opener_id, reply.note_id, reply.fingerprint, reply.title, reply.resolves,
    )  # fmt: skip
    assert f"**So** it is.\n\n<!-- reviewbot:v1 reply to=n2 closes=no head={HEAD} sig=- -->" == reply.body
    assert ((), [False]) == (settled.resolve, [one.thread.resolved for one in settled.marked])


@pytest.mark.parametrize(("closing", "writer"), [(Closing.WRITER, True), (Closing.AUTHOR, False)])
def test_a_reply_that_gives_in_counts_as_the_persons_decision_at_once(closing: Closing, writer: bool) -> None:
    settled = answering_plan.settle(voice(), [marked(note(2, STRANGER))], [answer(closing=closing)])
    (after,) = settled.marked
    assert (True, STRANGER, writer) == (
        after.thread.resolved,
        after.thread.resolved_by,
        after.thread.resolved_by_writer,
    )
    assert [True] == [reply.resolves for reply in settled.replies]


@pytest.mark.parametrize(
    "now",
    [
        marked(note(2, WRITER), note(3, WRITER)),
        marked(note(2, WRITER), note(3, BOT, replied(2))),
        marked(note(2, WRITER), resolved=True),
        marked(note(2, WRITER), id="another"),
        marked(),
    ],
)
def test_what_is_not_waited_for_any_more_is_not_said(now: Marked) -> None:
    assert () == answering_plan.settle(voice(), [now], [answer()]).replies


def test_what_a_killed_run_did_not_resolve_is_resolved_without_another_word() -> None:
    begun = marked(note(2, WRITER), note(3, BOT, replied(2, Closing.WRITER)))
    settled = answering_plan.settle(voice(), [begun], [])
    assert ((), [("t1", FINGERPRINT)]) == (
        settled.replies,
        [(one.thread_id, one.fingerprint) for one in settled.resolve],
    )
    assert [(True, WRITER)] == [(one.thread.resolved, one.thread.resolved_by) for one in settled.marked]


@pytest.mark.parametrize(
    "left",
    [
        marked(note(2, WRITER), note(3, BOT, replied(2))),
        marked(note(2, WRITER), note(3, BOT, replied(2, Closing.WRITER, head="f" * 40))),
        marked(note(2, WRITER), note(3, BOT, replied(9, Closing.WRITER))),
        marked(note(2, WRITER), note(3, WRITER, replied(2, Closing.WRITER))),
        marked(note(2, WRITER), note(3, BOT, replied(2, Closing.WRITER)), note(4, WRITER)),
        marked(note(2, WRITER), note(3, BOT, replied(2, Closing.WRITER)), resolvable=False),
    ],
    ids=["explained", "another commit", "another thread's", "forged", "goes on", "cannot be"],
)
def test_other_threads_are_left_open(left: Marked) -> None:
    settled = answering_plan.settle(voice(), [left], [])
    assert ((), (left,)) == (settled.resolve, settled.marked)


def test_a_concession_is_the_decision_of_whom_it_was_made_to() -> None:
    assert (WRITER, True) == credited(closed(note(2, WRITER), note(3, BOT, replied(2, Closing.WRITER))))
    assert (STRANGER, False) == credited(closed(note(2, STRANGER), note(3, BOT, replied(2, Closing.AUTHOR))))


@pytest.mark.parametrize(
    "thread",
    [
        closed(note(2, WRITER)),
        closed(note(2, WRITER), note(3, BOT, replied(2))),
        closed(note(2, WRITER), note(3, WRITER, replied(2, Closing.WRITER))),
        closed(note(2, WRITER), note(3, BOT, replied(7, Closing.WRITER))),
    ],
    ids=["unanswered", "explained", "forged", "note gone"],
)
def test_what_else_the_bot_has_closed_stays_its_own_doing(thread: Marked) -> None:
    assert (BOT, False) == credited(thread)


def test_what_a_person_has_closed_stays_theirs() -> None:
    said = (note(2, STRANGER), note(3, BOT, replied(2, Closing.AUTHOR)))
    assert (WRITER, False) == credited(closed(*said, by=WRITER))
    assert (None, False) == credited(replace_resolver(closed(*said)))


def replace_resolver(one: Marked) -> Marked:
    return replace(one, thread=replace(one.thread, resolved_by=None))


def test_under_a_shared_account_only_a_signed_mark_is_believed() -> None:
    unsigned = closed(note(2, WRITER), note(3, SHARED, replied(2, Closing.WRITER)), by=SHARED, own=SHARED)
    assert (SHARED, False) == credited(unsigned, SHARED, SIGNED)
    signed = closed(note(2, WRITER), note(3, SHARED, replied(2, Closing.WRITER, signer=SIGNED)), by=SHARED, own=SHARED)
    assert (WRITER, True) == credited(signed, SHARED, SIGNED)
    assert (SHARED, False) == credited(signed, SHARED, Signer((b"another",)))


def test_a_mark_holds_for_its_request_alone() -> None:
    mark = ReplyMark(note_id="n2", closing=Closing.WRITER, head_sha=HEAD)
    there = note(3, SHARED, answering_marks.write(mark, SIGNED, request(number=13)))
    assert None is answering_marks.read(there, SHARED, SIGNED, request())
    assert mark == answering_marks.read(there, SHARED, SIGNED, request(number=13))


@given(st.text() | st.builds(lambda before, after: before + HOSTILE + after, st.text(), st.text()))
def test_whatever_a_model_says_can_only_be_read_and_forges_no_mark(text: str) -> None:
    (reply,) = answering_plan.settle(voice(), [marked(note(2, WRITER))], [answer(text)]).replies
    assert 1 == reply.body.count("<!--")
    assert [] == [line for line in reply.body.splitlines() if COMMAND.match(line)]
    assert [] == HIDDEN.findall(reply.body)
    assert None is re.search(r"@\w", reply.body)
    read = answering_marks.read(note(3, BOT, reply.body), BOT, UNSIGNED, request())
    assert ReplyMark(note_id="n2", closing=Closing.NO, head_sha=HEAD) == read


def test_a_text_without_end_fits() -> None:
    (reply,) = answering_plan.settle(voice(), [marked(note(2, WRITER))], [answer("word " * 20_000)]).replies
    assert len(reply.body) < 5_000


def test_marks_do_not_show_in_what_is_quoted_of_the_bot() -> None:
    assert "So it is." == answering_marks.without(replied(2))
