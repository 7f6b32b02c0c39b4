"""Who may do what on the fake GitHub; the timeline, checks and statuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.github_example import APP, Raw, Scene, at, client, errors, scene, served
from fakes.github_refusals import Json
from fakes.github_server import FakeGitHub, Setup
from github import GithubException


@pytest.fixture(name="it")
def _scene(tmp_path: Path) -> Scene:
    return scene(tmp_path / "repo")


@pytest.fixture(name="server")
def _server(it: Scene) -> Iterator[FakeGitHub]:
    with served(it) as server:
        yield server


def test_a_workflows_token_has_no_user_and_a_persons_has(server: FakeGitHub) -> None:
    asked = [Raw(server=server, token=token).ask("GET", "/user") for token in (server.token("bob"), server.app_token())]
    assert [200, 403] == [answer.status_code for answer in asked]
    assert ("bob", "User") == (asked[0].json()["login"], asked[0].json()["type"])
    assert "Resource not accessible by integration" == asked[1].json()["message"]


def test_a_read_only_token_reads_and_is_refused_every_write(server: FakeGitHub) -> None:
    bot = Raw(server=server, token=server.actions_token(pulls=False, checks=False))
    assert bot.pull("GET", "/comments").status_code == 200
    refused = [
        bot.review(at(10)),
        bot.comment(line=10),
        bot.ask("POST", "/repos/acme/app/issues/7/comments", {"body": "b"}),
        bot.ask("POST", "/repos/acme/app/check-runs", {"name": "n", "head_sha": server.world.head}),
        bot.ask("POST", f"/repos/acme/app/statuses/{server.world.head}", {"state": "success"}),
    ]
    said = [(answer.status_code, answer.json()["message"]) for answer in refused]
    assert [(403, "Resource not accessible by integration")] * 5 == said
    person = Raw(server=server, token=server.token("eve", pulls=False)).review(at(10))
    assert "Resource not accessible by personal access token" == person.json()["message"]
    assert () == server.emails


def test_strangers_are_not_let_in(it: Scene) -> None:
    with served(it, setup=Setup(private=True)) as server:
        assert (401, "Bad credentials") == _said(Raw(server=server, token="nobody"), "/repos/acme/app")
        assert (404, "Not Found") == _said(Raw(server=server, token=server.token("x", role="none")), "/repos/acme/app")
        ann = Raw(server=server, token=server.token("ann"))
        assert (200, None) == _said(ann, "/repos/acme/app")
        for path in ("/repos/acme/other", "/repos/acme/app/pulls/8", "/nowhere"):
            assert (404, "Not Found") == _said(ann, path)


def _said(raw: Raw, path: str) -> tuple[int, str | None]:
    answer = raw.ask("GET", path)
    return answer.status_code, answer.json().get("message")


def test_permissions_are_told_to_those_who_may_push(server: FakeGitHub) -> None:
    server.token("mia", role="maintain")
    eve = Raw(server=server, token=server.token("eve", role="read"))
    path = "/repos/acme/app/collaborators"
    with client(server, server.actions_token()) as repository:
        assert ["write", "read"] == [repository.get_collaborator_permission(login) for login in ("mia", "eve")]
    assert (403, "Must have push access to view collaborator permission.") == _said(eve, f"{path}/mia/permission")
    bot = Raw(server=server, token=server.actions_token())
    assert (404, "github-actions[bot] is not a user") == _said(bot, f"{path}/github-actions[bot]/permission")


def test_the_timeline_takes_edits_and_deletions_and_refuses_long_texts(server: FakeGitHub) -> None:
    with client(server, server.actions_token()) as repository:
        issue = repository.get_pull(7)
        comment = issue.create_issue_comment("b" * 65_536)
        comment.edit("new")
        assert ["new"] == [each.body for each in issue.get_issue_comments()]
        with pytest.raises(GithubException) as refused:
            comment.edit("x" * 65_537)
        message = "Body is too long (maximum is 65536 characters)"
        error = {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": message}
        assert [error] == refused.value.data["errors"]
        comment.delete()
        assert [] == list(issue.get_issue_comments())
    assert ["issue comment"] == [each.kind for each in server.emails]


def test_what_a_workflows_token_does_starts_no_workflow(server: FakeGitHub) -> None:
    for token in (server.actions_token(), server.token("ann")):
        raw = Raw(server=server, token=token)
        raw.review(at(10))
        raw.ask("POST", "/repos/acme/app/issues/7/comments", {"body": "b"})
    assert ["pull_request_review", "issue_comment"] == server.world.workflow_events


def test_a_check_run_takes_fifty_annotations_a_request_and_adds_them_up(server: FakeGitHub) -> None:
    one = {"path": APP, "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
    output = {"title": "t", "summary": "s", "annotations": [one] * 50}
    person = Raw(server=server, token=server.token("ann"))
    bot = Raw(server=server, token=server.actions_token())
    asked: Json = {"name": "review", "head_sha": server.world.head, "output": output}
    assert (403, "You must authenticate via a GitHub App.") == _posted(person, asked)
    assert 201 == _posted(bot, asked)[0]
    path = f"/repos/acme/app/check-runs/{server.checks[0].id}"
    done = {"status": "completed", "conclusion": "neutral", "output": output}
    assert 100 == bot.ask("PATCH", path, done).json()["output"]["annotations_count"]
    for wrong in ([one] * 51, [one | {"end_line": 2, "start_column": 1}], [one | {"annotation_level": "error"}]):
        assert 422 == _posted(bot, asked | {"output": output | {"annotations": wrong}})[0]


def _posted(raw: Raw, body: Json) -> tuple[int, str | None]:
    answer = raw.ask("POST", "/repos/acme/app/check-runs", body)
    return answer.status_code, answer.json().get("message")


def test_a_statuss_description_has_140_characters_at_most(server: FakeGitHub) -> None:
    bot = Raw(server=server, token=server.actions_token())
    path = f"/repos/acme/app/statuses/{server.world.head}"
    asked = [bot.ask("POST", path, {"state": "success", "description": "d" * size}) for size in (140, 141)]
    assert [201, 422] == [answer.status_code for answer in asked]
    assert [140] == [len(each["description"]) for each in server.world.statuses]


def test_a_comment_in_the_timeline_is_its_authors(server: FakeGitHub) -> None:
    bot, eve = (Raw(server=server, token=token) for token in (server.app_token(), server.token("eve", role="read")))
    number = bot.ask("POST", "/repos/acme/app/issues/7/comments", {"body": "b"}).json()["id"]
    path = f"/repos/acme/app/issues/comments/{number}"
    assert (200, "b") == (eve.ask("GET", path).status_code, eve.ask("GET", path).json()["body"])
    assert [403, 403] == [eve.ask("PATCH", path, {"body": "x"}).status_code, eve.ask("DELETE", path).status_code]
    (blank,) = errors(bot.ask("PATCH", path, {"body": " "}))
    assert isinstance(blank, dict)
    assert ("IssueComment", "missing_field") == (blank["resource"], blank["code"])
    assert ["b"] == [remark.body for remark in server.issue_comments]


def test_the_rate_is_told(server: FakeGitHub) -> None:
    answer = Raw(server=server, token=server.actions_token()).ask("GET", "/rate_limit")
    assert str(answer.json()["resources"]["core"]["remaining"]) == answer.headers["X-RateLimit-Remaining"]
