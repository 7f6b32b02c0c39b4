"""A newer push: what becomes of threads, and who decides."""

from pathlib import Path

import pytest
from jobs import numbered, silent
from posting.stages import ALL, CHANGE, PYTHON, GitHub, Stage, github

FIXED = CHANGE | {"app.rs": numbered(60, l10="well again", l30="wrong beta")}
BOTS = {"GitLab": "reviewbot", "GitHub": "my-app[bot]"}


def bot(stage: Stage) -> str:
    return BOTS[type(stage).__name__]


def test_what_is_fixed_is_resolved_what_stands_is_kept_and_what_is_new_is_posted(stage: Stage) -> None:
    stage.review()
    kept = stage.thread("beta").id
    stage.push(FIXED | {"lib.rs": "wrong delta\n"})
    ran = stage.review()
    assert 0 == ran.code
    assert f"posted to the {stage.word}: 1 new, 1 resolved, summary edited" in ran.err
    resolved = {"alpha": [f"inline closed by {bot(stage)}"]}
    assert ALL | resolved | {"delta": ["inline"]} == stage.places()
    assert kept == stage.thread("beta").id
    assert "1 resolved since" in stage.summary.lower()


def test_a_finding_that_comes_back_is_posted_again(stage: Stage) -> None:
    stage.review()
    stage.push(FIXED)
    stage.review()
    stage.push(CHANGE)
    stage.review()
    assert ALL | {"alpha": ["inline", f"inline closed by {bot(stage)}"]} == stage.places()


def test_lines_that_move_keep_their_thread(stage: Stage) -> None:
    stage.review()
    before = [one.id for one in stage.shown()]
    stage.push({"app.rs": "a line\nand another\n" + CHANGE["app.rs"], "new.rs": "first\n" * 9 + CHANGE["new.rs"]})
    assert 0 == stage.review().code
    assert ALL == stage.places()
    assert before == [one.id for one in stage.shown()]


def test_a_rename_keeps_the_threads_of_the_file(stage: Stage) -> None:
    stage.review()
    stage.repo.git("mv", "app.rs", "renamed.rs")
    stage.repo.git("mv", "new.rs", "newer.rs")
    stage.push()
    assert 0 == stage.review().code
    assert ALL == stage.places()


def test_a_force_push_keeps_one_thread_for_each_finding(stage: Stage) -> None:
    stage.review()
    known = stage.fingerprints()
    stage.repo.git("reset", "--quiet", "--hard", "main")
    stage.push(CHANGE | {"lib.rs": numbered(30, l3="changed")})
    ran = stage.review()
    assert 0 == ran.code
    assert ALL == stage.places()
    assert known == stage.fingerprints()


def test_a_rebased_branch_keeps_one_thread_for_each_finding(stage: Stage) -> None:
    stage.review()
    stage.target({"app.rs": "// a licence\n" + numbered(60)})
    stage.repo.git("rebase", "--quiet", "main")
    stage.arrive()
    assert 0 == stage.review().code
    assert ALL == stage.places()


def test_a_thread_that_a_person_has_answered_is_never_resolved(stage: Stage) -> None:
    stage.review()
    stage.reply(stage.thread("alpha").id, "I am not so sure.")
    stage.push(FIXED)
    ran = stage.review()
    assert "0 new, 0 resolved" in ran.err
    assert ALL == stage.places()


def test_what_somebody_with_write_access_has_closed_stays_closed(stage: Stage) -> None:
    stage.review()
    stage.close(stage.thread("alpha").id)
    stage.push({"lib.rs": "wrong delta\n"})
    assert 0 == stage.review().code
    assert ALL | {"alpha": ["inline closed by carl"], "delta": ["inline"]} == stage.places()
    assert "3 open findings" in stage.summary
    assert "1 closed by people" in stage.summary.lower()


def test_what_somebody_without_write_access_has_closed_still_counts(stage: Stage) -> None:
    stage.review()
    stage.close(stage.thread("alpha").id, person="eve", writes=False)
    assert 0 == stage.review().code
    assert ALL | {"alpha": ["inline closed by eve", "summary"]} == stage.places()
    assert "3 open findings" in stage.summary
    assert "closed by eve, who may not write to the project" in stage.summary


def test_a_model_that_falls_silent_about_unchanged_code_closes_nothing(stage: Stage) -> None:
    stage.review()
    stage.push({"app.rs": CHANGE["app.rs"].replace("line 11", "changed 11").replace("line 31", "changed 31")})
    stage.model.script = silent
    ran = stage.review("--format", "json")
    assert ["gamma"] == ran.names
    assert ALL == stage.places()
    assert "3 open findings" in stage.summary


def test_marks_that_a_stranger_copies_do_nothing(stage: Stage) -> None:
    stage.review()
    copied = [one.body for one in stage.shown()]
    stage.push(FIXED)
    for body in copied:
        stage.stranger_says(body)
    stage.review()
    assert ALL | {"alpha": [f"inline closed by {bot(stage)}"]} == stage.places()
    stage.push(CHANGE)
    stage.review()
    assert ALL | {"alpha": ["inline", f"inline closed by {bot(stage)}"]} == stage.places()


def test_another_model_reviews_everything_anew_and_posts_nothing_twice(stage: Stage) -> None:
    stage.review()
    asked = len(stage.model.asked)
    ran = stage.review(REVIEWBOT_MODEL="another-model")
    assert 0 == ran.code
    assert asked < len(stage.model.asked)
    assert ALL == stage.places()


# GitHub's rights.

MENDED = {"app.py": "import os\n\n\ndef cwd() -> str:\n    return os.sep\n"}
STATIC = {"REVIEWBOT_BASE_URL": "", "REVIEWBOT_API_KEY": ""}
SECRET = {"REVIEWBOT_CACHE_SECRET": "made-up-" + "secret"}


def test_without_the_right_to_resolve_threads_stay_open_and_the_log_says_so(on_github: GitHub) -> None:
    on_github.use(on_github.server.actions_token())
    on_github.review()
    on_github.push(FIXED)
    ran = on_github.review()
    assert 0 == ran.code
    assert ALL == on_github.places()
    assert "Threads that have done their work stay open" in ran.err


def test_a_workflows_token_with_contents_write_resolves(on_github: GitHub) -> None:
    on_github.use(on_github.server.actions_token(contents=True))
    on_github.review()
    on_github.push(FIXED)
    assert "1 resolved" in on_github.review().err
    assert ALL | {"alpha": ["inline closed by github-actions[bot]"]} == on_github.places()


@pytest.mark.parametrize(("secret", "resolved"), [({}, False), (SECRET, True)], ids=["unsigned", "signed"])
def test_under_the_shared_bot_unsigned_marks_only_prevent_duplicates(
    tmp_path: Path, secret: dict[str, str], resolved: bool
) -> None:
    environ = STATIC | secret
    with github(tmp_path, PYTHON) as stage:
        stage.use(stage.server.actions_token(contents=True))
        assert 0 == stage.review(**environ).code
        writes = stage.writes
        stage.review(**environ)
        assert writes == stage.writes
        stage.push(MENDED)
        stage.review(**environ)
        closer = "github-actions[bot]" if resolved else None
        assert {closer} == {one.closed_by for one in stage.shown() if one.kind == "inline"}


def test_another_workflow_under_the_shared_bot_cannot_close_threads(on_github: GitHub) -> None:
    """Its text looks like ours, but nobody has signed it with our secret."""
    on_github.use(on_github.server.actions_token(contents=True))
    on_github.review(**SECRET)
    mark = on_github.thread("alpha").body.replace("sig=", "sig=0")
    on_github.ask("issues/7/comments", on_github.environ["GITHUB_TOKEN"], body=mark)
    on_github.push(FIXED)
    on_github.review(**SECRET)
    assert "inline closed by github-actions[bot]" in on_github.places()["alpha"]


def test_findings_of_static_rules_are_resolved_by_their_silence(stage: Stage) -> None:
    stage.push(PYTHON)
    stage.review(**STATIC)
    before = [one for one in stage.shown() if one.kind == "inline"]
    assert len(before) >= 2
    stage.push(MENDED)
    assert 0 == stage.review(**STATIC).code
    assert {bot(stage)} == {one.closed_by for one in stage.shown() if one.kind == "inline"}
