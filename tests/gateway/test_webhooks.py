"""Webhooks through the real app into a real Redis: what is queued, what is left alone, and what is answered."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hooks_scene import (
    HEAD,
    MARK,
    NEWER,
    OLD,
    SHOP,
    TOKEN,
    Hooked,
    Json,
    github_headers,
    gitlab_headers,
    hooked,
    merge_request,
    moment,
    note,
    pull_request,
    signed_headers,
    spelt,
)
from redis_server import RedisServer, running_redis

from reviewbot.domain.job import JobKind

DRAFT_READY = {"draft": {"previous": True, "current": False}}
OLDER_READY = {"work_in_progress": {"previous": True, "current": False}}


def labels(was: list[str], now: list[str]) -> Json:
    return {"labels": {"previous": [{"title": each} for each in was], "current": [{"title": each} for each in now]}}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture(scope="module")
def running(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooked]:
    with hooked(redis, tmp_path_factory.mktemp("hooks")) as found:
        yield found


@pytest.fixture
def at(running: Hooked) -> Hooked:
    running.forget()
    return running


# What is queued.


def test_an_opened_merge_request_becomes_a_job_with_all_that_a_worker_needs(at: Hooked) -> None:
    body = merge_request("open", number=7)
    headers = gitlab_headers(idempotency_key="11111111-2222-3333-4444-555555555555")
    found = at.send("gitlab", body, headers)
    assert (202, {"id": headers["idempotency-key"], "outcome": "queued", "reason": "it waits for a worker"}) == (
        found.status_code,
        found.json(),
    )
    job = at.taken()
    assert job is not None
    assert ("gitlab", "https://git.example/api/v4", "group/app", 42, 7) == (
        job.forge,
        job.server,
        job.project,
        job.project_id,
        job.number,
    )
    assert (JobKind.REVIEW, HEAD, "main", headers["idempotency-key"], False) == (
        job.kind,
        job.head_sha,
        job.target_branch,
        job.correlation,
        job.again,
    )
    assert body["object_attributes"]["updated_at"] == job.at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_opened_pull_request_becomes_a_job_with_all_that_a_worker_needs(at: Hooked) -> None:
    data = spelt(pull_request("opened", number=7))
    headers = github_headers(data)
    assert (202, "queued") == at.outcome("github", data, headers)
    job = at.taken()
    assert job is not None
    assert ("github", "https://api.github.example", "acme/app", 42, 7, HEAD, "main", headers["x-github-delivery"]) == (
        job.forge,
        job.server,
        job.project,
        job.project_id,
        job.number,
        job.head_sha,
        job.target_branch,
        job.correlation,
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(merge_request("reopen"), id="reopened"),
        pytest.param(merge_request("update", oldrev=OLD), id="pushed"),
        pytest.param(merge_request("update", changes=DRAFT_READY), id="made ready"),
        pytest.param(merge_request("update", changes=OLDER_READY), id="made ready, as older servers tell it"),
        pytest.param(
            merge_request("update", changes={"target_branch": {"previous": "a", "current": "b"}}), id="target"
        ),
        pytest.param(merge_request("update", changes=labels(["no-review"], [])), id="a label that ignored it is gone"),
        pytest.param(merge_request("update", changes=labels([], ["ReviewBot"])), id="a label asks for it"),
        pytest.param(
            merge_request("update", changes=labels([], ["reviewbot"]), draft=True), id="a label asks for a draft"
        ),
    ],
)
def test_what_happens_to_a_merge_request_is_reviewed(at: Hooked, body: Json) -> None:
    assert (202, "queued") == at.outcome("gitlab", body)
    assert at.taken() is not None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(pull_request("synchronize"), id="pushed"),
        pytest.param(pull_request("reopened"), id="reopened"),
        pytest.param(pull_request("ready_for_review"), id="made ready"),
        pytest.param(pull_request("edited", changes={"base": {"ref": {"from": "old"}}}), id="target"),
        pytest.param(pull_request("unlabeled", label={"name": "no-review"}), id="a label that ignored it is gone"),
        pytest.param(pull_request("labeled", label={"name": "reviewbot"}), id="a label asks for it"),
    ],
)
def test_what_happens_to_a_pull_request_is_reviewed(at: Hooked, body: Json) -> None:
    assert (202, "queued") == at.outcome("github", body)
    assert at.taken() is not None


@pytest.mark.parametrize("zone", [" UTC", " +0000", "Z", "+00:00", ".250Z"])
def test_times_are_read_as_gitlab_has_spelt_them_over_the_years(at: Hooked, zone: str) -> None:
    spelling = moment().replace("T", " ").replace("Z", zone)
    assert (202, "queued") == at.outcome("gitlab", merge_request(updated_at=spelling))


def test_a_newer_push_supersedes_and_the_same_again_is_a_duplicate(at: Hooked) -> None:
    first = merge_request("open", number=3, ago_s=60)
    second = merge_request("update", number=3, oldrev=HEAD, last_commit={"id": NEWER}, ago_s=30)
    outcomes = [at.outcome("gitlab", body)[1] for body in (first, second, second, first)]
    assert ["queued", "superseding", "duplicate", "duplicate"] == outcomes
    job = at.taken()
    assert job is not None
    assert (NEWER, None) == (job.head_sha, at.taken())


def test_an_older_event_that_comes_late_is_outdated(at: Hooked) -> None:
    at.send("gitlab", merge_request("update", number=3, oldrev=HEAD, last_commit={"id": NEWER}, ago_s=30))
    assert (202, "outdated") == at.outcome("gitlab", merge_request("open", number=3, ago_s=60))


@pytest.mark.parametrize("forge", ["gitlab", "github"])
def test_the_same_bytes_under_another_delivery_id_are_not_done_twice(at: Hooked, forge: str) -> None:
    """GitHub signs the body, and not the id beside it."""
    data = spelt(
        merge_request("update", changes=labels([], ["reviewbot"]))
        if forge == "gitlab"
        else pull_request("labeled", label={"name": "reviewbot"})
    )
    assert (202, "queued") == at.outcome(forge, data, _headers(forge, data))
    assert at.taken() is not None
    assert (202, "duplicate") == at.outcome(forge, data, _headers(forge, data))
    assert at.taken() is None


def _headers(forge: str, data: bytes) -> dict[str, str]:
    return gitlab_headers(idempotency_key=f"key-{len(data)}-new") if forge == "gitlab" else github_headers(data)


def test_a_label_asks_again_for_a_head_that_was_reviewed(at: Hooked) -> None:
    at.send("github", pull_request("opened", number=9, ago_s=60))
    assert at.taken() is not None
    assert (202, "duplicate") == at.outcome("github", pull_request("reopened", number=9, ago_s=50))
    assert (202, "queued") == at.outcome("github", pull_request("labeled", number=9, label={"name": "reviewbot"}))
    job = at.taken()
    assert job is not None
    assert job.again


def test_gitlabs_signed_webhooks_are_taken(at: Hooked) -> None:
    data = spelt(merge_request())
    assert (202, "queued") == at.outcome("gitlab", data, signed_headers(data))


def test_of_several_signatures_one_is_enough(at: Hooked) -> None:
    """So that a signing token can be replaced without a gap."""
    data = spelt(merge_request())
    headers = signed_headers(data)
    headers["webhook-signature"] = f"v1,AAAA {headers['webhook-signature']}"
    assert (202, "queued") == at.outcome("gitlab", data, headers)


def test_a_secret_for_some_projects_is_good_for_those(at: Hooked) -> None:
    body = merge_request(
        project={"id": 42, "web_url": "https://git.example/Shop/till", "path_with_namespace": "Shop/till"}
    )
    assert (202, "queued") == at.outcome("gitlab", body, gitlab_headers(SHOP))


# What is left alone.


@pytest.mark.parametrize(
    ("forge", "body", "reason"),
    [
        ("gitlab", merge_request("merge", state="merged"), "nothing of the change itself is new"),
        ("gitlab", merge_request("approved"), "nothing of the change itself is new"),
        ("gitlab", merge_request("update"), "update: nothing new to review"),
        ("gitlab", merge_request("update", changes=labels([], ["x"])), "update: nothing new to review"),
        ("gitlab", merge_request("update", oldrev=OLD, state="closed"), "push: it is not open"),
        ("gitlab", merge_request(draft=True), "it is a draft"),
        ("gitlab", merge_request(draft=None, work_in_progress=True), "it is a draft"),
        ("gitlab", merge_request(labels=["No-Review"]), "it has a label that is ignored"),
        ("gitlab", merge_request(target_branch="release/1"), "its target branch is ignored"),
        ("gitlab", merge_request(user={"id": 51, "username": "renovate-bot"}), "it is a bot's"),
        (
            "gitlab",
            {"object_kind": "push", "project": {"path_with_namespace": "group/app"}},
            "it is no event of a merge request",
        ),
        ("github", pull_request("closed", state="closed"), "nothing of the change itself is new"),
        ("github", pull_request("edited", changes={"title": {"from": "x"}}), "nothing of the change itself is new"),
        ("github", pull_request("labeled", label={"name": "x"}), "labeled: nothing new to review"),
        ("github", pull_request(draft=True), "it is a draft"),
        ("github", pull_request(user={"login": "dependabot[bot]", "type": "Bot"}), "it is a bot's"),
        ("github", pull_request(labels=[{"name": "no-review"}]), "it has a label that is ignored"),
    ],
)
def test_what_is_not_to_be_reviewed_is_skipped_with_the_reason(at: Hooked, forge: str, body: Json, reason: str) -> None:
    found = at.send(forge, body)
    assert (202, "skipped", reason) == (found.status_code, found.json()["outcome"], found.json()["reason"])
    assert [] == at.stored()


def test_an_ignored_project_is_skipped(at: Hooked) -> None:
    where = {"id": 42, "web_url": "https://git.example/sandbox/x", "path_with_namespace": "sandbox/x"}
    assert (202, "skipped") == at.outcome("gitlab", merge_request(project=where))


@pytest.mark.parametrize("kind", ["ping", "installation", "installation_repositories", "issue_comment", "push", ""])
def test_other_events_of_githubs_are_acknowledged(at: Hooked, kind: str) -> None:
    data = spelt({"zen": "Keep it logically awesome.", "hook_id": 1})
    assert (202, "skipped") == at.outcome("github", data, github_headers(data, kind))
    assert [] == at.stored()


def test_a_bot_that_pushes_to_a_persons_branch_is_no_reason_to_leave_it_alone(at: Hooked) -> None:
    body = merge_request("update", oldrev=OLD, user={"id": 99, "username": "project_1_bot_aa"})
    assert (202, "queued") == at.outcome("gitlab", body)


# The log, and what goes wrong around.


def test_the_log_tells_what_became_of_it_under_the_forges_own_id_and_no_text(
    at: Hooked, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "reviewbot")
    key = "99999999-2222-3333-4444-555555555555"
    body = merge_request(number=8, draft=True, description="nobody's business")
    at.send("gitlab", body, gitlab_headers(idempotency_key=key))
    (line,) = caplog.messages
    assert line.startswith(f"webhook {key} of gitlab group/app 8: skipped (it is a draft), ")
    assert "nobody's business" not in caplog.text
    assert "nobody's business" not in at.gateway.journal.getvalue()


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space", "a\tb-------", "é" * 10])
def test_an_id_that_could_harm_a_log_is_replaced(at: Hooked, given: str) -> None:
    headers: dict[str, Any] = {**gitlab_headers(), "idempotency-key": given.encode("latin-1")}
    found = at.send("gitlab", merge_request(), headers)
    assert 202 == found.status_code
    assert given != found.json()["id"]


@pytest.mark.parametrize("body", [merge_request(), note("hm"), note(MARK, username="reviewer")])
def test_without_redis_the_forge_is_told_to_send_it_again(tmp_path: Path, body: Json) -> None:
    for server in running_redis():
        with hooked(server, tmp_path) as at:
            server.stop()
            found = at.send("gitlab", body)
            assert (503, "queue_down", "30") == (
                found.status_code,
                found.json()["error"]["code"],
                found.headers["retry-after"],
            )
            server.start()
            assert 202 == at.send("gitlab", body).status_code


def test_a_forge_that_leaves_in_the_middle_does_no_harm(at: Hooked) -> None:
    address = urlsplit(at.gateway.base)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), 20) as connection:
        head = f"POST /webhooks/gitlab HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: {TOKEN}\r\nContent-Length: 99\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
    assert (202, "queued") == at.outcome("gitlab", merge_request())


def test_a_project_with_too_much_waiting_is_told_so(at: Hooked) -> None:
    at.desk.redis.hset("reviewbot:reviews:tally:git.example/group/app", mapping={"waiting": 1_000})
    found = at.send("gitlab", merge_request())
    assert (429, "project_full") == (found.status_code, found.json()["error"]["code"])


def test_without_secrets_webhooks_are_off(redis: RedisServer, tmp_path: Path) -> None:
    with hooked(redis, tmp_path, REVIEWBOT_WEBHOOK_SECRETS="") as at:
        at.forget()
        found = at.send("gitlab", merge_request())
        assert (404, "off") == (found.status_code, found.json()["error"]["code"])
        assert "docs/webhooks.md" in found.json()["error"]["message"]
        assert [] == at.stored()


def test_a_secret_that_changes_in_its_file_counts_without_a_restart(redis: RedisServer, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.write_text("# of the webhooks\ngitlab=" + "first-" * 4 + "\n")
    with hooked(redis, tmp_path, REVIEWBOT_WEBHOOK_SECRETS="", REVIEWBOT_WEBHOOK_SECRETS_FILE=str(secrets)) as at:
        second = "second-" * 4
        assert 202 == at.send("gitlab", merge_request(), gitlab_headers("first-" * 4)).status_code
        assert 401 == at.send("gitlab", merge_request(), gitlab_headers(second)).status_code
        secrets.write_text(f"gitlab={second}\n")
        at.until(lambda: 202 == at.send("gitlab", merge_request(), gitlab_headers(second)).status_code)
        assert 401 == at.send("gitlab", merge_request(), gitlab_headers("first-" * 4)).status_code
