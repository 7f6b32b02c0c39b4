"""A configuration that changes under a running gateway: who asked is answered, and what was learned stays known."""

import time
from collections.abc import Callable
from pathlib import Path

from fakes.answers import Answer
from fakes.model_server import serving
from fakes.paced_server import DONE, PATIENCE_S, event, paced
from gateway_scene import TOKEN, Gateway, gateway, question, told

from reviewbot.gateway.tokens import digest


def tenants(*lines: str, **tokens: str) -> str:
    """Spell a file with tenants by their tokens; ``lines`` come before them."""
    tables = [f'[tenant.{name}]\ntokens_sha256 = ["{digest(token)}"]' for name, token in tokens.items()]
    return "\n".join((*lines, *tables)) + "\n"


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)  # noqa: TID251 - the test's own


def change(config: Path, text: str) -> None:
    """Change a file as a secret manager does: another one takes its place."""
    beside = config.with_suffix(".new")
    beside.write_text(text)
    beside.replace(config)


def known(team: Gateway, token: str) -> bool:
    return 200 == team.get("/v1/models", token=token).status_code


def test_tenants_come_and_go_and_a_stream_under_way_does_not_notice(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(tenants(team=TOKEN))
    with paced() as upstream, gateway(upstream.base_url, config=config, REVIEWBOT_GATEWAY_TOKENS="") as team:
        upstream.begin_next(event("a"))
        with team.client.stream(
            "POST", "/v1/chat/completions", json=question(stream=True), headers=told(TOKEN, {})
        ) as response:
            turn = upstream.turn()
            pieces = response.iter_raw()
            heard = next(pieces)
            change(config, tenants(new="new-token"))
            until(lambda: known(team, "new-token"))
            assert not known(team, TOKEN)
            turn.send(event("", "stop"), DONE)
            turn.end()
            assert event("a") + event("", "stop") + DONE == heard + b"".join(pieces)


def test_a_key_that_was_refused_stays_retired_and_answers_stay_kept(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(tenants(team=TOKEN))
    with (
        serving(lambda _: Answer(text="fine"), keys=["good-key"]) as upstream,
        gateway(upstream, config=config, REVIEWBOT_API_KEYS="bad-key,good-key", REVIEWBOT_GATEWAY_TOKENS="") as team,
    ):
        for number in range(20):
            team.ask(question(str(number)))
        refused = upstream.hits - len(upstream.asked)
        change(config, tenants(team=TOKEN, new="new-token"))
        until(lambda: known(team, "new-token"))
        again = team.ask(question("0")).headers["x-reviewbot-cache"]
        for number in range(20):
            assert 200 == team.ask(question(f"new {number}"), token="new-token").status_code
        assert (1, 1, "hit") == (refused, upstream.hits - len(upstream.asked), again)


def test_what_is_wrong_with_a_change_is_said_and_changes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(tenants(team=TOKEN))
    with (
        serving(lambda _: Answer(text="fine")) as upstream,
        gateway(upstream, config=config, REVIEWBOT_GATEWAY_TOKENS="") as team,
    ):
        change(config, tenants("[pool.p]\nkeys_env = 'NOT_SET'") + tenants(new="new-token") + 'pool = "p"\n')
        until(lambda: not config.with_suffix(".new").exists())
        time.sleep(0.3)  # noqa: TID251 - several looks at the file
        assert (True, False) == (known(team, TOKEN), known(team, "new-token"))


def test_pools_ask_under_their_own_keys_within_their_own_limits(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    pools = ("[pool.shop]", 'keys_env = "SHOP_KEYS"', "requests_per_minute = 1000")
    config.write_text(tenants(*pools, team=TOKEN, shop="shop-token") + 'pool = "shop"\n')
    with (
        serving(lambda _: Answer(text="fine")) as upstream,
        gateway(upstream, config=config, SHOP_KEYS="key-of-shop", REVIEWBOT_GATEWAY_TOKENS="") as team,
    ):
        keys = []
        for token in (TOKEN, "shop-token"):
            team.ask(token=token)
            keys.append(upstream.asked[-1].headers["authorization"])
    assert ["Bearer upstream-key", "Bearer key-of-shop"] == keys


def test_tenants_without_a_budget_share_the_gateways_own(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(tenants(team=TOKEN, other="other-token"))
    # A prompt of 1 token and an answer of at most 1,000: $0.0006 to be set aside, and as much is there.
    with (
        serving(lambda _: Answer(text="fine", tokens=1_000)) as upstream,
        gateway(upstream, config=config, REVIEWBOT_BUDGET_RUN="0.0013", REVIEWBOT_GATEWAY_TOKENS="") as team,
    ):
        found = [
            team.ask(question(str(number), max_tokens=1_000), token=token).status_code
            for number, token in enumerate((TOKEN, "other-token") * 2)
        ]
    # How many are served depends on the hour, since the price may be the double; after them nobody is.
    assert (True, 429) == (set(found) <= {200, 429}, found[-1])


def test_a_tenants_budget_that_is_too_small_names_the_tenants_key(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(tenants(team=TOKEN) + "budget_day_usd = 0.0000001\n")
    with (
        serving(lambda _: Answer(text="fine")) as upstream,
        gateway(
            upstream,
            config=config,
            REVIEWBOT_BUDGET_DAY="1",
            REVIEWBOT_GATEWAY_TOKENS="",
            REVIEWBOT_CACHE_DIR=str(tmp_path),
        ) as team,
    ):
        refused = team.ask()
    assert 429 == refused.status_code
    assert "Have budget_day_usd of [tenant.team] raised" in refused.json()["error"]["message"]
