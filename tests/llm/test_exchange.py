"""One attempt, against every way in which a real server can fail."""

import asyncio
import json
from collections.abc import Callable

import pytest
from fakes.answers import Answer, Asked, findings, refusal
from fakes.model_server import serving
from talking import prompt
from world import VirtualWorld

from reviewbot.domain.endpoint import ApiKey, ClientOptions, Endpoint, ModelOptions
from reviewbot.llm.exchange import Exchange
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.stream import Answer as Whole
from reviewbot.llm.wires.httpx_shards import HttpxWire

MODEL = ModelOptions(name="m")


def send(
    script: Callable[[Asked], Answer],
    *,
    key: str | None = None,
    options: ClientOptions | None = None,
    deadline_s: float = 20,
) -> tuple[Whole, int]:
    """Send one prompt; give the answer and how many requests it took."""
    keys = (ApiKey(value=key),) if key else ()

    async def session(url: str) -> tuple[Whole, int]:
        sent: list[None] = []
        async with HttpxWire(10) as wire:
            exchange = Exchange(Endpoint(base_url=url, keys=keys), wire, options or ClientOptions(), VirtualWorld().now)
            deadline_at = asyncio.get_running_loop().time() + deadline_s
            return await exchange.send(prompt(), MODEL, key, deadline_at, lambda: sent.append(None)), len(sent)

    with serving(script) as server:
        return asyncio.run(session(server.base_url))


def fault(script: Callable[[Asked], Answer], **options: float) -> Fault:
    """Send one prompt and give the fault that it ends in."""
    deadline_s = options.pop("deadline_s", 20.0)
    with pytest.raises(Fault) as caught:
        send(script, options=ClientOptions(**options), deadline_s=deadline_s)  # type: ignore[arg-type]
    return caught.value


def test_an_answer_is_asked_for_as_a_stream_with_its_usage_and_read_whole() -> None:
    seen: list[Asked] = []

    def script(asked: Asked) -> Answer:
        seen.append(asked)
        return Answer(text="hello world, this is long enough for pieces", cached_tokens=3)

    answer, sent = send(script)
    assert answer.completion.text == "hello world, this is long enough for pieces"
    assert answer.completion.finish_reason == "stop"
    assert answer.completion.usage.cached_tokens == 3
    assert answer.first_at is not None
    assert sent == 1
    assert seen[0].body["stream"] is True
    assert seen[0].body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(text="añb → ✓ 漢字", split_bytes=1),
        Answer(text="añb → ✓ 漢字", crlf=True),
        Answer(text="añb → ✓ 漢字", done=False),
        Answer(text="añb → ✓ 漢字", usage_apart=True),
        Answer(text="añb → ✓ 漢字", sse=False),
        Answer(text="añb → ✓ 漢字", keep_alives=3, ttft_s=0.03),
        Answer(text="añb → ✓ 漢字", usage=False),
    ],
)
def test_every_form_of_a_good_answer_is_accepted(answer: Answer) -> None:
    assert send(lambda _: answer)[0].completion.text == "añb → ✓ 漢字"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(text="x" * 200, cut_after=2), FaultKind.BROKEN),
        (Answer(text="x" * 200, cut_after=2, sse=False), FaultKind.BROKEN),
        (Answer(text="x" * 200, error_after=2), FaultKind.SERVER),
        (Answer(text="x" * 200, error_after=2, sse=False), FaultKind.SERVER),
        (Answer(text="x" * 200, finish_reason=None), FaultKind.TRUNCATED),
        (Answer(dropped=True), FaultKind.BROKEN),
        (Answer(text=""), FaultKind.EMPTY),
        (Answer(text="  \n"), FaultKind.EMPTY),
        (Answer(text="half", finish_reason="insufficient_system_resource"), FaultKind.SERVER),
        (Answer(raw=b"<html>"), FaultKind.MALFORMED),
        (Answer(raw=b'data: {"choi\n\n', headers={"content-type": "text/event-stream"}), FaultKind.MALFORMED),
        (Answer(raw=b"data: [1]\n\n", headers={"content-type": "text/event-stream"}), FaultKind.MALFORMED),
        (Answer(raw=b"", headers={"content-type": "text/event-stream"}), FaultKind.TRUNCATED),
        (refusal(429, "slow"), FaultKind.RATE),
        (refusal(402, "Insufficient Balance"), FaultKind.BALANCE),
        (refusal(401, "no"), FaultKind.KEY),
        (refusal(404, "Model Not Exist"), FaultKind.REQUEST),
        (refusal(409, "wait"), FaultKind.CONFLICT),
        (refusal(529, "overloaded"), FaultKind.SERVER),
        (Answer(status=307, raw=b"", headers={"location": "http://127.0.0.1:9/"}), FaultKind.REQUEST),
    ],
)
def test_what_is_not_a_whole_answer_is_a_fault_of_its_kind(answer: Answer, kind: FaultKind) -> None:
    assert fault(lambda _: answer).kind is kind


def test_a_server_that_never_answers_is_left_at_the_limit_for_first_content() -> None:
    assert fault(lambda _: Answer(silent=True), first_content_s=0.1).kind is FaultKind.TIMEOUT


def test_keep_alives_do_not_count_as_content() -> None:
    slow = Answer(keep_alives=20, ttft_s=2.0)
    assert fault(lambda _: slow, first_content_s=0.2, idle_s=5).kind is FaultKind.TIMEOUT


def test_an_answer_that_stalls_is_left_at_the_idle_limit() -> None:
    assert fault(lambda _: Answer(text="x" * 200, stall_after=3), idle_s=0.15).kind is FaultKind.TIMEOUT


def test_the_total_deadline_holds_while_pieces_still_come() -> None:
    slow = Answer(text="x" * 1_000, event_delay_s=0.05)
    assert fault(lambda _: slow, deadline_s=0.2).kind is FaultKind.TIMEOUT


def test_a_plain_answer_that_stalls_is_left_too() -> None:
    assert fault(lambda _: Answer(sse=False, stall_after=0), first_content_s=0.15).kind is FaultKind.TIMEOUT


def test_the_providers_words_and_wait_come_along_and_the_key_does_not() -> None:
    key = "key-" + "echoed"
    with pytest.raises(Fault) as caught:
        send(lambda _: refusal(401, f"invalid key {key}", **{"retry-after": "7"}), key=key)
    assert "invalid key [key]" in str(caught.value)
    assert "REVIEWBOT_API_KEY" in str(caught.value)
    assert (caught.value.wait_s, caught.value.status) == (7.0, 401)


def test_a_refused_form_is_stepped_down_and_the_first_refusal_is_told_if_none_helps() -> None:
    def script(asked: Asked) -> Answer:
        return refusal(400, "stream_options is unknown") if "stream_options" in asked.body else findings()

    answer, sent = send(script)
    assert json.loads(answer.completion.text) == {"findings": []}
    assert sent == 4
    assert "Model Not Exist" in str(fault(lambda _: refusal(400, "Model Not Exist")))
