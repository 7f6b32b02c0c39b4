"""Copies for jobs, and what is read back of them."""

import os
from pathlib import Path

import pytest
from gitrepo import init

from reviewbot.errors import SandboxError
from reviewbot.sandbox.copying import copy_tree, read_back


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def test_the_files_of_a_repository_are_copied_with_their_texts_and_modes(tmp_path: Path) -> None:
    repo = init(tmp_path / "repo")
    repo.commit({"a.py": "a", "deep/er/b ü.sh": b"\x00b", "left.py": "not named"})
    (repo.path / "deep" / "er" / "b ü.sh").chmod(0o755)
    copy_tree(repo.path, tmp_path / "copy", ["a.py", "deep/er/b ü.sh"])
    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert {"a.py", "deep/er/b ü.sh"} == copied
    assert b"\x00b" == (tmp_path / "copy" / "deep/er/b ü.sh").read_bytes()
    assert [0o644, 0o755] == [(tmp_path / "copy" / name).stat().st_mode & 0o777 for name in ("a.py", "deep/er/b ü.sh")]


def test_a_write_into_the_copy_does_not_reach_the_original(tmp_path: Path, source: Path) -> None:
    (source / "a").write_text("original")
    copy_tree(source, tmp_path / "copy", ["a"])
    (tmp_path / "copy" / "a").write_text("changed")
    assert "original" == (source / "a").read_text()


def test_nothing_of_gits_own_folder_is_copied(tmp_path: Path, source: Path) -> None:
    (source / ".git").mkdir()
    (source / ".git" / "config").write_text("token")
    (source / "link").symlink_to(".git/config")
    copy_tree(source, tmp_path / "copy", [".git/config", "link"])
    assert [] == list((tmp_path / "copy").iterdir())


@pytest.mark.parametrize("aim", ["../outside", "/etc/passwd", "folder/../../outside"])
def test_a_link_that_leaves_the_tree_is_left_out(tmp_path: Path, source: Path, aim: str) -> None:
    (tmp_path / "outside").write_text("secret")
    (source / "folder").mkdir()
    (source / "link").symlink_to(aim)
    copy_tree(source, tmp_path / "copy", ["link"])
    assert not (tmp_path / "copy" / "link").is_symlink()


def test_a_link_inside_the_tree_stays_a_link(tmp_path: Path, source: Path) -> None:
    (source / "a").write_text("a")
    (source / "folder").mkdir()
    (source / "folder" / "link").symlink_to("../a")
    copy_tree(source, tmp_path / "copy", ["folder/link", "a"])
    assert Path("../a") == (tmp_path / "copy" / "folder" / "link").readlink()


def test_a_folder_that_has_become_a_link_is_not_followed(tmp_path: Path, source: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (source / "folder").symlink_to(tmp_path / "outside")
    copy_tree(source, tmp_path / "copy", ["folder/secret"])
    assert [] == list((tmp_path / "copy").iterdir())


def test_what_is_gone_or_special_is_left_out(tmp_path: Path, source: Path) -> None:
    os.mkfifo(source / "pipe")
    (source / "submodule").mkdir()
    (source / "file").write_text("")
    copy_tree(source, tmp_path / "copy", ["pipe", "submodule", "gone", "file/below"])
    assert [] == list((tmp_path / "copy").iterdir())


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/../../b", ""])
def test_a_name_outside_the_tree_is_refused(tmp_path: Path, source: Path, name: str) -> None:
    with pytest.raises(SandboxError, match="outside it"):
        copy_tree(source, tmp_path / "copy", [name])


def test_a_target_that_cannot_be_written_is_said_so(tmp_path: Path, source: Path) -> None:
    (tmp_path / "copy").write_text("a file")
    with pytest.raises(SandboxError, match="could not be copied"):
        copy_tree(source, tmp_path / "copy", [])


def test_a_file_of_the_job_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "data").write_bytes(b"12345")
    assert b"12345" == read_back(tmp_path, "folder/data", 5)
    assert read_back(tmp_path, "folder/data", 4) is None


def test_nothing_but_a_file_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to("../secret")
    (folder / "linked").symlink_to("..")
    os.mkfifo(folder / "pipe")
    assert [None] * 5 == [read_back(folder, name, 99) for name in ("link", "linked/secret", "pipe", ".", "absent")[:3]
                          ] + [read_back(folder, name, 99) for name in ("linked", "absent")]  # fmt: skip
    with pytest.raises(SandboxError, match="outside it"):
        read_back(folder, "../secret", 99)
