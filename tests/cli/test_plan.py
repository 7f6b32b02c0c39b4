"""``reviewbot plan``: what a review would send, without sending anything."""

from decimal import Decimal
from pathlib import Path

import gitrepo
import pytest
from cli.conftest import SCHEMA, Ran, Reviewbot
from jsonschema import Draft202012Validator

PLAN = {
    "$defs": SCHEMA["$defs"],
    "type": "object",
    "required": ["files", "lines", "chunks", "estimate"],
    "properties": {
        "files": SCHEMA["properties"]["files"],
        "lines": SCHEMA["properties"]["lines"],
        "chunks": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "paths", "prompt_tokens"],
                "properties": {
                    "paths": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                    "prompt_tokens": {"type": "integer", "minimum": 1},
                },
            },
        },
        "estimate": {
            "type": "object",
            "required": ["requests", "prompt_tokens", "completion_tokens", "cost_usd"],
            "properties": {
                "requests": {"type": "integer"},
                "prompt_tokens": {"type": "integer"},
                "completion_tokens": {"type": "integer"},
                "cost_usd": {"type": ["string", "null"], "pattern": r"^[0-9]+(\.[0-9]+)?$"},
            },
        },
    },
}


@pytest.fixture
def repo(tmp_path: Path) -> gitrepo.Repo:
    repo = gitrepo.init(tmp_path / "repo")
    repo.commit({"a.go": "one\n"})
    repo.branch("topic")
    repo.commit({"a.go": "one\ntwo\n", "b.go": "b\n", "go.sum": "x\n", "blob": b"\0"})
    return repo


def plan(ran: Ran) -> dict[str, object]:
    Draft202012Validator(PLAN).validate(ran.json)
    return ran.json


def test_files_lines_chunks_and_estimate_are_given(reviewbot: Reviewbot) -> None:
    ran = reviewbot("plan", "--format", "json")
    said = plan(ran)
    assert 0 == ran.code
    outcomes = {file["path"]: (file["outcome"], file["reason"]) for file in ran.json["files"]}
    expected = {
        "a.go": ("reviewed", None), "b.go": ("reviewed", None),
        "blob": ("skipped", "binary"), "go.sum": ("skipped", "a lock file"),
    }  # fmt: skip
    assert expected == outcomes
    assert {"changed": 3, "reviewed": 2, "skipped": 1, "failed": 0} == said["lines"]
    assert [["a.go", "b.go"]] == [chunk["paths"] for chunk in ran.json["chunks"]]
    estimate = ran.json["estimate"]
    assert 1 == len(ran.json["chunks"])
    assert 1 + 3 == estimate["requests"]
    assert estimate["prompt_tokens"] == sum(chunk["prompt_tokens"] for chunk in ran.json["chunks"]) + 3 * 700
    assert 3 * 200 + 3 * 80 == estimate["completion_tokens"]
    assert 0 < float(estimate["cost_usd"]) < 0.01


def test_the_text_says_the_same_to_people(reviewbot: Reviewbot) -> None:
    ran = reviewbot("plan")
    lines = ran.out.splitlines()
    assert (0, "") == (ran.code, ran.err)
    assert lines[0].startswith("main (")
    assert lines[0].endswith("· plan for deepseek-flash, nothing is sent")
    assert "lines     3 changed: 2 would be reviewed, 1 skipped, 0 unreadable" in lines
    assert "requests  about 4: 1 to review, and one to verify each claim, if there are 3 a chunk" in lines
    assert "not sent: a lock file" in lines


def test_without_a_verifier_only_reviews_are_counted(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write(".reviewbot.toml", "[review]\nverify = false\n")
    assert "requests  1" in reviewbot("plan").out.splitlines()


def test_a_verifier_of_unknown_price_leaves_the_cost_unknown(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write(".reviewbot.toml", '[model.verify]\nname = "home-grown"\n')
    assert reviewbot("plan", "--format", "json").json["estimate"]["cost_usd"] is None


def test_small_chunks_make_more_requests(reviewbot: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write(".reviewbot.toml", "[chunks]\ntarget_tokens = 1\n")
    ran = reviewbot("plan", "--format", "json", "--head", "HEAD")
    assert [["a.go"], ["b.go"]] == [chunk["paths"] for chunk in ran.json["chunks"]]


def test_the_cost_of_an_unknown_model_is_unknown(reviewbot: Reviewbot) -> None:
    assert reviewbot("plan", "--format", "json", REVIEWBOT_MODEL="home-grown").json["estimate"]["cost_usd"] is None
    assert "unknown (no price for this model)" in reviewbot("plan", REVIEWBOT_MODEL="home-grown").out


def test_the_operators_prices_count(reviewbot: Reviewbot, tmp_path: Path) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text('[[price]]\nmodel = "home-grown"\nprompt = 1_000_000\ncompletion = 1_000\n')
    environ = {"REVIEWBOT_MODEL": "home-grown", "REVIEWBOT_CONFIG": str(operator)}
    estimate = reviewbot("plan", "--format", "json", **environ).json["estimate"]
    expected = estimate["prompt_tokens"] + estimate["completion_tokens"] * Decimal("0.001")
    assert expected == Decimal(estimate["cost_usd"])
    operator.write_text('[[price]]\nmodel = "home-grown"\nprompt = "dear"\n')
    ran = reviewbot("plan", **environ)
    assert 2 == ran.code
    assert "the price row of 'home-grown' cannot be used" in ran.err


def test_no_key_is_needed_and_none_is_used(reviewbot: Reviewbot) -> None:
    ran = reviewbot("plan", "--format", "json", REVIEWBOT_BASE_URL="http://127.0.0.1:9/v1", REVIEWBOT_API_KEY="x")
    assert 0 == ran.code
    plan(ran)


def test_nothing_to_send_is_said(reviewbot: Reviewbot) -> None:
    ran = reviewbot("plan", "--base", "HEAD")
    assert (0, "nothing to send") == (ran.code, ran.out.splitlines()[2])


def test_a_base_that_is_not_there_is_exit_code_2(reviewbot: Reviewbot) -> None:
    assert 2 == reviewbot("plan", "--base", "nope").code
