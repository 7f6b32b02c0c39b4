"""What is read of webhooks, by itself: whatever comes, it is an event or a refusal, and nothing else."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hooks_scene import SIGNING, merge_request, note, pull_request, review_comment, signed_headers, spelt
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.gateway import hooks_github, hooks_gitlab, hooks_signing
from reviewbot.gateway.hooks_events import Asked, Change, Request, Skip, chosen
from reviewbot.gateway.hooks_reading import Fields, Misread, decoded
from reviewbot.gateway.hooks_rules import Choice, Secret

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
WHOLE = [merge_request("update"), note("hm"), pull_request("labeled", label={"name": "x"}), review_comment("hm")]
REQUEST = Request(
    project="group/app",
    project_id=1,
    number=2,
    head_sha="a" * 40,
    target_branch="main",
    at=NOW,
    open=True,
    draft=False,
    labels=(),
)


def places(value: object, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [at]
    return [at, *(place for name, inner in value.items() for place in places(inner, (*at, name)))]


@given(st.data())
def test_an_event_with_anything_anywhere_is_read_or_misread(data: st.DataObject) -> None:
    body = json.loads(json.dumps(data.draw(st.sampled_from(WHOLE))))
    *path, last = data.draw(st.sampled_from([place for place in places(body) if place]))
    inner = body
    for name in path:
        inner = inner[name]
    inner[last] = data.draw(VALUES)
    kind = "pull_request_review_comment" if "comment" in body else "pull_request"
    try:
        fields = decoded(spelt(body))
        if "repository" in body and "pull_request" in body:
            hooks_github.read(kind, fields)
            hooks_github.address(fields)
        else:
            hooks_gitlab.read(fields)
            hooks_gitlab.address(fields)
    except Misread:
        pass


@given(st.binary(max_size=200))
def test_bytes_are_an_object_or_misread(body: bytes) -> None:
    with suppress(Misread):
        decoded(body)


@given(st.text(max_size=60))
def test_a_path_that_is_read_leads_nowhere_else(text: str) -> None:
    try:
        path = Fields({"x": text}).path("x")
    except Misread:
        return
    parts = path.split("/")
    assert len(parts) >= 2
    assert not {"", ".", ".."} & set(parts)
    assert path.isascii()


@pytest.mark.parametrize("path", ["acme/.github", "a/b/c.d-e_f", "_x/y"])
def test_paths_that_forges_give_are_read(path: str) -> None:
    assert path == Fields({"x": path}).path("x")


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - made aware below
def test_times_are_read_as_they_were_written(at: datetime) -> None:
    at = at.replace(tzinfo=UTC, microsecond=0)
    for spelling in (at.isoformat(), at.strftime("%Y-%m-%d %H:%M:%S UTC"), at.strftime("%Y-%m-%dT%H:%M:%SZ")):
        assert at == Fields({"x": spelling}).time("x")


def test_a_misreading_names_the_field_and_not_what_stands_there() -> None:
    with pytest.raises(Misread, match=r"^'a\.b\.c' is not a positive number$"):
        Fields({"a": {"b": {"c": "my secret"}}}).at("a").at("b").number("c")


@given(st.binary(max_size=300), st.text(alphabet="abc123-", min_size=1, max_size=40))
def test_what_a_signing_token_signed_is_proven_and_a_changed_byte_is_not(body: bytes, name: str) -> None:
    secret = Secret(forge="gitlab", value=SIGNING)
    headers = signed_headers(body, name=name, at=NOW.timestamp())
    assert (secret,) == hooks_signing.proven([secret], headers, body, NOW.timestamp())
    assert () == hooks_signing.proven([secret], headers, body + b"x", NOW.timestamp())


@pytest.mark.parametrize(("off_s", "proven"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_is_good_for_five_minutes(off_s: int, *, proven: bool) -> None:
    secret = Secret(forge="gitlab", value=SIGNING)
    headers = signed_headers(b"x", at=NOW.timestamp())
    assert proven == bool(hooks_signing.proven([secret], headers, b"x", NOW.timestamp() + off_s))


def test_the_specifications_own_example_is_proven() -> None:
    """The one that libraries for Standard Webhooks test themselves with."""
    key = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert hooks_signing.proven([Secret(forge="gitlab", value=key)], headers, body, 1_614_265_330)


@pytest.mark.parametrize("value", ["whsec_", "whsec_not base64", "whsec_" + base64.b64encode(b"x").decode()[:-1]])
def test_a_signing_token_that_is_none_proves_nothing(value: str) -> None:
    secret = Secret(forge="gitlab", value=value)
    headers = signed_headers(b"x", at=NOW.timestamp())
    assert () == hooks_signing.proven([secret], headers, b"x", NOW.timestamp())


@given(st.lists(st.sampled_from(["a", "b", "ask", "no"]), unique=True), st.booleans(), st.booleans(), st.booleans())
def test_what_is_chosen_is_open_and_not_ignored(labels: list[str], draft: bool, is_open: bool, fresh: bool) -> None:
    choice = Choice(ignore_labels=("no",), ask_labels=("ask",))
    request = Request(**{name: getattr(REQUEST, name) for name in REQUEST.__slots__} | {
        "open": is_open, "draft": draft, "labels": tuple(labels),
    })  # fmt: skip
    found = chosen(Change(request=request, word="x", fresh=fresh, added=tuple(labels)), choice)
    wanted = is_open and "no" not in labels and (fresh or "ask" in labels) and (not draft or "ask" in labels)
    assert (Asked(request=request, again="ask" in labels) if wanted else Skip) == (found if wanted else type(found))


def test_drafts_and_bots_are_reviewed_where_the_operator_wants_it() -> None:
    request = Request(**{name: getattr(REQUEST, name) for name in REQUEST.__slots__} | {"draft": True, "by_bot": True})
    change = Change(request=request, word="open", fresh=True)
    assert Asked(request=request) == chosen(change, Choice(drafts=True, bots=True))
    assert [Skip, Skip] == [type(chosen(change, each)) for each in (Choice(drafts=True), Choice(bots=True))]


def test_times_are_utc() -> None:
    assert timedelta(0) == Fields({"x": "2026-11-22T09:00:00+02:00"}).time("x").utcoffset()
