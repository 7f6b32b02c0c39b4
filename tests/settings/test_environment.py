"""What variables say: the endpoint and its keys, a layer of settings, and the pipeline."""

from decimal import Decimal
from pathlib import Path

import pytest

from reviewbot.domain.endpoint import ApiKey
from reviewbot.errors import UsageError
from reviewbot.settings import environment
from reviewbot.settings.layers import combine

OWN = "made-up-own-key"
DEEPSEEK = "made-up-deepseek-key"
OPENAI = "made-up-openai-key"
LOCAL = "http://127.0.0.1:11434/v1"


def chosen(**environ: str) -> tuple[str, list[str]] | None:
    """Give the endpoint's address and the keys that it is sent."""
    found = environment.endpoint(environ)
    return None if found is None else (found.base_url, [key.value for key in found.keys])


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"REVIEWBOT_API_KEY": ""}, None),
        ({"REVIEWBOT_API_KEY": " \n"}, None),
        ({"REVIEWBOT_API_KEY": OWN}, ("https://api.deepseek.com", [OWN])),
        ({"REVIEWBOT_API_KEY": f" {OWN}\n"}, ("https://api.deepseek.com", [OWN])),
        ({"REVIEWBOT_API_KEY": OWN, "REVIEWBOT_BASE_URL": LOCAL}, (LOCAL, [OWN])),
        ({"REVIEWBOT_BASE_URL": LOCAL}, (LOCAL, [])),
        ({"REVIEWBOT_BASE_URL": "  "}, None),
        ({"DEEPSEEK_API_KEY": DEEPSEEK}, ("https://api.deepseek.com", [DEEPSEEK])),
        ({"OPENAI_API_KEY": OPENAI}, ("https://api.openai.com/v1", [OPENAI])),
        ({"DEEPSEEK_API_KEY": DEEPSEEK, "OPENAI_API_KEY": OPENAI}, ("https://api.deepseek.com", [DEEPSEEK])),
        ({"DEEPSEEK_API_KEY": " ", "OPENAI_API_KEY": OPENAI}, ("https://api.openai.com/v1", [OPENAI])),
        ({"REVIEWBOT_API_KEY": OWN, "OPENAI_API_KEY": OPENAI}, ("https://api.deepseek.com", [OWN])),
        ({"REVIEWBOT_BASE_URL": LOCAL, "DEEPSEEK_API_KEY": DEEPSEEK, "OPENAI_API_KEY": OPENAI}, (LOCAL, [])),
        (
            {"REVIEWBOT_BASE_URL": "https://API.openai.com/v1", "OPENAI_API_KEY": OPENAI, "DEEPSEEK_API_KEY": DEEPSEEK},
            ("https://API.openai.com/v1", [OPENAI]),
        ),
        (
            {"REVIEWBOT_BASE_URL": "http://api.openai.com/v1", "OPENAI_API_KEY": OPENAI},
            ("http://api.openai.com/v1", []),
        ),
        (
            {"REVIEWBOT_BASE_URL": "https://api.openai.com.example.org/v1", "OPENAI_API_KEY": OPENAI},
            ("https://api.openai.com.example.org/v1", []),
        ),
        (
            {"REVIEWBOT_BASE_URL": "https://api.openai.com@example.org/v1", "OPENAI_API_KEY": OPENAI},
            ("https://api.openai.com@example.org/v1", []),
        ),
    ],
)
def test_the_endpoint_is_chosen_and_a_providers_key_goes_to_no_other_host(
    environ: dict[str, str], expected: tuple[str, list[str]] | None
) -> None:
    assert expected == chosen(**environ)


def test_the_operators_endpoint_yields_to_the_environments() -> None:
    found = environment.endpoint({"REVIEWBOT_API_KEY": OWN}, "https://models.example.org/v1 ")
    assert found is not None
    assert "https://models.example.org/v1" == found.base_url
    found = environment.endpoint({"REVIEWBOT_BASE_URL": LOCAL}, "https://models.example.org/v1")
    assert found is not None
    assert LOCAL == found.base_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one", [("one", 1.0)]),
        ("one,two", [("one", 1.0), ("two", 1.0)]),
        (" one = 2 , two=0.5,, ", [("one", 2.0), ("two", 0.5)]),
        ("one=,two==", [("one=", 1.0), ("two==", 1.0)]),
        ("a=b=3", [("a=b", 3.0)]),
        ("a==4", [("a=", 4.0)]),
        ("a=b", [("a=b", 1.0)]),
        ("a=0,b=-1,c=nan,d=inf", [("a=0", 1.0), ("b=-1", 1.0), ("c=nan", 1.0), ("d=inf", 1.0)]),
        ("=5", [("=5", 1.0)]),
    ],
)
def test_several_keys_may_have_weights_and_contain_equals_signs(text: str, expected: list[tuple[str, float]]) -> None:
    found = environment.endpoint({"REVIEWBOT_API_KEYS": text})
    assert found is not None
    assert tuple(ApiKey(value=value, weight=weight) for value, weight in expected) == found.keys


def test_a_single_key_is_taken_as_it_is() -> None:
    assert ("https://api.deepseek.com", ["one=2"]) == chosen(REVIEWBOT_API_KEY="one=2")


def test_a_keys_file_has_one_key_a_line_and_wins(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# the team's\n{OWN}=2\n\n  {DEEPSEEK}\r\n")
    found = environment.endpoint(
        {"REVIEWBOT_API_KEYS_FILE": str(path), "REVIEWBOT_API_KEYS": "a", "OPENAI_API_KEY": "b"}
    )
    assert found is not None
    assert (ApiKey(value=OWN, weight=2.0), ApiKey(value=DEEPSEEK)) == found.keys


def test_several_keys_win_over_a_single_one() -> None:
    assert ("https://api.deepseek.com", ["a", "b"]) == chosen(REVIEWBOT_API_KEYS="a,b", REVIEWBOT_API_KEY="c")


@pytest.mark.parametrize(
    ("environ", "fault"),
    [
        ({"REVIEWBOT_API_KEYS_FILE": "nowhere/keys"}, "nowhere/keys cannot be read: No such file or directory"),
        ({"REVIEWBOT_API_KEYS": " , "}, "REVIEWBOT_API_KEYS holds no key"),
        ({"REVIEWBOT_API_KEY": "…"}, "REVIEWBOT_API_KEY holds characters that no key has"),
        ({"REVIEWBOT_API_KEY": "two words"}, "REVIEWBOT_API_KEY holds characters that no key has"),
        ({"REVIEWBOT_API_KEYS": "fine,two\nlines=3"}, "REVIEWBOT_API_KEYS holds characters that no key has"),
        ({"OPENAI_API_KEY": "ключ"}, "OPENAI_API_KEY holds characters that no key has"),
        (
            {"REVIEWBOT_BASE_URL": "https://api.openai.com", "OPENAI_API_KEY": "a\x7fb"},
            "OPENAI_API_KEY holds characters that no key has",
        ),
        ({"REVIEWBOT_BASE_URL": "localhost:11434/v1"}, "the endpoint 'localhost:11434/v1' is no http(s) URL"),
        ({"REVIEWBOT_BASE_URL": "file:///etc/passwd"}, "is no http(s) URL"),
        ({"REVIEWBOT_BASE_URL": "http://"}, "is no http(s) URL"),
        ({"REVIEWBOT_BASE_URL": "http://[::1"}, "is no http(s) URL"),
        ({"REVIEWBOT_BASE_URL": "http://host:port/v1"}, "is no http(s) URL"),
        ({"REVIEWBOT_BASE_URL": "http://host:0/v1"}, "is no http(s) URL"),
    ],
)
def test_what_cannot_be_used_is_told(environ: dict[str, str], fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        environment.endpoint(environ)
    assert fault in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# none yet\n"])
def test_a_keys_file_without_a_key_is_told_instead_of_being_passed_over(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "keys"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="keys holds no key"):
        environment.endpoint({"REVIEWBOT_API_KEYS_FILE": str(path)})


def test_a_fault_shows_no_part_of_a_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(OWN.encode() + b"\xff\n")
    for environ in ({"REVIEWBOT_API_KEYS_FILE": str(path)}, {"REVIEWBOT_API_KEY": f"{OWN} ä"}):
        with pytest.raises(UsageError) as caught:
            environment.endpoint(environ)
        assert "made" not in str(caught.value)
        assert "0xff" not in str(caught.value)


def test_keys_show_in_no_repr() -> None:
    found = environment.endpoint({"REVIEWBOT_API_KEYS": f"{OWN}=2,{OPENAI}"})
    assert found is not None
    for shown in (repr(found), repr(found.keys), str(found), f"{found.keys[0]}"):
        assert OWN not in shown
        assert OPENAI not in shown


def test_variables_give_a_layer_of_settings() -> None:
    layer = environment.layer(
        {"REVIEWBOT_MODEL": "m", "REVIEWBOT_CONCURRENCY": "3", "REVIEWBOT_BUDGET_RUN": "0.50", "REVIEWBOT_OTHER": "x"}
    )
    effective = combine([layer])
    settings = effective.settings
    assert ("m", 3, Decimal("0.50")) == (settings.model.name, settings.client.concurrency, settings.budget.run_usd)
    assert "environment" == effective.origins["budget.run_usd"]


def test_empty_variables_give_nothing() -> None:
    empty = {"REVIEWBOT_MODEL": "", "REVIEWBOT_CONCURRENCY": "", "REVIEWBOT_BUDGET_RUN": "", "REVIEWBOT_BUDGET_DAY": ""}
    assert {} == environment.layer(empty).values


@pytest.mark.parametrize(
    ("name", "value"),
    [("REVIEWBOT_CONCURRENCY", "many"), ("REVIEWBOT_BUDGET_RUN", "-1"), ("REVIEWBOT_BUDGET_RUN", "1,5")],
)
def test_a_variable_of_a_wrong_type_is_told(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"environment: .* = '{value}' is not valid"):
        combine([environment.layer({name: value})])


def test_budgets_and_limits_come_from_their_variables() -> None:
    settings = combine(
        [
            environment.layer(
                {
                    "REVIEWBOT_BUDGET_DAY": "5",
                    "REVIEWBOT_BUDGET_MONTH": "50.5",
                    "REVIEWBOT_REQUESTS_PER_MINUTE": "60",
                    "REVIEWBOT_TOKENS_PER_MINUTE": "100000",
                }
            )
        ]
    ).settings
    assert (Decimal(5), Decimal("50.5")) == (settings.budget.day_usd, settings.budget.month_usd)
    assert (60, 100_000) == (settings.client.requests_per_minute, settings.client.tokens_per_minute)


def test_where_things_are_kept_is_read_and_shows_no_secret() -> None:
    stores = environment.stores(
        {
            "REVIEWBOT_CACHE_DIR": "/var/cache",
            "REVIEWBOT_REDIS_URL": "redis://:password@host/0",
            "REVIEWBOT_CACHE_SECRET": "hush-hush",
            "REVIEWBOT_LEDGER": "ledger.jsonl",
        }
    )
    assert (Path("/var/cache"), Path("ledger.jsonl")) == (stores.folder, stores.ledger)
    assert "password" not in repr(stores)
    assert "hush" not in repr(stores)
    assert environment.stores({}) == environment.Stores()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"OPENAI_API_KEY": OPENAI}, "gpt-5-mini"),
        ({"DEEPSEEK_API_KEY": DEEPSEEK, "OPENAI_API_KEY": OPENAI}, "deepseek-flash"),
        ({"REVIEWBOT_API_KEY": OWN, "OPENAI_API_KEY": OPENAI}, "deepseek-flash"),
        ({"REVIEWBOT_BASE_URL": " ", "OPENAI_API_KEY": OPENAI}, "gpt-5-mini"),
        ({}, "deepseek-flash"),
    ],
)
def test_the_provider_that_is_chosen_gives_the_default_model(environ: dict[str, str], expected: str) -> None:
    assert expected == combine([environment.provider_layer(environ)]).settings.model.name


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"GITLAB_CI": "true"}, True),
        ({"GITHUB_ACTIONS": "true"}, True),
        ({"GITHUB_ACTIONS": "True"}, True),
        ({"GITLAB_CI": "1"}, True),
        ({"GITLAB_CI": "false", "GITHUB_ACTIONS": ""}, False),
        ({"GITHUB_BASE_REF": "main"}, False),
    ],
)
def test_a_pipeline_is_known_by_its_forges_variable(environ: dict[str, str], expected: bool) -> None:
    assert expected is environment.in_pipeline(environ)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"GITLAB_CI": "true"}, None),
        ({"GITLAB_CI": "true", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "rel/1"}, "origin/rel/1"),
        ({"GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "abc"}, "abc"),
        ({"GITLAB_CI": "false", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "rel/1"}, None),
        ({"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"}, "origin/main"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": ""}, None),
        ({"GITHUB_BASE_REF": "main"}, None),
    ],
)
def test_a_pipeline_names_the_base_of_its_merge_request(environ: dict[str, str], expected: str | None) -> None:
    assert expected == environment.pipeline_base(environ)


def test_the_cache_folder_is_where_the_variable_says() -> None:
    assert environment.cache_folder({}) is None
    assert Path("some/where") == environment.cache_folder({"REVIEWBOT_CACHE_DIR": "some/where"})
