"""Tokens: whose they are, what they may do, and what people are told where that is too little."""

from pathlib import Path

import pytest
from fakes.gitlab_server import DEVELOPER, GUEST, REPORTER
from forges.gitlab.gitlab_scene import EVERYWHERE, TOKEN, a_forge, a_server, review
from forges.gitlab.gitlab_script import Reply, serving

from reviewbot.domain.posting import PostingPlan, Summary
from reviewbot.domain.request import Account
from reviewbot.errors import ReadOnlyError
from reviewbot.forges.gitlab import permissions, reading
from reviewbot.forges.gitlab.refusals import RefusedError

OTHER = "glpat" + "-other-" + "0123456789abcdef"


def test_the_account_is_the_tokens_own_user_and_asked_for_once(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        bot = server.state.users[-1]
        assert Account(id=bot.id, name="project_42_bot_9", bot=True) == forge.account() == forge.account()
        assert ["/user"] == [logged.path for logged in server.log]


@pytest.mark.parametrize(
    ("name", "bot"),
    [
        ("project_42_bot_f3e9", True),
        ("project_42_bot", True),
        ("group_7_bot1", True),
        ("project_bot", False),
        ("ann", False),
    ],
)
def test_bots_of_access_tokens_are_known_by_their_names(name: str, bot: bool) -> None:
    assert bot == reading.account({"id": 1, "username": name}).bot


def test_a_job_token_reads_the_request_and_is_told_apart_from_what_it_cannot(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        server.add_user("runner", token=OTHER, kind="job")
        with a_forge(server, OTHER, job_token=True) as forge:
            assert server.request.refs.head == forge.request().head_sha
            with pytest.raises(ReadOnlyError, match="project access token"):
                forge.account()
            with pytest.raises(ReadOnlyError, match="CI_JOB_TOKEN"):
                forge.threads()
            with pytest.raises(ReadOnlyError, match="CI_JOB_TOKEN"):
                forge.files()
            assert forge.permissions().job_token
            assert "may not post" in forge.permissions().shortfalls[0]


def test_a_job_token_in_the_place_of_an_access_token_is_guessed(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        server.add_user("runner", token=OTHER, kind="job")
        with a_forge(server, OTHER) as forge, pytest.raises(RefusedError, match="or it is a CI_JOB_TOKEN"):
            forge.request()


def test_who_is_no_member_is_told_so(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        server.add_user("stranger", token=OTHER, level=0)
        with a_forge(server, OTHER) as forge, pytest.raises(RefusedError, match="no member of the project"):
            forge.request()
        with a_forge(server, OTHER) as forge, pytest.raises(RefusedError, match="no member of the project"):
            forge.files()
        with a_forge(server, OTHER) as forge, pytest.raises(RefusedError, match="no member of the project"):
            forge.threads()


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (DEVELOPER, ()),
        (REPORTER, ("lower role than Developer",)),
        (GUEST, ("lower role than Reporter",)),
        (0, ("no member",)),
    ],
)
def test_a_tokens_permissions_are_told_with_what_they_lack(tmp_path: Path, level: int, words: tuple[str, ...]) -> None:
    with a_server(tmp_path) as server:
        server.add_user("somebody", token=OTHER, level=level)
        with a_forge(server, OTHER) as forge:
            found = forge.permissions()
    assert (False, level or None) == (found.job_token, found.access_level)
    assert found.account is not None
    assert "somebody" == found.account.name
    assert len(words) == len(found.shortfalls)
    assert all(word in told for word, told in zip(words, found.shortfalls, strict=True))
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(("scopes", "shortfalls"), [(["api"], 0), (["read_api", "read_user"], 1), ([], 1)])
def test_scopes_are_told_where_the_server_tells_them(scopes: list[str], shortfalls: int) -> None:
    user, token = Reply(body={"id": 5, "username": "bot"}), Reply(body={"scopes": scopes, "expires_at": "2026-12-31"})
    with serving(user, token, Reply(body={"access_level": 30})) as script:
        found = permissions.find(script.calls())
    assert (tuple(scopes), "2026-12-31", 30) == (found.scopes, found.expires, found.access_level)
    assert shortfalls == len(found.shortfalls)
    assert all("needs the scope api" in told for told in found.shortfalls)


@pytest.mark.parametrize(
    ("level", "scopes", "words"),
    [(GUEST, ("api",), "role of the token's user"), (DEVELOPER, ("read_api",), "scopes do not cover it")],
    ids=["guest", "read_api"],
)
def test_a_token_that_only_reads_is_told_at_the_first_write(
    tmp_path: Path, level: int, scopes: tuple[str, ...], words: str
) -> None:
    with a_server(tmp_path) as server:
        server.add_user("reader", token=OTHER, level=level, scopes=scopes)
        with a_forge(server, OTHER) as forge, pytest.raises(ReadOnlyError, match=words):
            review(forge, EVERYWHERE)
        assert (1, [], ()) == (len(server.writes), server.comments(), server.drafts)


def test_a_job_token_posts_nothing_and_does_not_even_try(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        server.add_user("runner", token=OTHER, kind="job")
        with a_forge(server, OTHER, job_token=True) as forge:
            plan = PostingPlan(
                request=forge.request(),
                create=EVERYWHERE,
                keep=(),
                resolve=(),
                summary=Summary(thread_id=None, note_id=None, body="x"),
            )
            with pytest.raises(ReadOnlyError, match="CI_JOB_TOKEN reads"):
                forge.carry_out(plan, lambda _: "x")
        assert () == server.writes
