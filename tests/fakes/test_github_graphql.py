"""The fake GitHub's GraphQL: threads, resolving, and refusing what it does not know."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.github_example import LOGO, NEW, Raw, Scene, at, client, pull_request, repainted, scene, served
from fakes.github_server import FakeGitHub
from github import GithubException, UnknownObjectException

THREADS = """
query Threads($owner: String!, $name: String!, $number: Int!, $first: Int = 100, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: $first, after: $after) { # all of them
        nodes {
          id isResolved isOutdated path line viewerCanResolve subjectType
          resolvedBy { login databaseId }
          comments(first: 50) {
            nodes {
              databaseId body authorAssociation
              author { __typename login ... on Bot { databaseId } ... on User { databaseId } }
            }
          }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""
RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"


@pytest.fixture(name="it")
def _scene(tmp_path: Path) -> Scene:
    return scene(tmp_path / "repo")


@pytest.fixture(name="server")
def _server(it: Scene) -> Iterator[FakeGitHub]:
    with served(it, "/api/v3") as server:
        yield server


@pytest.fixture(name="bot")
def _bot(server: FakeGitHub) -> Raw:
    return Raw(server=server, token=server.actions_token(contents=True))


def threads(raw: Raw, first: int = 100, after: str | None = None) -> list[dict[str, object]]:
    answer = raw.graphql(THREADS, owner="acme", name="app", number=7, first=first, after=after)
    found: list[dict[str, object]] = answer["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"]
    return found


def test_threads_tell_their_place_and_who_spoke(it: Scene, server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(10, body="one"))
    bot.comment(path=LOGO, subject_type="file")
    ann = Raw(server=server, token=server.token("ann"))
    opener = server.comments[0].id
    ann.pull("POST", f"/comments/{opener}/replies", {"body": "two"})
    server.push(repainted(it, {"src/app.py": "gone\n"}))
    inline, file = threads(bot)
    assert ("src/app.py", None, True, "LINE") == tuple(
        inline[name] for name in ("path", "line", "isOutdated", "subjectType")
    )
    assert (LOGO, False, "FILE") == tuple(file[name] for name in ("path", "isOutdated", "subjectType"))
    robot = {"__typename": "Bot", "login": "github-actions", "databaseId": 41_898_282}
    person = {"__typename": "User", "login": "ann", "databaseId": server.world.author.id}
    said = [
        {"databaseId": opener, "body": "one", "authorAssociation": "NONE", "author": robot},
        {"databaseId": server.comments[2].id, "body": "two", "authorAssociation": "COLLABORATOR", "author": person},
    ]
    assert {"nodes": said} == inline["comments"]


def test_the_real_client_resolves_and_unresolves_by_named_mutations(server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(10))
    (thread,) = threads(bot)
    with client(server, bot.token) as repository:
        for mutation, done in (("resolveReviewThread", True), ("unresolveReviewThread", False)):
            asked = {"threadId": thread["id"]}
            _, data = repository.requester.graphql_named_mutation(mutation, asked, "thread { isResolved }")
            assert {"thread": {"isResolved": done}} == data
            assert ("github-actions[bot]" if done else None) == server.resolved_by(server.comments[0])


def test_who_resolved_is_told_without_the_bots_suffix_and_a_person_as_is(server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(10), at(11))
    first, second = threads(bot)
    ann = Raw(server=server, token=server.token("ann"))
    for raw, thread in ((bot, first), (ann, second)):
        assert raw.graphql(RESOLVE, id=thread["id"])["data"]["resolveReviewThread"]["thread"]["isResolved"]
    resolvers = [thread["resolvedBy"] for thread in threads(bot)]
    logins = [{"login": "github-actions", "databaseId": 41_898_282}, {"login": "ann", "databaseId": 501}]
    assert logins == resolvers
    assert [False, False] == [thread["viewerCanResolve"] for thread in threads(bot)]


def test_resolving_needs_more_than_the_right_to_comment(server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(10))
    (thread,) = threads(bot)
    poor = [server.actions_token(), server.app_token(contents=False), server.token("eve", role="read")]
    for token in poor:
        raw = Raw(server=server, token=token)
        assert threads(raw)[0]["viewerCanResolve"] is False
        answer = raw.graphql(RESOLVE, id=thread["id"])
        assert {"resolveReviewThread": None} == answer["data"]
        (error,) = answer["errors"]
        kind = "personal access token" if token == poor[2] else "integration"
        assert ("FORBIDDEN", f"Resource not accessible by {kind}") == (error["type"], error["message"])
    with client(server, poor[0]) as repository, pytest.raises(GithubException) as refused:
        repository.requester.graphql_named_mutation("resolveReviewThread", {"threadId": thread["id"]}, "thread { id }")
    assert 400 == refused.value.status
    assert server.resolved_by(server.comments[0]) is None


def test_threads_come_in_pages(bot: Raw) -> None:
    bot.review(*(at(line, path=NEW) for line in range(1, 6)))
    answer = bot.graphql(THREADS, owner="acme", name="app", number=7, first=3)
    page = answer["data"]["repository"]["pullRequest"]["reviewThreads"]
    assert (3, True) == (len(page["nodes"]), page["pageInfo"]["hasNextPage"])
    rest = threads(bot, first=3, after=page["pageInfo"]["endCursor"])
    assert [4, 5] == [thread["line"] for thread in rest]


def test_a_pending_thread_is_seen_by_its_author_alone(server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(10), event=None)
    assert [1, 0] == [len(threads(raw)) for raw in (bot, Raw(server=server, token=server.token("ann")))]


def test_comments_of_both_kinds_are_minimised(server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(10))
    with pull_request(server, bot.token) as pull:
        remark = pull.create_issue_comment("b")
        assert remark.minimize("OUTDATED")
        asked = {"subjectId": f"PRRC_{server.comments[0].id}", "classifier": "RESOLVED"}
        schema = "minimizedComment { isMinimized minimizedReason }"
        _, data = pull.requester.graphql_named_mutation("minimizeComment", asked, schema)
    assert {"minimizedComment": {"isMinimized": True, "minimizedReason": "resolved"}} == data
    assert ("outdated", "resolved") == (server.issue_comments[0].minimized, server.comments[0].minimized)
    eve = Raw(server=server, token=server.token("eve", role="read"))
    query = "mutation($input: MinimizeCommentInput!) { minimizeComment(input: $input) { clientMutationId } }"
    assert "FORBIDDEN" == eve.graphql(query, input=asked)["errors"][0]["type"]
    assert "FINE" in bot.graphql(query, input=asked | {"classifier": "FINE"})["errors"][0]["message"]


def test_what_is_not_there_is_not_found(server: FakeGitHub, bot: Raw) -> None:
    with client(server, bot.token) as repository:
        for owner, name, number in (("acme", "other", 7), ("acme", "app", 8)):
            with pytest.raises(UnknownObjectException):
                repository.requester.graphql_query(THREADS, {"owner": owner, "name": name, "number": number})
    assert "NOT_FOUND" == bot.graphql(RESOLVE, id="PRRT_1")["errors"][0]["type"]
    query = 'mutation { minimizeComment(input: {subjectId: "IC_1", classifier: SPAM}) { clientMutationId } }'
    assert "NOT_FOUND" == bot.graphql(query)["errors"][0]["type"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("query { viewer { email } }", "Field 'email' doesn't exist on type 'User'"),
        ("mutation { addStar(input: {}) { id } }", "Field 'addStar' doesn't exist on type 'Mutation'"),
        ("{ viewer }", "Field 'viewer' must have selections"),
        ("{ viewer { login { id } } }", "Field 'login' has no selections"),
        ("{ viewer(id: 1) { login } }", "Field 'viewer' doesn't accept argument 'id'"),
        ('{ repository(owner: "acme", name: $n) { id } }', "Variable $n is used but not declared"),
        ("{ viewer { ... on Robot { id } } }", "No such type Robot, so it can't be a fragment condition"),
        ("{ viewer { login }", "Parse error on 'the end': expected more"),
        ("{ }", "Parse error on '}': expected a field"),
        ("subscription { viewer { login } }", "Parse error on 'subscription'"),
        ("{ viewer { login } } fragment F on User { id }", "Parse error on 'fragment'"),
        ("{ viewer { login ; } }", "Parse error on ';'"),
        ("{ repository(owner 1) { id } }", "Parse error on '1': expected :"),
    ],
)
def test_a_request_that_github_would_not_run_is_an_error_under_200(bot: Raw, query: str, message: str) -> None:
    answer = bot.graphql(query)
    assert "data" not in answer
    assert answer["errors"][0]["message"].startswith(message)


def test_a_list_must_be_bounded_by_a_hundred_at_most(bot: Raw) -> None:
    def said(arguments: str) -> str:
        inner = f"reviewThreads{arguments} {{ totalCount }}"
        query = f'{{ repository(owner: "acme", name: "app") {{ pullRequest(number: 7) {{ {inner} }} }} }}'
        kind: str = bot.graphql(query)["errors"][0]["type"]
        return kind

    assert "MISSING_PAGINATION_BOUNDARIES" == said("")
    assert "EXCESSIVE_PAGINATION" == said("(first: 101)")


def test_an_alias_names_the_answer(bot: Raw) -> None:
    assert {"me": {"name": "github-actions[bot]"}} == bot.graphql("{ me: viewer { name: login } }")["data"]


def test_bad_input_of_a_mutation_is_refused(bot: Raw) -> None:
    for asked in ("{threadId: 7}", "{}", '{threadId: "x", more: true}'):
        query = f"mutation {{ resolveReviewThread(input: {asked}) {{ clientMutationId }} }}"
        assert "was provided invalid value" in bot.graphql(query)["errors"][0]["message"]
