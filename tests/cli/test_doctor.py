"""``reviewbot doctor`` says what a review would stumble over, with an exit code, and changes nothing."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import gitrepo
import pytest
from cli.conftest import Reviewbot
from fakes.gitlab_server import GUEST, REPORTER
from jobs import KEY, Ran
from posting.stages import STAGES, GitLab, Stage, github, gitlab
from redis_server import running_redis

AWAY = "http://127.0.0.1:1"
MODEL = "deepseek-flash"


@contextmanager
def listing(status: int = 200, models: Sequence[str] | None = (MODEL, "other"), **headers: str) -> Iterator[str]:
    """Serve a list of models to those who have the key; give the base URL. ``models`` None is no JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("authorization") == f"Bearer {KEY}" and self.path == "/v1/models"
            rows = {"object": "list", "data": [{"id": name} for name in models or ()]}
            self.send_response(status if known else 401)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"<html>" if models is None else json.dumps(rows).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def models() -> Iterator[str]:
    with listing() as url:
        yield url


@pytest.fixture(params=sorted(STAGES))
def stage(request: pytest.FixtureRequest, tmp_path: Path, models: str) -> Iterator[Stage]:
    with STAGES[request.param](tmp_path) as made:
        made.environ["REVIEWBOT_BASE_URL"] = models
        yield made


@pytest.fixture
def on_gitlab(tmp_path: Path, models: str) -> Iterator[GitLab]:
    with gitlab(tmp_path) as made:
        made.environ["REVIEWBOT_BASE_URL"] = models
        yield made


def checks(ran: Ran) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in ran.json}


def test_where_all_is_well_it_says_so_and_writes_nothing(stage: Stage) -> None:
    ran = stage.run("doctor")
    assert (0, "") == (ran.code, ran.err)
    assert "ready to review" == ran.out.splitlines()[-1]
    assert f"ok    forge          {stage.word} 7 of " in ran.out
    assert f"127.0.0.1 answers, and has {MODEL}" in ran.out
    assert KEY not in ran.out
    assert (0, 0) == (stage.writes, len(stage.model.asked))


def test_as_json_it_is_a_list_of_checks(stage: Stage) -> None:
    ran = stage.run("doctor", "--format", "json")
    found = checks(ran)
    assert {"ok", "not used"} == {check["health"] for check in found.values()}
    assert {"configuration", "change", "forge", "token", "cache"} <= set(found)
    assert {"name", "health", "finding", "advice"} == set(found["forge"])
    assert "2 files" in found["change"]["finding"]


@pytest.mark.parametrize(
    ("status", "names", "code", "said"),
    [
        (403, (), 4, "127.0.0.1 refuses the key with 403"),
        (200, ("one", "two"), 4, f"127.0.0.1 has no model '{MODEL}'; it has one, two"),
        (200, [f"m{n}" for n in range(8)], 4, "it has m0, m1, m2, m3, m4 and 3 more"),
        (503, (), 4, "127.0.0.1 answers with 503"),
        (302, (), 4, "127.0.0.1 answers with 302"),
        (404, (), 0, "answers, but lists no models (404)"),
        (200, None, 0, f"does not say whether it has {MODEL}"),
    ],
)
def test_it_asks_the_endpoint_for_its_models(
    process: Reviewbot, status: int, names: Sequence[str] | None, code: int, said: str
) -> None:
    with listing(status, names, Location="http://127.0.0.1:1/") as url:
        ran = process("doctor", REVIEWBOT_BASE_URL=url, REVIEWBOT_API_KEY=KEY)
    assert code == ran.code
    assert said in ran.out
    assert ("1 check failed" in ran.out) == (code != 0)


def test_each_key_is_tried_and_none_is_shown(process: Reviewbot, models: str) -> None:
    wrong = "made-up-" + "wrong-key"
    ran = process("doctor", REVIEWBOT_BASE_URL=models, REVIEWBOT_API_KEYS=f"{KEY},{wrong}")
    assert 4 == ran.code
    assert (1, 1) == (ran.out.count("and has deepseek-flash"), ran.out.count("refuses the key with 401"))
    assert KEY not in ran.out
    assert wrong not in ran.out


def test_an_endpoint_that_is_away_fails(process: Reviewbot) -> None:
    ran = process("doctor", REVIEWBOT_BASE_URL=AWAY, REVIEWBOT_API_KEY=KEY)
    assert 4 == ran.code
    assert "127.0.0.1 cannot be reached: ConnectError" in ran.out


def test_without_a_model_or_a_pipeline_nothing_is_wrong(process: Reviewbot) -> None:
    ran = process("doctor")
    assert 0 == ran.code
    assert "static rules only: no API key and no endpoint is set" in ran.out
    assert "no pipeline of a merge request or pull request: nothing would be posted" in ran.out
    assert "nothing is kept between runs" in ran.out


def test_the_static_engine_needs_no_model(process: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write(".reviewbot.toml", 'engine = "static"\n')
    assert "static rules only, as configured" in process("doctor").out


def test_a_model_that_is_demanded_and_cannot_be_asked_fails(process: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write(".reviewbot.toml", 'engine = "llm"\n')
    ran = process("doctor")
    assert 2 == ran.code
    assert "--engine llm needs a model" in ran.out


def test_a_configuration_that_is_not_valid_fails_and_the_rest_is_looked_at(
    process: Reviewbot, repo: gitrepo.Repo
) -> None:
    repo.write(".reviewbot.toml", "max_comments = 'many'\n")
    ran = process("doctor", "--format", "json")
    assert 2 == ran.code
    found = checks(Ran(ran.code, ran.out, ran.err))
    assert ("failed", "ok") == (found["configuration"]["health"], found["change"]["health"])


def test_outside_of_a_repository_it_fails(process: Reviewbot, tmp_path: Path) -> None:
    ran = process("doctor", cwd=tmp_path)
    assert 2 == ran.code
    assert "2 checks failed" in ran.out


def test_a_shallow_clone_is_told(process: Reviewbot, repo: gitrepo.Repo, tmp_path: Path) -> None:
    shallow = repo.clone(tmp_path / "shallow", "--depth=1", "--no-single-branch")
    ran = process("doctor", cwd=shallow.path)
    assert 0 == ran.code
    assert "the clone is shallow" in ran.out
    assert "GIT_DEPTH: 0 in GitLab, fetch-depth: 0 for actions/checkout" in ran.out
    assert "ready to review, with 1 warning" == ran.out.splitlines()[-1]


def test_a_pipeline_without_a_request_is_told(on_gitlab: GitLab) -> None:
    ran = on_gitlab.run("doctor", CI_MERGE_REQUEST_IID="")
    assert 0 == ran.code
    assert "this pipeline has no merge request or pull request" in ran.out


@pytest.mark.parametrize(
    ("level", "said"), [(GUEST, "lower role than Reporter"), (REPORTER, "it can comment, but not resolve threads")]
)
def test_what_a_gitlab_token_lacks_is_told(on_gitlab: GitLab, level: int, said: str) -> None:
    on_gitlab.server.add_user("weak", token="weak-token", level=level, kind="project", bot=True)
    ran = on_gitlab.run("doctor", GITLAB_TOKEN="weak-token")
    assert 0 == ran.code
    assert "warn  token" in ran.out
    assert said in ran.out


def test_a_jobs_own_token_is_told_from_a_real_one(on_gitlab: GitLab) -> None:
    on_gitlab.server.add_token(on_gitlab.server.author, "job-token", kind="job")
    ran = on_gitlab.run("doctor", GITLAB_TOKEN="", CI_JOB_TOKEN="job-token")
    assert 0 == ran.code
    assert "warn  token" in ran.out
    assert "CI_JOB_TOKEN reads merge requests and comments, but it may not post" in ran.out


def test_a_token_that_is_wrong_fails(stage: Stage) -> None:
    ran = stage.run("doctor", GITLAB_TOKEN="wrong", GITHUB_TOKEN="wrong")
    assert 3 == ran.code
    assert "FAIL  forge" in ran.out


def test_no_token_is_a_warning(stage: Stage) -> None:
    ran = stage.run("doctor", GITLAB_TOKEN="", GITHUB_TOKEN="")
    assert 0 == ran.code
    assert "warn  token" in ran.out
    assert "there is no token to post with" in ran.out


def test_a_job_for_an_older_commit_is_a_warning(stage: Stage) -> None:
    stage.arrived(stage.commit({"lib.rs": "newer\n"}))
    ran = stage.run("doctor")
    assert 0 == ran.code
    assert "a newer push has come" in ran.out


def test_a_workflows_own_token_is_told_as_such(tmp_path: Path, models: str) -> None:
    with github(tmp_path) as stage:
        stage.use(stage.server.actions_token())
        ran = stage.run("doctor", REVIEWBOT_BASE_URL=models)
    assert 0 == ran.code
    assert "GitHub Actions token, it writes as github-actions[bot]" in ran.out


def test_an_event_that_cannot_be_read_fails(process: Reviewbot, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text("{")
    event = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
    ran = process("doctor", "--format", "json", GITHUB_ACTIONS="true", **event)
    assert 2 == ran.code
    assert "failed" == checks(Ran(ran.code, ran.out, ran.err))["pipeline"]["health"]


def test_redis_is_asked(process: Reviewbot) -> None:
    for server in running_redis():
        assert "ok    redis" in process("doctor", REVIEWBOT_REDIS_URL=server.url).out
        server.stop()
        ran = process("doctor", REVIEWBOT_REDIS_URL=server.url)
        assert 4 == ran.code
        assert "FAIL  redis" in ran.out


def test_a_redis_that_may_be_away_is_a_warning(process: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write(".reviewbot.toml", "[redis]\nfail_open = true\n")
    ran = process("doctor", REVIEWBOT_REDIS_URL="redis://127.0.0.1:1/0")
    assert 0 == ran.code
    assert "warn  redis" in ran.out


def test_the_caches_folder_has_to_be_writable(process: Reviewbot, tmp_path: Path) -> None:
    assert 0 == process("doctor", REVIEWBOT_CACHE_DIR=str(tmp_path / "cache")).code
    ran = process("doctor", REVIEWBOT_CACHE_DIR=str(tmp_path / "no" / "such" / "cache"))
    assert 2 == ran.code
    assert "cannot be written" in ran.out
