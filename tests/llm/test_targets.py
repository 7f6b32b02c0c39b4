"""An endpoint by its models: the same keys, and for each a breaker of its own."""

from dataclasses import replace

import pytest
from fakes.answers import Answer, Asked, refusal
from fakes.model_server import serving
from talking import World, plan_for, prompt, talk

from reviewbot.domain.endpoint import ClientOptions, Fallback, ModelOptions
from reviewbot.domain.events import BreakerChanged
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.llm.client import Client
from reviewbot.llm.limiting import MemoryLimiter
from reviewbot.llm.targets import Target
from reviewbot.llm.wires.httpx_shards import HttpxWire
from reviewbot.wiring.clients import open_targets


def target() -> Target:
    world = World().surroundings
    limiter = MemoryLimiter(None, None, world)
    plan = plan_for("http://127.0.0.1:9/v1", ("key",))
    plan = replace(plan, fallbacks=(Fallback(endpoint=plan.endpoint, model="other"),))
    first, fallback = open_targets(plan, HttpxWire(1), limiter, world, lambda _: None, None)
    assert fallback.asked_for("m") is fallback  # it has a model of its own
    return first


def test_a_model_has_its_own_breaker_over_the_same_keys() -> None:
    first = target()
    one, other = first.asked_for("one"), first.asked_for("other")
    assert one is first.asked_for("one")
    assert one.breaker is not other.breaker
    assert (first.keys, first.exchange) == (one.keys, one.exchange)
    assert one is one.asked_for("anything")


def test_who_invents_names_without_end_shares_the_endpoints_own() -> None:
    first = target()
    for number in range(150):
        first.asked_for(f"model-{number}")
    assert 100 == len(first.by_model)
    assert first is first.asked_for("one more")


def test_a_model_that_fails_does_not_have_the_others_left_alone() -> None:
    def script(asked: Asked) -> Answer:
        return refusal(500, "boom") if asked.body["model"] == "broken" else Answer(text="fine")

    async def work(client: Client) -> str:
        for number in range(20):
            with pytest.raises(ProviderError):
                await client.complete(prompt(str(number)), ModelOptions(name="broken"))
        return (await client.complete(prompt(), ModelOptions(name="sound"))).text

    world = World()
    with serving(script) as server:
        assert "fine" == talk(server, world, work, options=ClientOptions(attempts=1))
    assert {"broken"} == {event.model for event in world.events if isinstance(event, BreakerChanged)}


def test_a_probe_that_the_budget_refuses_leaves_its_place_to_the_next() -> None:
    answers = [refusal(500, "boom") for _ in range(10)]
    priced = ModelOptions(name="deepseek-flash")

    async def work(client: Client) -> str:
        for number in range(10):
            with pytest.raises(ProviderError):
                await client.complete(prompt(str(number)), priced)
        with pytest.raises(BudgetExceeded):
            await client.complete(prompt("too dear", tokens=1_000_000_000), priced)
        return (await client.complete(prompt(), priced)).text

    world = World()
    with serving(lambda _: answers.pop() if answers else Answer(text="fine")) as server:
        assert "fine" == talk(server, world, work, options=ClientOptions(attempts=1), budget_usd="10")
    assert ["open", "half-open", "closed"] == [e.state for e in world.events if isinstance(e, BreakerChanged)]
    assert [pytest.approx(60.0, abs=1.0)] == world.slept
