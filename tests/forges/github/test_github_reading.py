"""What the adapter reads from a GitHub: the request, its files, everybody's threads, the token itself."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.github_server import Setup
from github_plans import NUMBER
from github_scene import Scene, open_server

from reviewbot.domain.request import GITHUB, Account, ChangeRequest
from reviewbot.domain.thread import Thread, ThreadKind
from reviewbot.errors import ForgeError, UsageError
from reviewbot.forges.github import Access, GitHubForge, find_request, inspect_token
from reviewbot.forges.github.people import person

ANN = Account(id=501, name="ann")
ACTIONS = Account(id=41_898_282, name="github-actions[bot]", bot=True, shared=True)


def said(threads: tuple[Thread, ...]) -> list[tuple[str, list[str]]]:
    return [(thread.kind.value, [note.body for note in thread.notes]) for thread in threads]


def test_the_request_names_the_merge_base_and_the_tip_of_the_target(scene: Scene) -> None:
    expected = ChangeRequest(
        dialect=GITHUB,
        project="acme/app",
        number=NUMBER,
        url=f"{scene.server.url}/acme/app/pull/{NUMBER}",
        title="A change",
        description="What it does.",
        author=ANN,
        labels=(),
        draft=False,
        open=True,
        from_fork=False,
        head_sha=scene.head,
        base_sha=scene.repo.git("merge-base", "main", "feature"),
        start_sha=scene.base,
        source_branch="feature",
        target_branch="main",
    )
    assert expected == scene.forge().request()


def test_a_push_shows_in_the_next_look_at_the_request(scene: Scene) -> None:
    forge = scene.forge()
    before = forge.request().head_sha
    scene.repo.branch("more", scene.head)
    scene.server.push(scene.repo.commit({"fresh.py": "again\n"}))
    assert (scene.head, scene.repo.head) == (before, forge.request().head_sha)


@pytest.mark.parametrize(("head_repo", "from_fork"), [("acme/app", False), ("ann/app", True), (None, True)])
def test_a_fork_is_another_repository_or_one_that_is_gone(
    tmp_path: Path, head_repo: str | None, from_fork: bool
) -> None:
    setup = Setup(head_repo=head_repo, draft=True, body=None, labels=("wip", "db"))
    made = open_server(tmp_path, setup)
    with made.server:
        request = made.forge().request()
    expected = (from_fork, True, "", ("wip", "db"))
    assert expected == (request.from_fork, request.draft, request.description, request.labels)


def test_a_closed_request_is_not_open(scene: Scene) -> None:
    scene.server.close_pull()
    assert scene.forge().request().open is False


def test_an_own_server_works_by_its_two_addresses_alone(tmp_path: Path) -> None:
    made = open_server(tmp_path, base_path="/api/v3")
    with made.server:
        forge = made.forge(made.server.actions_token())
        scene_head, account, threads = forge.request().head_sha, forge.account(), forge.threads()
    assert (made.head, ACTIONS, ()) == (scene_head, account, threads)


def test_files_come_with_their_hunks_old_names_and_why_there_are_none(scene: Scene) -> None:
    files = {file.path: file for file in scene.forge().files()}
    shapes = {path: (file.old_path, file.hunks and file.hunks[:2], file.withheld) for path, file in files.items()}
    assert {
        "app.py": ("app.py", "@@", None),
        "fresh.py": (None, "@@", None),
        "gone.py": ("gone.py", "@@", None),
        "logo.bin": ("logo.bin", None, "binary"),
        "new_name.py": ("old_name.py", "@@", None),
    } == shapes


def test_a_mere_rename_hides_nothing_and_a_large_file_says_so(tmp_path: Path) -> None:
    made = open_server(tmp_path, Setup(patch_lines=12))
    made.repo.branch("feature", made.head)
    made.repo.git("mv", "app.py", "moved.py")
    with made.server:
        made.server.push(
            made.repo.commit({"big.py": "row\n" * 20, "moved.py": made.repo.git("show", "main:app.py") + "\n"})
        )
        files = {file.path: file for file in made.forge().files()}
    assert ("", None) == (files["moved.py"].hunks, files["moved.py"].withheld)
    assert (None, "too large") == (files["big.py"].hunks, files["big.py"].withheld)


def test_files_are_read_to_the_last_page(scene: Scene) -> None:
    scene.repo.branch("many", scene.head)
    scene.server.push(scene.repo.commit({f"many/{number}.py": "x\n" for number in range(230)}))
    assert 235 == len(scene.forge().files())
    assert 3 == scene.asked("GET", "/files")


def test_a_person_and_an_app_are_accounts_of_their_own_and_a_workflow_shares_its_one(scene: Scene) -> None:
    server = scene.server
    tokens = server.token("bob"), server.app_token("robot"), server.actions_token()
    accounts = [scene.forge(token).account() for token in tokens]
    expected = [("bob", False, False), ("robot[bot]", True, False), ("github-actions[bot]", True, True)]
    assert expected == [(account.name, account.bot, account.shared) for account in accounts]


def test_the_account_is_asked_for_once(scene: Scene) -> None:
    forge = scene.forge(scene.server.token("bob"))
    assert forge.account() == forge.account()
    assert 1 == scene.asked("GET", "/user")


def test_threads_come_in_the_order_in_which_they_were_opened_with_everybodys_notes(scene: Scene) -> None:
    bob, eve = scene.server.token("bob"), scene.server.token("eve", role="read")
    first = scene.remark(bob, "on a line")
    scene.say(eve, f"issues/{NUMBER}/comments", body="on the whole")
    scene.say(bob, f"pulls/{NUMBER}/reviews", body="in a review", event="COMMENT")
    scene.say(eve, f"pulls/{NUMBER}/comments/{first}/replies", body="an answer")
    threads = scene.forge().threads()
    assert [("inline", ["on a line", "an answer"]), ("plain", ["on the whole"]), ("review", ["in a review"])] == said(
        threads
    )
    assert ["bob", "eve"] == [note.author.name for note in threads[0].notes]
    assert ("app.py", True, False) == (threads[0].path, threads[0].resolvable, threads[0].resolved)


def test_a_comment_on_a_file_is_told_from_one_on_a_line(scene: Scene) -> None:
    scene.remark(scene.server.token("bob"), path="logo.bin", subject_type="file")
    (thread,) = scene.forge().threads()
    assert (ThreadKind.FILE, "logo.bin") == (thread.kind, thread.path)


def test_a_draft_that_was_never_submitted_is_no_thread(scene: Scene) -> None:
    token = scene.server.app_token()
    unsent = [{"path": "app.py", "line": 5, "body": "unsent"}]
    scene.say(token, f"pulls/{NUMBER}/reviews", body="a draft", comments=unsent)
    assert () == scene.forge(token).threads()


@pytest.mark.parametrize(
    ("role", "by_writer"), [("admin", True), ("maintain", True), ("write", True), ("triage", False), ("read", False)]
)
def test_whoever_may_write_decides_about_code_by_resolving(scene: Scene, role: str, by_writer: bool) -> None:
    number = scene.remark(scene.server.token("bob"))
    eve = scene.server.token("eve", role=role)
    scene.server.world.resolved[number] = scene.server.world.account("eve")
    (thread,) = scene.forge(eve).threads()
    assert (True, "eve", by_writer) == (
        thread.resolved,
        thread.resolved_by and thread.resolved_by.name,
        thread.resolved_by_writer,
    )


def test_a_bot_that_resolves_is_named_as_it_is_in_comments_and_decides_nothing(scene: Scene) -> None:
    token = scene.server.app_token("robot")
    number = scene.remark(token)
    scene.server.world.resolved[number] = scene.server.world.account("robot[bot]")
    forge = scene.forge(token)
    (thread,) = forge.threads()
    assert (forge.account(), False) == (thread.resolved_by, thread.resolved_by_writer)


def test_each_persons_rights_are_asked_for_once(scene: Scene) -> None:
    token = scene.server.token("eve")
    for line in (5, 6, 7):
        scene.server.world.resolved[scene.remark(token, line=line)] = scene.server.world.account("eve")
    assert [True] * 3 == [thread.resolved_by_writer for thread in scene.forge().threads()]
    assert 1 == scene.asked("GET", "/collaborators/eve/permission")


def test_where_rights_may_not_be_asked_for_belonging_to_the_repository_counts(scene: Scene) -> None:
    for login in ("eve", "mallory"):
        token = scene.server.token(login, role="write" if login == "eve" else "none")
        scene.server.world.resolved[scene.remark(token)] = scene.server.world.account(login)
    scene.server.faults.add("GET", "/permission$", 403, times=2)
    threads = scene.forge().threads()
    assert [("eve", True), ("mallory", False)] == [
        (thread.notes[0].author.name, thread.resolved_by_writer) for thread in threads
    ]


def test_trouble_while_asking_for_rights_is_no_answer(scene: Scene) -> None:
    scene.server.world.resolved[scene.remark(scene.server.token("eve"))] = scene.server.world.account("eve")
    scene.server.faults.add("GET", "/permission$", 502, times=9)
    with pytest.raises(ForgeError, match="502 to GET /repos/acme/app/collaborators/eve/permission"):
        scene.forge().threads()


@pytest.mark.parametrize("status", [403, 404])
def test_without_graphql_threads_are_known_but_not_whether_they_are_resolved(scene: Scene, status: int) -> None:
    bob = scene.server.token("bob")
    number = scene.remark(bob, "on a line")
    scene.say(bob, f"pulls/{NUMBER}/comments/{number}/replies", body="an answer")
    scene.server.world.resolved[number] = scene.server.world.account("bob")
    scene.server.faults.add("POST", "/graphql", status)
    (thread,) = scene.forge().threads()
    assert [("inline", ["on a line", "an answer"])] == said((thread,))
    assert (False, False, None) == (thread.resolvable, thread.resolved, thread.resolved_by)


def test_trouble_of_graphql_is_no_reason_to_forget_what_was_resolved(scene: Scene) -> None:
    scene.remark(scene.server.token("bob"))
    scene.server.faults.add("POST", "/graphql", 502, times=9)
    with pytest.raises(ForgeError, match="502 to POST /graphql"):
        scene.forge().threads()


def test_all_threads_are_read_however_many_there_are(scene: Scene) -> None:
    token = scene.server.token("bob")
    for _ in range(3):
        comments = [{"path": "app.py", "line": 5, "body": "again"} for _ in range(40)]
        scene.say(token, f"pulls/{NUMBER}/reviews", event="COMMENT", comments=comments)
    threads = scene.forge().threads()
    assert (120, {True}) == (len(threads), {thread.resolvable for thread in threads})
    assert (2, 2) == (scene.asked("GET", "/pulls/7/comments"), scene.asked("POST", "/graphql"))


def test_a_deleted_author_is_githubs_ghost() -> None:
    assert Account(id=0, name="ghost") == person(None)


def test_the_request_of_a_workflow_run_is_found_by_branch_and_commit(scene: Scene) -> None:
    access = scene.access(scene.server.actions_token())
    asked = [("acme", "feature", scene.head), ("acme", "feature", scene.base), ("eve", "feature", scene.head)]
    found = [find_request(access, head_owner=owner, head_branch=branch, head_sha=sha) for owner, branch, sha in asked]
    assert [NUMBER, None, None] == found


def test_a_token_is_known_by_its_form_and_by_whom_it_stands_for(scene: Scene) -> None:
    report = inspect_token(scene.access(scene.server.actions_token()))
    assert ("GitHub Actions token", ACTIONS, "unknown") == (report.kind, report.account, report.permission)
    world = scene.server.world
    world.tokens["gh" + "p_made_up"] = world.tokens[scene.server.token("bob")]
    report = inspect_token(scene.access("gh" + "p_made_up"))
    assert ("classic personal access token", "bob") == (report.kind, report.account.name)


def test_a_read_survives_a_few_hiccups(scene: Scene) -> None:
    scene.server.faults.add("GET", "/pulls/7$", 502)
    scene.server.faults.add("GET", "/pulls/7$", "reset")
    scene.server.faults.add("GET", "/pulls/7$", "secondary", status=429, retry_after=9)
    assert scene.head == scene.forge().request().head_sha
    assert [1.0, 2.0, 9.0] == scene.pauses


def test_a_read_gives_up_in_the_end_and_says_so(scene: Scene) -> None:
    scene.server.faults.add("GET", "/pulls/7$", 502, times=9)
    with pytest.raises(ForgeError, match="502 to GET /repos/acme/app/pulls/7: Server Error, several times"):
        scene.forge().request()
    assert [1.0, 2.0, 4.0] == scene.pauses


def test_a_limit_that_lasts_for_an_hour_is_not_waited_for(scene: Scene) -> None:
    scene.server.faults.add("GET", "/pulls/7$", "primary")
    with pytest.raises(ForgeError, match="limits the requests"):
        scene.forge().request()
    assert [] == scene.pauses


def test_a_server_that_hangs_is_given_up_on(scene: Scene) -> None:
    scene.server.faults.add("GET", "/user$", "hang")
    assert "bob" == scene.forge(scene.server.token("bob")).account().name
    assert [1.0] == scene.pauses


def test_a_wrong_token_and_a_wrong_number_are_told_apart(scene: Scene) -> None:
    for ask in (scene.forge("made-up").request, scene.forge("made-up").account):
        with pytest.raises(ForgeError, match=r"Bad credentials. The token is wrong, revoked or expired"):
            ask()
    with pytest.raises(ForgeError, match=r"Not Found. There is no such thing, or the token may not see it"):
        GitHubForge(scene.access(scene.server.app_token()), 8).request()


def test_no_message_and_no_repr_shows_the_token(scene: Scene) -> None:
    access = scene.access("made-up-token")
    with pytest.raises(ForgeError) as caught:
        GitHubForge(access, NUMBER).request()
    assert "made-up-token" not in f"{caught.value!r} {access!r}"


def test_a_server_that_is_not_there_is_named_by_the_variable_to_check(scene: Scene) -> None:
    access = dataclasses.replace(scene.access("t"), api_url="http://127.0.0.1:9")
    with pytest.raises(ForgeError, match=r"the connection failed \(ConnectionError\). Check GITHUB_API_URL"):
        GitHubForge(access, NUMBER).request()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda access: dataclasses.replace(access, api_url="github.example"), "'github.example' is no address"),
        (lambda access: dataclasses.replace(access, graphql_url="ftp://host/graphql"), "'ftp://host' is no address"),
        (lambda access: dataclasses.replace(access, token=""), "set GITHUB_TOKEN"),
    ],
)
def test_settings_that_cannot_work_are_told_before_any_request(
    scene: Scene, change: Callable[[Access], Access], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        GitHubForge(change(scene.access("t")), NUMBER)
