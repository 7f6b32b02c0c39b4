"""People are answered through the real client: with the code as it is now, and whatever fails."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import drawing
import pytest
from fakes.model_server import Answer, Asked, refusal, serving
from posting.conversing import CONCEDED, EXPLAINED, said
from steps.conversations import APP, FINDING, marked, note
from steps.posting_scene import STRANGER
from steps.posting_scene import report as posted_report
from talking import World, plan_for

from reviewbot import templating
from reviewbot.domain.endpoint import ClientOptions, ModelOptions
from reviewbot.domain.finding import Finding
from reviewbot.domain.outcome import Comparison
from reviewbot.domain.patch import FilePatch, Side
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.thread import Answer as Words
from reviewbot.domain.thread import Closing
from reviewbot.domain.usage import Usage
from reviewbot.errors import ProviderError
from reviewbot.pipeline import Change
from reviewbot.ports import Model
from reviewbot.replying import INTERRUPTED, Answered, reply
from reviewbot.reviewing import Asking
from reviewbot.settings.schema import Settings
from reviewbot.steps.answering import NOT_THERE, Conversation
from reviewbot.steps.counting import tokens
from reviewbot.wiring import replies
from reviewbot.wiring.clients import open_client

KEY = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
WHOLE = (
    "class Basket:\n" + "    # of rows\n" * 8 + "    def total(rows):\n        return sum(row.price for row in rows)\n"
)


class Sources:
    """One text for every file, or none."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text

    def new_text(self, file: FilePatch) -> bytes | None:
        del file
        return None if self.text is None else self.text.encode()

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        del names
        return {}


def conversation(finding: Finding = FINDING, *, number: int = 1, writer: bool = True) -> Conversation:
    thread = marked(note(2, STRANGER, f"Why {number}?"), id=f"t{number}").thread
    return Conversation(thread=thread, finding=finding, writer=writer)


def replied(
    script: Callable[[Asked], Answer] | Answer,
    conversations: Sequence[Conversation],
    change: str = APP,
    text: str | None = None,
    *,
    interrupts: bool = False,
) -> tuple[Answered, list[Asked]]:
    """Answer these against a scripted server; its first request ``interrupts`` the run."""
    cancel: list[Callable[[], object]] = []

    def answer(asked: Asked) -> Answer:
        if interrupts:
            cancel[0]()
        return script(asked) if callable(script) else script

    async def session(url: str) -> Answered:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        cancel.append(lambda: loop.call_soon_threadsafe(task.cancel))
        plan = replace(plan_for(url), options=ClientOptions(attempts=2))
        async with open_client(plan, World().surroundings, lambda _: None) as client:
            return await reply(asking(client), conversations, drawing.patch(change), Sources(text))

    with serving(answer) as server:
        return asyncio.run(session(server.base_url)), server.asked


@pytest.mark.parametrize(("writer", "closing"), [(True, Closing.WRITER), (False, Closing.AUTHOR)])
def test_a_concession_closes_for_whom_it_is_made_to(writer: bool, closing: Closing) -> None:
    found, _ = replied(said(CONCEDED, resolved=True), [conversation(writer=writer)])
    assert Answered(answers=(Words(thread_id="t1", note_id="n2", text=CONCEDED, closing=closing),)) == found


def test_an_explanation_closes_nothing() -> None:
    found, asked = replied(said(EXPLAINED, resolved=False), [conversation()])
    assert [Closing.NO] == [answer.closing for answer in found.answers]
    assert "+    return sum(row.price for row in rows)\n" in asked[0].user
    assert "reply" == asked[0].task
    assert "reply" == asked[0].body["response_format"]["json_schema"]["name"]


def test_what_encloses_the_code_is_shown_from_the_newest_text() -> None:
    deep = "app.py\n  @@\n    10     def total(rows):\n  + 11         return sum(row.price for row in rows)"
    _, asked = replied(said("x", resolved=False), [conversation()], deep, WHOLE)
    assert "class Basket:\n…\n@@ " in asked[0].user


@pytest.mark.parametrize("change", [APP.replace("sum(row.price", "sum(2 * row.price"), "other.py\n  + 1 x = 1"])
def test_code_that_is_gone_is_said_to_be(change: str) -> None:
    _, asked = replied(said("x", resolved=True), [conversation()], change)
    assert NOT_THERE in asked[0].user


def test_a_file_is_found_under_its_new_name_and_removed_code_in_the_diff() -> None:
    removed = replace(FINDING, quote="    return sum(rows)", side=Side.LEFT)
    _, asked = replied(
        said("x", resolved=False), [conversation(removed)], APP.replace("app.py", "app.py -> new.py"), ""
    )
    assert "-    return sum(rows)\n" in asked[0].user


def test_no_secret_of_the_change_is_sent() -> None:
    change = APP.replace("# never reached", f'token = "{KEY}"')
    _, asked = replied(said("x", resolved=False), [conversation()], change, f'token = "{KEY}"\n')
    assert KEY not in str(asked[0].body)
    assert "[REDACTED:" in asked[0].user


def test_one_that_fails_costs_the_others_nothing() -> None:
    def script(asked: Asked) -> Answer:
        return refusal(400, "too odd") if "Why 2?" in asked.user else said(EXPLAINED, resolved=False)

    found, _ = replied(script, [conversation(number=number) for number in (1, 2, 3)])
    assert (["t1", "t3"], 1) == ([answer.thread_id for answer in found.answers], len(found.failed))
    assert "too odd" in found.failed[0]


@pytest.mark.parametrize("text", ["Sure!", '{"reply": ""}', '{"reply": 1, "resolved": true}', '{"resolved": true}'])
def test_a_malformed_answer_is_asked_for_once_more(text: str) -> None:
    found, asked = replied(Answer(text=text), [conversation()])
    assert [False, True] == [one.is_repair for one in asked]
    assert ((), 1) == (found.answers, len(found.failed))
    assert "no usable answer twice" in found.failed[0]


def test_of_two_answers_in_one_the_last_counts_and_it_closes_nothing_by_itself() -> None:
    found, _ = replied(Answer(text='{"reply": "first", "resolved": true} {"reply": "second"}'), [conversation()])
    assert [("second", Closing.NO)] == [(answer.text, answer.closing) for answer in found.answers]


class Broken:
    """A model with a bug, or one that Ctrl-C ends."""

    usage = Usage(requests=7)

    def __init__(self, fault: BaseException) -> None:
        self.fault = fault

    async def complete(
        self, prompt: Prompt, options: ModelOptions, check: Callable[[Completion], bool] | None = None
    ) -> Completion:
        del prompt, options, check
        raise self.fault


def asking(model: Model) -> Asking:
    return Asking(
        model=model,
        options=ModelOptions(name="m"),
        templates=templating.environment(),
        system="",
        count=tokens,
        observe=lambda _: None,
    )


def test_a_bug_is_told_and_costs_nothing_else() -> None:
    run = reply(asking(Broken(KeyError("x"))), [conversation()], drawing.patch(APP), Sources())
    assert ("a bug in reviewbot, please report it: KeyError: 'x'",) == asyncio.run(run).failed


def change() -> Change:
    comparison = Comparison(base_sha=None, head_sha=None, description="a drawing")
    return Change(patch=drawing.patch(APP), comparison=comparison, sources=Sources(), attributes={})


def test_what_cannot_be_said_is_told_and_fails_nothing() -> None:
    told: list[str] = []
    twice = [conversation(number=number) for number in (1, 2)]
    before = posted_report(APP, FINDING)
    found = asyncio.run(replies.answered(before, change(), asking(Broken(ProviderError("503"))), twice, told.append))
    assert ["2 replies could not be written: 503"] == told
    assert replace(before, usage=Usage(requests=7)) == found


def test_an_interruption_while_people_are_answered_is_the_runs_exit_code() -> None:
    broken = asking(Broken(asyncio.CancelledError()))
    found = asyncio.run(
        replies.answered(posted_report(APP, FINDING), change(), broken, [conversation()], lambda _: None)
    )
    assert (130, False, ()) == (found.verdict.exit_code, found.verdict.passed, found.answers)
    again = asyncio.run(replies.answered(found, change(), asking(Broken(KeyError("x"))), [conversation()], print))
    assert found == again


@pytest.mark.parametrize(("thinking", "most"), [(False, 800), (True, 8_000)])
def test_a_reply_is_short_unless_the_model_thinks_first(thinking: bool, most: int) -> None:
    settings = Settings.model_validate({"model": {"thinking": thinking}})
    assert most == replies.options(settings).max_tokens


def test_an_interruption_ends_the_waiting() -> None:
    found, _ = replied(Answer(silent=True), [conversation()], interrupts=True)
    assert Answered(answers=(), failed=(INTERRUPTED,), interrupted=True) == found
