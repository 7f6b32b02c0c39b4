"""GitHub's refusals, word for word where they are known [forges.md 2.6]."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

DOCS = "https://docs.github.com/rest"
REVIEWS = f"{DOCS}/pulls/reviews#create-a-review-for-a-pull-request"
COMMENTS = f"{DOCS}/pulls/comments#create-a-review-comment-for-a-pull-request"
ISSUES = f"{DOCS}/issues/comments#create-an-issue-comment"
FILES = f"{DOCS}/pulls/pulls#list-pull-requests-files"
TOO_LONG = "Body is too long (maximum is 65536 characters)"
ONE_PENDING = "User can only have one pending review per pull request"
_THREAD = "Pull request review thread"


class Refused(Exception):  # noqa: N818 - an answer, not a failure of the fake
    """An answer that says no."""

    def __init__(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body.get('message')}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def refused(status: int, message: str, errors: Sequence[object] | None = None, docs: str = DOCS) -> Refused:
    body: Json = {"message": message}
    if errors is not None:
        body["errors"] = list(errors)
    return Refused(status, body | {"documentation_url": docs, "status": str(status)})


def not_found() -> Refused:
    return refused(404, "Not Found")


def bad_credentials() -> Refused:
    return refused(401, "Bad credentials")


def not_accessible(kind: str) -> Refused:
    return refused(403, not_accessible_words(kind))


def not_accessible_words(kind: str) -> str:
    return f"Resource not accessible by {'personal access token' if kind == 'classic' else 'integration'}"


def unprocessable(errors: Sequence[str], docs: str = REVIEWS) -> Refused:
    return refused(422, "Unprocessable Entity", errors, docs)


def invalid(*, resource: str, field: str, message: str, code: str = "custom", docs: str = COMMENTS) -> Refused:
    error = {"resource": resource, "code": code, "field": field, "message": message}
    return refused(422, "Validation Failed", [error], docs)


def bad_line(*, newer: bool) -> str:
    if newer:  # what github.com has answered more lately
        return "Line could not be resolved"
    return f"{_THREAD} line must be part of the diff and {_THREAD} diff hunk can't be blank"


def bad_range(*, newer: bool) -> str:
    if newer:
        return "Start line could not be resolved"
    return (
        f"{_THREAD} line must be part of the diff, {_THREAD} start line must be part of the same hunk as the line., "
        f"and {_THREAD} diff hunk can't be blank"
    )


def bad_order() -> str:
    return f"{_THREAD} start line must precede the end line."


def bad_path(*, newer: bool) -> str:
    return (
        "Path could not be resolved" if newer else f"{_THREAD} path is invalid and {_THREAD} diff hunk can't be blank"
    )


def foreign_commit(*, in_review: bool) -> Refused:
    if in_review:
        return unprocessable(["The commitOID is not part of the pull request"])
    error = {"message": "commit_id is not part of the pull request", "resource": "PullRequestReviewComment"}
    return refused(422, "Validation Failed", [error | {"field": "commit_id", "code": "invalid"}], COMMENTS)


def long_issue_comment() -> Refused:
    return invalid(resource="IssueComment", field="data", message=TOO_LONG, code="unprocessable", docs=ISSUES)


def large_diff(*, what: str, most: int) -> Refused:
    words = (
        f"Sorry, the diff exceeded the maximum number of {what} ({most}). Consider using 'List pull requests files' "
        "API or locally cloning the repository instead."
    )
    return refused(406, words, [{"resource": "PullRequest", "field": "diff", "code": "too_large"}], FILES)


def secondary_limit(status: int = 403, retry_after: int | None = None) -> Refused:
    words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    answer = refused(status, words, docs=f"{DOCS}/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits")
    answer.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return answer


def primary_limit(reset: int) -> Refused:
    answer = refused(403, "API rate limit exceeded for installation ID 1234567.")
    answer.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    return answer
