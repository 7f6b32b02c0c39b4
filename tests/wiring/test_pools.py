"""Named pools of keys: which project asks under which keys, and what pools share and do not."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.model_server import ModelServer, findings, serving
from redis_server import running_redis
from talking import prompt

from reviewbot.domain.endpoint import ClientOptions, ModelOptions
from reviewbot.errors import UsageError
from reviewbot.llm.limiting import LimitWait
from reviewbot.settings.environment import stores
from reviewbot.wiring import configuration, engines, operator, pools
from reviewbot.wiring.clients import ClientPlan, open_client
from reviewbot.wiring.plans import client_plan
from reviewbot.wiring.surroundings import real_world

ONE, TWO, THREE = ("made-up-" + name for name in ("one", "two", "three"))
POOLS = """
[pool.shop]
projects = ["shop/*"]
keys_env = "SHOP_KEYS"
[pool.all]
projects = ["*"]
keys_env = "ALL_KEYS"
[pool.spare]
keys_env = "SPARE_KEYS"
"""
KEYS = {"SHOP_KEYS": f"{ONE}=3, {TWO}", "ALL_KEYS": THREE, "SPARE_KEYS": ONE, "REVIEWBOT_API_KEY": "made-up-default"}

Environ = Callable[..., dict[str, str]]


@pytest.fixture
def environ(tmp_path: Path) -> Environ:
    """Write an operator's file, and give an environment that names it."""

    def environ(text: str = POOLS, **more: str) -> dict[str, str]:
        path = tmp_path / "operator.toml"
        path.write_text(text)
        return {**KEYS, "REVIEWBOT_CONFIG": str(path), **more}

    return environ


def chosen(environ: Mapping[str, str]) -> tuple[str, str] | None:
    found = pools.choose(operator.read(environ).pools, environ)
    return None if found is None else (found.pool.name, found.reason)


def plan(environ: Mapping[str, str]) -> ClientPlan:
    settings = configuration.effective({}, environ, trust=None, git=None, config=None).settings
    return client_plan(engines.choose(settings, environ), settings, stores(environ), real_world())


def keys(environ: Mapping[str, str]) -> list[tuple[str, float, str | None]]:
    return [(key.value, key.weight, key.account) for key in plan(environ).endpoint.keys]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"CI_PROJECT_PATH": "shop/web"}, ("shop", "'shop/*' takes CI_PROJECT_PATH shop/web")),
        ({"GITHUB_REPOSITORY": "Shop/Web"}, ("shop", "'shop/*' takes GITHUB_REPOSITORY Shop/Web")),
        ({"CI_PROJECT_PATH": "shop/sub/web"}, ("shop", "'shop/*' takes CI_PROJECT_PATH shop/sub/web")),
        ({"CI_PROJECT_PATH": "shopping/web"}, ("all", "'*' takes CI_PROJECT_PATH shopping/web")),
        ({"CI_PROJECT_PATH": "shop/web", "REVIEWBOT_POOL": " spare "}, ("spare", "named by REVIEWBOT_POOL")),
        ({}, None),
    ],
)
def test_a_pool_is_the_one_that_is_named_or_the_first_that_takes_the_project(
    environ: Environ, variables: dict[str, str], expected: tuple[str, str] | None
) -> None:
    assert expected == chosen(environ(**variables))


def test_a_project_asks_under_its_pools_keys_and_no_others(environ: Environ) -> None:
    assert [(ONE, 3.0, None), (TWO, 1.0, None)] == keys(environ(CI_PROJECT_PATH="shop/web"))
    assert [(THREE, 1.0, None)] == keys(environ(CI_PROJECT_PATH="other/web"))


def test_a_project_without_a_pool_asks_under_the_default_keys(environ: Environ) -> None:
    without = POOLS.replace('projects = ["*"]\n', "")
    assert [("made-up-default", 1.0, None)] == keys(environ(without, CI_PROJECT_PATH="other/web"))


def test_a_pools_keys_go_to_the_configured_endpoint_else_to_the_default_one(environ: Environ) -> None:
    shop = {"CI_PROJECT_PATH": "shop/web", "OPENAI_API_KEY": "made-up-provider"}
    assert "https://api.deepseek.com" == plan(environ(**shop)).endpoint.base_url
    assert "deepseek-flash" == plan(environ(**shop)).model
    own = '[endpoint]\nbase_url = "https://models.example.org/v1"\n'
    assert "https://models.example.org/v1" == plan(environ(own + POOLS, **shop)).endpoint.base_url
    named = environ(own + POOLS, REVIEWBOT_BASE_URL="http://127.0.0.1:9/v1", **shop)
    assert "http://127.0.0.1:9/v1" == plan(named).endpoint.base_url
    with pytest.raises(UsageError, match="is no http"):
        plan(environ(POOLS, REVIEWBOT_BASE_URL="nonsense", **shop))


def test_an_accounts_label_counts_within_its_provider(environ: Environ) -> None:
    shop = {"CI_PROJECT_PATH": "shop/web", "SHOP_KEYS": f"{ONE},{TWO}"}
    labelled = POOLS.replace('["shop/*"]', '["shop/*"]\naccount = "main"')
    own = '[endpoint]\nbase_url = "https://models.example.org/v1"\n'
    account = "api.deepseek.com/main"
    assert [(ONE, 1.0, account), (TWO, 1.0, account)] == keys(environ(labelled, **shop))
    assert {"models.example.org/main"} == {account for _, _, account in keys(environ(own + labelled, **shop))}


def test_a_pools_limits_are_weaker_than_variables_and_stronger_than_the_files_own(environ: Environ) -> None:
    text = "[client]\nrequests_per_minute = 1\ntokens_per_minute = 2\n" + POOLS.replace(
        '["shop/*"]', '["shop/*"]\nrequests_per_minute = 30\ntokens_per_minute = 4_000'
    )
    shop = {"CI_PROJECT_PATH": "shop/web"}
    found = plan(environ(text, **shop))
    assert (30, 4_000) == (found.requests_per_minute, found.tokens_per_minute)
    found = plan(environ(text, CI_PROJECT_PATH="other/web"))
    assert (1, 2) == (found.requests_per_minute, found.tokens_per_minute)
    assert 7 == plan(environ(text, REVIEWBOT_REQUESTS_PER_MINUTE="7", **shop)).requests_per_minute


def test_keys_of_a_file_are_read_again_when_it_changes_with_their_account(environ: Environ, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# ours\n{ONE}=2\n")
    text = f'[pool.shop]\nkeys_file = "{path}"\naccount = "main"\n'
    found = plan(environ(text, REVIEWBOT_POOL="shop"))
    assert [(ONE, "api.deepseek.com/main")] == [(key.value, key.account) for key in found.endpoint.keys]
    path.write_text(f"{ONE}=2\n{TWO}\n")
    assert found.keys_file is not None
    assert [(ONE, 2.0, "api.deepseek.com/main"), (TWO, 1.0, "api.deepseek.com/main")] == [
        (key.value, key.weight, key.account) for key in found.keys_file.read()
    ]


def test_the_default_keys_file_is_read_again_too(environ: Environ, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(TWO)
    keys_file = plan(environ(REVIEWBOT_API_KEYS_FILE=str(path))).keys_file
    assert keys_file is not None
    assert [(TWO, None)] == [(key.value, key.account) for key in keys_file.read()]
    assert plan(environ(REVIEWBOT_API_KEYS_FILE=str(path), REVIEWBOT_POOL="shop")).keys_file is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pool = 3", "pool is a table of tables: write [pool.NAME]"),
        ("[pool]\nkeys_env = 'A'", "pool is a table of tables"),
        ("[pool.a]", "[pool.a] wants either keys_env, the name of a variable, or keys_file"),
        ("[pool.a]\nkeys_env = 'A'\nkeys_file = '/k'", "wants either keys_env"),
        ("[pool.a]\nkeys_env = 3", "keys_env is no text"),
        ("[pool.a]\nkeys_file = ' '", "keys_file is no text"),
        ("[pool.a]\nkeys_env = 'A'\naccount = 1", "account is no text"),
        ("[pool.a]\nkeys_env = 'A'\nprojects = 'a/*'", 'projects is a list of globs such as ["group/*"]'),
        ("[pool.a]\nkeys_env = 'A'\nprojects = ['']", "projects is a list of globs"),
        ("[pool.a]\nkeys_env = 'A'\nproject = ['a']", "knows projects, keys_env, keys_file, account, requests_per"),
        ("[pool.a]\nkeys_env = 'A'\nrequests_per_minute = 0", "requests_per_minute is a whole number above 0, not 0"),
        ("[pool.a]\nkeys_env = 'A'\ntokens_per_minute = true", "tokens_per_minute is a whole number above 0"),
    ],
)
def test_what_is_wrong_with_a_pool_is_told(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        operator.parse(text, "operator.toml", {})
    assert str(caught.value).startswith("operator.toml: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("entry", ["keys = ['{}']", "key = '{}'", "api_key = '{}'", "keys_env = '{}'"])
def test_a_key_in_the_operators_file_is_refused_and_not_shown(entry: str) -> None:
    with pytest.raises(UsageError) as caught:
        operator.parse(f"[pool.a]\n{entry.format(ONE)}", "operator.toml", {})
    assert ONE not in str(caught.value)
    assert "variable" in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"REVIEWBOT_POOL": "shpo"}, "does not have (it has shop, all, spare): correct the name, unset it, or add"),
        ({"CI_PROJECT_PATH": "shop/web", "SHOP_KEYS": " "}, "wants its keys from SHOP_KEYS, which is not set: set it"),
        ({"CI_PROJECT_PATH": "shop/web", "SHOP_KEYS": " , "}, "SHOP_KEYS holds no key"),
        ({"CI_PROJECT_PATH": "shop/web", "SHOP_KEYS": "…"}, "SHOP_KEYS holds characters that no key has"),
    ],
)
def test_a_pool_that_cannot_be_used_says_what_to_do(environ: Environ, variables: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan(environ(**variables))
    assert said in str(caught.value)


def test_a_pool_named_without_any_is_told() -> None:
    with pytest.raises(UsageError, match=r"\(there is none\)"):
        pools.choose((), {"REVIEWBOT_POOL": "shop"})


def test_a_keys_file_that_is_not_there_is_named_with_its_pool(environ: Environ, tmp_path: Path) -> None:
    text = f'[pool.shop]\nkeys_file = "{tmp_path / "away"}"\n'
    with pytest.raises(UsageError, match=r"the keys file of pool 'shop': .*away cannot be read: No such file"):
        plan(environ(text, REVIEWBOT_POOL="shop"))


def test_the_static_engine_has_no_client(environ: Environ) -> None:
    settings = configuration.effective({"engine": "static"}, environ(), trust=None, git=None, config=None).settings
    with pytest.raises(UsageError, match="asks no model"):
        client_plan(engines.choose(settings, environ()), settings, stores({}), real_world())


def sent(server: ModelServer, plan: ClientPlan, text: str) -> bool:
    """Send a request in a process's place; tell whether the limits let it through."""

    async def session() -> None:
        options = ClientOptions(deadline_s=5)
        wanted = replace(plan, endpoint=replace(plan.endpoint, base_url=server.base_url), options=options)
        async with open_client(wanted, real_world(), lambda _: None) as client:
            await client.complete(prompt(text), ModelOptions(name="m"))

    try:
        asyncio.run(session())
    except LimitWait:
        return False
    return True


def test_over_redis_pools_of_other_accounts_do_not_collide_and_the_same_key_shares_one_limit(environ: Environ) -> None:
    text = POOLS + '[pool.main]\nkeys_env = "MAIN"\naccount = "a"\n[pool.twin]\nkeys_env = "TWIN"\naccount = "a"\n'
    more = {"SHOP_KEYS": ONE, "MAIN": "made-up-main", "TWIN": "made-up-twin"}
    with contextmanager(running_redis)() as redis, serving(lambda _: findings()) as server:
        shared = {**more, "REVIEWBOT_REDIS_URL": redis.url, "REVIEWBOT_REQUESTS_PER_MINUTE": "1"}

        def through(pool: str) -> bool:
            return sent(server, plan(environ(text, REVIEWBOT_POOL=pool, **shared)), pool)

        # spare has shop's key; main and twin have one account of the provider.
        assert [True, True, False, True, False] == [through(pool) for pool in ("shop", "all", "spare", "main", "twin")]
