"""The REST routes of the fake GitHub."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from fakes import github_diff, github_reviews
from fakes import github_refusals as words
from fakes.github_calls import Call, Reply, one, page
from fakes.github_issues import ISSUES
from fakes.github_refusals import Json
from fakes.github_reviews import BODY_LIMIT
from fakes.github_timeline import TIMELINE
from fakes.github_world import Comment, Review

_REPO = "/repos/{owner}/{repo}"
_PULL = f"{_REPO}/pulls/{{pull_number}}"
_DIFF = re.compile(r"application/vnd\.github\.(v3\.)?diff")


def _user(call: Call) -> Reply:
    if call.token.kind != "classic":
        raise words.not_accessible(call.token.kind)
    return Reply(body=call.shapes.user(call.user))


def _repository(call: Call) -> Reply:
    return Reply(body=call.shapes.repository(call.world.full_name, full=True))


def _pulls(call: Call) -> Reply:
    setup, query = call.world.setup, call.query
    owner = (setup.head_repo or f"{setup.author}/").partition("/")[0]
    meant = (
        query.get("state", "open") in {call.world.state, "all"}
        and query.get("head", f"{owner}:{setup.head_ref}") == f"{owner}:{setup.head_ref}"
        and query.get("base", setup.base_ref) == setup.base_ref
    )
    return page(call, [call.world] if meant else [], lambda _: call.shapes.pull())


def _pull(call: Call) -> Reply:
    if _DIFF.search(call.accept):
        return _text(call, call.world.merge_base(), call.world.head)
    return Reply(body=call.shapes.pull())


def _text(call: Call, old: str, new: str) -> Reply:
    text, setup = github_diff.text(call.world.repo, old, new), call.world.setup
    if len(re.findall(r"(?m)^diff --git ", text)) > setup.diff_files:
        raise words.large_diff(what="files", most=setup.diff_files)
    if text.count("\n") > setup.diff_lines:
        raise words.large_diff(what="lines", most=setup.diff_lines)
    return Reply(body=text)


def _files(call: Call) -> Reply:
    return page(call, call.world.diff()[: call.world.setup.files_limit], call.shapes.file)


def _compare(call: Call) -> Reply:
    repo = call.world.repo
    old, new = (_commit(call, end) for end in (call.names["base"], call.names["head"]))
    base = github_diff.merge_base(repo, old, new)
    if _DIFF.search(call.accept):
        return _text(call, base, new)
    ahead, behind = (int(repo.git("rev-list", "--count", f"{a}..{b}")) for a, b in ((old, new), (new, old)))
    status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}
    return Reply(
        body={
            "url": f"{call.shapes.api}{call.path}",
            "base_commit": _shape(call, old),
            "merge_base_commit": _shape(call, base),
            "status": status.get((ahead > 0, behind > 0), "identical"),
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": [_shape(call, sha) for sha in repo.git("rev-list", "--reverse", f"{old}..{new}").split()],
            "files": [call.shapes.file(entry) for entry in github_diff.read(repo, base, new)[:300]],
        }
    )


def _shape(call: Call, sha: str) -> Json:
    return {"sha": sha, "url": f"{call.shapes.repo_url}/commits/{sha}", "node_id": f"C_{sha}", "parents": []}


def _read_commit(call: Call) -> Reply:
    return Reply(body=_shape(call, _commit(call, call.names["ref"])))


def _commits(call: Call) -> Reply:
    shas = call.world.repo.git("rev-list", "--reverse", f"{call.world.merge_base()}..{call.world.head}").split()
    return page(call, shas, lambda sha: _shape(call, sha))


def _commit(call: Call, name: str) -> str:
    known = {call.world.setup.base_ref: call.world.base, call.world.setup.head_ref: call.world.head}
    ref = name.rpartition(":")[2]
    found = call.world.repo.git("rev-parse", "--verify", "--quiet", f"{known.get(ref, ref)}^{{commit}}", check=False)
    if not found:
        raise words.not_found()
    return found


def _reviews(call: Call) -> Reply:
    seen = [review for review in call.world.reviews if review.state != "PENDING" or review.user == call.user]
    return page(call, seen, call.shapes.review)


def _review(call: Call) -> Review:
    found = one(call.world.reviews, lambda review: review.id == call.number("review_id"))
    if found.state == "PENDING" and found.user != call.user:
        raise words.not_found()
    return found


def _read_review(call: Call) -> Reply:
    return Reply(body=call.shapes.review(_review(call)))


def _review_comments(call: Call) -> Reply:
    review = _review(call)
    return page(call, [each for each in call.world.comments if each.review == review.id], call.shapes.comment)


def _create_review(call: Call) -> Reply:
    call.needs("pulls")
    return Reply(body=call.shapes.review(github_reviews.create_review(call.world, call.token, call.body)))


def _submit_review(call: Call) -> Reply:
    review = _own_review(call)
    return Reply(body=call.shapes.review(github_reviews.submit(call.world, call.token, review, call.body)))


def _delete_review(call: Call) -> Reply:
    review = _own_review(call)
    github_reviews.delete_review(call.world, review)
    return Reply(body=call.shapes.review(review))


def _edit_review(call: Call) -> Reply:
    review = _own_review(call)
    if len(call.body["body"]) > BODY_LIMIT:
        raise words.unprocessable([words.TOO_LONG])
    review.body = call.body["body"]
    return Reply(body=call.shapes.review(review))


def _own_review(call: Call) -> Review:
    call.needs("pulls")
    review = _review(call)
    if review.user != call.user:
        raise words.not_accessible(call.token.kind)
    return review


def _comments(call: Call) -> Reply:
    submitted = {review.id for review in call.world.reviews if review.state != "PENDING"}
    return page(call, [each for each in call.world.comments if each.review in submitted], call.shapes.comment)


def _create_comment(call: Call) -> Reply:
    call.needs("pulls")
    comment = github_reviews.create_comment(call.world, call.token, call.body)
    return Reply(status=201, body=call.shapes.comment(comment))


def _reply(call: Call) -> Reply:
    call.needs("pulls")
    comment = github_reviews.reply(call.world, call.token, call.number("comment_id"), call.body["body"])
    return Reply(status=201, body=call.shapes.comment(comment))


def _comment(call: Call) -> Comment:
    return one(call.world.visible(call.user), lambda comment: comment.id == call.number("comment_id"))


def _read_comment(call: Call) -> Reply:
    return Reply(body=call.shapes.comment(_comment(call)))


def _edit_comment(call: Call) -> Reply:
    comment = _own_comment(call)
    if len(call.body["body"]) > BODY_LIMIT:
        raise words.invalid(
            resource="PullRequestReviewComment", field="data", message=words.TOO_LONG, code="unprocessable"
        )
    comment.body, comment.updated = call.body["body"], call.world.tick()
    return Reply(body=call.shapes.comment(comment))


def _delete_comment(call: Call) -> Reply:
    call.world.comments.remove(_own_comment(call))
    return Reply(status=204)


def _own_comment(call: Call) -> Comment:
    call.needs("pulls")
    comment = _comment(call)
    if comment.user != call.user and not call.world.writer(call.user.login):
        raise words.not_accessible(call.token.kind)
    return comment


Handler = Callable[[Call], Reply]
_TABLE: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("GET", "/user"): _user,
        ("GET", _REPO): _repository,
        ("GET", f"{_REPO}/pulls"): _pulls,
        ("GET", _PULL): _pull,
        ("GET", f"{_PULL}/files"): _files,
        ("GET", f"{_REPO}/compare/{{base}}...{{head}}"): _compare,
        ("GET", f"{_REPO}/commits/{{ref}}"): _read_commit,
        ("GET", f"{_PULL}/commits"): _commits,
        ("GET", f"{_PULL}/reviews"): _reviews,
        ("POST", f"{_PULL}/reviews"): _create_review,
        ("GET", f"{_PULL}/reviews/{{review_id}}"): _read_review,
        ("PUT", f"{_PULL}/reviews/{{review_id}}"): _edit_review,
        ("DELETE", f"{_PULL}/reviews/{{review_id}}"): _delete_review,
        ("GET", f"{_PULL}/reviews/{{review_id}}/comments"): _review_comments,
        ("POST", f"{_PULL}/reviews/{{review_id}}/events"): _submit_review,
        ("GET", f"{_PULL}/comments"): _comments,
        ("POST", f"{_PULL}/comments"): _create_comment,
        ("POST", f"{_PULL}/comments/{{comment_id}}/replies"): _reply,
        ("GET", f"{_REPO}/pulls/comments/{{comment_id}}"): _read_comment,
        ("PATCH", f"{_REPO}/pulls/comments/{{comment_id}}"): _edit_comment,
        ("DELETE", f"{_REPO}/pulls/comments/{{comment_id}}"): _delete_comment,
        **TIMELINE,
        **ISSUES,
    }
)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    kinds = {name: r"\d+" if name.endswith(("_id", "_number")) else r"[^/]+?" for name in parts[1::2]}
    return re.compile("".join(f"(?P<{p}>{kinds[p]})" if at % 2 else re.escape(p) for at, p in enumerate(parts)))


_ROUTES = tuple((method, _pattern(template), template, handler) for (method, template), handler in _TABLE.items())


def find(method: str, path: str) -> tuple[Handler, str, Mapping[str, str]] | None:
    """Give a route's handler, its template, and what stands in its variable places."""
    for known, pattern, template, handler in _ROUTES:
        match = pattern.fullmatch(path)
        if known == method and match is not None:
            return handler, template, match.groupdict()
    return None


def concerns(call: Call) -> bool:
    """Whether a path speaks of the repository and the pull request that there are."""
    setup = call.world.setup
    known: Json = {"owner": setup.owner, "repo": setup.name}
    known |= dict.fromkeys(("pull_number", "issue_number"), str(setup.number))
    return all(known.get(name, value) == value for name, value in call.names.items())
