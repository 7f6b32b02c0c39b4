"""Who may ask the gateway: the operator's file and a variable, checked before anybody is served; no token shows."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from reviewbot.domain.gateway import Rules
from reviewbot.domain.tenant import Tenant
from reviewbot.errors import UsageError
from reviewbot.gateway import tokens
from reviewbot.wiring import operator
from reviewbot.wiring.gateway import tenants
from reviewbot.wiring.gateway.tables import GatewayTable, TenantTable
from reviewbot.wiring.gateway.tenants import GatewayPlan

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ONE, TWO, THREE = (f"made-up-{name}" for name in ("one", "two", "three"))
D1, D2, D3 = (tokens.digest(token) for token in (ONE, TWO, THREE))

Load = Callable[..., GatewayPlan]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write an operator's file, and read it in an environment that names it."""

    def load(text: str = "", **environ: str) -> GatewayPlan:
        path = tmp_path / "operator.toml"
        path.write_text(text)
        return tenants.load({"REVIEWBOT_CONFIG": str(path), **environ}, NOW)

    return load


def message(load: Load, text: str, **environ: str) -> str:
    """Give what is said of a file that is refused."""
    with pytest.raises(UsageError) as caught:
        load(text, **environ)
    said = str(caught.value)
    assert not any(token in said for token in (ONE, TWO, THREE)), "a token shows"
    return said


def test_a_tenant_has_all_that_its_table_says(load: Load, tmp_path: Path) -> None:
    mounted = tmp_path / "tokens"
    mounted.write_text(f"# rotated in May\n{TWO}\n\n  {ONE}  \n")
    plan = load(
        f"""
        [tenant."group/shop"]
        tokens_sha256 = ["{D1.upper()}"]
        tokens_env = "SHOP_TOKENS"
        tokens_file = "{mounted}"
        pool = "shop"
        models = ["deepseek-flash", "gpt-?"]
        requests_per_minute = 600
        tokens_per_minute = 90_000
        concurrency = 20
        weight = 2
        budget_day_usd = 20
        budget_month_usd = "300.10"
        answers = "group"
        operator = true
        [pool.shop]
        keys_env = "SHOP_KEYS"
        """,
        SHOP_TOKENS=f" {THREE} ,",
        REVIEWBOT_REDIS_URL="redis://localhost",
    )
    assert plan.config.tenants == (
        Tenant(
            name="group/shop",
            token_digests=(D1, D3, D2),
            pool="shop",
            models=("deepseek-flash",),  # a gpt-? of a known price there is none
            requests_per_minute=600,
            tokens_per_minute=90_000,
            concurrency=20,
            weight=2.0,
            budget_day_usd=Decimal(20),
            budget_month_usd=Decimal("300.10"),
            answers="group",
            operator=True,
        ),
    )
    assert ["shop"] == [pool.name for pool in plan.operators.pools]


def test_a_budget_is_what_its_digits_say_and_not_what_a_float_makes_of_them(load: Load) -> None:
    text = f'[tenant.a]\ntokens_sha256 = ["{D1}"]\nbudget_day_usd = 0.1'
    assert load(text, REVIEWBOT_CACHE_DIR="kept").config.tenants[0].budget_day_usd == Decimal("0.1")


def test_a_gateway_has_all_that_its_table_says(load: Load) -> None:
    plan = load("""
        [gateway]
        concurrency = 50
        waiting = 0
        max_body_bytes = 1_000
        header_s = 2.5
        body_s = 3
        drain_s = 0
        cache = false
        cache_ttl_s = 60
        fail_open = true
        models = ["deepseek-flash", "deepseek-v4"]
        """)
    assert plan.config.rules == Rules(
        concurrency=50,
        waiting=0,
        max_body_bytes=1_000,
        header_s=2.5,
        body_s=3.0,
        drain_s=0.0,
        cache=False,
        cache_ttl_s=60.0,
        fail_open=True,
        models=("deepseek-flash", "deepseek-v4"),
    )


def test_with_nothing_said_this_machine_may_ask_and_the_configured_model_is_listed() -> None:
    plan = tenants.load({"REVIEWBOT_MODEL": "home-grown"}, NOW)
    assert (plan.config.tenants, plan.config.open_loopback) == ((tenants.LOCAL,), True)
    assert plan.config.rules == Rules(models=("home-grown",))


def test_the_same_file_holds_settings_pools_and_prices(load: Load) -> None:
    plan = load("""
        [model]
        name = "home-grown"
        [client]
        attempts = 2
        [[price]]
        model = "home-grown"
        prompt = 1
        completion = 2
        """)
    assert plan.settings.client.attempts == 2
    assert plan.config.rules.models == ("home-grown",)
    assert plan.operators.prices == ({"model": "home-grown", "prompt": 1, "completion": 2},)


def test_a_review_reads_the_gateways_file_without_stumbling_over_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "operator.toml"
    path.write_text("[gateway]\nconcurrency = 5\n[tenant.a]\nweight = 1\n[endpoint]\nbase_url = 'http://127.0.0.1:1'")
    assert operator.read({"REVIEWBOT_CONFIG": str(path)}).base_url == "http://127.0.0.1:1"


def test_config_names_the_file_before_the_environment_does() -> None:
    environ = {"REVIEWBOT_CONFIG": "a.toml", "HOME": "/"}
    assert tenants.located(None, environ) == environ
    assert tenants.located(Path("b.toml"), environ) == {"REVIEWBOT_CONFIG": "b.toml", "HOME": "/"}


def test_the_variable_alone_is_a_start(load: Load) -> None:
    plan = load(REVIEWBOT_GATEWAY_TOKENS=f"shop={ONE}, bank = {TWO}==,shop={THREE},")
    assert plan.config.tenants == (
        Tenant(name="shop", token_digests=(D1, D3)),
        Tenant(name="bank", token_digests=(tokens.digest(f"{TWO}=="),)),
    )
    assert not plan.config.open_loopback


def test_the_variable_adds_tokens_to_the_files_tenants_and_tenants_to_the_file(load: Load) -> None:
    plan = load(
        f'[tenant.shop]\ntokens_sha256 = ["{D1}"]\nweight = 3\n[tenant.bank]\nweight = 2',
        REVIEWBOT_GATEWAY_TOKENS=f"new={THREE},bank={TWO},shop={ONE}",
    )
    assert plan.config.tenants == (
        Tenant(name="shop", token_digests=(D1,), weight=3.0),
        Tenant(name="bank", token_digests=(D2,), weight=2.0),
        Tenant(name="new", token_digests=(D3,)),
    )


def test_a_token_is_hashed_as_it_comes_from_a_pipe() -> None:
    assert tenants.hashed(f"{ONE}\n") == D1
    with pytest.raises(UsageError, match="standard input holds what can be no token"):
        tenants.hashed("\n")


A = f'[tenant.a]\ntokens_sha256 = ["{D1}"]\n'
REFUSED = {
    "no TOML": ("[tenant", "no valid TOML"),
    "a mistyped key": (A + "wieght = 2", "[tenant.a] has no key wieght: did you mean weight?"),
    "an unknown key": (A + "colour = 2", "[tenant.a] has no key colour: it knows tokens_sha256, tokens_env,"),
    "an unknown key of the gateway": ("[gateway]\nport = 1", "[gateway] has no key port: it knows concurrency, "),
    "an unknown table": ("[tenants.a]\nweight = 1", "there is no setting 'tenants'"),
    "no table of tenants": ("tenant = 5", "tenant is a table of tables: write [tenant.NAME]"),
    "no table": ("[tenant]\na = 5", "[tenant.a] is a table, and what stands there is none"),
    "no table of the gateway": ("gateway = 5", "[gateway] is a table, and what stands there is none"),
    "a name with a space": (f'[tenant."a b"]\ntokens_sha256 = ["{D1}"]', "a tenant's name has up to 100 letters"),
    "a name that is taken": (f'[tenant.all]\ntokens_sha256 = ["{D1}"]', "a tenant's name has up to 100 letters"),
    "a name that is too long": (f'[tenant.{"a" * 101}]\ntokens_sha256 = ["{D1}"]', "a tenant's name has up to 100"),
    "text for a number": (A + 'requests_per_minute = "9"', "[tenant.a]: requests_per_minute = '9' is not valid: "),
    "a truth for a number": (A + "concurrency = true", "concurrency = True is not valid: Input should be a valid int"),
    "a number for a truth": (A + "operator = 1", "operator = 1 is not valid: Input should be a valid boolean"),
    "0 requests": (A + "requests_per_minute = 0", "requests_per_minute = 0 is not valid: Input should be greater"),
    "no weight": (A + "weight = 0", "weight = 0 is not valid: Input should be greater than 0"),
    "endless weight": (A + "weight = inf", "weight = inf is not valid: Input should be a finite number"),
    "a negative budget": (A + "budget_day_usd = -1", "budget_day_usd = -1 is not valid: Input should be greater"),
    "a budget in words": (A + 'budget_day_usd = "much"', "budget_day_usd = 'much' is not valid"),
    "a true budget": (A + "budget_day_usd = true", "budget_day_usd = True is not valid"),
    "an endless budget": (A + "budget_month_usd = inf", "budget_month_usd = inf is not valid"),
    "no models": (A + "models = []", "models = [] is not valid: List should have at least 1 item"),
    "one model": (A + 'models = "x"', "models = 'x' is not valid: Input should be a valid list"),
    "an empty model": (A + 'models = [""]', "models = [''] is not valid"),
    "no time": ("[gateway]\nheader_s = 0", "[gateway]: header_s = 0 is not valid: Input should be greater than 0"),
    "a negative queue": ("[gateway]\nwaiting = -1", "[gateway]: waiting = -1 is not valid"),
    "a token in the clear": (f'[tenant.a]\ntoken = "{ONE}"', "[tenant.a] has token: tokens are never written"),
    "tokens in the clear": (f'[tenant.a]\ntokens = ["{ONE}"]', "[tenant.a] has tokens: tokens are never written"),
    "a token for a digest": (
        f'[tenant.a]\ntokens_sha256 = ["{ONE}"]',
        "its SHA-256 digest, which has 64 hexadecimal digits: reviewbot gateway --hash-token < token.txt makes it",
    ),
    "a token for digests": (f'[tenant.a]\ntokens_sha256 = "{ONE}"', "tokens_sha256 is not valid: Input should be a"),
    "a token for a variable": (f'[tenant.a]\ntokens_env = "{ONE}"', "tokens_env is not valid: it is no name of a"),
    "a variable that is not set": ('[tenant.a]\ntokens_env = "UNSET"', "the variable UNSET holds no token"),
    "a file that is not there": (
        '[tenant.a]\ntokens_file = "/nowhere"',
        "[tenant.a]: tokens_file: the file of tokens /nowhere cannot",
    ),
    "no token": ("[tenant.a]\nweight = 2", "[tenant.a] has no token, so nobody could ask as it"),
    "a pool that is not there": (A + 'pool = "b"', "[tenant.a] asks under the pool 'b', which the file does not have"),
    "one token for two": (
        f'[tenant.b]\ntokens_sha256 = ["{D1}"]\n{A}',
        "tenants 'b' and 'a' have a token in common: give each its own",
    ),
    "a budget without a store": (A + "budget_day_usd = 5", "needs a store that outlives the gateway"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_valid_is_refused_in_words_that_say_what_to_do(load: Load, text: str, said: str) -> None:
    assert said in message(load, text)


def test_a_pool_that_is_not_there_is_told_from_those_that_are(load: Load) -> None:
    said = message(load, A + 'pool = "b"\n[pool.shop]\nkeys_env = "K"\n[pool.bank]\nkeys_env = "K"')
    assert "(it has shop, bank)" in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (ONE, "REVIEWBOT_GATEWAY_TOKENS: entry 1 is no tenant=token"),
        (f"a={TWO},={ONE}", "entry 2 is no tenant=token"),
        (f"a b={ONE}", "entry 1 is no tenant=token"),
        (f"all={ONE}", "entry 1 is no tenant=token"),
        ("a=", "entry 1 holds what can be no token"),
        (f"a={ONE} {TWO}", "entry 1 holds what can be no token"),
        (f"a={'x' * 513}", "entry 1 holds what can be no token"),
        (f"a={ONE},b={ONE}", "tenants 'a' and 'b' have a token in common"),
    ],
)
def test_a_variable_that_cannot_be_read_is_refused_without_showing_it(load: Load, value: str, said: str) -> None:
    assert said in message(load, "", REVIEWBOT_GATEWAY_TOKENS=value)


def test_several_faults_are_told_at_once(load: Load) -> None:
    said = message(load, A + "weight = -1\nconcurrency = 0")
    assert ["concurrency", "weight"] == [line.split("]: ")[1].split(" ")[0] for line in said.splitlines()]


BUDGET = A + "budget_month_usd = 5\n"
KEPT = {"REVIEWBOT_CACHE_DIR": "kept"}
PRICE = '\n[[price]]\nmodel = "home-grown"\nprompt = 1\ncompletion = 1'
UNPRICED = {
    "the configured model": '[model]\nname = "home-grown"',
    "a listed model": '[gateway]\nmodels = ["deepseek-flash", "home-grown"]',
    "a fallback's model": '[[fallback]]\nbase_url = "http://127.0.0.1:1"\nmodel = "home-grown"',
}


@pytest.mark.parametrize("text", UNPRICED.values(), ids=UNPRICED.keys())
def test_a_budget_with_an_unknown_price_is_refused(load: Load, text: str) -> None:
    said = message(load, BUDGET + text, **KEPT)
    assert "[tenant.a] has a budget, and could be answered by 'home-grown', whose price is not known" in said
    assert load(BUDGET + text + PRICE, **KEPT).config.tenants[0].budget_month_usd == 5
    assert load(A + text, **KEPT).config.tenants[0].models == ("*",)


def test_a_model_without_a_price_is_no_matter_for_a_tenant_that_may_not_ask_for_it(load: Load) -> None:
    text = BUDGET + 'models = ["deepseek-*"]\n' + UNPRICED["a listed model"]
    assert load(text, **KEPT).config.tenants[0].models == ("deepseek-flash", "deepseek-v4-pro")


def test_a_tenant_with_a_budget_may_ask_for_no_model_without_a_price_whatever_its_globs_say(load: Load) -> None:
    tenant = load(BUDGET + 'models = ["*"]' + PRICE.replace("home-grown", "home-[grown]"), **KEPT).config.tenants[0]
    names = ("deepseek-flash", "home-[grown]", "home-g", "unheard-of")
    assert [True, True, False, False] == [tenant.may_ask(name) for name in names]


def test_the_gateways_own_budget_counts_for_tenants_without_one(load: Load) -> None:
    tenant = load(A + "[budget]\nday_usd = 5", **KEPT).config.tenants[0]
    assert (True, False) == (tenant.may_ask("deepseek-flash"), tenant.may_ask("unheard-of"))


def test_a_budget_for_models_that_all_lack_a_price_is_refused(load: Load) -> None:
    said = message(load, BUDGET + 'models = ["qwen-*"]', **KEPT)
    assert "could be answered by none but such as qwen-*, whose price is not known" in said


def test_a_file_of_the_project_settings_kind_is_checked_as_everywhere(load: Load) -> None:
    assert "there is no setting 'client.attemps'" in message(load, "[client]\nattemps = 2")


DOCS = Path(__file__).parents[3] / "docs" / "gateway.md"


def test_the_documented_file_is_valid(load: Load, tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    mounted = tmp_path / "ci"
    mounted.write_text(TWO)
    text = text.replace("4f0c...", D1).replace("/run/secrets/ci", str(mounted))
    plan = load(text, GRAFANA_TOKEN=THREE, REVIEWBOT_REDIS_URL="redis://localhost")
    assert ["shop", "platform/ci", "grafana"] == [tenant.name for tenant in plan.config.tenants]


@pytest.mark.parametrize("kind", [GatewayTable, TenantTable])
def test_every_key_is_documented(kind: type[GatewayTable | TenantTable]) -> None:
    rows = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert [] == [key for key in kind.model_fields if key not in named]
