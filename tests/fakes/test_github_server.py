"""The fake GitHub through the real PyGithub: reading, tokens, lists, checks, and what a test can see."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fakes import github_contract
from fakes.github_example import (
    APP,
    GONE,
    LOGO,
    MOVED,
    NEW,
    OLD,
    Raw,
    Scene,
    at,
    client,
    errors,
    numbered,
    pull_request,
    repainted,
    scene,
    served,
    text,
)
from fakes.github_routes import find
from fakes.github_server import FakeGitHub, Setup
from github import UnknownObjectException
from gitrepo import init


@pytest.fixture(name="it")
def _scene(tmp_path: Path) -> Scene:
    return scene(tmp_path / "repo")


@pytest.fixture(name="server")
def _server(it: Scene) -> Iterator[FakeGitHub]:
    with served(it) as server:
        yield server


@pytest.mark.parametrize("base_path", ["", "/api/v3"])
def test_a_pull_request_is_read_and_reviewed_by_the_real_client(it: Scene, base_path: str) -> None:
    setup = Setup(labels=("bug", "big"), draft=True)
    with served(it, base_path, setup) as server, client(server, server.actions_token()) as repository:
        (listed,) = repository.get_pulls(state="open", head="acme:feature")
        pull = repository.get_pull(listed.number)
        assert (it.head, it.base, True) == (pull.head.sha, pull.base.sha, pull.draft)
        assert (["bug", "big"], "ann") == ([label.name for label in pull.labels], pull.user.login)
        assert [it.head] == [commit.sha for commit in pull.get_commits()]
        commit = repository.get_commit(it.head)
        review = pull.create_review(
            commit, body="b", event="COMMENT", comments=[{"path": APP, "line": 10, "body": "c"}]
        )
        assert ("COMMENTED", it.head) == (review.state, review.commit_id)
        assert [10] == [each.line for each in pull.get_review_comments()]
        viewer = "query { viewer { login databaseId } }"
        said = repository.requester.graphql_query(viewer, {})[1]["data"]["viewer"]
        assert {"login": "github-actions[bot]", "databaseId": 41_898_282} == said


def test_the_bases_tip_is_not_the_merge_base_and_comparing_tells_it(it: Scene, server: FakeGitHub) -> None:
    with client(server, server.token("ann")) as repository:
        comparison = repository.compare(it.base, it.head)
        assert it.fork_point == comparison.merge_base_commit.sha
        assert ("diverged", 1, 1) == (comparison.status, comparison.ahead_by, comparison.behind_by)
        assert it.fork_point == repository.compare("main", "acme:feature").merge_base_commit.sha
        assert it.base == repository.get_commit("main").sha
        with pytest.raises(UnknownObjectException):
            repository.compare(it.base, "nowhere")


def test_files_come_with_their_patches_as_git_has_them(server: FakeGitHub) -> None:
    with pull_request(server, server.token("ann")) as pull:
        files = {each.filename: each for each in pull.get_files()}
    statuses = {APP: "modified", GONE: "removed", MOVED: "renamed", LOGO: "modified", NEW: "added"}
    assert statuses == {path: each.status for path, each in files.items()}
    assert OLD == files[MOVED].previous_filename
    assert [LOGO] == [path for path, each in files.items() if "patch" not in each.raw_data]
    assert "@@ -0,0 +1,5 @@\n+new 1\n+new 2\n+new 3\n+new 4\n+new 5" == files[NEW].patch
    assert (2, 2, 4) == (files[APP].additions, files[APP].deletions, files[APP].changes)


def test_lists_come_in_pages_linked_on_the_servers_own_address(tmp_path: Path) -> None:
    repo = init(tmp_path / "many")
    base = repo.commit({"start": "x\n"})
    repo.branch("feature")
    head = repo.commit({f"f{number:03}.py": "x\n" for number in range(205)})
    with FakeGitHub(repo, base=base, head=head, base_path="/api/v3", setup=Setup(files_limit=203)) as server:
        ann = Raw(server=server, token=server.token("ann"))
        first = ann.pull("GET", "/files")
        assert (30, {"next", "last"}) == (len(first.json()), set(first.links))
        assert f"{server.url}/repos/acme/app/pulls/7/files?page=2" == first.links["next"]["url"]
        assert 100 == len(ann.pull("GET", "/files?per_page=500").json())
        last = ann.pull("GET", "/files?per_page=100&page=3")
        assert (3, {"first", "prev"}) == (len(last.json()), set(last.links))
        with pull_request(server, ann.token) as pull:
            assert 203 == len(list(pull.get_files()))


def test_a_large_diff_is_not_acceptable_as_text(it: Scene, server: FakeGitHub) -> None:
    accept, path = "application/vnd.github.v3.diff", "/repos/acme/app/pulls/7"
    plain = Raw(server=server, token=server.token("ann")).ask("GET", path, accept=accept)
    assert f"{it.repo.git('diff', '-M', '--full-index', it.fork_point, it.head)}" == plain.text
    said = {Setup(diff_files=4): "maximum number of files (4)", Setup(diff_lines=9): "maximum number of lines (9)"}
    for setup, words in said.items():
        with served(it, setup=setup) as small:
            raw = Raw(server=small, token=small.token("ann"))
            for route in (path, f"/repos/acme/app/compare/{it.base}...{it.head}"):
                answer = raw.ask("GET", route, accept=accept)
                assert 406 == answer.status_code
                assert f"Sorry, the diff exceeded the {words}." in answer.json()["message"]
                assert [{"resource": "PullRequest", "field": "diff", "code": "too_large"}] == answer.json()["errors"]


def test_a_fork_that_is_gone_has_no_repository(it: Scene) -> None:
    for name in ("eve/app", None):
        with served(it, setup=Setup(head_repo=name)) as server, pull_request(server, server.token("ann")) as pull:
            assert name == (pull.raw_data["head"]["repo"] or {}).get("full_name")


def test_a_pull_request_can_move_and_close(it: Scene, server: FakeGitHub) -> None:
    head = repainted(it, {"later.py": "x\n"})
    with pull_request(server, server.token("ann")) as pull:
        server.push(head)
        pull.update()
        assert head == pull.head.sha
    server.close_pull(merged=True)
    with client(server, server.token("ann")) as repository:
        assert [] == list(repository.get_pulls(state="open"))
        assert ("closed", True) == (repository.get_pull(7).state, repository.get_pull(7).merged)


@pytest.mark.parametrize(
    ("comment", "word"),
    [
        ({"path": APP, "line": 10}, "'body' is a required property"),
        (at(10, side="MIDDLE"), "'MIDDLE' is not one of"),
        (at(10, start_side="side"), "'side' is not one of"),
        (at(10, subject_type="file"), "'subject_type' was unexpected"),
        (at(10) | {"line": "10"}, "'10' is not of type 'integer'"),
        (at(10, fingerprint="f"), "'fingerprint' was unexpected"),
    ],
)
def test_a_request_is_held_against_githubs_description_and_more(
    server: FakeGitHub, comment: dict[str, object], word: str
) -> None:
    bot = Raw(server=server, token=server.actions_token())
    answer = bot.review(comment)
    assert (422, True) == (answer.status_code, word in answer.json()["message"])
    assert 422 == bot.review(event="PUBLISH").status_code
    assert () == server.reviews


def test_a_body_that_is_no_json_is_a_bad_request(server: FakeGitHub) -> None:
    bot = Raw(server=server, token=server.actions_token())
    logged = server.read("POST", "/repos/acme/app/issues/7/comments", bot.token, b"{")
    assert 400 == server.answer(logged, bot.token, "").status


def test_the_description_reaches_what_matters_and_finds_a_lazy_answer() -> None:
    pull = "/repos/{owner}/{repo}/pulls/{pull_number}"
    asked = [("GET", pull, 200), ("POST", f"{pull}/reviews", 200), ("POST", f"{pull}/comments", 201)]
    assert [True] * 3 == [github_contract.covers(*each) for each in asked]
    found = github_contract.answer_faults("POST", f"{pull}/reviews", 200, {"id": "7", "more": 1})
    assert any("'node_id' is a required property" in each for each in found)
    assert any("'7' is not of type 'integer'" in each for each in found)
    assert any("'more' was unexpected" in each for each in found)
    assert find("GET", "/repos/acme/app/pulls/7/files") is not None


def test_the_log_tells_who_asked_what_and_which_were_writes(server: FakeGitHub) -> None:
    bot = Raw(server=server, token=server.actions_token())
    bot.pull("GET", "/reviews?per_page=5")
    bot.review(at(6))
    bot.graphql("query { viewer { login } }")
    assert [("GET", {"per_page": "5"}, 200), ("POST", {}, 422), ("POST", {}, 200)] == [
        (each.method, dict(each.query), each.status) for each in server.log
    ]
    assert ["/repos/acme/app/pulls/7/reviews"] == [each.path for each in server.writes]
    assert {"github-actions[bot]"} == {each.user for each in server.log}


def test_a_snapshot_is_the_same_whatever_the_order_and_tells_a_difference(it: Scene) -> None:
    orders = [(at(10), at(3, path=NEW)), (at(3, path=NEW), at(10)), (at(10), at(4, path=NEW))]
    found = []
    for order in orders:
        with served(it) as server:
            bot = Raw(server=server, token=server.actions_token())
            for each in order:
                bot.review(each, body=None)
            found.append(server.snapshot())
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_the_fakes_own_mistake_is_raised_where_it_is_left(it: Scene) -> None:
    def mistaken() -> None:
        message = "a hole in the fake"
        raise LookupError(message)

    def served_with_a_mistake() -> None:
        with served(it) as server:
            server.faults.add("GET", "/rate_limit", mistaken)
            with pytest.raises(httpx.TransportError):
                Raw(server=server, token=server.token("ann")).ask("GET", "/rate_limit")

    with pytest.raises(LookupError, match="a hole in the fake"):
        served_with_a_mistake()


def test_an_unusual_path_is_no_obstacle(tmp_path: Path) -> None:
    repo = init(tmp_path / "odd")
    path = 'sp ace/[é] "q".py'
    base = repo.commit({path: text(numbered(3)), "link": "x\n"})
    repo.branch("feature")
    (repo.path / "link").unlink()
    (repo.path / "link").symlink_to(path)
    head = repo.commit({path: text(["line 1", "diff --git a/x b/x", "line 3"])})
    with FakeGitHub(repo, base=base, head=head) as server:
        bot = Raw(server=server, token=server.actions_token())
        assert bot.review(at(2, path=path), at(1, path="link")).status_code == 200
        assert ["diff --git a/x b/x", path] == [server.anchored_text(each) for each in server.comments]
        assert ["changed", "modified"] == [each["status"] for each in bot.pull("GET", "/files").json()]
        assert errors(bot.review(at(9, path=path)))
