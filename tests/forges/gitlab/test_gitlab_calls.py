"""Requests: what is repeated, how long is waited, and what people are told."""

import socket

import pytest
from forges.gitlab.gitlab_script import TOKEN, Reply, serving

from reviewbot.errors import ForgeError, ReadOnlyError
from reviewbot.forges.gitlab.calls import Access, Calls
from reviewbot.forges.gitlab.refusals import LostError, RefusedError, ThrottledError

GONE = Reply(502, {"message": "502 Bad Gateway"})
BROKEN = Reply(0)
SCOPE = {"error": "insufficient_scope", "error_description": "The request requires higher privileges", "scope": "api"}


def test_the_address_may_hold_a_relative_root_and_the_project_a_path() -> None:
    with serving(Reply(body={"id": 1})) as script:
        assert {"id": 1} == script.calls().get(script.calls().request_path)
    assert ["GET /relative/root/api/v4/projects/group%2Fa%20project/merge_requests/3"] == script.asked


@pytest.mark.parametrize(("job_token", "expected"), [(False, TOKEN), (True, f"job {TOKEN}")])
def test_each_kind_of_token_goes_by_its_own_header(job_token: bool, expected: str) -> None:
    with serving(Reply()) as script:
        script.calls(job_token=job_token).get("/user")
    assert [expected] == script.tokens


@pytest.mark.parametrize("fault", [GONE, BROKEN, Reply(500, {}), Reply(429, {})], ids=["502", "broken", "500", "429"])
def test_a_read_is_repeated_until_it_succeeds(fault: Reply) -> None:
    with serving(fault, fault, Reply(body={"id": 1})) as script:
        assert {"id": 1} == script.calls().get("/user")
    assert 3 == len(script.asked)


def test_a_read_waits_longer_each_time_and_ends_after_five_attempts() -> None:
    with serving(GONE) as script, pytest.raises(LostError, match="a fault of the server"):
        script.calls().get("/user")
    assert ([1.0, 2.0, 4.0, 8.0], 5) == (script.waits, len(script.asked))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Retry-After": "7"}, 7.0, id="as asked"),
        pytest.param({"Retry-After": "3600"}, 60.0, id="an hour is cut"),
        pytest.param({}, 20.0, id="no hint"),
        pytest.param({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 20.0, id="a date"),
    ],
)
def test_a_limit_on_requests_is_waited_out(headers: dict[str, str], expected: float) -> None:
    with serving(Reply(429, {"message": {"error": "Try again later."}}, headers), Reply(201, {"id": 5})) as script:
        assert {"id": 5} == script.calls().once("post", "/notes", {"body": "x"})
    assert ([expected], 2) == (script.waits, len(script.asked))


def test_a_limit_that_stays_is_told() -> None:
    with serving(Reply(429, {"message": "Retry later"})) as script, pytest.raises(ThrottledError, match="Retry later"):
        script.calls().get("/user")
    assert 5 == len(script.asked)


@pytest.mark.parametrize("fault", [GONE, BROKEN], ids=["502", "broken"])
def test_a_write_with_an_unknown_outcome_is_never_repeated(fault: Reply) -> None:
    with serving(fault) as script, pytest.raises(LostError):
        script.calls().once("post", "/notes", {"body": "x"})
    assert (1, []) == (len(script.asked), script.waits)


def test_a_harmless_write_is_repeated() -> None:
    with serving(GONE, BROKEN, Reply(204)) as script:
        script.calls().again("delete", "/notes/1")
    assert ["DELETE /relative/root/api/v4/notes/1"] * 3 == script.asked


def test_an_answer_without_content_is_an_empty_row() -> None:
    with serving(Reply(204)) as script:
        assert {} == script.calls().once("post", "/bulk_publish", {})


def test_a_list_is_read_page_by_page_even_if_one_of_them_fails_at_first() -> None:
    first = Reply(body=[{"id": 1}, {"id": 2}], headers={"X-Next-Page": "2"})
    last = Reply(body=[{"id": 3}], headers={"X-Next-Page": ""})
    with serving(first, GONE, last) as script:
        assert [1, 2, 3] == [row["id"] for row in script.calls().pages("/diffs")]
    assert ["page=1", "page=2", "page=2"] == [asked.partition("?")[2].partition("&")[0] for asked in script.asked]


@pytest.mark.parametrize("body", [[1], {"id": 1}, None, ["a"]])
def test_a_list_of_another_form_is_an_error(body: object) -> None:
    with serving(Reply(body=body)) as script, pytest.raises(ForgeError, match="something else than documented"):
        list(script.calls().pages("/diffs"))


def test_an_object_of_another_form_is_an_error() -> None:
    with serving(Reply(body=[])) as script, pytest.raises(ForgeError, match="something else than documented"):
        script.calls().get("/user")


def test_a_login_page_is_told_from_an_api() -> None:
    with serving(Reply(text="<html>Sign in</html>")) as script, pytest.raises(ForgeError, match="no JSON"):
        script.calls().get("/user")


@pytest.mark.parametrize("location", ["http://elsewhere.example/api/v4/user", "/other/place"])
def test_a_redirect_is_not_followed_with_the_token(location: str) -> None:
    with (
        serving(Reply(302, {}, {"Location": location})) as script,
        pytest.raises(RefusedError, match=f"sends GET /user elsewhere, to {location}"),
    ):
        script.calls().get("/user")
    assert 1 == len(script.asked)


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    waits: list[float] = []
    calls = Calls(Access(url=url, token=TOKEN, project="1", iid=1), waits.append)
    with pytest.raises(LostError, match=f"{url} cannot be reached"):
        calls.get("/user")


@pytest.mark.parametrize("url", ["gitlab.example", "http://", "ftp://gitlab.example"])
def test_an_address_that_is_none_is_told_at_once(url: str) -> None:
    waits: list[float] = []
    with pytest.raises(RefusedError, match="is no address of a GitLab server"):
        Calls(Access(url=url, token=TOKEN, project="1", iid=1), waits.append).get("/user")
    assert [] == waits


@pytest.mark.parametrize(
    ("verb", "status", "body", "kind", "words"),
    [
        ("get", 401, {"message": "401 Unauthorized"}, RefusedError, "unknown, expired or revoked"),
        ("post", 401, {"message": "401 Unauthorized"}, RefusedError, "CI_JOB_TOKEN given in the place"),
        ("get", 403, SCOPE, RefusedError, "scopes do not cover it"),
        ("post", 403, SCOPE, ReadOnlyError, "scopes do not cover it"),
        ("post", 403, {"message": "403 Forbidden"}, ReadOnlyError, "role of the token's user .* is too low"),
        ("get", 404, {"message": "404 Project Not Found"}, RefusedError, "no member of the project"),
        ("post", 400, {"error": "body is missing"}, RefusedError, "400 .body is missing"),
        ("post", 405, {}, RefusedError, "no reason given|{}"),
    ],
)
def test_each_refusal_says_what_happened_and_what_to_do(
    verb: str, status: int, body: object, kind: type[Exception], words: str
) -> None:
    with serving(Reply(status, body)) as script, pytest.raises(kind, match=words) as caught:
        script.calls().once(verb, "/notes")
    assert f"GitLab answered {status}" in str(caught.value)
    assert isinstance(caught.value, ReadOnlyError) == (kind is ReadOnlyError)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_job_token_that_is_refused_is_named_as_the_cause(status: int) -> None:
    with serving(Reply(status, {"message": "no"})) as script:
        with pytest.raises(ReadOnlyError, match=r"CI_JOB_TOKEN reads .* may not post"):
            script.calls(job_token=True).once("post", "/notes", {"body": "x"})
        with pytest.raises(RefusedError, match="CI_JOB_TOKEN sees little more"):
            script.calls(job_token=True).get("/user")


def test_the_token_is_in_no_message_and_in_no_repr() -> None:
    with serving(Reply(400, {"message": f"bad token {TOKEN} \x1b[31m"})) as script:
        calls = script.calls()
        with pytest.raises(RefusedError) as caught:
            calls.get("/user")
    assert TOKEN not in str(caught.value) + repr(calls.access)
    assert "bad token [token] \\x1b[31m" in str(caught.value)
