"""Layers of settings: the strongest wins, each value keeps its origin, and faults say what to do."""

import pytest

from reviewbot.errors import UsageError
from reviewbot.settings.layers import Layer, combine, from_toml, keys, value_of
from reviewbot.settings.schema import Settings

FLAGS = Layer("command line", {"fail_on": "high"})
ENVIRONMENT = Layer("environment", {"fail_on": "medium", "client.concurrency": "4"})
FILE = Layer("file", {"fail_on": "low", "client.concurrency": 8, "model.name": "m"})


def faults(text: str, table: str | None = None) -> str:
    """Give what is wrong with a file's text."""
    with pytest.raises(UsageError) as caught:
        combine([from_toml(text, "FILE", table) or Layer("FILE", {})])
    return str(caught.value)


def test_the_strongest_layer_wins_and_values_keep_their_origin() -> None:
    effective = combine([FLAGS, ENVIRONMENT, FILE])
    settings = effective.settings
    assert ("high", 4, "m") == (settings.fail_on, settings.client.concurrency, settings.model.name)
    origins = {key: effective.origins[key] for key in ("fail_on", "client.concurrency", "model.name", "engine")}
    expected = {
        "fail_on": "command line", "client.concurrency": "environment", "model.name": "file", "engine": "default",
    }  # fmt: skip
    assert expected == origins


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([FLAGS, ENVIRONMENT, FILE], "high"),
        ([ENVIRONMENT, FILE], "medium"),
        ([FILE], "low"),
        ([], "never"),
    ],
)
def test_each_layer_stands_above_the_next(layers: list[Layer], expected: str) -> None:
    assert expected == combine(layers).settings.fail_on


def test_every_setting_has_an_origin_a_description_and_a_value() -> None:
    effective = combine([])
    assert list(keys(Settings)) == list(effective.origins)
    assert {"default"} == set(effective.origins.values())
    schema = Settings.model_json_schema()
    kinds = (schema, *schema["$defs"].values())
    described = {
        name for kind in kinds for name, field in kind["properties"].items() if field["description"][-1] == "."
    }
    for key in keys(Settings):
        assert key.rpartition(".")[2] in described
        value_of(effective.settings, key)


def test_a_file_gives_its_tables_as_dotted_keys() -> None:
    layer = from_toml('fail_on = "low"\n[model.review]\ntemperature = 0.1\n[filter]\nignore = ["a/"]\n', "FILE")
    assert Layer("FILE", {"fail_on": "low", "model.review.temperature": 0.1, "filter.ignore": ["a/"]}) == layer


def test_a_table_that_a_file_lacks_gives_no_layer() -> None:
    assert from_toml("[tool.other]\nx = 1\n", "FILE", "tool.reviewbot") is None
    assert from_toml("tool = 5\n", "FILE", "tool.reviewbot") is None
    assert Layer("FILE", {}) == from_toml("[tool.reviewbot]\n", "FILE", "tool.reviewbot")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('fail-on = "low"', "there is no setting 'fail-on'; did you mean 'fail_on'?"),
        ('failon = "low"', "there is no setting 'failon'; did you mean 'fail_on'?"),
        ("[filters]\nignore = []", "there is no setting 'filters'; did you mean 'filter'?"),
        ("[filter]\nignored = []", "there is no setting 'filter.ignored'; did you mean 'filter.ignore'?"),
        (
            "[model.review]\ntemprature = 1",
            "there is no setting 'model.review.temprature'; did you mean 'model.review.temperature'?",
        ),
        ("concurrency = 4", "there is no setting 'concurrency'; did you mean 'client.concurrency'?"),
        ("zzz = 4", "there is no setting 'zzz'; known here: budget, cache, chunks, client, coverage,"),
    ],
)
def test_an_unknown_key_names_the_nearest(text: str, hint: str) -> None:
    assert faults(text).startswith(f"FILE: {hint}")


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("api_key = 'x'", "REVIEWBOT_API_KEY"),
        ("api-key = 'x'", "REVIEWBOT_API_KEY"),
        ("API_KEY = 'x'", "REVIEWBOT_API_KEY"),
        ("[client]\napi_keys = ['x']", "REVIEWBOT_API_KEYS"),
        ("[model]\nbase_url = 'x'", "REVIEWBOT_BASE_URL"),
        ("[endpoint]\nbase_url = 'x'", "REVIEWBOT_BASE_URL"),
        ("redis_url = 'x'", "REVIEWBOT_REDIS_URL"),
        ("gitlab_token = 'x'", "GITLAB_TOKEN"),
        ("openai_api_key = 'x'", "OPENAI_API_KEY"),
    ],
)
def test_what_belongs_in_the_environment_is_refused_with_the_reason(text: str, variable: str) -> None:
    said = faults(text)
    assert "is never read from a project's configuration, since whoever changes the repository could" in said
    assert said.endswith(f"set {variable} in the environment")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('fail_on = "High"', "FILE: fail_on = 'High' is not valid: Input should be 'never', 'low', 'medium', 'high'"),
        ("max_comments = -1", "FILE: max_comments = -1 is not valid: Input should be greater than or equal to 0"),
        ('filter.ignore = "a/"', "FILE: filter.ignore = 'a/' is not valid: Input should be a valid list"),
        ("filter.ignore = [1]", "FILE: filter.ignore = 1 is not valid: Input should be a valid string"),
        ("budget.run_usd = nan", "FILE: budget.run_usd = nan is not valid: Input should be a finite number"),
        ('budget.run_usd = "much"', "FILE: budget.run_usd = 'much' is not valid: Input should be a valid decimal"),
        ("client = 5", "FILE: client is a table: write [client]"),
        ("model.review = 'x'", "FILE: model.review is a table: write [model.review]"),
        ("chunks.usable_tokens = 0", "FILE: chunks.usable_tokens = 0 is not valid: Input should be greater than 1000"),
        ("model.temperature = 3", "FILE: model.temperature = 3 is not valid: Input should be less than or equal to 2"),
        ("[[model]]", "FILE: model is a table: write [model]"),
    ],
)
def test_a_wrong_value_names_file_key_and_what_would_be_right(text: str, fault: str) -> None:
    assert faults(text).startswith(fault)


def test_every_fault_is_told_at_once() -> None:
    said = faults('fail_on = "x"\nmax_comments = -1\n').split("\n")
    assert ["fail_on", "max_comments"] == [line.split()[1] for line in said]


def test_a_long_wrong_value_is_not_repeated_whole() -> None:
    assert len(faults(f'instructions = "{"x" * 9_000}"')) < 200


@pytest.mark.parametrize("text", ["a = ", "= 1", "fail_on = high", "\x00", f"x = {'[' * 5_000}"])
def test_text_that_is_no_toml_is_told_with_its_place(text: str) -> None:
    assert faults(text).startswith("FILE is no valid TOML: ")


def test_a_table_that_is_none_is_told() -> None:
    assert "FILE: [tool.reviewbot] is no table" == faults("[tool]\nreviewbot = 5\n", "tool.reviewbot")


def test_settings_are_frozen() -> None:
    settings = combine([]).settings
    with pytest.raises(ValueError, match="frozen"):
        settings.fail_on = "high"
