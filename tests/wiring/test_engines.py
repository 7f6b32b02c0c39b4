"""Settings become an engine, a policy, parameters of requests, and templates."""

from decimal import Decimal

import pytest

from reviewbot.domain.finding import Severity
from reviewbot.errors import UsageError
from reviewbot.settings.layers import Layer, combine
from reviewbot.settings.schema import Settings
from reviewbot.wiring import engines, policies


def settings(**values: object) -> Settings:
    return combine([Layer("test", {key.replace("__", "."): value for key, value in values.items()})]).settings


@pytest.mark.parametrize(
    ("engine", "environ", "expected"),
    [
        ("auto", {}, ("static", None)),
        ("auto", {"REVIEWBOT_API_KEY": "k"}, ("llm", "api.deepseek.com")),
        ("auto", {"REVIEWBOT_BASE_URL": "http://h/v1"}, ("llm", "h")),
        ("static", {"REVIEWBOT_API_KEY": "k"}, ("static", None)),
        ("static", {"REVIEWBOT_BASE_URL": "nonsense"}, ("static", None)),
        ("llm", {"OPENAI_API_KEY": "k"}, ("llm", "api.openai.com")),
    ],
)
def test_the_engine_follows_the_setting_and_what_is_there(
    engine: str, environ: dict[str, str], expected: tuple[str, str | None]
) -> None:
    chosen = engines.choose(settings(engine=engine), environ)
    assert expected == (chosen.name, None if chosen.endpoint is None else chosen.endpoint.host)


def test_the_static_engine_by_default_says_why() -> None:
    assert "no API key and no endpoint is set" in str(engines.choose(settings(), {}).note)
    assert engines.choose(settings(engine="static"), {}).note is None


@pytest.mark.parametrize(
    ("values", "environ"),
    [
        ({"engine": "llm"}, {}),
        ({"engine": "auto"}, {"REVIEWBOT_BASE_URL": "nonsense"}),
        ({"budget__run_usd": Decimal(1), "model__name": "home-grown"}, {"REVIEWBOT_API_KEY": "k"}),
        ({"budget__run_usd": Decimal(1), "model__review__name": "home-grown"}, {"REVIEWBOT_API_KEY": "k"}),
        ({"budget__run_usd": Decimal(1), "model__verify__name": "home-grown"}, {"REVIEWBOT_API_KEY": "k"}),
    ],
)
def test_what_could_not_be_kept_is_refused(values: dict[str, object], environ: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        engines.choose(settings(**values), environ)


def test_parameters_of_a_task_win_over_the_common_ones() -> None:
    common = engines.model(settings(model__name="m", model__temperature=0.5, model__max_tokens=100))
    assert ("m", 0.5, 100, False) == (common.name, common.temperature, common.max_tokens, common.thinking)
    own = engines.model(
        settings(
            model__name="m",
            model__thinking=True,
            model__review__name="r",
            model__review__temperature=0.0,
            model__review__max_tokens=50,
            model__review__thinking=False,
        )
    )
    assert ("r", 0.0, 50, False) == (own.name, own.temperature, own.max_tokens, own.thinking)


def test_a_verifier_that_is_not_asked_needs_no_price() -> None:
    values = {"budget__run_usd": Decimal(1), "model__verify__name": "home-grown", "review__verify": False}
    assert "llm" == engines.choose(settings(**values), {"REVIEWBOT_API_KEY": "k"}).name


def test_a_verdict_is_short_unless_the_model_thinks_or_is_told_otherwise() -> None:
    plain = engines.verifier(settings(model__name="m", model__temperature=0.5))
    assert ("m", 0.5, 800, False) == (plain.name, plain.temperature, plain.max_tokens, plain.thinking)
    assert 100 == engines.verifier(settings(model__max_tokens=100)).max_tokens
    assert 8_000 == engines.verifier(settings(model__verify__thinking=True)).max_tokens
    own = engines.verifier(settings(model__verify__name="v", model__verify__max_tokens=50))
    assert ("v", 50) == (own.name, own.max_tokens)


def test_an_answer_is_never_longer_than_what_is_kept_free_for_it() -> None:
    assert 10 == engines.model(settings(chunks__answer_tokens=10)).max_tokens


def test_the_policy_is_what_the_settings_say() -> None:
    policy = policies.policy(settings(fail_on="medium", filter__ignore=["a/"], max_comments=3), "static", ())
    assert (Severity.MEDIUM, ("a/",), 3) == (policy.fail_on, policy.rules.ignore, policy.max_comments)
    assert policies.policy(settings(), "llm", ()).fail_on is None
    assert (1, 3) == (len(policy.analyzers), len(policy.text_checks))
    assert (True, False) == (policy.standards.verify, policy.standards.style)
    other = policies.policy(settings(review__verify=False, review__style=True), "llm", ()).standards
    assert (False, True) == (other.verify, other.style)


def test_how_requests_are_sent_is_what_the_settings_say() -> None:
    options = engines.client_options(settings(client__attempts=2, client__idle_s=5.0))
    assert (2, 5.0, 16) == (options.attempts, options.idle_s, options.concurrency)
