"""The whole way: a forge's webhook, the gateway, Redis, a worker's process, and comments on the forge."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hooks_scene import Json, github_headers, gitlab_headers, hooked, merge_request, pull_request, spelt
from posting.stages import ALL, STAGES, GitLab
from redis_server import RedisServer, running_redis
from worker_scene import Hosted, Worker, hosted


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture(params=sorted(STAGES))
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hosted]:
    with hosted(request.param, tmp_path) as made:
        yield made


def webhook(at: Hosted) -> Json:
    """Make the webhook that the forge would send for the newest push."""
    head = at.job().head_sha
    if isinstance(at.stage, GitLab):
        where = {"id": 42, "web_url": f"{at.git.url}/group/project", "path_with_namespace": "group/project"}
        return merge_request(number=7, last_commit={"id": head}, project=where)
    repository = {"id": 42, "url": f"{at.git.url}/repos/acme/app", "full_name": "acme/app"}
    return pull_request(number=7, head={"sha": head}, repository=repository)


def test_a_webhook_becomes_comments_under_one_id(at: Hosted, redis: RedisServer, tmp_path: Path) -> None:
    forge = "gitlab" if isinstance(at.stage, GitLab) else "github"
    server = {"REVIEWBOT_GITLAB_URL": at.git.url, "REVIEWBOT_GITHUB_API_URL": at.git.url}
    name = "12345678-1234-1234-1234-123456789012"
    data = spelt(webhook(at))
    headers = (
        gitlab_headers(idempotency_key=name) if forge == "gitlab" else github_headers(data, x_github_delivery=name)
    )
    with hooked(redis, tmp_path, **server) as gateway, Worker(tmp_path / "worker", redis.url, at.environ) as worker:
        assert (202, "queued") == gateway.outcome(forge, data, headers)
        worker.until(lambda: worker.said("ended"))
        (ended,) = worker.said("ended")
    assert (name, "reviewed") == (ended["correlation"], ended["outcome"])
    assert ALL == at.stage.places()
