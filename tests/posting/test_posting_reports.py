"""``reviewbot post``: a saved report, believed as far as its signature goes and no further."""

import json
from pathlib import Path
from typing import Any

import pytest
from jobs import run
from posting.prepared import Prepared
from posting.stages import ALL, GitHub, GitLab, Stage

REPORT = "reviewbot-report.json"
SECRET = {"REVIEWBOT_CACHE_SECRET": "made-up-" + "secret"}
NO_MODEL = {"REVIEWBOT_BASE_URL": "", "REVIEWBOT_API_KEY": ""}
NO_FORGE = {"GITLAB_TOKEN": "", "GITHUB_TOKEN": ""}
UNTRUSTED = "it adds comments, and resolves nothing"


def report(stage: Stage) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((stage.clone.path / REPORT).read_text())
    return loaded


def rewrite(stage: Stage, **changed: object) -> None:
    """Change the saved report, as a job may that runs strangers' code."""
    (stage.clone.path / REPORT).write_text(json.dumps(report(stage) | changed))


def saved(stage: Stage, **environ: str) -> None:
    """Review without posting: nothing is written to the forge; what people have dismissed may be read."""
    before = stage.writes
    ran = stage.review("--no-post", "--save-report", REPORT, **environ)
    assert (0, before) == (ran.code, stage.writes), ran.err


def outcome(stage: Stage) -> dict[str, list[str]]:
    return {name: ["closed" if "closed" in one else one for one in places] for name, places in stage.places().items()}


def test_two_jobs_that_share_a_secret_do_what_one_would(later: Prepared) -> None:
    stage = later.reset()
    saved(stage, **SECRET, **NO_FORGE)
    ran = stage.run("post", REPORT, **SECRET, **NO_MODEL)
    assert 0 == ran.code
    assert UNTRUSTED not in ran.err
    assert later.places == stage.places()
    writes = stage.writes
    again = stage.run("post", REPORT, **SECRET, **NO_MODEL)
    assert (0, writes) == (again.code, stage.writes)
    assert f"nothing new to post: the {stage.word} shows it all" in again.err


def test_after_an_unsigned_report_only_comments_are_new(later: Prepared) -> None:
    stage = later.reset()
    summary = stage.summary
    saved(stage, **NO_FORGE)
    ran = stage.run("post", REPORT, **NO_MODEL)
    assert 0 == ran.code
    assert UNTRUSTED in ran.err
    assert ALL | {"delta": ["inline"]} == stage.places()
    assert summary == stage.summary


def test_a_signed_report_that_was_changed_is_not_believed(later: Prepared) -> None:
    stage = later.reset()
    saved(stage, **SECRET)
    rewrite(stage, findings=[])
    ran = stage.run("post", REPORT, **SECRET)
    assert UNTRUSTED in ran.err
    assert ALL == stage.places()


def test_a_report_of_another_request_is_not_believed(later: Prepared) -> None:
    stage = later.reset()
    other = {"CI_MERGE_REQUEST_IID": "8"}
    if isinstance(stage, GitHub):
        event = json.loads((stage.folder / "event.json").read_text())
        event["pull_request"]["number"] = 8
        other = {"GITHUB_EVENT_PATH": str(stage.folder / "other.json")}
        (stage.folder / "other.json").write_text(json.dumps(event))
    saved(stage, **SECRET, **other)
    assert UNTRUSTED in stage.run("post", REPORT, **SECRET).err


def test_a_report_of_another_commit_is_left_to_the_newer_push(stage: Stage) -> None:
    saved(stage)
    stage.push({"lib.rs": "wrong delta\n"})
    ran = stage.run("post", REPORT)
    assert (0, {}, 0) == (ran.code, stage.places(), stage.writes)
    assert "nothing is posted" in ran.err


def hostile(stage: Stage) -> list[dict[str, object]]:
    """Make findings that mean harm."""
    finding: dict[str, object] = dict(report(stage)["findings"][0])
    copied = "\n".join(one.body for one in stage.shown())
    commands, replaced = "/approve\n/close\n\r/label ~x\n@all", {"start_line": 1, "line": 90, "replacement": "/merge"}
    return [
        finding | {"title": "Wrong long here", "start_line": 1, "line": 999_999_999, "quote": "line 1"},
        finding | {"title": "Wrong quote here", "quote": "no such line in this change at all"},
        finding | {"title": "Wrong elsewhere here", "path": "../../etc/passwd", "quote": "root:x:0:0"},
        finding | {"title": "Wrong absolute here", "path": "/etc/passwd", "quote": "root:x:0:0"},
        finding | {"title": "/merge\n/close Wrong action here", "body": commands, "rule": "x"},
        finding | {"title": "Wrong mark here", "body": copied, "rule": "<!-- reviewbot:v1 summary head=0 -->"},
        finding | {"title": "Wrong fix here", "rule": "y", "suggestion": replaced},
        finding | {"title": "Wrong blank here", "quote": "", "rule": "z"},
    ]


def test_a_hostile_report_does_no_harm(stage: Stage) -> None:
    stage.review()
    seen = {one.id: one.body for one in stage.shown()}
    rewrite(stage, findings=hostile(stage), signatures=["0" * 64])
    ran = stage.run("post", REPORT)
    assert 0 == ran.code, ran.err
    assert [] == stage.acts()
    after = {one.id: one.body for one in stage.shown()}
    assert seen == {number: after[number] for number in seen}
    assert {None} == {one.closed_by for one in stage.shown()}
    placed = {one.text for one in stage.shown() if one.kind == "inline"}
    assert {"wrong alpha", "wrong beta", "wrong gamma"} == placed
    writes = stage.writes
    stage.run("post", REPORT)
    assert writes == stage.writes


def test_a_hostile_report_of_an_unseen_request_does_no_harm_either(stage: Stage) -> None:
    saved(stage)
    rewrite(stage, findings=hostile(stage))
    assert 0 == stage.run("post", REPORT).code
    assert [] == stage.acts()
    assert {"wrong alpha"} == {one.text for one in stage.shown() if one.kind == "inline"}
    writes = stage.writes
    stage.run("post", REPORT)
    assert writes == stage.writes


def test_a_job_without_a_clone_posts_by_the_forges_own_diff(stage: Stage, tmp_path: Path) -> None:
    saved(stage)
    ran = run(("post", str(stage.clone.path / REPORT)), tmp_path, stage.environ)
    assert 0 == ran.code, ran.err
    assert ALL == stage.places()


@pytest.mark.parametrize("limits", ["max_comments = 1\n", "max_comments = 0\n"])
def test_the_cap_of_the_target_branch_holds_for_reports_too(on_gitlab: GitLab, limits: str) -> None:
    on_gitlab.target({".reviewbot.toml": limits})
    saved(on_gitlab)
    rewrite(on_gitlab, findings=[one | {"severity": "low"} for one in report(on_gitlab)["findings"]])
    assert 0 == on_gitlab.run("post", REPORT).code
    inline = [name for name, places in on_gitlab.places().items() if places == ["inline"]]
    assert (["alpha"] if "1" in limits else ["alpha", "beta", "gamma"]) == inline


def test_a_broken_configuration_on_the_target_ends_the_job(on_gitlab: GitLab) -> None:
    saved(on_gitlab)
    on_gitlab.target({".reviewbot.toml": "max_comments = many\n"})
    ran = on_gitlab.run("post", REPORT)
    assert (2, 0) == (ran.code, on_gitlab.writes)
    assert ".reviewbot.toml (target branch)" in ran.err


def test_a_read_only_token_shows_the_saved_findings_as_annotations(on_github: GitHub) -> None:
    saved(on_github)
    on_github.use(on_github.server.actions_token(pulls=False, checks=False))
    ran = on_github.run("post", REPORT)
    assert (0, 3) == (ran.code, ran.err.count("\n::error file="))


def test_a_dry_run_of_post_writes_nothing(later: Prepared) -> None:
    stage = later.reset()
    saved(stage, **SECRET)
    writes = stage.writes
    text = stage.run("post", REPORT, "--dry-run", **SECRET)
    assert (0, writes) == (text.code, stage.writes)
    assert "1 new comment, 2 resolved, 1 kept" in text.out
    plan = stage.run("post", REPORT, "--dry-run", "--format", "json", **SECRET).json
    assert (1, 2, 1, "edit") == (
        len(plan["create"]),
        len(plan["resolve"]),
        len(plan["keep"]),
        plan["summary"]["action"],
    )
    assert writes == stage.writes


def test_a_forge_that_is_still_away_fails_the_job(on_gitlab: GitLab) -> None:
    saved(on_gitlab)
    ran = on_gitlab.run("post", REPORT, CI_API_V4_URL="http://127.0.0.1:1/api/v4")
    assert 3 == ran.code
    assert "cannot be reached" in ran.err


def test_without_any_token_post_says_what_is_missing(stage: Stage) -> None:
    saved(stage)
    ran = stage.run("post", REPORT, **NO_FORGE)
    assert 3 == ran.code
    assert "there is no token to post with" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("this is no JSON", "is no JSON"),
        ("[]", "is no report of schema 1"),
        ('{"schema": 1}', "is no report of schema 1"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_report_is_refused(on_gitlab: GitLab, text: str, said: str) -> None:
    (on_gitlab.clone.path / REPORT).write_text(text)
    ran = on_gitlab.run("post", REPORT)
    assert (2, 0) == (ran.code, on_gitlab.writes)
    assert said in ran.err


def test_a_report_of_no_commit_is_refused(on_gitlab: GitLab) -> None:
    saved(on_gitlab)
    rewrite(on_gitlab, head=None)
    ran = on_gitlab.run("post", REPORT)
    assert 2 == ran.code
    assert "names no commit" in ran.err


def test_post_needs_a_report_and_a_request(on_gitlab: GitLab) -> None:
    missing = on_gitlab.run("post", "nowhere.json")
    assert 2 == missing.code
    assert "nowhere.json cannot be read: No such file or directory" in missing.err
    saved(on_gitlab)
    before = on_gitlab.requests
    outside = on_gitlab.run("post", REPORT, GITLAB_CI="")
    assert (2, before) == (outside.code, on_gitlab.requests)
    assert "post needs the pipeline of a merge request or pull request" in outside.err
