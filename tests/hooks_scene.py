"""Webhooks as GitLab and GitHub send them, and a gateway with a queue behind it that takes them."""

import base64
import copy
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from gateway_scene import Gateway, gateway
from redis_server import RedisServer
from review_queue import Desk, Hand, a_desk

from reviewbot.domain.job import ReviewJob

GITLAB_URL, GITHUB_URL = "https://git.example", "https://api.github.example"
TOKEN, SHOP, HUB = (f"made-up-webhook-secret-of-{name}" for name in ("gitlab", "shop", "github"))
SIGNING = "whsec_" + base64.b64encode(b"a signing token of thirty-two by").decode()
SECRETS = f"gitlab={TOKEN},gitlab={SIGNING},gitlab:shop/*={SHOP},github={HUB}"
ALL_SECRETS = (TOKEN, SHOP, SIGNING, SIGNING.removeprefix("whsec_"), HUB)
HEAD, OLD, NEWER = "a" * 40, "b" * 40, "c" * 40
MARK = "<!-- reviewbot:v1 finding fp=00 data=x sig=- -->"
CONFIG = """
[webhooks]
ignore_projects = ["sandbox/*"]
ignore_branches = ["release/*"]
ignore_labels = ["no-review"]
max_body_bytes = 200_000
[webhooks.gitlab]
accounts = ["Reviewer"]
"""
_numbers = itertools.count(1)
Json = dict[str, Any]


def moment(ago_s: float = 0) -> str:
    """Give a time as both forges write it."""
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def merge_request(action: str = "open", *, number: int | None = None, ago_s: float = 0, **told: Any) -> Json:  # noqa: ANN401
    """Make GitLab's event; ``told`` goes into its object_attributes, ``changes``, ``user``, ``project`` beside it."""
    beside: Json = {name: told.pop(name) for name in ("changes", "user", "project") if name in told}
    labels = [{"id": 1, "title": title, "color": "#fff"} for title in told.pop("labels", ())]
    attributes = {
        "id": 99,
        "iid": number or next(_numbers),
        "author_id": 51,
        "target_project_id": 42,
        "source_project_id": 42,
        "target_branch": "main",
        "source_branch": "feature",
        "state": "opened",
        "draft": False,
        "created_at": moment(3_600),
        "updated_at": moment(ago_s),
        "last_commit": {"id": HEAD, "message": "more", "timestamp": moment(), "author": {"name": "Ann"}},
        "labels": labels,
        "action": action,
    }
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": {"id": 51, "name": "Ann", "username": "ann"},
        "project": {
            "id": 42,
            "web_url": f"{GITLAB_URL}/group/app",
            "path_with_namespace": "group/app",
            "git_http_url": f"{GITLAB_URL}/group/app.git",
        },
        "object_attributes": attributes | told,
        "labels": labels,
        "changes": {},
        "repository": {"name": "app", "homepage": f"{GITLAB_URL}/group/app"},
        **beside,
    }


def note(text: str, *, thread: str = "d" * 40, number: int = 7, username: str = "ann", **told: Any) -> Json:  # noqa: ANN401
    """Make GitLab's event of a comment in a thread on the diff."""
    made = merge_request(number=number)
    return {
        **made,
        "object_kind": "note",
        "user": {"id": 51, "username": username},
        "merge_request": made["object_attributes"],
        "object_attributes": {
            "id": 1_000 + next(_numbers),
            "note": text,
            "noteable_type": "MergeRequest",
            "discussion_id": thread,
            "type": "DiffNote",
            "system": False,
            "internal": False,
            "action": "create",
            "author_id": 51,
            "created_at": moment(),
            "updated_at": moment(),
            **told,
        },
    }


def pull_request(action: str = "opened", *, number: int | None = None, ago_s: float = 0, **told: Any) -> Json:  # noqa: ANN401
    """Make GitHub's event; ``told`` goes into its pull_request, and ``label``, ``changes``, ``sender`` beside it."""
    beside: Json = {name: told.pop(name) for name in ("label", "changes", "sender", "repository") if name in told}
    number = number or next(_numbers)
    return {
        "action": action,
        "number": number,
        "pull_request": {
            "number": number,
            "state": "open",
            "draft": False,
            "user": {"login": "ann", "type": "User"},
            "head": {"sha": HEAD, "ref": "feature", "repo": {"full_name": "stranger/app"}},
            "base": {"ref": "main", "sha": OLD},
            "labels": [],
            "created_at": moment(3_600),
            "updated_at": moment(ago_s),
            **told,
        },
        "repository": {
            "id": 42,
            "full_name": "acme/app",
            "url": f"{GITHUB_URL}/repos/acme/app",
            "html_url": "https://github.example/acme/app",
        },
        "sender": {"login": "ann", "type": "User"},
        "installation": {"id": 5},
        **beside,
    }


def review_comment(text: str, *, login: str = "ann", kind: str = "User", **told: Any) -> Json:  # noqa: ANN401
    """Make GitHub's event of a comment on the diff."""
    made = pull_request(number=7)
    comment = {
        "id": 2_000 + next(_numbers),
        "body": text,
        "user": {"login": login, "type": kind},
        "created_at": moment(),
        "updated_at": moment(),
        **told,
    }
    return {**made, "action": "created", "comment": comment}


def without(body: Json, *path: str) -> Json:
    """Take a field out."""
    return changed(body, path, None, drop=True)


def changed(body: Json, path: tuple[str, ...], value: object, *, drop: bool = False) -> Json:
    """Put something else into a field."""
    made = copy.deepcopy(body)
    at = made
    for name in path[:-1]:
        at = at[name]
    if drop:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return made


def spelt(body: object) -> bytes:
    """Spell a body."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def gitlab_headers(token: str = TOKEN, **more: str) -> dict[str, str]:
    """Give the headers of GitLab's webhook with a secret token."""
    return {"content-type": "application/json", "x-gitlab-event": "Hook", "x-gitlab-token": token, **_named(more)}


def signed_headers(
    body: bytes, *, key: str = SIGNING, name: str = "delivery-1", at: float | None = None
) -> dict[str, str]:
    """Give the headers of GitLab's webhook with a signing token."""
    seconds = str(int(datetime.now(UTC).timestamp() if at is None else at))
    made = hmac.new(
        base64.b64decode(key.removeprefix("whsec_")), f"{name}.{seconds}.".encode() + body, hashlib.sha256
    ).digest()
    return {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": seconds,
        "webhook-signature": "v1," + base64.b64encode(made).decode(),
    }


def github_headers(body: bytes, kind: str = "pull_request", *, key: str = HUB, **more: str) -> dict[str, str]:
    """Give the headers of GitHub's webhook."""
    return {
        "content-type": "application/json",
        "x-github-event": kind,
        "x-github-delivery": f"00000000-0000-0000-0000-{next(_numbers):012}",
        "x-hub-signature-256": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest(),
        **_named(more),
    }


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Hooked:
    """A gateway that takes webhooks, and a worker's hand on its queue."""

    gateway: Gateway
    redis: RedisServer
    desk: Desk

    def send(self, forge: str, body: object, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a webhook; without headers, as the forge's own."""
        data = spelt(body)
        known = headers
        if known is None:
            known = gitlab_headers() if forge == "gitlab" else github_headers(data, _kind(body))
        return self.gateway.client.post(f"/webhooks/{forge}", content=data, headers=dict(known))

    def outcome(self, forge: str, body: object, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Send a webhook, and give what became of it."""
        found = self.send(forge, body, headers)
        return found.status_code, found.json()["outcome"]

    def taken(self) -> ReviewJob | None:
        """Take the next job off the queue, as a worker does, and end it."""
        hand = Hand(self.desk)
        taken = hand.take()
        if taken is None:
            return None
        hand.end(taken)
        return taken.job

    def until(self, come: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for something that the gateway does by itself."""
        end = time.monotonic() + seconds
        while not come():
            assert time.monotonic() < end, "it never came"
            time.sleep(0.2)  # noqa: TID251 - it looks at its files when it does

    def stored(self) -> list[str]:
        """Name all that webhooks left in Redis."""
        names = [name.decode() for name in self.desk.redis.scan_iter("reviewbot:*")]
        return sorted(name for name in names if name.split(":")[1] in {"reviews", "tickets", "threads"})

    def forget(self) -> None:
        """Empty the queue."""
        for name in self.stored():
            self.desk.redis.delete(name)


def _kind(body: object) -> str:
    return "pull_request_review_comment" if isinstance(body, dict) and "comment" in body else "pull_request"


@contextmanager
def hooked(redis: RedisServer, folder: Path, **environ: str) -> Iterator[Hooked]:
    """Run a gateway that takes webhooks, for the length of a block."""
    config = folder / "operator.toml"
    if not config.exists():
        config.write_text(CONFIG)
    known: dict[str, Any] = {
        "REVIEWBOT_REDIS_URL": redis.url,
        "REVIEWBOT_WEBHOOK_SECRETS": SECRETS,
        "REVIEWBOT_GITLAB_URL": GITLAB_URL,
        "REVIEWBOT_GITHUB_API_URL": GITHUB_URL,
    }
    with gateway("http://127.0.0.1:9", config=config, **(known | environ)) as running, a_desk(redis.url) as desk:
        desk.now = datetime.now(UTC)
        yield Hooked(running, redis, desk)
