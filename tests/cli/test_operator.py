"""What the operator sets around a whole review: pools of keys, metrics of budgets, prices."""

import json
from pathlib import Path

import gitrepo
import pytest
from cli.conftest import Ran, Reviewbot
from fakes.model_server import Answer, Asked, ModelServer, serving
from prometheus_client.openmetrics.parser import text_string_to_metric_families

DEFAULT, SHOP = "made-up-" + "default", "made-up-" + "shop"
OPERATOR = """
[chunks]
target_tokens = 1
[pool.shop]
projects = ["shop/*"]
keys_env = "SHOP_KEYS"
[[price]]
model = "home-grown"
prompt = 0
completion = 1_000
"""


@pytest.fixture
def repo(tmp_path: Path) -> gitrepo.Repo:
    repo = gitrepo.init(tmp_path / "repo")
    repo.commit({f"{name}.go": "one\n" for name in "abc"})
    repo.branch("topic")
    repo.commit({f"{name}.go": "one\ntwo\n" for name in "abc"})
    return repo


def reviewed(reviewbot: Reviewbot, server: ModelServer, tmp_path: Path, **environ: str) -> Ran:
    operator = tmp_path / "operator.toml"
    operator.write_text(OPERATOR)
    places = {"REVIEWBOT_BASE_URL": server.base_url, "REVIEWBOT_CONFIG": str(operator)}
    return reviewbot("review", "--format", "json", **places, **environ)


def bearers(asked: list[Asked]) -> set[str]:
    return {request.headers["authorization"].removeprefix("Bearer ") for request in asked}


@pytest.mark.parametrize(("project", "key"), [("shop/web", SHOP), ("other/web", DEFAULT)])
def test_a_project_asks_under_the_keys_of_its_pool_else_under_the_default_ones(
    reviewbot: Reviewbot, tmp_path: Path, project: str, key: str
) -> None:
    with serving(lambda _: Answer()) as server:
        environ = {"CI_PROJECT_PATH": project, "SHOP_KEYS": SHOP, "REVIEWBOT_API_KEY": DEFAULT}
        ran = reviewed(reviewbot, server, tmp_path, **environ)
    assert (0, {key}) == (ran.code, bearers(server.asked))
    assert key not in ran.out + ran.err


def test_a_refused_key_of_a_pool_does_not_let_the_default_ones_in(reviewbot: Reviewbot, tmp_path: Path) -> None:
    with serving(lambda _: Answer(), keys=[DEFAULT]) as server:
        environ = {"REVIEWBOT_POOL": "shop", "SHOP_KEYS": SHOP, "REVIEWBOT_API_KEY": DEFAULT}
        ran = reviewed(reviewbot, server, tmp_path, **environ)
    assert (4, []) == (ran.code, server.asked)
    assert DEFAULT not in ran.out + ran.err
    assert SHOP not in ran.out + ran.err


def gauges(path: Path) -> dict[tuple[str, str], float]:
    return {
        (family.name.removeprefix("reviewbot_budget_"), sample.labels["period"]): sample.value
        for family in text_string_to_metric_families(path.read_text())  # type: ignore[no-untyped-call]
        for sample in family.samples
        if family.name.startswith("reviewbot_budget_")
    }


def test_metrics_tell_where_every_budget_stands_without_any_warning(reviewbot: Reviewbot, tmp_path: Path) -> None:
    """Three answers of 100 tokens, USD 0.1 each, under budgets that they come nowhere near."""
    metrics, ledger = tmp_path / "metrics", tmp_path / "ledger"
    environ = {
        "REVIEWBOT_MODEL": "home-grown",
        "REVIEWBOT_API_KEY": DEFAULT,
        "REVIEWBOT_CACHE_DIR": str(tmp_path / "kept"),
        "REVIEWBOT_METRICS": str(metrics),
        "REVIEWBOT_LEDGER": str(ledger),
        "REVIEWBOT_BUDGET_RUN": "50",
        "REVIEWBOT_BUDGET_DAY": "60",
        "REVIEWBOT_BUDGET_MONTH": "70",
    }
    with serving(lambda _: Answer(tokens=100)) as server:
        assert 0 == reviewed(reviewbot, server, tmp_path, **environ).code
    spent = {("spent_usd", period): 0.3 for period in ("run", "day", "month")}
    reserved = {("reserved_usd", period): 0.0 for period in ("run", "day", "month")}
    limits = {("limit_usd", "run"): 50.0, ("limit_usd", "day"): 60.0, ("limit_usd", "month"): 70.0}
    assert spent | reserved | limits == pytest.approx(gauges(metrics))
    assert ["request"] * 3 == [json.loads(line)["kind"] for line in ledger.read_text().splitlines()]
