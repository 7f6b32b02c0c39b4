"""The client put together: cache, fallbacks, keys that change, shared stores."""

import asyncio
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import gitrepo
import pytest
from fakes.model_server import Answer, Asked, findings, refusal, serving
from redis_server import running_redis
from talking import World, plan_for, prompt, talk

from reviewbot.domain.endpoint import ApiKey, ClientOptions, Endpoint, Fallback, ModelOptions
from reviewbot.domain.events import RequestEnded
from reviewbot.errors import ProviderError, UsageError
from reviewbot.llm.budget import Limits
from reviewbot.llm.client import Client
from reviewbot.llm.keyfile import KeysFile
from reviewbot.settings.environment import keys_in
from reviewbot.wiring import operator
from reviewbot.wiring.clients import ClientPlan, open_client

ROOT = Path(__file__).parents[2]
MODEL = ModelOptions(name="deepseek-flash")
KEY = "key-" + "one"


@pytest.fixture
def world() -> World:
    return World()


async def once(client: Client) -> str:
    return (await client.complete(prompt(), MODEL)).text


def outcomes(world: World) -> list[str]:
    return [event.outcome for event in world.events if isinstance(event, RequestEnded)]


def test_importing_the_client_loads_nothing_that_only_some_runs_need() -> None:
    code = (
        "import sys\nimport reviewbot.wiring.clients\n"
        "seldom = {'pydantic', 'tenacity', 'sqlite3', 'redis', 'tomllib', 'reviewbot.domain.outcome'}\n"
        "print(sorted(seldom & set(sys.modules)))"
    )
    # Whoever measures the process loads modules of its own.
    environ = {name: value for name, value in gitrepo.environment().items() if not name.startswith("COVERAGE_")}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[]\n"


def test_the_next_run_is_answered_from_the_cache(world: World, tmp_path: Path) -> None:
    with serving(lambda _: findings()) as server:
        for _ in range(2):
            assert talk(server, world, once, keys=(KEY,), folder=tmp_path) == '{"findings": []}'
        assert len(server.asked) == 1
    assert outcomes(world) == ["ok", "cached"]


def test_an_answer_that_is_not_fit_is_not_kept(world: World, tmp_path: Path) -> None:
    async def unfit(client: Client) -> None:
        await client.complete(prompt(), MODEL, lambda _: False)

    with serving(lambda _: findings()) as server:
        for _ in range(2):
            talk(server, world, unfit, keys=(KEY,), folder=tmp_path)
        assert len(server.asked) == 2


def test_another_key_just_misses(world: World, tmp_path: Path) -> None:
    with serving(lambda _: findings()) as server:
        for key in (KEY, KEY + "-other"):
            talk(server, world, once, keys=(key,), folder=tmp_path)
        assert len(server.asked) == 2


def test_identical_requests_at_once_are_one(world: World) -> None:
    async def many(client: Client) -> int:
        await asyncio.gather(*(once(client) for _ in range(10)))
        return client.usage.coalesced

    with serving(lambda _: Answer(text="x", delay_s=0.05)) as server:
        assert talk(server, world, many) == 9
        assert len(server.asked) == 1


def test_a_fallback_is_asked_when_no_key_is_left(world: World) -> None:
    with serving(lambda _: refusal(401, "no")) as first, serving(lambda _: findings()) as second:
        fallback = Fallback(endpoint=Endpoint(base_url=second.base_url), model="spare")
        text = talk(first, world, once, keys=(KEY,), plan=lambda plan: replace(plan, fallbacks=(fallback,)))
    assert text == '{"findings": []}'
    assert second.asked[0].body["model"] == "spare"


def test_a_fallback_is_asked_at_once_when_the_first_wants_more_time_than_there_is(world: World) -> None:
    slow = refusal(429, "later", **{"retry-after": "3600"})
    with serving(lambda _: slow) as first, serving(lambda _: findings()) as second:
        fallback = Fallback(endpoint=Endpoint(base_url=second.base_url), model="spare")
        talk(first, world, once, plan=lambda plan: replace(plan, fallbacks=(fallback,)))
        assert len(second.asked) == 1


def test_without_a_fallback_a_wait_beyond_the_deadline_ends_at_once_with_the_providers_words(world: World) -> None:
    slow = refusal(429, "come back tomorrow", **{"retry-after": "86400"})
    with serving(lambda _: slow) as server:
        with pytest.raises(ProviderError, match="come back tomorrow"):
            talk(server, world, once)
        assert len(server.asked) == 1
    assert world.slept == []


def test_an_endpoint_that_fails_too_often_is_left_alone_and_tried_again(world: World) -> None:
    broken = [True]

    def script(_: Asked) -> Answer:
        return refusal(500, "down") if broken[0] else findings()

    async def work(client: Client) -> str:
        for number in range(2):
            with pytest.raises(ProviderError):
                await client.complete(prompt(f"part {number}"), MODEL)
        broken[0] = False
        return await once(client)

    with serving(script) as server:
        assert talk(server, world, work) == '{"findings": []}'
        assert len(server.asked) < 2 * ClientOptions().attempts + 2
    assert max(world.slept) > 10


def test_keys_of_a_file_that_changed_are_taken_while_the_client_is_open(world: World, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("old-key\n")
    keys_file = KeysFile(path, lambda text: keys_in(text, "test"), world.surroundings)
    keys_file.read()

    async def work(client: Client) -> str:
        with pytest.raises(ProviderError):
            await client.complete(prompt("first"), MODEL)
        path.write_text("new-key-of-another-length\n")
        await world.sleep(2)
        return await once(client)

    with serving(lambda _: findings(), keys=["new-key-of-another-length"]) as server:
        text = talk(server, world, work, keys=("old-key",), plan=lambda plan: replace(plan, keys_file=keys_file))
    assert text == '{"findings": []}'


def test_a_lasting_budget_without_a_store_is_refused(world: World) -> None:
    from decimal import Decimal

    limits = Limits(day_usd=Decimal(1))
    with pytest.raises(UsageError, match="lasting store"):
        talk("http://127.0.0.1:9/v1", world, once, plan=lambda plan: replace(plan, limits=limits))


def test_a_days_budget_on_disk_outlives_the_run(world: World, tmp_path: Path) -> None:
    from decimal import Decimal

    def with_day(plan: ClientPlan) -> ClientPlan:
        return replace(plan, limits=Limits(day_usd=Decimal("0.0090")))

    async def dear(client: Client) -> None:
        await client.complete(prompt(), MODEL)

    with serving(lambda _: Answer(text="x", tokens=8_000)) as server:
        talk(server, world, dear, folder=tmp_path, plan=with_day)
        with pytest.raises(Exception, match="budget"):
            talk(server, world, dear, folder=tmp_path, plan=with_day)
        assert len(server.asked) == 1


def test_over_redis_limits_answers_and_budgets_are_shared(world: World) -> None:
    from decimal import Decimal

    from reviewbot.wiring.surroundings import real_world

    async def session(plan: ClientPlan) -> None:
        async with open_client(plan, real_world(), world.events.append) as client:
            await client.complete(prompt(), MODEL)

    with contextmanager(running_redis)() as redis, serving(lambda _: findings()) as server:
        plan = replace(
            plan_for(server, (KEY,)),
            redis_url=redis.url,
            requests_per_minute=60,
            limits=Limits(day_usd=Decimal(1)),
        )
        for _ in range(2):
            asyncio.run(session(plan))
        assert len(server.asked) == 1
    assert outcomes(world) == ["ok", "cached"]


def test_the_operators_file_names_fallbacks_and_prices(tmp_path: Path) -> None:
    text = """
[endpoint]
base_url = "https://models.example.org/v1"
[[fallback]]
base_url = "https://spare.example.org/v1"
model = "spare"
key_env = "SPARE_KEY"
[[price]]
model = "home-grown"
valid_from = 2026-01-01
prompt = "0"
cached = "0"
completion = "0"
"""
    path = tmp_path / "operator.toml"
    path.write_text(text)
    read = operator.read({"REVIEWBOT_CONFIG": str(path), "SPARE_KEY": KEY})
    assert read.base_url == "https://models.example.org/v1"
    assert [(each.model, each.endpoint.keys) for each in read.fallbacks] == [("spare", (ApiKey(value=KEY),))]
    assert [row["model"] for row in read.prices] == ["home-grown"]
    assert operator.read({}) == operator.Operator()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fallback = 3", "a list of tables"),
        ("[[fallback]]\nmodel = 'm'", "has base_url, model"),
        ("[[fallback]]\nbase_url = 'http://x'\nmodel = 'm'\nkey = 'k'", "has base_url, model"),
        ("[[fallback]]\nbase_url = 'http://x'\nmodel = 'm'\nkey_env = 'made-up-key'", "m is no name of a variable"),
        ("[[fallback]]\nbase_url = 'ftp://x'\nmodel = 'm'", "no http"),
        ("[[fallback]]\nbase_url = 'http://x'\nmodel = 'm'\nkey_env = 'NOT_SET'", "NOT_SET, which is not set"),
        ("[endpoint", "no valid TOML"),
    ],
)
def test_what_is_wrong_in_the_operators_file_is_told(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        operator.parse(text, "operator.toml", {})
