"""The pure parts of a worker: what a review is told, how it is judged, when it is stopped, and what is said."""

import io
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
from prometheus_client.exposition import generate_latest
from review_queue import a_job

from reviewbot.domain.job import ReviewJob
from reviewbot.errors import UsageError
from reviewbot.queue.connecting import QueueDownError
from reviewbot.queue.outcomes import Ended, Ending, Failed, ProjectStats, QueueStats
from reviewbot.repository.bare_git import basic
from reviewbot.settings import pipelines
from reviewbot.wiring.working import working
from reviewbot.worker import child, judging, variables
from reviewbot.worker.measuring import Measures
from reviewbot.worker.summons import Summons, Why
from reviewbot.worker.telling import Log, Records

TOKEN = "made-up-" + "token"
GITLAB = a_job(project="group/sub/app", number=7, head_sha="b" * 40, target_branch="release/1")
MERGE_REQUEST = "refs/merge-requests/1/head"
GITHUB = a_job(forge="github", server="https://api.github.com", project="acme/app", number=7, head_sha="b" * 40)


# What a review is told.


def test_a_gitlab_job_is_told_as_a_pipeline_tells_it() -> None:
    known = pipelines.detect(variables.pipeline(GITLAB, TOKEN, ""))
    assert known is not None
    assert ("gitlab", "https://gitlab.example", "7", 7) == (known.forge, known.url, known.project, known.number)
    assert ("b" * 40, "release/1") == (known.head_sha, known.target_branch)
    assert known.token is not None
    assert TOKEN == known.token.value


def test_a_github_job_is_told_as_a_workflow_tells_it_and_its_source_is_not_trusted() -> None:
    told = variables.pipeline(GITHUB, TOKEN, "event.json")
    known = pipelines.detect(told, lambda _: json.dumps(variables.event(GITHUB)))
    assert known is not None
    assert ("github", "https://api.github.com", "acme/app", 7) == (known.forge, known.url, known.project, known.number)
    assert ("https://api.github.com/graphql", "b" * 40) == (known.graphql_url, known.head_sha)
    assert known.from_fork is True


@pytest.mark.parametrize(
    ("job", "url", "ref"),
    [
        (GITLAB, "https://gitlab.example/group/sub/app.git", "refs/merge-requests/7/head"),
        (a_job(server="https://x.example/git/api/v4/"), "https://x.example/git/group/app.git", MERGE_REQUEST),
        (a_job(project="group/ö#?@x"), "https://gitlab.example/group/%C3%B6%23%3F%40x.git", MERGE_REQUEST),
        (GITHUB, "https://github.com/acme/app.git", "refs/pull/7/head"),
        (replace(GITHUB, server="https://ghe.example/api/v3"), "https://ghe.example/acme/app.git", "refs/pull/7/head"),
    ],
)  # fmt: skip
def test_git_finds_a_change_at_the_jobs_own_server(job: ReviewJob, url: str, ref: str) -> None:
    wanted = variables.wanted(job, TOKEN)
    user = "x-access-token" if job.forge == "github" else "oauth2"
    assert (url, ref, job.head_sha) == (wanted.url, wanted.head_ref, wanted.head)
    assert basic(user, TOKEN) == wanted.authorization
    assert TOKEN not in repr(wanted)


# The environment.

REDIS = {"REVIEWBOT_REDIS_URL": "redis://:made-up-password@redis:6379/0", "HOME": "/home/ann"}
KNOWN = REDIS | {"GITLAB_TOKEN": TOKEN}


def test_a_review_is_told_of_the_model_and_of_nothing_that_is_not_its_business(tmp_path: Path) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text('[pool.shop]\nkeys_env = "SHOP_KEYS"\n[[fallback]]\nbase_url = "x"\nkey_env = "OTHER_KEY"\n')
    kept = REDIS | {
        "PATH": "/bin", "HTTPS_PROXY": "http://proxy", "REVIEWBOT_API_KEY": "k", "DEEPSEEK_API_KEY": "d",
        "REVIEWBOT_CONFIG": str(operator), "SHOP_KEYS": "s", "OTHER_KEY": "o",
    }  # fmt: skip
    others = {
        "GITLAB_TOKEN": "a", "GITHUB_TOKEN": "b", "REVIEWBOT_WEBHOOK_SECRETS": "c", "REVIEWBOT_GATEWAY_TOKENS": "d",
        "REVIEWBOT_GITHUB_APP_KEY_FILE": "e", "AWS_SECRET_ACCESS_KEY": "f", "CI": "true", "LD_PRELOAD": "g",
    }  # fmt: skip
    found = working(kept | others, None)
    assert kept.keys() - {"HOME"} == found.review.keys()
    assert {"PATH", "HTTPS_PROXY"} == found.surroundings.keys()


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, "/home/ann/.cache/reviewbot/stores"),
        ({"XDG_CACHE_HOME": "/var/cache"}, "/var/cache/reviewbot/stores"),
        ({"REVIEWBOT_CACHE_DIR": "/data"}, "/data/stores"),
    ],
)
def test_stores_lie_under_the_cache_folder(environ: dict[str, str], folder: str) -> None:
    assert Path(folder) == working(KNOWN | environ, None).folder
    assert Path("/here") == working(KNOWN | environ, Path("/here")).folder


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"HOME": "/"}, "REVIEWBOT_REDIS_URL is not set"),
        ({"REVIEWBOT_REDIS_URL": "redis://x"}, "name a folder with --store"),
        (REDIS | {"REVIEWBOT_CONFIG": "/nowhere.toml"}, "the configuration file /nowhere.toml cannot be read"),
        (REDIS, "no forge has a token.*: set GITLAB_TOKEN or GITHUB_TOKEN"),
        (REDIS | {"GITLAB_TOKEN": " "}, "no forge has a token"),
        (
            REDIS | {"GITLAB_TOKEN_FILE": "/nowhere"},
            "the token file /nowhere cannot be read: No such file or directory. GITLAB_TOKEN_FILE names it: mount it",
        ),
        (KNOWN | {"GITHUB_TOKEN_FILE": "/nowhere"}, "GITHUB_TOKEN_FILE names it"),
        (REDIS | {"GITLAB_TOKEN_FILE": "/dev/null"}, "the token file /dev/null is empty"),
        (
            KNOWN | {"REVIEWBOT_GITLAB_URL": "foo"},
            r"REVIEWBOT_GITLAB_URL is 'foo', which is no http\(s\) URL: write it such as https://gitlab\.example",
        ),
        (KNOWN | {"REVIEWBOT_GITHUB_API_URL": "ssh://x"}, "REVIEWBOT_GITHUB_API_URL is 'ssh://x'.*/api/v3"),
    ],
)
def test_what_is_missing_is_told(environ: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        working(environ, None)


def test_an_operators_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "operator.toml").write_text("[")
    with pytest.raises(UsageError, match="no valid TOML"):
        working(REDIS | {"REVIEWBOT_CONFIG": str(tmp_path / "operator.toml")}, None)


def test_a_token_may_stand_in_a_file_that_changes(tmp_path: Path) -> None:
    path = tmp_path / "token"
    environ = REDIS | {"GITLAB_TOKEN_FILE": str(path), "REVIEWBOT_GITLAB_URL": "https://gitlab.example/"}
    path.write_text("at the start")
    token = working(environ, None).token
    for value in ("first", "second"):
        path.write_text(f"{value}\n")
        assert value == token(GITLAB)
    path.unlink()
    with pytest.raises(UsageError, match="GITLAB_TOKEN_FILE names it"):
        token(GITLAB)


def test_a_token_is_sent_to_no_other_server_than_its_own() -> None:
    token = working(REDIS | {"GITLAB_TOKEN": TOKEN, "GITHUB_TOKEN": TOKEN}, None).token
    assert TOKEN == token(GITHUB)
    with pytest.raises(UsageError, match=r"no other server than its own\. Correct REVIEWBOT_GITLAB_URL"):
        token(GITLAB)


def test_without_a_token_it_is_said_which() -> None:
    token = working(KNOWN, None).token
    with pytest.raises(UsageError, match=r"GITHUB_TOKEN is not set, nor GITHUB_TOKEN_FILE\. Set one of them"):
        token(GITHUB)


def test_the_libraries_of_a_forge_are_loaded_only_by_who_has_a_token_for_it() -> None:
    assert ("gitlab",) == working(REDIS | {"GITLAB_TOKEN": TOKEN}, None).forges
    assert ("github",) == working(REDIS, None, lambda _: TOKEN).forges
    assert ("gitlab", "github") == working(REDIS | {"GITLAB_TOKEN": TOKEN, "GITHUB_TOKEN": TOKEN}, None).forges
    assert {"reviewbot.forges.gitlab"} == {name for name in child.imported(["gitlab"]) if ".forges." in name}
    for name in child.imported(["gitlab", "github"]):
        import_module(name)


def test_an_apps_token_is_asked_for_where_there_is_an_app() -> None:
    token = working(REDIS | {"GITHUB_TOKEN": "other"}, None, lambda job: f"for {job.project}").token
    assert "for acme/app" == token(GITHUB)


def test_an_app_is_token_enough() -> None:
    assert "for acme/app" == working(REDIS, None, lambda job: f"for {job.project}").token(GITHUB)


# How a review is judged.


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        (0, Ended(outcome="reviewed")),
        (1, Ended(outcome="reviewed")),
        (5, Ended(outcome="partial")),
        (3, Failed(reason="the forge: last words")),
        (4, Failed(reason="the model: last words")),
        (2, Failed(reason="its configuration: last words", lasting=True)),
        (6, Failed(reason="the sandbox: last words", lasting=True)),
        (70, Failed(reason="a bug in reviewbot: last words", lasting=True)),
        (130, Failed(reason="exit code 130: last words", lasting=True)),
        (-9, Failed(reason="the review was ended by SIGKILL, as for want of memory: last words")),
    ],
)
def test_the_exit_code_says_whether_another_attempt_is_worth_it(code: int, ending: Ending) -> None:
    assert ending == judging.ending(code, reviewed=True, again=True, last_words="last words")


@pytest.mark.parametrize("code", [1, 5])
def test_a_result_without_a_report_is_none(code: int) -> None:
    """1 is also how Python ends that cannot even begin, for want of memory."""
    ending = judging.ending(code, reviewed=False, again=True, last_words="last words")
    assert Failed(reason=f"exit code {code} without a report: last words") == ending


def test_a_request_at_another_commit_is_asked_for_twice() -> None:
    """The webhook may have been quicker than the copy of the forge's database that answers."""
    assert Failed(reason="newer") == judging.ending(0, reviewed=False, again=True, last_words="newer")
    assert Ended(outcome="superseded") == judging.ending(0, reviewed=False, again=False, last_words="newer")


# When it is stopped.


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_queue_is_asked_once_a_second() -> None:
    clock, asked = Clock(), []

    def superseded() -> bool:
        asked.append(clock.now)
        return clock.now >= 102

    summons = Summons(superseded, threading.Event(), clock, 60)
    for tenth in range(25):
        clock.now = 100 + tenth / 10
        assert (tenth >= 20) == summons()
    assert [101, 102] == asked
    assert Why.SUPERSEDED is summons.why


def test_a_worker_that_ends_stops_its_jobs_and_the_reason_stays() -> None:
    clock, stopping = Clock(), threading.Event()
    summons = Summons(lambda: False, stopping, clock, 60)
    assert not summons()
    stopping.set()
    assert summons()
    clock.now = 1_000
    assert summons()
    assert Why.STOPPING is summons.why


def test_a_job_has_its_time() -> None:
    clock = Clock()
    summons = Summons(lambda: False, threading.Event(), clock, 60)
    clock.now = 160
    assert not summons()
    clock.now = 160.1
    assert summons()
    assert Why.LATE is summons.why


# What is said and counted.


def now() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_line_is_json_without_secrets() -> None:
    stream = io.StringIO()
    log = Log(stream, now, ["made-up-secret", "made-up-secret-and-more", "abc"])
    log("told", line="made-up-secret-and-more, made-up-secret abc", ms=3)
    log.hide("later-secret")
    log("told", line="later-secret\nline")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert {
        "time": "2026-01-02T03:04:05.000+00:00",
        "event": "told",
        "line": "[secret], [secret] abc",
        "ms": 3,
    } == first
    assert "[secret]\nline" == second["line"]


def test_a_log_that_nobody_reads_any_more_ends_nothing() -> None:
    stream = io.StringIO()
    log = Log(stream, now)
    stream.close()
    log("told")


def test_what_libraries_log_is_a_line_too() -> None:
    stream = io.StringIO()
    logger = logging.Logger("lib")  # noqa: LOG001 - of its own, so that nobody else's tests hear it
    logger.addHandler(Records(Log(stream, now, ["made-up-secret"])))
    logger.info("not this")
    try:
        raise ValueError("made-up-secret")  # noqa: EM101, TRY301
    except ValueError:
        logger.exception("lost %s", "it")
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert ("log", "error", "lib", "lost it", "ValueError: [secret]") == tuple(
        line[name] for name in ("event", "level", "logger", "text", "error")
    )


def measured(stats: Callable[[], QueueStats]) -> str:
    clock = Clock()
    measures = Measures(4, stats, clock)
    with measures.busy(), measures.timed("fetch"):
        clock.now += 3
    measures.ended("reviewed")
    return generate_latest(measures.registry).decode()


def test_a_worker_counts_its_jobs_and_tells_of_the_queue() -> None:
    project = ProjectStats(
        place="gitlab.example/a", waiting=3, oldest_s=7.5, running=1, retrying=0, dead=0, retries=0, ended=(),
        job_s=0, times=(0,) * 10,
    )  # fmt: skip
    text = measured(lambda: QueueStats(projects=(project,)))
    assert 'reviewbot_worker_jobs_total{outcome="reviewed"} 1.0' in text
    assert 'reviewbot_worker_seconds_sum{part="fetch"} 3.0' in text
    assert "reviewbot_worker_slots 4.0" in text
    assert "reviewbot_worker_busy_slots 0.0" in text
    assert 'reviewbot_queue_oldest_seconds{project="gitlab.example/a"} 7.5' in text


def test_the_queue_is_not_asked_before_somebody_looks() -> None:
    asked: list[bool] = []

    def stats() -> QueueStats:
        asked.append(True)
        return QueueStats(projects=())

    registry = Measures(4, stats, Clock()).registry
    assert [] == asked
    generate_latest(registry)
    assert [True] == asked


def test_while_redis_is_away_a_worker_still_tells_of_itself() -> None:
    def away() -> QueueStats:
        raise QueueDownError

    text = measured(away)
    assert "reviewbot_worker_slots 4.0" in text
    assert "reviewbot_queue" not in text
