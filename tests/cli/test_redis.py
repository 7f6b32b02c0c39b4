"""``reviewbot review`` beside a Redis that is away, slow, flushed or started anew: in processes of their own."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import gitrepo
import pytest
from cli.conftest import Ran, Reviewbot
from fakes.model_server import Answer, Asked, serving
from redis_server import RedisServer, running_redis

KEY = "made-up-" + "key"
FILES = "abc"
ONE_BY_ONE = """[client]
attempts = 1
concurrency = 1
requests_per_minute = 600
deadline_s = 5
[chunks]
target_tokens = 1
"""
"""A request for each file, one after the other."""
OPEN = "[redis]\nfail_open = true\n"

Review = Callable[..., tuple[Ran, int]]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture
def repo(tmp_path: Path) -> gitrepo.Repo:
    """Make a change to three files, each of which is a request of its own."""
    repo = gitrepo.init(tmp_path / "repo")
    repo.commit({f"{name}.go": "one\n" for name in FILES})
    repo.branch("topic")
    repo.commit({f"{name}.go": f"one\nreturn {name}_unchecked\n" for name in FILES})
    return repo


@pytest.fixture
def review(process: Reviewbot, redis: RedisServer, tmp_path: Path) -> Review:
    """Review in a process of its own; gives what it left behind, and how many requests reached the model."""

    def review(
        settings: str = ONE_BY_ONE,
        *,
        first: Callable[[], object] = lambda: None,
        answer: Answer | None = None,
        **environ: str,
    ) -> tuple[Ran, int]:
        operator = tmp_path / "operator.toml"
        operator.write_text(settings)

        def script(_: Asked) -> Answer:
            if len(server.asked) == 1:
                first()
            return answer or Answer()

        with serving(script) as server:
            places = {
                "REVIEWBOT_BASE_URL": server.base_url,
                "REVIEWBOT_REDIS_URL": redis.url,
                "REVIEWBOT_CONFIG": str(operator),
            }
            ran = process("review", "--format", "json", **(places | environ))
        return ran, len(server.asked)

    return review


def outcomes(ran: Ran) -> list[str]:
    return [file["outcome"] for file in ran.report["files"] if file["path"].endswith(".go")]


def reasons(ran: Ran) -> set[str]:
    return {file["reason"] for file in ran.report["files"] if file["outcome"] != "reviewed"}


def test_a_redis_that_is_not_there_fails_every_request_with_the_reason(review: Review, redis: RedisServer) -> None:
    redis.stop()
    ran, asked = review(REVIEWBOT_API_KEY=KEY)
    assert (4, 0, ["failed"] * 3) == (ran.code, asked, outcomes(ran))
    (reason,) = reasons(ran)
    assert "cannot be reached, and without it the rate limit cannot be shared. Start it, correct" in reason
    assert "redis.fail_open" in reason
    assert 1 == ran.err.count(" is down ")


def test_with_fail_open_a_redis_that_is_not_there_costs_a_line(review: Review, redis: RedisServer) -> None:
    redis.stop()
    ran, asked = review(ONE_BY_ONE + OPEN, REVIEWBOT_API_KEY=KEY, REVIEWBOT_BUDGET_DAY="1")
    assert (0, 3, ["reviewed"] * 3) == (ran.code, asked, outcomes(ran))
    assert 1 == ran.err.count("until it is back, each process keeps the limits on its own")
    assert "Traceback" not in ran.err


def test_with_fail_open_this_process_still_keeps_the_limits(review: Review, redis: RedisServer) -> None:
    redis.stop()
    ran, asked = review(ONE_BY_ONE + OPEN, REVIEWBOT_REQUESTS_PER_MINUTE="2")
    assert (4, 2, 1) == (ran.code, asked, outcomes(ran).count("failed"))
    assert all(reason.startswith("the rate limit has no room for") for reason in reasons(ran))


@pytest.mark.parametrize("fail_open", [True, False], ids=["open", "closed"])
def test_a_redis_that_hangs_holds_nobody_up_for_long(review: Review, redis: RedisServer, fail_open: bool) -> None:
    with redis.hanging():
        ran, asked = review(ONE_BY_ONE.replace("concurrency = 1", "concurrency = 3") + OPEN * fail_open)
    expected = (0, 3, ["reviewed"] * 3) if fail_open else (4, 0, ["failed"] * 3)
    assert expected == (ran.code, asked, outcomes(ran))
    assert "is down (TimeoutError)" in ran.err
    assert ran.report["usage"]["wall_s"] < 3


def test_a_redis_that_dies_in_the_middle_fails_what_was_not_asked_yet(review: Review, redis: RedisServer) -> None:
    ran, asked = review(first=redis.stop, REVIEWBOT_API_KEY=KEY, REVIEWBOT_BUDGET_DAY="1")
    assert (4, 1, ["failed", "failed", "reviewed"]) == (ran.code, asked, sorted(outcomes(ran)))
    assert all("cannot be reached" in reason for reason in reasons(ran))
    assert "the shared budget counts a request at its worst case" in ran.err


def test_a_redis_that_dies_in_the_middle_is_done_without_under_fail_open(review: Review, redis: RedisServer) -> None:
    ran, asked = review(ONE_BY_ONE + OPEN, first=redis.stop, REVIEWBOT_API_KEY=KEY, REVIEWBOT_BUDGET_DAY="1")
    assert (0, 3, ["reviewed"] * 3) == (ran.code, asked, outcomes(ran))
    assert 1 == ran.err.count("until it is back, each process keeps the limits on its own")


def again(redis: RedisServer) -> None:
    redis.stop()
    redis.start()


@pytest.mark.parametrize("happens", [RedisServer.flush, again], ids=["flushed", "started anew"])
def test_a_redis_that_forgets_everything_neither_ends_the_review_nor_gives_money_away(
    review: Review, redis: RedisServer, happens: Callable[[RedisServer], None]
) -> None:
    """Each answer costs between USD 0.004 and 0.009, by the hour: the day's budget is for one or two."""
    dear = Answer(tokens=8_000)
    ran, asked = review(ONE_BY_ONE + OPEN, first=lambda: happens(redis), answer=dear, REVIEWBOT_BUDGET_DAY="0.012")
    assert (5, asked) == (ran.code, outcomes(ran).count("reviewed"))
    assert 0 < asked < 3
    assert "Redis at" in ran.err
    # What the next run will be told: all of it, and each request is rounded up to a whole micro-dollar.
    spent = redis.command(f"HGET reviewbot:budget:{{money}}:all:day:{datetime.now(UTC):%Y-%m-%d} spent")
    cost_usd = float(ran.report["usage"]["cost_usd"])
    assert cost_usd <= int(spent.split()[1]) / 1_000_000 <= min(cost_usd + 0.00001, 0.012)


def test_after_a_flush_all_wait_a_window_where_limits_must_be_shared(review: Review, redis: RedisServer) -> None:
    ran, asked = review(first=redis.flush)
    assert (4, 1, 2) == (ran.code, asked, outcomes(ran).count("failed"))
    assert all(reason.startswith("the rate limit has no room for") for reason in reasons(ran))
    assert "has lost the last requests (flushed?): all wait until the window is past" in ran.err
