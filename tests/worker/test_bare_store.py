"""A bare store filled from a real git server: the change and no more, within limits, and mended after crashes."""

import itertools
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import gitrepo
import pytest
from worker.conftest import SECRET, Project
from worker_scene import LIMITS, SURROUNDINGS, stores

from reviewbot.domain.patch import FilePatch
from reviewbot.repository.bare import Limits, Stores
from reviewbot.repository.bare_git import FetchError, Halted, RefusedError, Store, TooLargeError
from reviewbot.wiring.changes import Selection, opened

BIG = 3_000_000


def going_on() -> bool:
    return False


def seen(store: Store, head: str, target: str = "main") -> Mapping[str, str]:
    """Read the change as a review does: what happened to each file."""
    files = read(store, head, target)
    return {file.path: file.status.value for file in files}


def read(store: Store, head: str, target: str = "main") -> tuple[FilePatch, ...]:
    selection = Selection(repo=store.folder, base=f"origin/{target}", head=head)
    with opened(selection, {**SURROUNDINGS, **store.environ}, store.folder) as source:
        for file in source.change.patch.files:
            source.change.sources.new_text(file)
        return source.change.patch.files


def blobs(store: Store) -> int:
    """Count the blobs that were fetched."""
    command = ["git", "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"]
    told = subprocess.run(command, cwd=store.folder, env=SURROUNDINGS, capture_output=True, check=True).stdout
    return told.split().count(b"blob")


def test_the_change_is_fetched_and_nothing_else(project: Project, tmp_path: Path) -> None:
    wanted = project.wanted()
    with stores(tmp_path / "stores").opened(wanted, going_on) as store:
        asked = len(project.server.visits)
        assert {"f1.py": "modified", "f3.py": "deleted", "new.py": "added"} == seen(store, wanted.head)
        # The changed file's two sides, the removed one, the new one, the configuration; of 42 files.
        assert 5 == blobs(store)
        assert asked == len(project.server.visits)


def test_what_was_not_foreseen_is_fetched_when_it_is_read(project: Project, tmp_path: Path) -> None:
    with stores(tmp_path / "stores").opened(project.wanted(), going_on) as store:
        environ = {**SURROUNDINGS, **store.environ}
        command = ["git", "cat-file", "blob", "origin/main:f7.py"]
        assert b"number = 7\n" == subprocess.run(command, cwd=store.folder, env=environ, stdout=-1, check=True).stdout


def test_another_push_takes_what_is_new_in_it(project: Project, tmp_path: Path) -> None:
    at = stores(tmp_path / "stores")
    with at.opened(project.wanted(), going_on) as store:
        before = blobs(store)
    project.repo.commit({"f9.py": "number = 90\n"})
    wanted = project.wanted()
    with at.opened(wanted, going_on) as store:
        assert "modified" == seen(store, wanted.head)["f9.py"]
        assert before + 2 == blobs(store)


def test_a_branch_that_was_left_long_ago_is_compared_from_where_it_left(project: Project, tmp_path: Path) -> None:
    project.repo.git("checkout", "--quiet", "main")
    for number in range(70):
        project.repo.commit(message=str(number))
    project.repo.commit({"f1.py": "number = 100\n"})
    wanted = project.wanted()
    with stores(tmp_path / "stores").opened(wanted, going_on) as store:
        assert (store.folder / "shallow").exists() is False
        assert {"f1.py": "modified", "f3.py": "deleted", "new.py": "added"} == seen(store, wanted.head)


def test_histories_without_a_common_commit_are_fetched_all_the_same(project: Project, tmp_path: Path) -> None:
    project.repo.git("checkout", "--quiet", "--orphan", "alone")
    head = project.repo.commit({"f1.py": "another = 1\n"})
    with stores(tmp_path / "stores").opened(project.wanted(head), going_on) as store:
        assert store.folder.exists()


def test_a_server_that_gives_no_commit_by_its_id_is_asked_for_the_requests_own_name(
    project: Project, tmp_path: Path
) -> None:
    """As over the first protocol; such a server leaves nothing out, either."""
    for name in ("allowAnySHA1InWant", "allowFilter"):
        project.repo.git("config", f"uploadpack.{name}", "false")
    project.repo.git("checkout", "--quiet", "--detach", "topic")
    head = project.repo.commit({"f5.py": "number = 50\n"})
    project.repo.git("update-ref", "refs/merge-requests/7/head", head)
    project.server.old = True
    with stores(tmp_path / "stores").opened(project.wanted(head), going_on) as store:
        assert "modified" == seen(store, head)["f5.py"]


def test_a_commit_that_is_gone_is_told(project: Project, tmp_path: Path) -> None:
    with (
        pytest.raises(FetchError, match="the forge does not give commit 1234123: was it replaced by another push"),
        stores(tmp_path / "stores").opened(project.wanted("1234" * 10), going_on),
    ):
        raise AssertionError


@pytest.mark.parametrize(
    ("head", "target"),
    [
        ("topic", "main"),
        ("--upload-pack=touch", "main"),
        ("a" * 40, ""),
        ("a" * 40, "main:refs/heads/other"),
        ("a" * 40, "*"),
        ("a" * 40, "a..b"),
        ("a" * 40, "with space"),
        ("a" * 40, "with\nline"),
    ],
)
def test_what_is_no_commit_and_no_branch_is_not_asked_for(
    project: Project, tmp_path: Path, head: str, target: str
) -> None:
    with (
        pytest.raises(FetchError, match=r"is no (commit id|name of a branch)"),
        stores(tmp_path / "stores").opened(replace(project.wanted("a" * 40, target), head=head), going_on),
    ):
        raise AssertionError
    assert [] == project.server.visits


def test_a_branch_may_look_like_an_option(project: Project, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    name = f"--upload-pack=touch${{IFS}}{marker}"
    project.repo.git("update-ref", f"refs/heads/{name}", "main")
    wanted = project.wanted(target=name)
    with stores(tmp_path / "stores").opened(wanted, going_on) as store:
        assert "added" == seen(store, wanted.head, name)["new.py"]
    assert not marker.exists()


def test_a_branch_takes_the_place_of_one_that_its_name_cannot_stand_beside(project: Project, tmp_path: Path) -> None:
    at = stores(tmp_path / "stores")
    for name, old in (("line/one", "line"), ("line", "line/one")):
        project.repo.git("update-ref", "-d", f"refs/heads/{old}")
        project.repo.git("update-ref", f"refs/heads/{name}", "main")
        with at.opened(project.wanted(target=name), going_on) as store:
            assert store.folder.exists()


# Limits.


@pytest.fixture
def heavy(project: Project) -> Project:
    """Let the change hold a file that cannot be made smaller."""
    project.repo.commit({"heavy.bin": os.urandom(BIG)})
    return project


def test_a_change_that_is_too_large_is_not_fetched_and_leaves_nothing(heavy: Project, tmp_path: Path) -> None:
    at = stores(tmp_path / "stores", Limits(fetch_bytes=1_000_000))
    with pytest.raises(TooLargeError, match="more than the 1 MB"), at.opened(heavy.wanted(), going_on) as store:
        raise AssertionError(store)
    assert [] == list((tmp_path / "stores").rglob("tmp_*"))


def test_a_server_that_never_ends_is_left(project: Project, tmp_path: Path) -> None:
    project.server.stalled.set()
    clock = itertools.count()
    at = replace(stores(tmp_path / "stores", Limits(fetch_s=5)), clock=lambda: float(next(clock)))
    with pytest.raises(FetchError, match="did not give the change in time"), at.opened(project.wanted(), going_on):
        raise AssertionError


def test_a_fetch_ends_when_nobody_wants_it_any_more(project: Project, tmp_path: Path) -> None:
    project.server.stalled.set()
    with pytest.raises(Halted), stores(tmp_path / "stores").opened(project.wanted(), lambda: True):
        raise AssertionError


def test_who_waits_for_another_ones_fetch_can_be_stopped_too(project: Project, tmp_path: Path) -> None:
    at = stores(tmp_path / "stores")
    project.server.stalled.set()
    ended: list[bool] = []

    def first() -> None:
        with pytest.raises(Halted), at.opened(project.wanted(), lambda: bool(ended)):
            raise AssertionError

    thread = Thread(target=first)
    thread.start()
    project.server.begun.wait(10)
    with pytest.raises(Halted, match="another review"), at.opened(project.wanted(), lambda: True):
        raise AssertionError
    ended.append(True)
    thread.join(10)
    assert not thread.is_alive()


# Credentials.


def test_the_token_is_sent_to_its_server_and_stands_in_no_file(project: Project, tmp_path: Path) -> None:
    with stores(tmp_path / "stores").opened(project.wanted(), going_on):
        pass
    assert {SECRET} == {visit.authorization for visit in project.server.visits}
    secret = SECRET.removeprefix("Basic ").encode()
    files = [path for path in (tmp_path / "stores").rglob("*") if path.is_file()]
    assert [] == [path for path in files if secret in path.read_bytes()]


def test_a_refused_token_is_told_and_not_shown(project: Project, tmp_path: Path) -> None:
    other = "Basic " + "another-one"
    with (
        pytest.raises(RefusedError, match=r"^the forge refuses the token, or .*(?i:auth|username)") as caught,
        stores(tmp_path / "stores").opened(project.wanted(authorization=other), going_on),
    ):
        raise AssertionError
    assert "another-one" not in str(caught.value)
    assert {other, ""} >= {visit.authorization for visit in project.server.visits}


def test_a_project_that_is_not_there_for_the_token_is_told(project: Project, tmp_path: Path) -> None:
    wanted = replace(project.wanted(), url=f"{project.server.url}/group/other.git")
    with (
        pytest.raises(RefusedError, match=r"no such project for it \(git says: .*/group/other\.git/' not found"),
        stores(tmp_path / "stores").opened(wanted, going_on),
    ):
        raise AssertionError


class _Forbidding(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        pass


def test_a_token_that_may_not_read_is_told(project: Project, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Forbidding) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        wanted = replace(project.wanted(), url=f"http://127.0.0.1:{server.server_port}/group/project.git")
        with (
            pytest.raises(RefusedError, match=r"refuses the token, .*error: 403"),
            stores(tmp_path / "stores").opened(wanted, going_on),
        ):
            raise AssertionError
        server.shutdown()


def test_a_server_that_is_not_there_is_told_with_what_to_check(project: Project, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        wanted = replace(project.wanted(), url=f"http://127.0.0.1:{free.getsockname()[1]}/group/project.git")
        with (
            pytest.raises(FetchError, match=r"cannot be reached\. Check REVIEWBOT_GITLAB_URL .* \(git says: fatal: "),
            stores(tmp_path / "stores").opened(wanted, going_on),
        ):
            raise AssertionError


# What is on disk.


def test_projects_that_were_not_used_for_long_go_first_and_none_that_is_in_use(
    project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "stores"
    for name in ("one", "two", "three"):
        project.server.repos[name] = project.repo
    wanted = {
        name: replace(project.wanted(), url=f"{project.server.url}/{name}.git") for name in ("one", "two", "three")
    }
    roomy, narrow = stores(folder), stores(folder, replace(LIMITS, total_bytes=1))
    with roomy.opened(wanted["one"], going_on) as one:
        with roomy.opened(wanted["two"], going_on) as two:
            pass
        with narrow.opened(wanted["three"], going_on) as three:
            assert (True, False, True) == tuple(store.folder.exists() for store in (one, two, three))
            assert "added" == seen(one, wanted["one"].head)["new.py"]


def test_a_store_that_a_crash_has_spoiled_is_made_anew(project: Project, tmp_path: Path) -> None:
    at = stores(tmp_path / "stores")
    with at.opened(project.wanted(), going_on) as store:
        pass
    (store.folder / "shallow.lock").touch()
    (store.folder / "refs" / "remotes" / "origin" / "main.lock").touch()
    project.repo.git("branch", "--force", "main", "topic~1")
    project.repo.git("checkout", "--quiet", "main")
    project.repo.commit({"f2.py": "number = 20\n"})
    with at.opened(project.wanted(), going_on) as store:
        assert not (store.folder / "shallow.lock").exists()
        assert "added" == seen(store, project.wanted().head)["new.py"]


def test_a_store_is_kept_while_its_forge_is_away(project: Project, tmp_path: Path) -> None:
    at = stores(tmp_path / "stores")
    with at.opened(project.wanted(), going_on) as store:
        pass
    (store.folder / "kept").touch()
    project.server.authorizations = frozenset({"nobody's"})
    with pytest.raises(FetchError), at.opened(project.wanted(), going_on):
        raise AssertionError
    assert (store.folder / "kept").exists()


def test_many_packs_become_one_without_a_loss(project: Project, tmp_path: Path) -> None:
    at = stores(tmp_path / "stores")
    wanted = project.wanted()
    with at.opened(wanted, going_on) as store:
        loose = gitrepo.Repo(store.folder)
        for number in range(61):
            blob = loose.git("hash-object", "-w", "--stdin", stdin=str(number).encode())
            loose.git("pack-objects", "--quiet", "objects/pack/pack", stdin=f"{blob}\n".encode())
    with at.opened(wanted, going_on) as store:
        assert 5 > len(list((store.folder / "objects" / "pack").glob("*.pack")))
        asked = len(project.server.visits)
        assert "modified" == seen(store, wanted.head)["f1.py"]
        assert asked == len(project.server.visits)


def test_reviews_of_one_project_may_fetch_at_the_same_time(project: Project, tmp_path: Path) -> None:
    at = stores(tmp_path / "stores")
    found: list[str] = []

    def fetch(at: Stores) -> None:
        with at.opened(project.wanted(), going_on) as store:
            found.append(seen(store, project.wanted().head)["new.py"])

    threads = [Thread(target=fetch, args=(at,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ["added"] * 3 == found


# What a repository brings along.


def test_nothing_that_a_change_holds_is_run_or_obeyed(project: Project, tmp_path: Path) -> None:
    marker, run = tmp_path / "marker", tmp_path / "run.sh"
    run.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n")
    run.chmod(0o755)
    repo = project.repo
    (tmp_path / "outside").write_text("from outside\n")
    (repo.path / "link.py").symlink_to(tmp_path / "outside")
    hostile: dict[str | bytes, str] = {
        ".gitattributes": "*.py filter=evil diff=evil merge=evil\n*.py -diff\n",
        ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::{run}\n\tupdate = !{run}\n',
        ".reviewbot.toml": 'engine = "nonsense"\n',
        b"line\nbreak.py": "broken = 1\n",
        "--output=x.py": "dashed = 1\n",
        "hooks/post-checkout": run.read_text(),
    }
    for path, text in hostile.items():
        repo.write(path, text)
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},x")
    head = repo.commit({"f1.py": "number = undefined_name\n"})
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[core]\n\tfsmonitor = {run}\n\thooksPath = {tmp_path}\n\tpager = {run}\n\talternateRefsCommand = {run}\n"
        f'[filter "evil"]\n\tsmudge = {run}\n\tclean = {run}\n[diff "evil"]\n\tcommand = {run}\n\ttextconv = {run}\n'
        f"[credential]\n\thelper = !{run}\n[diff]\n\texternal = {run}\n"
    )
    with stores(tmp_path / "stores", HOME=str(home)).opened(project.wanted(head), going_on) as store:
        files = read(store, head)
    shown = {file.path: file.status.value for file in files}
    assert shown.items() >= {"f1.py": "modified", "line\nbreak.py": "added", "--output=x.py": "added"}.items()
    # The change's own attributes would hide it.
    assert ["f1.py"] == [file.path for file in files if file.path == "f1.py" and file.hunks]
    assert not marker.exists()
    assert not (store.folder / "hooks").exists()


def test_an_address_that_is_not_of_the_web_is_not_fetched_from(project: Project, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for url in (f"ext::touch {marker}", project.repo.url, str(project.repo.path)):
        with (
            pytest.raises(FetchError, match="not allowed"),
            stores(tmp_path / "stores").opened(replace(project.wanted(), url=url), going_on),
        ):
            raise AssertionError
    assert not marker.exists()
