"""openai-python as its users have it, pointed at a gateway."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import openai
import pytest
from fakes.answers import Answer, Asked, refusal
from fakes.model_server import serving
from fakes.paced_server import DONE, event, paced
from gateway_scene import MODEL, TOKEN, Gateway, gateway
from openai.types.chat import ChatCompletionMessageParam

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


def answer(asked: Asked) -> Answer:
    return Answer(text=f"you said {asked.user}", usage_apart=True)


@pytest.fixture(scope="module")
def team() -> Iterator[Gateway]:
    with serving(answer) as upstream, gateway(upstream) as running:
        yield running


@contextmanager
def client(team: Gateway, token: str = TOKEN, retries: int = 0) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{team.base}/v1", api_key=token, max_retries=retries) as found:
        yield found


def test_it_gets_an_answer(team: Gateway) -> None:
    with client(team) as openai_client:
        found = openai_client.chat.completions.create(model=MODEL, messages=HELLO)
    assert ("you said hello", "stop") == (found.choices[0].message.content, found.choices[0].finish_reason)
    assert found.usage is not None


def test_it_gets_a_stream_in_which_every_event_has_a_choice(team: Gateway) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello, twice"}]
    with client(team) as openai_client:
        for turn in ("miss", "hit"):
            raw = openai_client.chat.completions.with_raw_response.create(model=MODEL, messages=messages, stream=True)
            text = "".join(event.choices[0].delta.content or "" for event in raw.parse())
            assert ("you said hello, twice", turn) == (text, raw.headers["x-reviewbot-cache"])


def test_it_gets_the_usage_of_a_stream_where_it_asks_for_it(team: Gateway) -> None:
    with client(team) as openai_client:
        events = list(
            openai_client.chat.completions.create(
                model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
        )
    assert [] == events[-1].choices
    assert events[-1].usage is not None


def test_its_asynchronous_form_works_too(team: Gateway) -> None:
    async def work() -> list[str | None]:
        async with openai.AsyncOpenAI(base_url=f"{team.base}/v1", api_key=TOKEN) as openai_client:
            calls = (
                openai_client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": f"{number}"}])
                for number in range(20)
            )
            return [found.choices[0].message.content for found in await asyncio.gather(*calls)]

    assert [f"you said {number}" for number in range(20)] == asyncio.run(work())


def test_it_lists_models(team: Gateway) -> None:
    with client(team) as openai_client:
        assert [MODEL] == [model.id for model in openai_client.models.list()]
        assert MODEL == openai_client.models.retrieve(MODEL).id


def wrong_token(team: Gateway) -> None:
    with client(team, "wrong") as openai_client:
        openai_client.chat.completions.create(model=MODEL, messages=HELLO)


def no_messages(team: Gateway) -> None:
    with client(team) as openai_client:
        openai_client.chat.completions.create(model=MODEL, messages=[])


def no_such_model(team: Gateway) -> None:
    with client(team) as openai_client:
        openai_client.models.retrieve("other")


def old_completions(team: Gateway) -> None:
    with client(team) as openai_client:
        openai_client.completions.create(model=MODEL, prompt="hello")


@pytest.mark.parametrize(
    ("work", "error"),
    [
        (wrong_token, openai.AuthenticationError),
        (no_messages, openai.BadRequestError),
        (no_such_model, openai.NotFoundError),
        (old_completions, openai.NotFoundError),
    ],
)
def test_a_refusal_is_the_error_that_it_has_for_it(
    team: Gateway, work: Callable[[Gateway], None], error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error) as caught:
        work(team)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"] in caught.value.message


@pytest.mark.parametrize("again", ["one two", "another"])
def test_a_stream_that_breaks_off_is_a_whole_one_for_it_or_an_error_and_no_short_answer(again: str) -> None:
    with paced() as upstream, gateway(upstream.base_url) as running, client(running) as openai_client:
        upstream.begin_next(event("one "))
        stream = openai_client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        assert "one " == next(stream).choices[0].delta.content
        upstream.turn().cut()
        upstream.begin_next(event(again), event("", "stop"), DONE)
        if again == "another":
            with pytest.raises(openai.APIError, match="broke off"):
                next(stream)
        else:
            assert "two" == next(stream).choices[0].delta.content
            upstream.turn().end()
            assert "stop" == next(stream).choices[0].finish_reason


def test_a_tool_call_comes_through() -> None:
    called = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [called]}
    said = {
        "id": "1", "object": "chat.completion", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
    }  # fmt: skip
    with (
        serving(lambda _: Answer(raw=json.dumps(said).encode())) as upstream,
        gateway(upstream) as running,
        client(running) as openai_client,
    ):
        found = openai_client.chat.completions.create(
            model=MODEL, messages=HELLO, tools=[{"type": "function", "function": {"name": "f"}}], tool_choice="auto"
        )
        tools = found.choices[0].message.tool_calls
        assert tools is not None
        assert [called] == [tool.to_dict() for tool in tools]


def test_a_budget_that_is_used_up_is_not_asked_again() -> None:
    with (
        serving(answer) as upstream,
        gateway(upstream, REVIEWBOT_BUDGET_RUN="0.000001") as running,
        client(running, retries=3) as openai_client,
    ):
        with pytest.raises(openai.RateLimitError) as caught:
            openai_client.chat.completions.create(model=MODEL, messages=HELLO)
        assert ("insufficient_quota", 0, 1) == (caught.value.code, upstream.hits, len(running.lines))


def test_what_the_provider_refuses_is_refused_with_its_words() -> None:
    with (
        serving(lambda _: refusal(400, "this model's maximum context length is 10 tokens")) as upstream,
        gateway(upstream) as running,
        client(running) as openai_client,
        pytest.raises(openai.BadRequestError, match="maximum context length"),
    ):
        openai_client.chat.completions.create(model=MODEL, messages=HELLO)
