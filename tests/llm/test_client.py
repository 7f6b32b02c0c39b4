"""The client against a real HTTP server on loopback."""

import asyncio
import json
import socket
import threading
from decimal import Decimal

import pytest
from fakes.model_server import Answer, Asked, findings, refusal, serving
from relays import call
from talking import World, ask, prompt, talk

from reviewbot.domain.endpoint import ClientOptions, ModelOptions
from reviewbot.domain.events import RequestEnded
from reviewbot.domain.prompt import Completion
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.llm.client import Client
from reviewbot.llm.orders import Relayed


@pytest.fixture
def world() -> World:
    return World()


def _fine(_: Asked) -> Answer:
    return findings()


def test_a_request_names_its_task_and_carries_model_messages_and_parameters(world: World) -> None:
    with serving(_fine) as server:
        completion = ask(server, world, model="some-model")
    (asked,) = server.asked
    assert asked.headers["x-reviewbot-task"] == "review"
    assert "x-reviewbot-repair" not in asked.headers
    assert "authorization" not in asked.headers
    assert asked.body["model"] == "some-model"
    assert [message["role"] for message in asked.body["messages"]] == ["system", "user"]
    assert asked.body["temperature"] == 0.2
    assert asked.body["max_tokens"] == 8_000
    assert json.loads(completion.text) == {"findings": []}
    assert completion.usage.prompt_tokens > 0


def test_a_repair_says_that_it_is_one(world: World) -> None:
    with serving(_fine) as server:
        talk(server, world, lambda client: client.complete(prompt(repair=True), ModelOptions(name="m")))
    assert server.asked[0].is_repair


def test_a_passing_fault_is_retried_and_counted(world: World) -> None:
    answers = [refusal(500, "oops"), refusal(503, "busy"), findings()]

    async def work(client: Client) -> tuple[int, int]:
        await client.complete(prompt(), ModelOptions(name="m"))
        return client.usage.requests, client.usage.retries

    with serving(lambda _: answers.pop(0)) as server:
        assert talk(server, world, work) == (3, 2)
    assert len(world.slept) == 2
    assert all(0 <= seconds <= 10 for seconds in world.slept)


@pytest.mark.parametrize(
    ("header", "value", "seconds"),
    [
        ("retry-after", "7", 7.0),
        ("retry-after", "0.25", 0.25),
        ("retry-after-ms", "1500", 1.5),
        ("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("retry-after", "Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_the_wait_that_the_provider_asks_for_is_kept(world: World, header: str, value: str, seconds: float) -> None:
    answers = [refusal(429, "slow down", **{header: value}), findings()]
    with serving(lambda _: answers.pop(0)) as server:
        ask(server, world)
    # And up to a tenth more, so that all who were told to wait do not meet again.
    assert world.slept == [pytest.approx(seconds * 1.05)]


@pytest.mark.parametrize("value", ["soon", "-3", "inf", "nan"])
def test_a_wait_that_makes_no_sense_falls_back_to_our_own(world: World, value: str) -> None:
    answers = [refusal(429, "slow down", **{"retry-after": value}), findings()]
    with serving(lambda _: answers.pop(0)) as server:
        ask(server, world)
    assert len(world.slept) == 1
    assert 0 <= world.slept[0] <= 10


@pytest.mark.parametrize("status", [402, 404, 413, 422])
def test_a_fault_of_the_request_is_not_retried_and_says_the_providers_words(world: World, status: int) -> None:
    with serving(lambda _: refusal(status, "Insufficient Balance")) as server:
        with pytest.raises(ProviderError, match=f"answered {status}: Insufficient Balance"):
            ask(server, world)
        assert len(server.asked) == 1
    assert world.slept == []


def test_when_every_attempt_fails_the_last_fault_is_told(world: World) -> None:
    with serving(lambda _: refusal(500, "still broken")) as server:
        with pytest.raises(ProviderError, match="answered 500: still broken"):
            ask(server, world)
        assert len(server.asked) == 6


def test_an_unreachable_endpoint_is_told_as_such(world: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1 cannot be reached or broke off"):
        ask(f"http://127.0.0.1:{port}/v1", world)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/v1", "nothing"])
def test_an_address_that_is_none_is_told_as_such(world: World, url: str) -> None:
    with pytest.raises(ProviderError, match=r"no http|no URL"):
        ask(url, world)
    assert world.slept == []


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{"message": "x"}]}', b"<html>"])
def test_an_answer_that_is_no_completion_is_tried_again(world: World, raw: bytes) -> None:
    answers = [Answer(raw=raw), findings()]
    with serving(lambda _: answers.pop(0)) as server:
        assert ask(server, world).text == '{"findings": []}'


def test_missing_usage_is_nothing_rather_than_a_crash(world: World) -> None:
    raw = json.dumps({"choices": [{"message": {"content": "x"}}], "usage": "none"}).encode()
    with serving(lambda _: Answer(raw=raw)) as server:
        assert ask(server, world) == Completion(text="x", finish_reason=None, model=None)


def test_an_empty_answer_is_told_as_such_and_not_asked_for_again_in_the_same_words(world: World) -> None:
    with serving(lambda _: Answer(text="")) as server:
        with pytest.raises(ProviderError, match="the answer is empty"):
            ask(server, world)
        assert len(server.asked) == 1


def test_a_refused_key_is_retired_and_the_next_one_asked(world: World) -> None:
    good = "key-" + "good"
    with serving(_fine, keys=[good]) as server:

        async def work(client: Client) -> int:
            for _ in range(3):
                await client.complete(prompt(), ModelOptions(name="m"))
            return client.usage.requests

        assert talk(server, world, work, keys=("key-" + "bad", good)) == 4


def test_when_every_key_is_refused_the_advice_names_the_variables_and_no_key(world: World) -> None:
    key = "key-" + "echoed"
    with serving(lambda _: refusal(401, f"invalid key {key}")) as server, pytest.raises(ProviderError) as caught:
        ask(server, world, keys=(key,))
    assert "REVIEWBOT_API_KEY" in str(caught.value)
    assert key not in str(caught.value)


def test_an_endpoint_that_refuses_the_answers_form_is_asked_in_a_simpler_one_and_remembered(world: World) -> None:
    with serving(_fine, formats=("text",)) as server:

        async def work(client: Client) -> None:
            for _ in range(2):
                await client.complete(prompt(), ModelOptions(name="m"))

        talk(server, world, work)
    forms = [(asked.body.get("response_format") or {"type": "text"})["type"] for asked in server.asked]
    assert forms == ["json_schema", "json_object", "text", "text"]
    assert world.slept == []


def test_a_400_for_another_reason_is_not_remembered_as_a_refused_form(world: World) -> None:
    with serving(lambda asked: refusal(400, "Model Not Exist") if "first" in asked.user else findings()) as server:

        async def work(client: Client) -> None:
            with pytest.raises(ProviderError, match="Model Not Exist"):
                await client.complete(prompt("first"), ModelOptions(name="m"))
            await client.complete(prompt("second"), ModelOptions(name="m"))

        talk(server, world, work)
    assert server.asked[-1].body["response_format"]["type"] == "json_schema"


def test_no_more_requests_are_under_way_than_allowed(world: World) -> None:
    options = ClientOptions(concurrency=3)

    async def work(client: Client) -> None:
        prompts = [prompt(f"part {number}") for number in range(12)]
        await asyncio.gather(*(client.complete(each, ModelOptions(name="m")) for each in prompts))

    with serving(lambda _: Answer(delay_s=0.02)) as server:
        talk(server, world, work, options=options)
    assert len(server.asked) == 12
    assert 1 < server.most_at_once <= 3


def test_what_might_exceed_the_budget_waits_until_others_are_settled(world: World) -> None:
    # The worst case of one request: 1,000 tokens in at 0.15, 8,000 out at 0.60 a million = 0.00495.
    async def work(client: Client) -> int:
        one = ModelOptions(name="deepseek-flash")
        prompts = [prompt(f"part {number}", tokens=1_000) for number in range(5)]
        results = await asyncio.gather(*(client.complete(each, one) for each in prompts))
        return len(results)

    with serving(lambda _: Answer(text='{"findings": []}', delay_s=0.02)) as server:
        assert talk(server, world, work, budget_usd="0.0100") == 5
        assert server.most_at_once <= 2


def test_what_a_request_cost_is_booked_and_the_rest_of_the_reserve_freed(world: World) -> None:
    async def work(client: Client) -> Decimal | None:
        for _ in range(4):
            await client.complete(prompt(tokens=1_000), ModelOptions(name="deepseek-flash"))
        return client.usage.cost_usd

    with serving(_fine) as server:
        cost = talk(server, world, work, budget_usd="0.0052")
    assert cost is not None
    assert Decimal(0) < cost < Decimal("0.0001")


def test_a_budget_that_ended_says_what_was_spent_and_what_to_do(world: World) -> None:
    with serving(_fine) as server, pytest.raises(BudgetExceeded, match="Raise --budget"):
        talk(
            server,
            world,
            lambda client: client.complete(prompt(), ModelOptions(name="deepseek-flash")),
            budget_usd="0.001",
        )
    assert server.asked == []


def test_the_cost_is_unknown_when_one_price_is(world: World) -> None:
    async def work(client: Client) -> Decimal | None:
        await client.complete(prompt(), ModelOptions(name="m"))
        await client.complete(prompt(), ModelOptions(name="deepseek-flash"))
        return client.usage.cost_usd

    with serving(_fine) as server:
        assert talk(server, world, work) is None


def test_a_request_ends_at_its_deadline(world: World) -> None:
    options = ClientOptions(deadline_s=0.05)
    with serving(lambda _: Answer(delay_s=0.3)) as server, pytest.raises(ProviderError, match="no answer in time"):
        talk(server, world, lambda client: client.complete(prompt(), ModelOptions(name="m")), options=options)


def test_proxies_error_pages_are_quoted_in_part(world: World) -> None:
    with serving(lambda _: Answer(status=404, raw=b"<html>" + b"x" * 5_000)) as server:
        with pytest.raises(ProviderError) as caught:
            ask(server, world)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"error": "plain"}', "plain"),
        (b'{"detail": "not here"}', "not here"),
        (b'["odd"]', "odd"),
        (b'{"message": "top"}', "top"),
    ],
)
def test_errors_in_other_forms_keep_their_words(world: World, raw: bytes, said: str) -> None:
    with serving(lambda _: Answer(status=404, raw=raw)) as server, pytest.raises(ProviderError, match=said):
        ask(server, world)


def test_an_answer_nested_without_end_fails_like_any_other(world: World) -> None:
    with serving(lambda _: Answer(raw=b"[" * 200_000)) as server, pytest.raises(ProviderError, match="nested"):
        ask(server, world)


def test_a_date_beyond_all_calendars_is_no_wait(world: World) -> None:
    answers = [refusal(429, "slow", **{"retry-after": "Wed, 21 Oct 2015 07:28:00 +99999999999999999"}), findings()]
    with serving(lambda _: answers.pop(0)) as server:
        ask(server, world)
    assert world.slept[0] <= 10


def test_more_cached_tokens_than_were_sent_make_no_negative_price(world: World) -> None:
    usage = {"prompt_tokens": 10, "prompt_cache_hit_tokens": 10**8, "completion_tokens": 10**40}
    raw = json.dumps({"choices": [{"message": {"content": "x"}}], "usage": usage}).encode()
    with serving(lambda _: Answer(raw=raw)) as server:
        used = ask(server, world).usage
    assert (used.prompt_tokens, used.cached_tokens, used.completion_tokens) == (10, 10, 0)


def test_a_key_at_the_cut_of_a_long_error_is_hidden_too(world: World) -> None:
    key = "sk-" + "a1b2c3d4" * 6
    body = b"x" * 180 + key.encode()
    with serving(lambda _: Answer(status=404, raw=body)) as server, pytest.raises(ProviderError) as caught:
        ask(server, world, keys=(key,))
    assert key[:8] not in str(caught.value)


def test_an_account_without_money_is_not_asked_again_whatever_status_says_so(world: World) -> None:
    """OpenAI's 429 with this code, and our own gateway's to a tenant whose budget is used up."""
    error = {"message": "the day's budget is used up", "type": "insufficient_quota", "code": "insufficient_quota"}
    broke = Answer(status=429, raw=json.dumps({"error": error}).encode(), headers={"retry-after": "1"})
    with serving(lambda _: broke) as server, pytest.raises(ProviderError, match="the day's budget is used up"):
        ask(server, world, keys=("only",))
    assert (1, 0) == (server.hits, sum(world.slept))


def test_what_nobody_waited_for_is_told_with_what_it_may_cost(world: World) -> None:
    began = threading.Event()

    def never(_: Asked) -> Answer:
        began.set()
        return Answer(silent=True)

    async def work(client: Client) -> None:
        asking = asyncio.create_task(client.complete(prompt(tokens=1_000), ModelOptions(name="deepseek-flash")))
        assert await asyncio.to_thread(began.wait, 30)
        asking.cancel()
        await asyncio.wait([asking])

    with serving(never) as server:
        talk(server, world, work, budget_usd="1")
    (told,) = [event for event in world.events if isinstance(event, RequestEnded)]
    assert ("left", 1) == (told.outcome, told.attempts)
    assert told.cost_usd == Decimal("0.00495"), "1,000 tokens in at 0.15, 8,000 out at 0.60 a million"


def test_what_broke_off_is_told_at_the_worst_that_it_can_have_cost_as_budgets_have_it(world: World) -> None:
    answers = [Answer(pieces=["one ", "two"], event_delay_s=0.1, cut_after=1), Answer(pieces=["one ", "two"])]
    body = {"model": "deepseek-flash", "stream": True, "messages": [{"role": "user", "content": "count"}]}
    asked = call(body, model="deepseek-flash", streamed=True, max_tokens=8_000)

    async def work(client: Client) -> Relayed:
        return await client.relay(asked, lambda _tape, _joined: None)

    with serving(lambda _: answers.pop(0)) as server:
        relayed = talk(server, world, work, budget_usd="1")
    told = [event for event in world.events if isinstance(event, RequestEnded)][-1]
    assert ("ok", 2) == (told.outcome, told.attempts)
    assert told.ttft_s is not None
    assert told.cost_usd == relayed.cost_usd
    assert Decimal("0.0048") < (told.cost_usd or 0) < Decimal("0.0049"), "8,000 tokens out at 0.60 a million"


def test_an_answer_that_does_not_tell_its_usage_is_taken_at_the_worst(world: World) -> None:
    async def work(client: Client) -> None:
        await client.complete(prompt(tokens=1_000), ModelOptions(name="deepseek-flash"))

    with serving(lambda _: Answer(text='{"findings": []}', usage=False)) as server:
        talk(server, world, work, budget_usd="1")
    (told,) = [event for event in world.events if isinstance(event, RequestEnded)]
    assert told.cost_usd == Decimal("0.00495"), "or a budget would never end"
