"""GitHub's refusals → errors for people, and how long to wait."""

import json

import pytest

from reviewbot.forges.github.refusals import Refused, refusal, silence, words

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
PRIMARY = "API rate limit exceeded for installation ID 1."
NEW_YEAR = "Thu, 01 Jan 2026 00:00:00 GMT"
"""1767225600 in Unix time."""
INTEGRATION = "Resource not accessible by integration"


def refused(status: int, message: str = "", **headers: str) -> Refused:
    lower = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal("GET /user", status, lower, json.dumps({"message": message}))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"message": "Not Found", "status": "404"}, "Not Found"),
        ({"message": "Unprocessable Entity", "errors": ["one", "two"]}, "Unprocessable Entity; one; two"),
        ({"message": "No", "errors": [{"field": "body", "message": "too long"}]}, "No; too long"),
        ({"message": "No", "errors": [{"field": "sha", "code": "missing_field"}]}, "No; sha missing_field"),
        ({"message": "No", "errors": "all of it"}, "No; all of it"),
        ({"message": "two\nlines"}, "two lines"),
        ([], "[]"),
    ],
)
def test_an_answer_is_told_in_one_line(body: object, expected: str) -> None:
    assert expected == words(json.dumps(body))


def test_a_page_of_a_proxy_is_cut_short() -> None:
    told = words("<html>" + "x" * 1000)
    assert (301, True) == (len(told), told.startswith("<html>xx"))


@pytest.mark.parametrize(
    ("refusal", "wait_s"),
    [
        (refused(403, SECONDARY), 60),
        (refused(429, SECONDARY, retry_after="7"), 7),
        (refused(429, ""), 60),
        (refused(403, "Wait.", retry_after="3"), 3),
        (refused(403, "You have triggered an abuse detection mechanism."), 60),
        (refused(422, "was submitted too quickly"), 60),
        (refused(403, PRIMARY), 60),
        (refused(403, PRIMARY, x_ratelimit_remaining="0", x_ratelimit_reset="1767225690", date=NEW_YEAR), 91),
        (refused(403, INTEGRATION), None),
        (refused(422, "line must be part of the diff"), None),
        (refused(404, "Not Found"), None),
    ],
)
def test_a_limit_is_told_from_a_refusal_by_its_words_and_its_headers(refusal: Refused, wait_s: float | None) -> None:
    assert wait_s == refusal.wait_s


def test_a_wait_that_nobody_has_the_patience_for_ends_the_run_and_is_no_lack_of_rights() -> None:
    answer = refused(403, PRIMARY, retry_after="3000")
    assert (None, False, False, False) == (answer.wait_s, answer.passing, answer.not_permitted, answer.read_only)
    assert "after 3000 s" in str(answer)


@pytest.mark.parametrize(
    ("refusal", "passing", "not_permitted", "read_only"),
    [
        (refused(502), True, False, False),
        (refused(403, SECONDARY), True, False, False),
        (silence("GET /user", "nothing came"), True, False, False),
        (refused(403, INTEGRATION), False, True, True),
        (refused(403, "Resource not accessible by personal access token"), False, True, True),
        (refused(403, "Repository was archived so is read-only."), False, True, True),
        (refused(403, "Unable to create comment because issue is locked."), False, True, False),
        (refused(404, "Not Found"), False, True, False),
        (refused(422), False, False, False),
        (refused(401), False, False, False),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(
    refusal: Refused, passing: bool, not_permitted: bool, read_only: bool
) -> None:
    assert (passing, not_permitted, read_only) == (refusal.passing, refusal.not_permitted, refusal.read_only)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "set GITHUB_TOKEN anew"),
        (403, "'pull-requests: write'"),
        (404, "check GITHUB_REPOSITORY"),
        (307, "another name now"),
        (502, "Run the job again later"),
        (422, "GitHub answered 422 to GET /user: no reason given"),
    ],
)
def test_each_refusal_says_what_to_do(status: int, advice: str) -> None:
    assert advice in str(refused(status))
