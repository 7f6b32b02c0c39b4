"""What becomes of comments: told to the ledger as pushes come, once each, and counted by ``reviewbot stats``."""

import re
from pathlib import Path

from fakes.model_server import Asked
from jobs import attentive, numbered
from posting.conversing import conceding
from posting.stages import GitLab, Stage

from reviewbot.domain.uptake import CommentTold
from reviewbot.observers import ledger

FIXED = {"app.rs": numbered(60, l10="right alpha", l30="wrong beta")}
"""Alpha's line is changed, beta's is not, and nothing is done about the file of gamma."""


def follow(stage: Stage, *options: str) -> Path:
    """Review with a ledger; give it."""
    path = stage.folder / "ledger.jsonl"
    ran = stage.review(*options, REVIEWBOT_LEDGER=str(path))
    assert 0 == ran.code, ran.err
    return path


def names(stage: Stage) -> dict[str, str]:
    """Give the names that threads speak of by their fingerprints."""
    texts = [one.body for one in stage.shown() if one.kind == "inline"]
    return {re.findall(r"fp=([0-9a-f]{32})", text)[0]: re.findall(r"Wrong (\w+) here", text)[0] for text in texts}


def told(stage: Stage) -> dict[str, list[str]]:
    """Give what the ledger says of each name, in order."""
    known, found = names(stage), dict[str, list[str]]()
    for entry in ledger.read(stage.folder / "ledger.jsonl"):
        if isinstance(entry.event, CommentTold):
            found.setdefault(known[entry.event.fingerprint], []).append(entry.event.uptake.value)
    return found


def test_each_comment_is_told_of_when_it_is_posted_and_when_more_is_known(stage: Stage) -> None:
    follow(stage)
    assert {"alpha": ["open"], "beta": ["open"], "gamma": ["open"]} == told(stage)
    stage.close(stage.thread("gamma").id)
    stage.push(FIXED)
    path = follow(stage)
    there = {"alpha": ["open", "changed"], "beta": ["open", "ignored"], "gamma": ["open", "dismissed"]}
    assert there == told(stage)
    follow(stage)
    assert there == told(stage)
    found = stage.run("stats", str(path), "--format", "json").json
    assert (0.333333, 3) == (found["accepted_share"], found["comments"]["total"]["comments"])
    assert "accepted share: 33.3% of 3 comments" in stage.run("stats", str(path)).out


def test_an_applied_suggestion_and_a_thread_closed_after_a_change_count(on_gitlab: GitLab) -> None:
    finds = attentive()
    suggests = attentive(suggestion="right alpha")
    on_gitlab.model.script = lambda asked: (suggests if _only_alpha(asked) else finds)(asked)
    follow(on_gitlab)
    on_gitlab.close(on_gitlab.thread("gamma").id)
    on_gitlab.push(
        {
            "app.rs": numbered(60, l30="wrong beta").replace("line 10\n", "right alpha\n"),
            "new.rs": "guard\nwrong gamma\n",
        }
    )
    follow(on_gitlab)
    assert "applied" == told(on_gitlab)["alpha"][-1]
    assert "resolved" == told(on_gitlab)["gamma"][-1]


def _only_alpha(asked: Asked) -> bool:
    return "wrong alpha" in asked.user


def test_a_comment_that_the_bot_took_back_was_dismissed(on_gitlab: GitLab) -> None:
    on_gitlab.model.script = conceding()
    follow(on_gitlab)
    on_gitlab.reply(on_gitlab.thread("alpha").id, "It cannot happen.")
    follow(on_gitlab)
    follow(on_gitlab)
    assert ["open", "dismissed"] == told(on_gitlab)["alpha"]


def test_static_runs_are_followed_too_and_dry_runs_leave_no_trace(on_gitlab: GitLab) -> None:
    follow(on_gitlab)
    on_gitlab.push(FIXED)
    follow(on_gitlab, "--dry-run")
    assert {"alpha": ["open"], "beta": ["open"], "gamma": ["open"]} == told(on_gitlab)
    follow(on_gitlab, "--engine", "static")
    assert ["open", "changed"] == told(on_gitlab)["alpha"]


def test_after_a_force_push_what_was_compared_with_is_gone_and_the_code_still_tells(on_gitlab: GitLab) -> None:
    follow(on_gitlab)
    on_gitlab.repo.git("reset", "--quiet", "--hard", "main")
    on_gitlab.push(FIXED | {"new.rs": "wrong gamma\n"})
    follow(on_gitlab)
    assert {"alpha": ["open", "changed"], "beta": ["open", "ignored"], "gamma": ["open", "ignored"]} == told(on_gitlab)


def test_the_metrics_count_what_was_found_to_have_become_of_comments(on_gitlab: GitLab) -> None:
    page = on_gitlab.folder / "metrics.txt"
    follow(on_gitlab)
    on_gitlab.push(FIXED)
    assert (
        0 == on_gitlab.review(REVIEWBOT_LEDGER=str(on_gitlab.folder / "ledger.jsonl"), REVIEWBOT_METRICS=str(page)).code
    )
    labels = 'category="bug",outcome="changed",severity="high",source="llm"'
    assert f"reviewbot_comments_total{{{labels}}} 1.0\n" in page.read_text()
