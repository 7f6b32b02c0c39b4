"""What is read: the request, files, and threads of everybody."""

from pathlib import Path

import pytest
from fakes.gitlab_server import DEVELOPER, GUEST, MAINTAINER, REPORTER, Rules
from forges.gitlab.gitlab_scene import EVERYWHERE, NEW, a_forge, a_server, review
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.domain.request import GITLAB, Account, ForgeFile
from reviewbot.domain.thread import ThreadKind
from reviewbot.errors import ForgeError
from reviewbot.forges.gitlab import GitLabForge, marks, reading
from reviewbot.forges.gitlab.refusals import RefusedError
from reviewbot.forges.gitlab.rows import Row


def the_file(forge: GitLabForge, path: str) -> ForgeFile:
    return next(file for file in forge.files() if file.path == path)


def test_a_request_is_told_as_gitlab_tells_it(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        server.request.labels, server.request.draft = ("one", "two words"), True
        request = forge.request()
        repo, refs = server.state.diffs.repo, server.request.refs
        assert (GITLAB, "42", 7, "Draft: A change") == (request.dialect, request.project, request.number, request.title)
        assert (Account(id=1, name="ann"), ("one", "two words")) == (request.author, request.labels)
        assert (True, True, False) == (request.draft, request.open, request.from_fork)
        assert ("feature", "main") == (request.source_branch, request.target_branch)
        assert (refs.head, refs.base, refs.start) == (request.head_sha, request.base_sha, request.start_sha)
        assert repo.git("rev-parse", "feature") == request.head_sha


@pytest.mark.parametrize(
    ("state", "is_open"), [("opened", True), ("locked", True), ("merged", False), ("closed", False)]
)
def test_a_request_is_open_until_it_is_merged_or_closed(tmp_path: Path, state: str, is_open: bool) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        server.request.state = state
        assert is_open == forge.request().open


@pytest.mark.parametrize("source", [43, None], ids=["another project", "a project that is gone"])
def test_a_source_that_lies_elsewhere_is_a_fork(tmp_path: Path, source: int | None) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        server.request.source_project_id = source
        assert forge.request().from_fork


def test_a_request_whose_diff_is_not_ready_is_asked_for_again(tmp_path: Path) -> None:
    waits: list[float] = []
    with a_server(tmp_path) as server, a_forge(server, pause=waits.append) as forge:
        server.set_null_diff_refs(3)
        assert server.request.refs.head == forge.request().head_sha
    assert [1.0, 2.0, 4.0] == waits


def test_a_request_whose_diff_never_gets_ready_is_an_error(tmp_path: Path) -> None:
    waits: list[float] = []
    with a_server(tmp_path) as server, a_forge(server, pause=waits.append) as forge:
        server.set_null_diff_refs(99)
        with pytest.raises(ForgeError, match=r"no diff_refs for merge request !7 after 15 s"):
            forge.request()
    assert [1.0, 2.0, 4.0, 8.0] == waits


def test_files_have_both_names_and_their_hunks(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        named = {(file.path, file.old_path, file.withheld) for file in forge.files()}
        assert {
            ("added.py", None, None),
            ("app.py", "app.py", None),
            ("big.txt", "big.txt", "collapsed"),
            ("gone.py", "gone.py", None),
            ("logo.bin", "logo.bin", "binary"),
            ("new_name.py", "old_name.py", None),
        } == named
        assert "@@ -0,0 +1,3 @@\n+first\n+second\n+third\n" == the_file(forge, "added.py").hunks
        assert the_file(forge, "big.txt").hunks is None


def test_a_server_without_the_list_of_diffs_is_asked_the_old_way(tmp_path: Path) -> None:
    with a_server(tmp_path / "new") as server, a_forge(server) as forge:
        expected = forge.files()
    with a_server(tmp_path / "old", Rules(version=(15, 6))) as server, a_forge(server) as forge:
        assert expected == forge.files()


def test_a_file_over_the_limits_is_too_large(tmp_path: Path) -> None:
    with a_server(tmp_path, Rules(patch_bytes=10_000)) as server, a_forge(server) as forge:
        assert ("too large", None) == (the_file(forge, "big.txt").withheld, the_file(forge, "big.txt").hunks)


@pytest.mark.parametrize(
    ("row", "withheld", "hunks"),
    [
        pytest.param({"diff": "", "collapsed": False}, None, "", id="no change of text"),
        pytest.param({"diff": "", "collapsed": True}, "collapsed", None, id="collapsed"),
        pytest.param(
            {"diff": "", "a_mode": "100644", "b_mode": "100644"}, "collapsed", None, id="old server, withheld"
        ),
        pytest.param({"diff": "", "renamed_file": True}, None, "", id="old server, renamed"),
        pytest.param({"diff": "", "a_mode": "100644", "b_mode": "100755"}, None, "", id="old server, another mode"),
        pytest.param({"diff": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"}, None, "@@ -1 +1 @@\n-a\n+b\n", id="headed"),
        pytest.param({"diff": "Binary files a/x and b/x differ\n"}, "binary", None, id="binary"),
    ],
)
def test_a_diff_that_is_not_shown_is_told_from_one_without_text(
    row: Row, withheld: str | None, hunks: str | None
) -> None:
    file = reading.file({"old_path": "x", "new_path": "x", **row})
    assert (withheld, hunks) == (file.withheld, file.hunks)


def test_threads_are_told_by_kind_with_notes_authors_and_paths(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE[5:])
        threads, own = forge.threads(), forge.account()
    assert [ThreadKind.INLINE] * 3 + [ThreadKind.FILE, ThreadKind.PLAIN] == [thread.kind for thread in threads]
    assert ["new_name.py", "added.py", "gone.py", "app.py", None] == [thread.path for thread in threads]
    assert {own} == {thread.opener.author for thread in threads}
    assert EVERYWHERE[5].body == threads[0].opener.body
    assert [True, False] == [threads[0].resolvable, threads[0].resolved]


def test_notes_of_gitlab_itself_are_no_threads_and_no_answers(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE[:1])
        server.state.diffs.repo.commit({"app.py": "all new\n"})
        server.push()
        assert 3 == len(server.state.discussions)
        threads = forge.threads()
        assert [1, 1] == [len(thread.notes) for thread in threads]


@pytest.mark.parametrize(
    ("level", "writer"), [(MAINTAINER, True), (DEVELOPER, True), (REPORTER, False), (GUEST, False), (0, False)]
)
def test_who_resolved_a_thread_is_told_and_whether_they_may_write(tmp_path: Path, level: int, writer: bool) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        person = server.add_user("somebody", level=level)
        review(forge, EVERYWHERE[:2])
        for discussion in server.state.discussions[:2]:
            discussion.notes[0].resolved_by = person
        asked = len(server.log)
        first, second, summary = forge.threads()
        assert (True, Account(id=person.id, name="somebody"), writer) == (
            first.resolved,
            first.resolved_by,
            first.resolved_by_writer,
        )
        assert (second.resolved_by, True) == (first.resolved_by, summary.resolved_by_writer)
        # One list, and each person's role once.
        assert 3 == len(server.log) - asked


def test_all_pages_of_threads_and_files_are_read(tmp_path: Path) -> None:
    with a_server(tmp_path, Rules(external_url="https://gitlab.example")) as server, a_forge(server) as forge:
        for number in range(250):
            forge._calls.once("post", f"{forge._calls.request_path}/notes", {"body": f"note {number}"})
        threads = forge.threads()
        assert [f"note {number}" for number in range(250)] == [thread.opener.body for thread in threads]
        server.state.diffs.repo.commit({f"many/{number:03}.py": "x = 1\n" for number in range(230)})
        server.push()
        assert 230 + len(NEW) == len(forge.files())  # with gone.py, without quiet.py


def test_a_failure_that_is_no_missing_list_is_not_taken_for_one(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        server.faults.add("GET", "/diffs$", "status", status=403)
        with pytest.raises(RefusedError, match="GitLab answered 403"):
            forge.files()


def test_a_mark_says_what_a_comment_is() -> None:
    fingerprint = "0123456789abcdef" * 2
    assert fingerprint == marks.key(f"text\n<!-- reviewbot:v1 finding fp={fingerprint} data=eJw_-= sig=- -->\n")
    assert fingerprint == marks.key(f"<!-- reviewbot:v1 fp={fingerprint} -->")
    assert marks.SUMMARY == marks.key("<!-- reviewbot:v1 summary head=abc data=x sig=- -->\n# Review")
    assert marks.SUMMARY == marks.key(f"<!-- reviewbot:v1 summary fp={fingerprint} -->")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "fp=" + "a" * 32,
        "<!-- reviewbot:v2 fp=aa -->",
        "<!-- reviewbot:v1 -->",
        "<!-- reviewbot:v1 finding fp=xyz -->",
        "<!-- reviewbot:v1 finding fp=aa",
        "<!-- other fp=aa -->",
        "<!-- reviewbot:v1 finding xfp=aa -->",
    ],
)
def test_what_is_no_mark_says_nothing(body: str) -> None:
    assert marks.key(body) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["diff_refs", "author", "labels", "notes", "position", "id", "diff", "new_path", "resolved_by", "username", "iid"]
)


@settings(deadline=None)
@given(row=st.dictionaries(FIELDS, JSON))
def test_rows_of_any_form_are_read_without_an_exception(row: dict[str, object]) -> None:
    reading.request(row)
    reading.account(row)
    reading.file(row)
    thread = reading.thread({"notes": [row]}, lambda _: True)
    assert thread is None or 1 == len(thread.notes)
