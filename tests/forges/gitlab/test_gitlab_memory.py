"""Emoji and issues of a project, through the real client library."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.gitlab_server import FakeGitLab
from fakes.gitlab_state import Award, Issue
from forges.gitlab.gitlab_scene import EVERYWHERE, TOKEN, a_forge, a_server, review

from reviewbot.errors import ForgeError
from reviewbot.forges.gitlab import GitLabForge

TITLE = "a title"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeGitLab]:
    with a_server(tmp_path) as made:
        yield made


@pytest.fixture
def forge(server: FakeGitLab) -> Iterator[GitLabForge]:
    with a_forge(server) as made:
        yield made


def test_thumbs_of_all_comments_are_read_at_once_and_once_in_a_run(server: FakeGitLab, forge: GitLabForge) -> None:
    review(forge, EVERYWHERE)
    known = [thread for thread in forge.threads() if thread.path]
    carl = server.add_user("carl")
    given = [(0, "thumbsdown"), (1, "thumbsup"), (2, "tada")]
    server.state.awards += [Award(int(known[at].opener.id), carl, name) for at, name in given]
    before = len(server.log)
    found = forge.archive().reactions(known)
    assert [(known[0].opener.id, False), (known[1].opener.id, True)] == [(each.note_id, each.up) for each in found]
    assert {("carl", carl.id)} == {(each.account.name, each.account.id) for each in found}
    assert found[:1] == forge.archive().reactions(known[:1])
    assert 1 == len(server.log) - before


def test_thumbs_beyond_the_first_hundred_comments_are_read(server: FakeGitLab, forge: GitLabForge) -> None:
    review(forge, EVERYWHERE)
    first = server.state.discussions[0].notes[0]
    for _ in range(120):
        server.state.discussions[0].notes.append(replace(first, id=server.state.next_id()))
    last = server.state.discussions[0].notes[-1].id
    thread = forge.threads()[0]
    server.state.awards.append(Award(last, server.author, "thumbsdown"))
    late = replace(thread, notes=(replace(thread.opener, id=str(last)),))
    assert [str(last)] == [each.note_id for each in forge.archive().reactions([late])]


def test_more_comments_than_are_read_are_no_answer(server: FakeGitLab, forge: GitLabForge) -> None:
    review(forge, EVERYWHERE)
    known = forge.threads()
    notes = server.state.discussions[0].notes
    notes += [replace(notes[0], id=server.state.next_id()) for _ in range(2_000)]
    with pytest.raises(ForgeError, match="more than 2,000 comments"):
        forge.archive().reactions(known)


def test_without_threads_or_a_request_nobody_is_asked(server: FakeGitLab, forge: GitLabForge) -> None:
    assert () == forge.archive().reactions([])
    review(forge, EVERYWHERE)
    with a_forge(server) as other:
        before = len(server.log)
        threads = other.threads()
        assert () == other.archive().reactions(threads)
    assert [] == [logged for logged in server.log[before:] if "graphql" in logged.path]


def test_a_server_that_is_too_old_tells_of_no_thumbs(server: FakeGitLab, forge: GitLabForge) -> None:
    review(forge, EVERYWHERE)
    server.state.rules = replace(server.state.rules, version=(15, 11))
    assert () == forge.archive().reactions(forge.threads())


def test_a_server_in_trouble_is_no_answer(server: FakeGitLab, forge: GitLabForge) -> None:
    review(forge, EVERYWHERE)
    server.faults.add("POST", "graphql", "status", times=9)
    with pytest.raises(ForgeError, match="502"):
        forge.archive().reactions(forge.threads())


def test_a_page_is_opened_edited_and_found_again(forge: GitLabForge) -> None:
    archive = forge.archive()
    assert () == archive.pages(TITLE)
    archive.write(TITLE, "one", None)
    (page,) = archive.pages(TITLE)
    archive.write(TITLE, "two", page)
    (again,) = archive.pages(TITLE)
    assert (1, "one", "two") == (again.number, page.body, again.body)
    assert again.url.endswith("/issues/1")


def test_only_issues_of_our_own_and_of_that_title_are_pages(server: FakeGitLab, forge: GitLabForge) -> None:
    stranger = server.add_user("mallory")
    server.state.issues.append(Issue(id=1, iid=1, author=stranger, title=TITLE, description="not ours"))
    forge.archive().write(f"{TITLE}, longer", "", None)
    assert () == forge.archive().pages(TITLE)


def test_a_page_is_opened_once_though_the_answer_is_lost(server: FakeGitLab, forge: GitLabForge) -> None:
    server.faults.add("POST", "/issues$", "status", after_store=True)
    forge.archive().write(TITLE, "one", None)
    assert 1 == len(forge.archive().pages(TITLE))


def test_a_page_that_could_not_be_opened_is_trouble(server: FakeGitLab, forge: GitLabForge) -> None:
    server.faults.add("POST", "/issues$", "status")
    with pytest.raises(ForgeError, match="502"):
        forge.archive().write(TITLE, "one", None)


def test_a_token_that_only_reads_opens_none(server: FakeGitLab) -> None:
    server.add_token(server.state.tokens[TOKEN].user, "read-only", scopes=("read_api",))
    with a_forge(server, "read-only") as reader, pytest.raises(ForgeError, match="scope"):
        reader.archive().write(TITLE, "one", None)
