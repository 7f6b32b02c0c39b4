"""``reviewbot worker`` as a process, before a real Redis, a forge, a git server and a model."""

import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.model_server import Answer, Asked
from jobs import attentive
from posting.stages import ALL, BASE
from redis_server import RedisServer
from review_queue import START, Desk, a_desk
from worker_scene import Hosted, Worker, hosted

from reviewbot.cli import run
from reviewbot.domain.job import ReviewJob
from reviewbot.queue import policy
from reviewbot.queue.outcomes import ProjectStats

ONE = ("--slots", "1")


@pytest.fixture
def desk(redis: RedisServer) -> Iterator[Desk]:
    with a_desk(redis.url) as made:
        yield made


def stats(desk: Desk) -> ProjectStats:
    (project,) = desk.queue.stats().projects
    return project


def ended(desk: Desk) -> dict[str, int]:
    return dict(stats(desk).ended)


class Hanging:
    """A model that answers nobody, until it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.told = threading.Event()

    def __call__(self, asked: Asked) -> Answer:
        self.asked.release()
        self.told.wait(120)
        return attentive()(asked)


@pytest.fixture
def hanging(on_gitlab: Hosted) -> Iterator[Hanging]:
    model = Hanging()
    on_gitlab.stage.model.script = model
    yield model
    model.told.set()


def later(job: ReviewJob, at: Hosted, desk: Desk, seconds: int) -> ReviewJob:
    """Make the job of a later push."""
    desk.later(seconds)
    return at.job(id=f"{job.id}-later", after_s=(desk.now - START).total_seconds())


def test_what_is_on_the_queue_is_reviewed_until_the_worker_is_told_to_end(
    at: Hosted, desk: Desk, redis: RedisServer, tmp_path: Path
) -> None:
    with Worker(tmp_path / "one", redis.url, at.environ) as worker:
        desk.enqueue(at.job())
        worker.until(lambda: worker.said("ended"))
        assert ALL == at.stage.places()
        assert 0 == worker.end()
        assert ["ready", "taken", "fetched"] == [line["event"] for line in worker.lines[:3]]
        assert "stopped" == worker.lines[-1]["event"]
        assert at.token not in str(worker.lines)
    assert {"reviewed": 1} == ended(desk)
    assert (0, 0) == (stats(desk).waiting, stats(desk).running)


def test_a_worker_that_is_told_to_end_hands_back_what_it_has_not_finished(
    on_gitlab: Hosted, hanging: Hanging, desk: Desk, redis: RedisServer, tmp_path: Path
) -> None:
    with Worker(tmp_path / "one", redis.url, on_gitlab.environ, *ONE) as worker:
        desk.enqueue(on_gitlab.job())
        assert hanging.asked.acquire(timeout=60)
        assert 0 == worker.end()
        assert "handed back" == worker.said("ended")[0]["outcome"]
        assert [] == worker.reviews()
    assert (1, 0, {}) == (stats(desk).waiting, stats(desk).running, ended(desk))
    assert 0 == on_gitlab.stage.writes
    hanging.told.set()
    with Worker(tmp_path / "two", redis.url, on_gitlab.environ, *ONE) as another:
        another.until(lambda: another.said("ended"))
    assert 1 == another.said("taken")[0]["attempt"]
    assert (ALL, {"reviewed": 1}) == (on_gitlab.stage.places(), ended(desk))


def test_a_newer_push_ends_the_review_of_the_older_one(
    on_gitlab: Hosted, hanging: Hanging, desk: Desk, redis: RedisServer, tmp_path: Path
) -> None:
    job = on_gitlab.job()
    with Worker(tmp_path / "one", redis.url, on_gitlab.environ, *ONE) as worker:
        desk.enqueue(job)
        assert hanging.asked.acquire(timeout=60)
        on_gitlab.stage.push({"lib.rs": "wrong delta\n"})
        newer = later(job, on_gitlab, desk, 10)
        desk.enqueue(newer)
        worker.until(lambda: worker.said("ended"))
        assert (job.id, "superseded") == tuple(worker.said("ended")[0][name] for name in ("job", "outcome"))
        assert 0 == on_gitlab.stage.writes
        hanging.told.set()
        worker.until(lambda: len(worker.said("ended")) > 1)
    assert (newer.head_sha, "reviewed") == tuple(worker.said("ended")[1][name] for name in ("head", "outcome"))
    assert ALL | {"delta": ["inline"]} == on_gitlab.stage.places()


def test_the_reviews_of_a_killed_worker_die_with_it_and_are_done_by_another(
    on_gitlab: Hosted, hanging: Hanging, desk: Desk, redis: RedisServer, tmp_path: Path
) -> None:
    with Worker(tmp_path / "one", redis.url, on_gitlab.environ, *ONE) as worker:
        desk.enqueue(on_gitlab.job())
        assert hanging.asked.acquire(timeout=60)
        assert 1 == len(worker.reviews())
        worker.process.kill()
        worker.process.wait()
        worker.until(lambda: worker.reviews() == [])
    # The time goes by after which it is given up.
    beats = f"{policy.NAMESPACE}:__heartbeats__"
    desk.redis.zunionstore(beats, {beats: 0})
    hanging.told.set()
    with Worker(tmp_path / "two", redis.url, on_gitlab.environ, *ONE) as another:
        another.until(lambda: another.said("ended"))
    assert (ALL, {"reviewed": 1}) == (on_gitlab.stage.places(), ended(desk))


def test_a_second_signal_does_not_wait_for_anything(
    on_gitlab: Hosted, hanging: Hanging, desk: Desk, redis: RedisServer, tmp_path: Path
) -> None:
    with Worker(tmp_path / "one", redis.url, on_gitlab.environ, *ONE) as worker:
        desk.enqueue(on_gitlab.job())
        assert hanging.asked.acquire(timeout=60)
        with redis.hanging():  # so that nothing can be handed back
            worker.process.terminate()
            worker.until(lambda: worker.said("stopping"))
            assert 130 == worker.end()
        worker.until(lambda: worker.reviews() == [])


def test_a_worker_outlives_a_redis_that_starts_anew(
    on_gitlab: Hosted, desk: Desk, redis: RedisServer, tmp_path: Path
) -> None:
    with Worker(tmp_path / "one", redis.url, on_gitlab.environ, *ONE) as worker:
        worker.until(lambda: worker.said("ready"))
        redis.stop()
        redis.start()
        desk.enqueue(on_gitlab.job())
        worker.until(lambda: worker.said("ended"))
        assert 0 == worker.end()
    assert ALL == on_gitlab.stage.places()


def test_a_worker_says_at_once_that_redis_is_away_and_ends_at_once(
    on_gitlab: Hosted, desk: Desk, redis: RedisServer, tmp_path: Path
) -> None:
    redis.stop()
    with Worker(tmp_path / "one", redis.url, on_gitlab.environ, *ONE) as worker:
        worker.until(lambda: worker.said("waiting"))
        assert worker.said("waiting")[0]["reason"].startswith("the queue's Redis gives no answer: ")
        assert [] == worker.said("ready")
        began = time.monotonic()
        assert 0 == worker.end()
        assert time.monotonic() - began < 10
    with Worker(tmp_path / "two", redis.url, on_gitlab.environ, *ONE) as another:
        another.until(lambda: another.said("waiting"))
        redis.start()
        desk.enqueue(on_gitlab.job())
        another.until(lambda: another.said("ended"))
    assert ["waiting", "ready", "taken"] == [line["event"] for line in another.lines[:3]]


def test_a_worker_that_loses_redis_says_so_and_ends_soon(
    on_gitlab: Hosted, hanging: Hanging, desk: Desk, redis: RedisServer, tmp_path: Path
) -> None:
    with Worker(tmp_path / "one", redis.url, on_gitlab.environ, *ONE) as worker:
        desk.enqueue(on_gitlab.job())
        assert hanging.asked.acquire(timeout=60)
        redis.stop()
        worker.until(lambda: any("until Redis is back" in line.get("text", "") for line in worker.lines), 10)
        began = time.monotonic()
        assert 0 == worker.end()
        assert time.monotonic() - began < 10
        assert "handed back" == worker.said("ended")[0]["outcome"]


def test_a_redis_that_answers_nobody_is_no_reason_to_stay(
    on_gitlab: Hosted, redis: RedisServer, tmp_path: Path
) -> None:
    with Worker(tmp_path / "one", redis.url, on_gitlab.environ, *ONE) as worker:
        worker.until(lambda: worker.said("ready"))
        with redis.hanging():
            began = time.monotonic()
            assert 0 == worker.end()
            assert time.monotonic() - began < 15
    with redis.hanging(), Worker(tmp_path / "two", redis.url, on_gitlab.environ, *ONE) as another:
        another.until(lambda: another.said("waiting"))
        assert 0 == another.end()


def test_a_password_that_redis_refuses_is_told_at_the_start(redis: RedisServer, tmp_path: Path) -> None:
    redis.command("CONFIG SET requirepass made-up-password")
    for url in (redis.url, f"{redis.url}?password=another"):
        known = {"REVIEWBOT_REDIS_URL": url, "GITLAB_TOKEN": "made-up"}
        code, _, err = command(redis, tmp_path, **known)
        assert 2 == code
        assert "Redis refuses the user or the password of REVIEWBOT_REDIS_URL" in err
        assert err.startswith("reviewbot: the queue"), err


def test_its_metrics_tell_of_its_jobs_and_of_the_queue(
    on_gitlab: Hosted, desk: Desk, redis: RedisServer, tmp_path: Path
) -> None:
    with Worker(tmp_path / "one", redis.url, on_gitlab.environ, "--metrics-port", "0") as worker:
        desk.enqueue(on_gitlab.job())
        worker.until(lambda: worker.said("ended"))
        port = worker.said("metrics")[0]["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    assert 'reviewbot_worker_jobs_total{outcome="reviewed"} 1.0' in text
    assert "reviewbot_worker_slots 5.0" in text, "four, and a spare one"
    assert 'outcome="reviewed",project="' in text


def test_a_port_that_is_taken_is_told(redis: RedisServer, tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - what the worker wants
        port = str(taken.getsockname()[1])
        code, _, err = command(redis, tmp_path, "--metrics-port", port, GITLAB_TOKEN="made-up")
    assert 2 == code
    assert "cannot be used: Address already in use" in err


def test_a_worker_that_could_do_nothing_does_not_begin(redis: RedisServer, tmp_path: Path) -> None:
    key = tmp_path / "app.pem"
    key.write_text("no key")
    for environ, words in (
        ({}, "reviewbot: no forge has a token"),
        ({"GITLAB_TOKEN_FILE": "/nowhere"}, "reviewbot: the token file /nowhere cannot be read"),
        ({"GITLAB_TOKEN": "made-up", "REVIEWBOT_GITLAB_URL": "foo"}, "reviewbot: REVIEWBOT_GITLAB_URL is 'foo'"),
        (
            {"REVIEWBOT_GITHUB_APP_ID": "1", "REVIEWBOT_GITHUB_APP_KEY_FILE": str(key)},
            "reviewbot: the private key of the GitHub App is none",
        ),
    ):
        code, _, err = command(redis, tmp_path, **environ)
        assert (2, True) == (code, err.startswith(words)), err


# Dead jobs.


def command(redis: RedisServer, folder: Path, *options: str, **environ: str) -> tuple[int, str, str]:
    with Worker(folder, redis.url, environ, *options) as done:
        out, _ = done.process.communicate(timeout=60)
    return done.process.returncode, out.decode(), (folder / "said.jsonl").read_text("utf-8")


def test_dead_jobs_are_listed_and_put_back(redis: RedisServer, desk: Desk, tmp_path: Path) -> None:
    with (
        hosted("gitlab", tmp_path, base=BASE | {".reviewbot.toml": 'nonsense = "x"\n'}) as at,
        Worker(tmp_path / "one", redis.url, at.environ, *ONE) as worker,
    ):
        desk.enqueue(at.job(id="the-job"))
        worker.until(lambda: worker.said("ended"))
        assert 0 == worker.end()
    code, out, _ = command(redis, tmp_path, "--dead")
    assert 0 == code
    first, second = out.splitlines()[:2]
    assert first.startswith("the-job  127.0.0.1:")
    assert "/group/project 7 at " in first
    assert ", 1 attempt, " in first
    assert second.startswith("    its configuration: ")
    assert (2, "reviewbot: no dead job has the id 'another': see --dead\n") == command(
        redis, tmp_path, "--requeue", "another"
    )[::2]
    assert (0, "put back: 1\n") == command(redis, tmp_path, "--requeue", "the-job")[:2]
    assert (1, 0) == (stats(desk).waiting, stats(desk).dead)
    assert (0, "no job is dead\n") == command(redis, tmp_path, "--dead")[:2]
    assert (0, "put back: 0\n") == command(redis, tmp_path, "--requeue", "all")[:2]


def test_dead_jobs_of_a_redis_that_is_away_cannot_be_listed(redis: RedisServer, tmp_path: Path) -> None:
    redis.stop()
    code, _, err = command(redis, tmp_path, "--dead")
    assert 2 == code
    assert err.startswith("reviewbot: the queue's Redis gives no answer: ")


def test_without_redis_there_is_no_queue(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVIEWBOT_REDIS_URL", raising=False)
    for options in ((), ("--dead",), ("--requeue", "all")):
        assert 2 == run(["worker", *options])
        assert "REVIEWBOT_REDIS_URL is not set: a worker takes its reviews from a queue" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["dramatiq", "redis"])
def test_without_its_extra_it_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    assert 2 == run(["worker"])
    assert "pip install 'reviewbot[worker]'" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "many"])
def test_a_limit_is_a_number_above_nothing(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["worker", "--max-store-gb", value])
    assert "is no number above 0" in capsys.readouterr().err


def test_coverage_that_is_given_and_not_judged_is_a_contradiction(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["review", "--no-coverage", "--fail-under", "80"])
    assert "--no-coverage judges none" in capsys.readouterr().err
