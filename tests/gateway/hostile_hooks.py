"""Webhooks that nobody should send, by what is wrong with them. Each with the status that is right."""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from hooks_scene import (
    HUB,
    SHOP,
    SIGNING,
    TOKEN,
    Json,
    changed,
    github_headers,
    gitlab_headers,
    merge_request,
    note,
    pull_request,
    review_comment,
    signed_headers,
    spelt,
    without,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile webhook."""

    name: str
    forge: str
    body: bytes
    headers: Mapping[str, str]
    status: int
    target: str = ""
    """Another address than the forge's."""
    method: str = "POST"


def _drop(headers: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}


def _now() -> float:
    return datetime.now(UTC).timestamp()


def forged() -> Iterator[Case]:
    """Yield webhooks of somebody who does not know the secret, or tries to do without."""
    body = spelt(merge_request())
    plain = gitlab_headers()
    tokens: Mapping[str, dict[str, str]] = {
        "no token": _drop(plain, "x-gitlab-token"),
        "an empty token": gitlab_headers(""),
        "another token": gitlab_headers("x" * len(TOKEN)),
        "the token's beginning": gitlab_headers(TOKEN[:-1]),
        "the token and more": gitlab_headers(TOKEN + "x"),
        "the token in upper case": gitlab_headers(TOKEN.upper()),
        "the token in quotes": gitlab_headers(f'"{TOKEN}"'),
        "the token twice": gitlab_headers(f"{TOKEN},{TOKEN}"),
        "GitHub's secret": gitlab_headers(HUB),
        "a signing token itself": gitlab_headers(SIGNING),
        "its key itself": gitlab_headers(SIGNING.removeprefix("whsec_")),
        "the secret of other projects": gitlab_headers(SHOP),
        "the token as Authorization": {**_drop(plain, "x-gitlab-token"), "authorization": f"Bearer {TOKEN}"},
        "the token as a cookie": {**_drop(plain, "x-gitlab-token"), "cookie": f"X-Gitlab-Token={TOKEN}"},
        "the token under another name": {**_drop(plain, "x-gitlab-token"), "gitlab-token": TOKEN},
        "a wildcard": gitlab_headers("*"),
        "null": gitlab_headers("null"),
        "a token of 10,000 characters": gitlab_headers("x" * 10_000),
        "a signature of GitHub's": github_headers(body),
        "a digest of the token": gitlab_headers(hashlib.sha256(TOKEN.encode()).hexdigest()),
    }
    for name, headers in tokens.items():
        yield Case(f"gitlab: {name}", "gitlab", body, headers, 401)
    yield Case("gitlab: the token in the address", "gitlab", body, tokens["no token"], 401, f"?token={TOKEN}")
    yield from _forged_signatures(body)
    yield from _forged_hubs()


def _forged_signatures(body: bytes) -> Iterator[Case]:
    good = signed_headers(body)
    signature = good["webhook-signature"]
    other = "whsec_" + base64.b64encode(b"another key").decode()
    wrong: Mapping[str, dict[str, str]] = {
        "another key": signed_headers(body, key=other),
        "the token as key": signed_headers(body, key=base64.b64encode(TOKEN.encode()).decode()),
        "another body": signed_headers(body + b" "),
        "an older time": signed_headers(body, at=_now() - 600),
        "a later time": signed_headers(body, at=_now() + 600),
        "another time than signed": {**good, "webhook-timestamp": str(int(_now()) - 7)},
        "another id than signed": {**good, "webhook-id": "delivery-2"},
        "no id": _drop(good, "webhook-id"),
        "no time": _drop(good, "webhook-timestamp"),
        "a time that is none": {**good, "webhook-timestamp": "now"},
        "a time with a point": {**good, "webhook-timestamp": f"{_now():.3f}"},
        "a negative time": {**good, "webhook-timestamp": f"-{int(_now())}"},
        "a time of 5,000 digits": {**good, "webhook-timestamp": "9" * 5_000},
        "no signature": _drop(good, "webhook-signature"),
        "an empty signature": {**good, "webhook-signature": "v1,"},
        "no version": {**good, "webhook-signature": signature.removeprefix("v1,")},
        "another version": {**good, "webhook-signature": signature.replace("v1,", "v1a,")},
        "the signature in hexadecimal": {
            **good,
            "webhook-signature": "v1," + base64.b64decode(signature.removeprefix("v1,")).hex(),
        },
        "5,000 wrong ones before it": {**good, "webhook-signature": "v1,AA " * 5_000 + signature},
    }
    for name, headers in wrong.items():
        yield Case(f"gitlab signed: {name}", "gitlab", body, headers, 401)


def _forged_hubs() -> Iterator[Case]:
    body = spelt(pull_request())
    good = github_headers(body)
    mac = good["x-hub-signature-256"]
    old = hmac.new(HUB.encode(), body, hashlib.sha1).hexdigest()
    wrong: Mapping[str, dict[str, str]] = {
        "no signature": _drop(good, "x-hub-signature-256"),
        "an empty signature": {**good, "x-hub-signature-256": ""},
        "a signature of nothing": {**good, "x-hub-signature-256": "sha256="},
        "no sha256=": {**good, "x-hub-signature-256": mac.removeprefix("sha256=")},
        "in upper case": {**good, "x-hub-signature-256": mac.upper()},
        "cut short": {**good, "x-hub-signature-256": mac[:-1]},
        "one digit more": {**good, "x-hub-signature-256": mac + "0"},
        "another secret": github_headers(body, key="x" * 32),
        "an empty secret": github_headers(body, key=""),
        "GitLab's secret": github_headers(body, key=TOKEN),
        "another body": github_headers(body + b"\n"),
        "SHA-1 alone": {**_drop(good, "x-hub-signature-256"), "x-hub-signature": f"sha1={old}"},
        "SHA-1 in its place": {**good, "x-hub-signature-256": f"sha1={old}"},
        "SHA-1 that says it is more": {**good, "x-hub-signature-256": f"sha256={old}"},
        "a plain digest": {**good, "x-hub-signature-256": "sha256=" + hashlib.sha256(body).hexdigest()},
        "the secret itself": {**good, "x-hub-signature-256": HUB},
        "two in one": {**good, "x-hub-signature-256": f"{mac}, {mac}"},
        "GitLab's token": gitlab_headers(),
        "zeros": {**good, "x-hub-signature-256": "sha256=" + "0" * 64},
    }
    for name, headers in wrong.items():
        yield Case(f"github: {name}", "github", body, headers, 401)


def oversized() -> Iterator[Case]:
    """Yield bodies that are longer than allowed, or that grow when they are unpacked."""
    large = spelt(merge_request(description="x" * 250_000))
    yield Case("too long", "gitlab", large, gitlab_headers(), 413)
    hub = spelt(pull_request(body="x" * 1_000_000))
    yield Case("too long and signed", "github", hub, github_headers(hub), 413)
    packed = gzip.compress(b" " * 2_000_000 + spelt(merge_request()))
    yield Case("compressed", "gitlab", packed, gitlab_headers(content_encoding="gzip"), 415)
    form = b"payload=" + spelt(pull_request())
    kind = {"content-type": "application/x-www-form-urlencoded"}
    yield Case("a form", "github", form, github_headers(form) | kind, 415)
    yield Case("no type", "gitlab", spelt(merge_request()), _drop(gitlab_headers(), "content-type"), 415)
    yield Case("text", "gitlab", spelt(merge_request()), gitlab_headers() | {"content-type": "text/plain"}, 415)


_NO_BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
    "a number": b"7",
    "cut short": spelt(merge_request())[:-9],
    "a trailing comma": b'{"object_kind": "merge_request",}',
    "two kinds": b'{"object_kind": "push", "object_kind": "merge_request"}',
    "NaN": b'{"object_kind": "merge_request", "x": NaN}',
    "Latin-1": b'{"object_kind": "merge_request", "x": "\xe9"}',
    "UTF-16": json.dumps(merge_request()).encode("utf-16"),
    "half a character": b'{"object_kind": "\\ud800"}',
    "a NUL": b'{"object_kind": "\\u0000"}',
    "20,000 lists in each other": b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "XML": b"<?xml version='1.0'?><a/>",
    "an object without a kind": b"{}",
    "a kind that is a list": b'{"object_kind": ["merge_request"]}',
    "a kind alone": b'{"object_kind": "merge_request"}',
}
_TOLD = "object_attributes"
_NO_GITLAB: Mapping[str, Json] = {
    "no project": without(merge_request(), "project"),
    "a project that is a text": changed(merge_request(), ("project",), "group/app"),
    "no user": without(merge_request(), "user"),
    "a project's number that is a text": changed(merge_request(), ("project", "id"), "42"),
    "a project's number that is true": changed(merge_request(), ("project", "id"), True),
    "a negative project": changed(merge_request(), ("project", "id"), -1),
    "another project than the target": changed(merge_request(), (_TOLD, "target_project_id"), 43),
    "number 0": changed(merge_request(), (_TOLD, "iid"), 0),
    "a number with a point": changed(merge_request(), (_TOLD, "iid"), 1.5),
    "a number beyond all": changed(merge_request(), (_TOLD, "iid"), 10**30),
    "no commit": without(merge_request(), _TOLD, "last_commit"),
    "an option as commit": changed(merge_request(), (_TOLD, "last_commit", "id"), "--upload-pack=/bin/sh"),
    "a short commit": changed(merge_request(), (_TOLD, "last_commit", "id"), "a" * 7),
    "a commit in upper case": changed(merge_request(), (_TOLD, "last_commit", "id"), "A" * 40),
    "a commit and a line": changed(merge_request(), (_TOLD, "last_commit", "id"), "a" * 40 + "\n"),
    "no time": without(merge_request(), _TOLD, "updated_at"),
    "a time that is none": changed(merge_request(), (_TOLD, "updated_at"), "yesterday"),
    "a time without a zone": changed(merge_request(), (_TOLD, "updated_at"), "2026-11-22T09:00:00"),
    "a time of month 13": changed(merge_request(), (_TOLD, "updated_at"), "2026-13-22T09:00:00Z"),
    "labels that are texts": changed(merge_request(), (_TOLD, "labels"), ["x"]),
    "a draft that is a text": changed(merge_request(), (_TOLD, "draft"), "no"),
    "a comment of a list": note("x", note=["x"]),
    "a comment in a thread with a slash": note("x", thread="../../x"),
    "a comment in a thread of 5,000 digits": note("x", thread="7" * 5_000),
    **{
        f"the path {path[:24]!r}": merge_request(
            project={"id": 42, "web_url": f"https://git.example/{path}", "path_with_namespace": path}
        )
        for path in (
            "..", "../..", "group/../etc", "group/./app", "group", "/group/app", "group/app/", "group//app",
            "group/app?x=1", "group/app#x", "group/app@evil.example", "group/ap\np", "group\\app", "-group/app",
            "group/%2e%2e", "gr oup/app", "g" * 2_000 + "/app", "группа/app",
        )
    },
    **{
        f"the branch {branch[:20]!r}": merge_request(target_branch=branch)
        for branch in (
            "", "--upload-pack=x", "a..b", "a b", "a\nb", "a~1", "a^", "a:b", "a?b", "a*b", "a[b", "a\\b", "/a", "a/",
            "a//b", "a.lock", "@{-1}", ".a", "a/.b", "b" * 300, "\x7f",
        )
    },
}  # fmt: skip
_NO_GITHUB: Mapping[str, Json] = {
    "no repository": without(pull_request(), "repository"),
    "no pull request": without(pull_request(), "pull_request"),
    "no action": without(pull_request(), "action"),
    "no head": without(pull_request(), "pull_request", "head"),
    "a head that is a branch": pull_request(head={"sha": "main"}),
    "a repository of three names": changed(pull_request(), ("repository", "full_name"), "a/b/../c"),
    "a number that is a text": pull_request(number=7)
    | {"pull_request": pull_request()["pull_request"] | {"number": "7"}},
    "a target that is an option": pull_request(base={"ref": "-x"}),
    "a label that is a text": pull_request("labeled", label="reviewbot"),
}


def malformed() -> Iterator[Case]:
    """Yield webhooks of a forge that has lost its mind, or whose secret somebody has found out."""
    for name, body in _NO_BODIES.items():
        yield Case(f"body: {name}", "gitlab", body, gitlab_headers(), 400)
    for name, told in _NO_GITLAB.items():
        yield Case(f"gitlab: {name}", "gitlab", spelt(told), gitlab_headers(), 400)
    for name, told in _NO_GITHUB.items():
        data = spelt(told)
        yield Case(f"github: {name}", "github", data, github_headers(data), 400)
    comment = spelt(without(review_comment("x", in_reply_to_id=1), "comment", "id"))
    headers = github_headers(comment, "pull_request_review_comment")
    yield Case("github: a comment without a number", "github", comment, headers, 400)


_GITLABS: Mapping[str, str] = {
    "another server": "https://evil.example/group/app",
    "another port": "https://git.example:8443/group/app",
    "a user before the server": "https://git.example@evil.example/group/app",
    "a longer name": "https://git.example.evil.example/group/app",
    "another project": "https://git.example/group/other",
    "a query": "https://git.example/group/app?x=1",
    "the cloud's metadata": "http://169.254.169.254/group/app",
    "a file": "file:///group/app",
    "nothing": "",
    "half an address": "https://[/group/app",
}


def elsewhere() -> Iterator[Case]:
    """Yield webhooks that speak of another server: an address in one is never called, and never believed."""
    for name, address in _GITLABS.items():
        body = changed(merge_request(), ("project", "web_url"), address)
        yield Case(f"elsewhere: {name}", "gitlab", spelt(body), gitlab_headers(), 403)
    for address in ("https://evil.example/repos/acme/app", "https://api.github.example/acme/app"):
        data = spelt(changed(pull_request(), ("repository", "url"), address))
        yield Case(f"elsewhere: {address}", "github", data, github_headers(data), 403)


def late() -> Iterator[Case]:
    """Yield webhooks of another time."""
    for forge, make in (("gitlab", merge_request), ("github", pull_request)):
        for name, ago_s in (("of yesterday", 90_000), ("of last year", 3e7), ("of tomorrow", -86_400)):
            body = spelt(make(ago_s=ago_s))
            headers = gitlab_headers() if forge == "gitlab" else github_headers(body)
            yield Case(f"{forge}: {name}", forge, body, headers, 400)
    for year in ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        yield Case(f"gitlab: of {year}", "gitlab", spelt(merge_request(updated_at=year)), gitlab_headers(), 400)


def misplaced() -> Iterator[Case]:
    """Yield webhooks to the wrong address, or in the wrong way."""
    body = spelt(merge_request())
    for target in ("/webhooks", "/webhooks/", "/webhooks/bitbucket", "/webhooks/gitlab/", "/webhooks/GITLAB"):
        yield Case(f"to {target}", "gitlab", body, gitlab_headers(), 404, target)
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        yield Case(f"by {method}", "gitlab", body, gitlab_headers(), 405, method=method)


Replay = Callable[[bytes], tuple[bytes, Mapping[str, str]]]
"""What somebody sends who has recorded a webhook."""


def replayed() -> Mapping[str, tuple[str, bytes, Mapping[str, str], Replay]]:
    """Give webhooks by what is done with them when they are sent again: all are duplicates, and queue nothing."""
    own = spelt(merge_request("update", oldrev="b" * 40, number=11))
    label = {"labels": {"previous": [], "current": [{"title": "reviewbot"}]}}
    asked = spelt(merge_request("update", changes=label, number=12))
    hub = spelt(pull_request("synchronize", number=13))
    hub_asked = spelt(pull_request("labeled", label={"name": "reviewbot"}, number=14))
    signed = spelt(merge_request(number=15))
    recorded = signed_headers(signed)
    key = {"idempotency-key": "11111111-2222-3333-4444-555555555555"}
    return {
        "gitlab: as it was": ("gitlab", own, gitlab_headers() | key, lambda body: (body, gitlab_headers() | key)),
        "gitlab: without its id": ("gitlab", asked, gitlab_headers() | key, lambda body: (body, gitlab_headers())),
        "gitlab: under another id": (
            "gitlab", asked, gitlab_headers(), lambda body: (body, gitlab_headers(idempotency_key="2" * 36)),
        ),
        "gitlab: signed, as it was": ("gitlab", signed, recorded, lambda body: (body, recorded)),
        "gitlab: signed anew": ("gitlab", signed, recorded, lambda body: (body, signed_headers(body, name="two"))),
        "github: under another id": ("github", hub, github_headers(hub), lambda body: (body, github_headers(body))),
        "github: what asked again": (
            "github", hub_asked, github_headers(hub_asked), lambda body: (body, github_headers(body)),
        ),
        "github: without its id": (
            "github", hub_asked, github_headers(hub_asked),
            lambda body: (body, _drop(github_headers(body), "x-github-delivery")),
        ),
    }  # fmt: skip
