"""``reviewbot config``: what is in force and why, whether it is valid, and what there is."""

import json
from pathlib import Path

import gitrepo
import pytest
from cli.conftest import Reviewbot
from jsonschema import Draft202012Validator

KEY = "made-up-key"


def test_every_setting_is_shown_with_its_origin(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write(".reviewbot.toml", 'fail_on = "high"\n[filter]\nignore = ["é/"]\n[budget]\nrun_usd = 1.5\n')
    repo.write("pyproject.toml", '[tool.reviewbot]\nfail_on = "low"\nmax_comments = 3\n')
    rows = [line.rsplit("  ", 1) for line in reviewbot("config", "show", REVIEWBOT_MODEL="m").out.splitlines()[:-2]]
    shown = {" ".join(row[0].split()): row[1].strip() for row in rows}
    assert ".reviewbot.toml" == shown['fail_on "high"']
    assert ".reviewbot.toml" == shown['filter.ignore ["é/"]']
    assert ".reviewbot.toml" == shown['budget.run_usd "1.5"']
    assert "pyproject.toml" == shown["max_comments 3"]
    assert "environment" == shown['model.name "m"']
    assert "default" == shown['engine "auto"']


def test_json_gives_values_and_origins(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write(".reviewbot.toml", '[budget]\nrun_usd = 1.5\n[filter]\nignore = ["a/"]\n')
    shown = reviewbot("config", "show", "--format", "json").json
    assert {"value": "1.5", "origin": ".reviewbot.toml"} == shown["budget.run_usd"]
    assert {"value": ["a/"], "origin": ".reviewbot.toml"} == shown["filter.ignore"]
    assert {"value": None, "origin": "default"} == shown["model.review.name"]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "static rules only: no API key and no endpoint is set"),
        ({"REVIEWBOT_API_KEY": KEY}, "engine in force: llm at api.deepseek.com, 1 key"),
        ({"REVIEWBOT_API_KEYS": f"{KEY},b"}, "engine in force: llm at api.deepseek.com, 2 keys"),
        ({"REVIEWBOT_BASE_URL": "http://127.0.0.1:1/v1"}, "engine in force: llm at 127.0.0.1, 0 keys"),
        ({"OPENAI_API_KEY": KEY}, "engine in force: llm at api.openai.com, 1 key"),
    ],
)
def test_the_engine_in_force_is_shown_and_no_key(reviewbot: Reviewbot, environ: dict[str, str], said: str) -> None:
    ran = reviewbot("config", "show", **environ)
    assert ran.out.splitlines()[-1].startswith(said)
    assert KEY not in ran.out + reviewbot("config", "show", "--format", "json", **environ).out


POOLS = """
[pool.shop]
projects = ["shop/*"]
keys_env = "SHOP_KEYS"
requests_per_minute = 30
"""


@pytest.mark.parametrize(
    ("environ", "said", "pool"),
    [
        ({"CI_PROJECT_PATH": "shop/web"}, "pool 'shop' ('shop/*' takes CI_PROJECT_PATH shop/web)", "shop"),
        ({"REVIEWBOT_POOL": "shop"}, "pool 'shop' (named by REVIEWBOT_POOL)", "shop"),
        ({"GITHUB_REPOSITORY": "other/web"}, "no pool (none takes GITHUB_REPOSITORY other/web)", None),
        ({}, "no pool (neither REVIEWBOT_POOL nor a pipeline asks for one)", None),
    ],
)
def test_the_pool_in_force_is_shown_and_why(
    reviewbot: Reviewbot, tmp_path: Path, environ: dict[str, str], said: str, pool: str | None
) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text(POOLS)
    given = {"REVIEWBOT_CONFIG": str(operator), "SHOP_KEYS": KEY, "REVIEWBOT_API_KEY": KEY, **environ}
    last = reviewbot("config", "show", **given).out.splitlines()[-1]
    assert f"engine in force: llm at api.deepseek.com, 1 key, {said}" == last
    shown = reviewbot("config", "show", "--format", "json", **given).json
    assert {"value": pool, "origin": said} == shown["pool"]
    limit = {"value": 30, "origin": said} if pool else {"value": None, "origin": "default"}
    assert limit == shown["client.requests_per_minute"]
    assert "pool" not in reviewbot("config", "validate", **given).out


def test_a_pool_that_cannot_be_used_is_exit_code_2(reviewbot: Reviewbot, tmp_path: Path, repo: gitrepo.Repo) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text(POOLS)
    environ = {"REVIEWBOT_CONFIG": str(operator), "REVIEWBOT_POOL": "shop"}
    assert (2, "") == (reviewbot("review", **environ).code, reviewbot("review", **environ).out)
    assert "wants its keys from SHOP_KEYS, which is not set: set it" in reviewbot("review", **environ).err
    assert 2 == reviewbot("config", "show", **(environ | {"REVIEWBOT_POOL": "shpo"})).code
    repo.write(".reviewbot.toml", POOLS)
    assert "there is no setting 'pool'" in reviewbot("review").err


def test_settings_that_no_review_could_run_with_are_shown_all_the_same(
    reviewbot: Reviewbot, repo: gitrepo.Repo
) -> None:
    repo.write(".reviewbot.toml", 'engine = "llm"\n')
    ran = reviewbot("config", "show")
    assert 0 == ran.code
    assert ran.out.splitlines()[-1].startswith("engine in force: none, a review would end with: --engine llm needs")
    repo.write(".reviewbot.toml", 'engine = "static"\n')
    assert "engine in force: static" == reviewbot("config", "show").out.splitlines()[-1]


def test_valid_files_are_named(reviewbot: Reviewbot, repo: gitrepo.Repo, tmp_path: Path) -> None:
    assert "valid: no file sets anything, the defaults hold\n" == reviewbot("config", "validate").out
    assert (
        "valid: no file sets anything, the defaults hold\n" == reviewbot("config", "validate", OPENAI_API_KEY="x").out
    )
    repo.write("pyproject.toml", "[tool.reviewbot]\nmax_comments = 3\n")
    assert "valid: pyproject.toml\n" == reviewbot("config", "validate", REVIEWBOT_MODEL="m").out
    operator = tmp_path / "default.toml"
    operator.write_text('fail_on = "low"\n')
    ran = reviewbot("config", "validate", REVIEWBOT_CONFIG=str(operator))
    assert f"valid: {operator}, pyproject.toml\n" == ran.out


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".reviewbot.toml", "failon = 'low'", ".reviewbot.toml: there is no setting 'failon'; did you mean 'fail_on'?"),
        (".reviewbot.toml", "a = ", ".reviewbot.toml is no valid TOML: "),
        (".reviewbot.toml", b"\xff", ".reviewbot.toml is no UTF-8 text: "),
        ("pyproject.toml", "[tool.reviewbot]\nx = 1", "pyproject.toml: there is no setting 'x'"),
        ("pyproject.toml", "tool.reviewbot = [", "pyproject.toml is no valid TOML: "),
    ],
)
def test_faults_are_told(reviewbot: Reviewbot, repo: gitrepo.Repo, name: str, text: str | bytes, said: str) -> None:
    repo.write(name, text)
    for command in (("config", "validate"), ("config", "show"), ("review",), ("plan",)):
        ran = reviewbot(*command)
        assert (2, "") == (ran.code, ran.out)
        assert ran.err.startswith(f"reviewbot: {said}")


def test_a_broken_project_file_that_does_not_speak_of_us_is_not_our_business(
    reviewbot: Reviewbot, repo: gitrepo.Repo
) -> None:
    repo.write("pyproject.toml", "[tool.other\n")
    assert 0 == reviewbot("config", "validate").code


def test_a_mark_of_byte_order_is_no_fault(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write(".reviewbot.toml", b'\xef\xbb\xbffail_on = "low"\n')
    assert "low" == reviewbot("config", "show", "--format", "json").json["fail_on"]["value"]


def test_the_schema_describes_every_setting_and_fits_a_valid_file(reviewbot: Reviewbot) -> None:
    schema = reviewbot("config", "schema").json
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert validator.is_valid({"fail_on": "high", "filter": {"ignore": ["a/"]}, "model": {"review": {"name": "m"}}})
    assert not validator.is_valid({"failon": "high"})
    assert not validator.is_valid({"model": {"base_url": "x"}})
    assert all("description" in value or "$ref" in value for value in schema["properties"].values())
    assert "api_key" not in json.dumps(schema)


def test_outside_a_repository_defaults_and_given_files_count(reviewbot: Reviewbot, tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    (folder / ".reviewbot.toml").write_text('fail_on = "low"\n')
    environ = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    shown = reviewbot("config", "show", "--format", "json", cwd=folder, **environ).json
    assert "never" == shown["fail_on"]["value"]
    options = ("config", "show", "--format", "json", "--config", ".reviewbot.toml")
    assert "low" == reviewbot(*options, cwd=folder, **environ).json["fail_on"]["value"]
    ran = reviewbot("config", "show", "--repo", str(folder), **environ)
    assert 2 == ran.code


def test_a_bare_repository_shows_what_its_head_says(reviewbot: Reviewbot, repo: gitrepo.Repo, tmp_path: Path) -> None:
    repo.commit({".reviewbot.toml": 'fail_on = "low"\n'})
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    shown = reviewbot("config", "show", "--format", "json", cwd=bare.path).json
    assert "low" == shown["fail_on"]["value"]
