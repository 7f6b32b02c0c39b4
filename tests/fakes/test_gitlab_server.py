"""The fake GitLab before any comment: who gets in, and what can be read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.gitlab_scene import TOKEN, Scene, scene
from fakes.gitlab_server import GUEST, MAINTAINER, Rules
from gitlab.exceptions import GitlabAuthenticationError, GitlabCreateError, GitlabGetError

OTHER, JOB = "token-of-eve", "token-of-a-job"
LIMITED = {"message": {"error": "This endpoint has been requested too many times. Try again later."}}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as found:
        yield found


def bodies(at: Scene) -> list[str]:
    return [comment.body for comment in at.server.comments()]


def changes(at: Scene, **options: bool) -> dict[str, Any]:
    answer = at.request.changes(**options)
    assert isinstance(answer, dict)
    return answer


def test_a_token_that_is_not_known_or_revoked_is_unauthorized(at: Scene) -> None:
    with at.as_user("made-up") as client, pytest.raises(GitlabAuthenticationError, match="401 Unauthorized"):
        client.auth()
    at.server.revoke(TOKEN)
    answer = at.raw("GET", "")
    assert (401, {"message": "401 Unauthorized"}) == (answer.status_code, answer.json())
    assert [None, None] == [logged.user for logged in at.server.log]


def test_a_token_may_come_as_a_bearer(at: Scene) -> None:
    assert 200 == at.raw("GET", "/notes", headers={"Authorization": f"Bearer {TOKEN}"}).status_code
    assert ["reviewbot"] == [logged.user for logged in at.server.log]


def test_a_job_token_reads_the_request_and_its_notes_and_nothing_else(at: Scene) -> None:
    at.server.add_token(at.bot, JOB, kind="job")
    headers = {"JOB-TOKEN": JOB}
    for method, path, status in (
        ("GET", "", 200),
        ("GET", "/notes", 200),
        ("GET", "/discussions", 401),
        ("GET", "/draft_notes", 401),
        ("POST", "/notes", 401),
        ("POST", "/discussions", 401),
        ("POST", "/draft_notes", 401),
    ):
        answer = at.raw(method, path, headers=headers, json={"body": "b", "note": "n"})
        assert (status, path) == (answer.status_code, path)
        assert status == 200 or {"message": "401 Unauthorized"} == answer.json()
    assert 401 == at.raw("GET", "", token=JOB).status_code
    assert 401 == at.raw("GET", "", headers={"JOB-TOKEN": TOKEN}).status_code


def test_a_token_that_may_only_read_lacks_scope_for_writing(at: Scene) -> None:
    at.server.add_token(at.bot, OTHER, scopes=("read_api",))
    assert 200 == at.raw("GET", "/discussions", token=OTHER).status_code
    answer = at.raw("POST", "/notes", token=OTHER, json={"body": "b"})
    assert (403, "insufficient_scope", "api") == (answer.status_code, answer.json()["error"], answer.json()["scope"])
    with at.as_user(OTHER) as client, pytest.raises(GitlabCreateError) as refused:
        client.projects.get(42, lazy=True).mergerequests.get(7, lazy=True).notes.create({"body": "b"})
    assert 403 == refused.value.response_code


def test_who_is_no_member_does_not_even_see_that_there_is_a_project(at: Scene) -> None:
    eve = at.server.add_user("eve", token=OTHER, level=0)
    answer = at.raw("GET", "", token=OTHER)
    assert (404, {"message": "404 Project Not Found"}) == (answer.status_code, answer.json())
    with pytest.raises(GitlabGetError, match="404 Not found"):
        at.client.projects.get(42, lazy=True).members_all.get(eve.id)


def test_a_guest_may_read_and_not_write(at: Scene) -> None:
    at.server.add_user("eve", token=OTHER, level=GUEST)
    assert 200 == at.raw("GET", "", token=OTHER).status_code
    answer = at.raw("POST", "/notes", token=OTHER, json={"body": "b"})
    assert (403, {"message": "403 Forbidden"}) == (answer.status_code, answer.json())


def test_a_project_is_known_by_number_and_by_path(at: Scene) -> None:
    for name in (42, "group/project"):
        project = at.client.projects.get(name)
        assert (42, "group/project") == (project.id, project.path_with_namespace)
        assert 7 == project.mergerequests.get(7).iid
    with pytest.raises(GitlabGetError, match="404 Project Not Found"):
        at.client.projects.get("group/other")
    with pytest.raises(GitlabGetError, match="404 Not found"):
        at.client.projects.get(42).mergerequests.get(8)


def test_a_token_says_whose_it_is_and_members_what_they_may(at: Scene) -> None:
    at.client.auth()
    assert at.client.user is not None
    assert ("reviewbot", True) == (at.client.user.username, at.client.user.attributes["bot"])
    boss = at.server.add_user("boss", level=MAINTAINER)
    assert 40 == at.client.projects.get(42, lazy=True).members_all.get(boss.id).access_level
    assert ("18.2.0", "0123456789a") == at.client.version()


def test_a_request_tells_its_commits_and_its_state(at: Scene) -> None:
    at.server.request.state, at.server.request.draft, at.server.request.labels = "closed", True, ("bug",)
    shown = at.client.projects.get(42, lazy=True).mergerequests.get(7)
    main, feature = (at.repo.git("rev-parse", name) for name in ("main", "feature"))
    assert {"base_sha": main, "start_sha": main, "head_sha": feature} == shown.diff_refs
    assert (feature, "closed", True, ["bug"], "Draft: A change", "ann", "5") == (
        shown.sha,
        shown.state,
        shown.draft,
        shown.labels,
        shown.title,
        shown.author["username"],
        shown.changes_count,
    )


def test_a_new_request_has_no_diff_for_a_while(at: Scene) -> None:
    at.server.set_null_diff_refs(3)
    request = at.client.projects.get(42, lazy=True).mergerequests.get(7)
    assert (None, None) == (request.diff_refs, request.sha)
    assert [] == request.diffs.list(get_all=True)
    request = at.client.projects.get(42, lazy=True).mergerequests.get(7)
    assert request.diff_refs is None
    assert at.client.projects.get(42, lazy=True).mergerequests.get(7).diff_refs is not None


def test_versions_come_newest_first_with_three_commits_each(at: Scene) -> None:
    old = at.server.request.refs
    at.repo.git("checkout", "--quiet", "main")
    at.repo.commit({"other.py": "x\n"})
    at.repo.git("checkout", "--quiet", "feature")
    at.repo.git("merge", "--quiet", "main")
    new = at.server.push().refs
    shown = at.request.diffs.list(get_all=True)
    assert [new.head, old.head] == [one.head_commit_sha for one in shown]
    assert [new.base, old.base] == [one.base_commit_sha for one in shown]
    assert at.repo.git("rev-parse", "main") == new.base == shown[0].start_commit_sha
    whole = at.request.diffs.get(shown[1].id)
    assert (5, 1) == (len(whole.diffs), len(whole.commits))
    assert {"message": "404 Not found"} == at.raw("GET", "/versions/1").json()


def test_files_are_shown_as_git_diffs_them(at: Scene) -> None:
    files = {file["new_path"]: file for file in at.raw("GET", "/diffs").json()}
    assert ["after.py", "app.py", "gone.py", "new.py", "purer.py"] == sorted(files)
    assert ("before.py", True) == (files["after.py"]["old_path"], files["after.py"]["renamed_file"])
    assert ("0", "100644", True) == tuple(files["new.py"][name] for name in ("a_mode", "b_mode", "new_file"))
    assert ("100644", "0", True) == tuple(files["gone.py"][name] for name in ("a_mode", "b_mode", "deleted_file"))
    assert "@@ -0,0 +1,2 @@\n+a\r\n+b\r\n" == files["new.py"]["diff"]
    assert "" == files["purer.py"]["diff"]
    assert files["app.py"]["diff"] in at.raw("GET", "/raw_diffs").text
    assert list(files.values()) == changes(at)["changes"]
    assert list(files.values()) == list(
        at.client.http_list("/projects/42/merge_requests/7/diffs", iterator=True, per_page=2)
    )


def test_large_files_are_withheld_in_two_steps(tmp_path: Path) -> None:
    with scene(tmp_path, Rules(patch_bytes=1500)) as at:
        at.repo.commit({"huge.py": "x" * 1600 + "\n"})
        at.server.push()
        files = {file["new_path"]: file for file in at.raw("GET", "/diffs").json()}
        shown = {path: (file["collapsed"], file["too_large"], file["diff"] == "") for path, file in files.items()}
        assert {"app.py": (True, False, True), "huge.py": (False, True, True), "new.py": (False, False, False)} == {
            path: shown[path] for path in ("app.py", "huge.py", "new.py")
        }
        whole = changes(at, access_raw_diffs=True)["changes"]
        assert all(file["diff"] for file in whole if file["new_path"] in ("app.py", "huge.py"))


def test_too_many_files_or_lines_are_withheld_too(tmp_path: Path) -> None:
    for rules, reasons in (
        (Rules(files=3), ["collapsed"] * 3 + ["too_large"] * 2),
        (Rules(lines=20), ["collapsed", "too_large", "too_large", "too_large", "too_large"]),
    ):
        with scene(tmp_path / str(rules.files), rules) as at:
            files = at.raw("GET", "/diffs").json()
            assert reasons == ["too_large" if file["too_large"] else "collapsed" for file in files]
            assert (rules.files < 5) == changes(at)["overflow"]


def test_older_servers_lack_newer_routes(tmp_path: Path) -> None:
    with scene(tmp_path, Rules(version=(15, 6))) as at:
        assert [404, 404, 200] == [at.raw("GET", path).status_code for path in ("/diffs", "/raw_diffs", "/changes")]


def test_paths_and_texts_may_hold_anything(at: Scene) -> None:
    at.repo.commit({'a "b" c.py': "x\n", "é/ü.py": b"caf\xe9\n", "data.bin": b"\0\1"})
    at.server.push()
    files = {file["new_path"]: file["diff"] for file in at.raw("GET", "/diffs").json()}
    assert "@@ -0,0 +1 @@\n+x\n" == files['a "b" c.py']
    assert "@@ -0,0 +1 @@\n+caf\ufffd\n" == files["é/ü.py"]
    assert "Binary files /dev/null and b/data.bin differ\n" == files["data.bin"]
    at.discuss(path="é/ü.py", new_line=1)
    assert ["caf\ufffd"] == [comment.text for comment in at.server.comments()]


def test_a_file_that_became_a_link_is_two_files(at: Scene) -> None:
    at.repo.git("checkout", "--quiet", "feature")
    (at.repo.path / "app.py").unlink()
    (at.repo.path / "app.py").symlink_to("new.py")
    at.repo.commit()
    at.server.push()
    files = [file for file in at.raw("GET", "/diffs").json() if file["new_path"] == "app.py"]
    assert [(True, False), (False, True)] == [(file["deleted_file"], file["new_file"]) for file in files]


def test_commits_can_be_looked_up_and_compared(at: Scene) -> None:
    project = at.client.projects.get(42, lazy=True)
    main, feature = (at.repo.git("rev-parse", name) for name in ("main", "feature"))
    base, compared = project.repository_merge_base(["main", "feature"]), project.repository_compare("main", "feature")
    assert isinstance(base, dict)
    assert isinstance(compared, dict)
    assert (main, [feature], 5) == (base["id"], [one["id"] for one in compared["commits"]], len(compared["diffs"]))
    assert (feature, [main]) == (project.commits.get("feature").id, project.commits.get(feature).parent_ids)
    assert [feature] == [one.id for one in at.request.commits()]
    with pytest.raises(GitlabGetError, match="404 Commit Not Found"):
        project.commits.get("nowhere")
    with pytest.raises(GitlabGetError, match="Provide at least 2 refs"):
        project.repository_merge_base(["main"])


def test_branches_without_a_common_commit_have_no_merge_base(at: Scene) -> None:
    at.repo.git("checkout", "--quiet", "--orphan", "alone")
    at.repo.commit()
    with pytest.raises(GitlabGetError, match="404 Merge Base Not Found"):
        at.client.projects.get(42, lazy=True).repository_merge_base(["main", "alone"])


def test_what_is_no_json_is_refused(at: Scene) -> None:
    for data in ("{", "[]"):
        answer = at.raw("POST", "/notes", data=data)
        assert 400 == answer.status_code
        assert answer.json()["error"].startswith("There was a problem in the JSON you submitted")
