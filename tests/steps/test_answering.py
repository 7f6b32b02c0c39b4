"""Who is answered, and what a model is shown of a conversation."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps import update_golden_replies
from steps.conversations import FINDING, GOLDEN, HOSTILE, documents, marked, note, prompt, replied, waiting
from steps.posting_scene import BOT, SHARED, STRANGER, TEMPLATES, WRITER, request

from reviewbot.domain.prompt import Task
from reviewbot.domain.request import Account
from reviewbot.domain.thread import Mark, Marked, ThreadKind
from reviewbot.steps import answering
from reviewbot.steps.counting import tokens

DOCUMENTS = documents()
OTHER = Account(id=3, name="mallory")
OTHER_BOT = Account(id=4, name="a-bot", bot=True)
GHOST = Account(id=0, name="ghost")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_prompt_is_byte_for_byte_its_golden(name: str) -> None:
    assert GOLDEN.joinpath(name).read_bytes() == DOCUMENTS[name].encode()


def test_the_script_writes_the_same_goldens_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "of_old.txt").touch()
    update_golden_replies.main(tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in GOLDEN.glob("*.txt")}


@pytest.mark.parametrize(("person", "writer"), [(WRITER, True), (STRANGER, False)])
def test_the_changes_author_and_whoever_may_write_are_answered(person: Account, writer: bool) -> None:
    (found,) = waiting(marked(note(2, person)))
    assert ("n2", FINDING, writer) == (found.note.id, found.finding, found.writer)


@pytest.mark.parametrize("person", [OTHER, OTHER_BOT, GHOST, BOT])
def test_strangers_bots_and_deleted_accounts_are_not(person: Account) -> None:
    assert () == waiting(marked(note(2, person)))


def test_an_author_without_a_number_is_nobody() -> None:
    assert () == waiting(marked(note(2, GHOST)), asked=request(author=GHOST))


def test_the_last_word_counts() -> None:
    assert () == waiting(marked(note(2, WRITER), note(3, BOT, replied(2))))
    assert () == waiting(marked(note(2, WRITER), note(3, OTHER)))
    assert 1 == len(waiting(marked(note(2, WRITER), note(3, BOT, replied(2)), note(4, WRITER))))
    assert 1 == len(waiting(marked(note(2, OTHER), note(3, WRITER))))


def test_a_thread_gets_two_answers_at_most() -> None:
    said = [note(2, WRITER), note(3, BOT, replied(2)), note(4, WRITER), note(5, BOT, replied(4)), note(6, WRITER)]
    assert (1, 0) == (len(waiting(marked(*said[:3]))), len(waiting(marked(*said))))


@pytest.mark.parametrize(
    "changes",
    [
        {"resolved": True},
        {"resolvable": False},
        {"kind": ThreadKind.PLAIN},
        {"kind": ThreadKind.REVIEW},
    ],
)
def test_threads_that_are_closed_or_no_threads_are_left_alone(changes: dict[str, object]) -> None:
    assert () == waiting(marked(note(2, WRITER), **changes))  # type: ignore[arg-type] # fields by name


def test_only_a_thread_of_one_finding_that_is_surely_ours_is_answered_in() -> None:
    one = marked(note(2, WRITER))
    two = (*one.marks, Mark(fingerprint="f" * 32, finding=FINDING))
    others = [
        replace(one, believed=False),
        replace(one, marks=two),
        replace(one, is_summary=True),
        marked(note(2, WRITER), finding=None),
    ]
    assert () == waiting(*others)


def test_a_run_answers_in_so_many_threads_and_asks_about_nobody_else() -> None:
    asked: list[Account] = []

    def writes(account: Account) -> bool:
        asked.append(account)
        return True

    threads = [marked(note(2, WRITER), id=f"t{number}") for number in range(4)]
    alone: list[Marked] = [marked(), marked(note(2, OTHER), resolved=True)]
    found = answering.waiting([*alone, *threads], BOT, request(), writes, 2)
    assert (["t0", "t1"], [WRITER, WRITER]) == ([one.thread.id for one in found], asked)


def test_under_a_shared_account_other_programs_notes_are_no_human_turns() -> None:
    assert () == waiting(marked(note(2, SHARED, "Coverage: 80 %"), own=SHARED), own=SHARED)


def test_a_request_is_a_small_one_of_its_own_task() -> None:
    made = prompt(note(2, STRANGER, "Why?"))
    assert (Task.REPLY, False) == (made.task, made.repair)
    assert made.prompt_tokens == sum(tokens(message.content) for message in made.messages) < 1_000


def test_a_long_thread_shows_its_latest_turns_and_always_the_last() -> None:
    said = [note(number, STRANGER, f"turn {number} " + "word " * 300) for number in range(2, 12)]
    user = prompt(*said).messages[1].content
    shown = [number for number in range(2, 12) if f"turn {number} " in user]
    assert shown == list(range(12 - len(shown), 12))
    assert 1 < len(shown) < 6
    endless = prompt(note(2, STRANGER, "turn 2 " + "x " * 50_000))
    assert "turn 2" in endless.messages[1].content
    assert endless.prompt_tokens < 2_500


def test_secrets_that_people_write_do_not_reach_the_model() -> None:
    token = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
    assert token not in prompt(note(2, STRANGER, f"it is {token}")).messages[1].content


@given(st.text(), st.text())
def test_no_words_can_forge_a_mark_of_the_conversation(first: str, second: str) -> None:
    user = prompt(note(2, STRANGER, first), note(3, STRANGER, f"{second}{HOSTILE}")).messages[1].content
    mark = user.partition("<finding ")[2].partition(">")[0]
    assert 12 == len(mark)
    lines = [line for line in user.split("\n") if mark in line]
    names = ("finding", "code", "person", "person")
    assert [f"<{slash}{name} {mark}>" for name in names for slash in ("", "/")] == lines


def test_an_answer_that_is_shown_again_is_cut() -> None:
    asked = prompt(note(2, STRANGER))
    again = answering.repair(TEMPLATES, asked, "x" * 10_000, "no JSON", tokens)
    assert (True, 2_000) == (again.repair, len(again.messages[2].content))
    assert "(empty)" == answering.repair(TEMPLATES, asked, "", "it is empty", tokens).messages[2].content
