"""The demo's project: laid out by real git, measured by the real coverage.py."""

import xml.etree.ElementTree as ET
from pathlib import Path

import gitrepo
import pytest

from reviewbot.demo import project
from reviewbot.domain import secret
from reviewbot.errors import UsageError
from reviewbot.templating import folder

SOURCES = folder() / "demo"


@pytest.fixture
def shop(tmp_path: Path) -> gitrepo.Repo:
    """Lay the project out."""
    project.lay_out(tmp_path / "shop", SOURCES, gitrepo.environment())
    return gitrepo.Repo(tmp_path / "shop")


def test_the_change_is_one_commit_on_a_branch_of_its_own(shop: gitrepo.Repo) -> None:
    assert "Shipping, and discounts" == shop.git("log", "--format=%s", f"{project.BASE}..{project.HEAD}")
    changed = shop.git("diff", "--name-only", project.BASE, project.HEAD).splitlines()
    assert ["shop/discounts.py", "shop/receipt.py", "tests/test_cart.py"] == changed
    assert "" == shop.git("status", "--porcelain")


def test_a_secret_is_planted_that_no_file_of_ours_holds(shop: gitrepo.Repo) -> None:
    assert project.token() in (shop.path / "shop" / "discounts.py").read_text("utf-8")
    assert project.token() != secret.mask(project.token())
    shipped = [path for path in SOURCES.rglob("*") if path.is_file()]
    assert shipped
    assert [] == [path for path in shipped if secret.mask(text := path.read_text("utf-8")) != text]


def test_the_users_own_git_configuration_has_no_say(tmp_path: Path) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = /nowhere\n[user]\n\tname = Somebody\n")
    project.lay_out(tmp_path / "shop", SOURCES, gitrepo.environment(GIT_CONFIG_GLOBAL=str(config)))
    assert "Demo" == gitrepo.Repo(tmp_path / "shop").git("log", "-1", "--format=%an")


def test_the_projects_own_tests_leave_lines_of_the_change_uncovered(shop: gitrepo.Repo) -> None:
    project.measure(shop.path, gitrepo.environment())
    report = ET.parse(shop.path / project.REPORT)  # noqa: S314 - just written by coverage.py
    missed = {
        file.get("filename"): [line.get("number") for line in file.iter("line") if line.get("hits") == "0"]
        for file in report.iter("class")
    }
    assert ["19", "20", "21", "22"] == missed["discounts.py"]
    assert ["22"] == missed["receipt.py"]


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        project.lay_out(tmp_path, SOURCES, gitrepo.environment())
    assert ["precious"] == [path.name for path in tmp_path.iterdir()]


def test_a_machine_without_git_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the demo needs git"):
        project.lay_out(tmp_path / "shop", SOURCES, gitrepo.environment(PATH=str(tmp_path)))


def test_what_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="coverage run failed"):
        project.measure(tmp_path, gitrepo.environment(PYTHONSTARTUP="", PYTHONHOME=str(tmp_path)))
