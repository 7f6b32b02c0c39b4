"""Reactions and issues of a repository, through the real client library."""

from github_scene import Scene

from reviewbot.domain.thread import Thread

TITLE = "a title"


def threads(scene: Scene, token: str) -> tuple[Thread, ...]:
    """Read the threads on lines."""
    return tuple(thread for thread in scene.forge(token).threads() if thread.path)


def test_thumbs_are_asked_for_where_there_are_any_and_once_in_a_run(scene: Scene) -> None:
    token = scene.server.app_token()
    first, _ = scene.remark(token), scene.remark(token, line=6)
    with scene.server.lock:
        world = scene.server.world
        given = [("carl", "-1"), ("dora", "+1"), ("carl", "heart")]
        world.reactions += [(first, world.account(name), what) for name, what in given]
    forge = scene.forge(token)
    known = [thread for thread in forge.threads() if thread.path]
    assert [True, False] == [thread.reacted for thread in known]
    found = forge.archive().reactions(known)
    assert [("carl", False), ("dora", True)] == [(each.account.name, each.up) for each in found]
    assert {str(first)} == {each.note_id for each in found}
    assert found == forge.archive().reactions(known)
    assert 1 == scene.asked("GET", "/reactions")


def test_a_comment_that_has_gone_has_no_thumbs(scene: Scene) -> None:
    token = scene.server.app_token()
    number = scene.remark(token)
    with scene.server.lock:
        scene.server.world.reactions.append((number, scene.server.world.account("carl"), "-1"))
    forge = scene.forge(token)
    known = forge.threads()
    with scene.server.lock:
        scene.server.world.comments.clear()
    assert () == forge.archive().reactions(known)


def test_a_page_is_opened_edited_and_found_again(scene: Scene) -> None:
    forge = scene.forge()
    archive = forge.archive()
    assert () == archive.pages(TITLE)
    archive.write(TITLE, "one", None)
    (page,) = archive.pages(TITLE)
    archive.write(TITLE, "two", page)
    (again,) = archive.pages(TITLE)
    assert (page.number, "one", "two") == (again.number, page.body, again.body)
    assert again.url.endswith(f"/issues/{page.number}")


def test_only_issues_of_our_own_and_of_that_title_are_pages(scene: Scene) -> None:
    scene.say(scene.server.token("mallory", role="write"), "issues", title=TITLE, body="not ours")
    forge = scene.forge()
    forge.archive().write("another title", "", None)
    assert () == forge.archive().pages(TITLE)


def test_a_page_is_opened_once_though_the_answer_is_lost(scene: Scene) -> None:
    scene.server.faults.add("POST", "/issues$", 502, after_store=True)
    archive = scene.forge().archive()
    archive.write(TITLE, "one", None)
    assert 1 == len(archive.pages(TITLE))
