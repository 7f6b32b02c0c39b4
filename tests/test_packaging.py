"""A wheel holds all that the program reads, and works from where it was unpacked."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import gitrepo
import pytest

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "reviewbot", "templates")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from a copy, so that nothing is left in the checkout; no network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in BUILT_FROM:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(origin, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    done = subprocess.run(
        [*command, "--disable-pip-version-check", "--no-cache-dir", "--wheel-dir", str(folder), str(source)],
        env=gitrepo.environment(HOME=str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    (wheel,) = folder.glob("reviewbot-*.whl")
    return wheel


def test_a_wheel_holds_the_package_its_templates_and_its_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    wanted = {
        f"reviewbot/{path.relative_to(ROOT / 'reviewbot').as_posix()}"
        for path in (ROOT / "reviewbot").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    } | {
        f"reviewbot/templates/{path.relative_to(ROOT / 'templates').as_posix()}"
        for path in (ROOT / "templates").rglob("*")
        if path.is_file()
    }
    assert set() == wanted - held
    assert {
        "reviewbot/templates/prompts/review.system.j2",
        "reviewbot/templates/reports/report.html.j2",
        "reviewbot/llm/prices.toml",
        "reviewbot/analyzers/ruff/profile.toml",
    } <= held


def test_a_wheel_holds_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0].split("-")[0] for name in archive.namelist()}
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith("/METADATA"))).decode()
        scripts = archive.read(next(name for name in archive.namelist() if name.endswith("/entry_points.txt"))).decode()
    assert {"reviewbot"} == tops
    assert "License-Expression: MIT" in metadata
    assert "reviewbot = reviewbot.cli:main" in scripts


SCRIPT = """
import json, sys
import reviewbot
from datetime import UTC, datetime
from reviewbot import templating
from reviewbot.llm.prices import Prices
from reviewbot.steps import prompting
prompt = prompting.system(templating.environment(), "Mind the gap.")
price = Prices.load().at("deepseek-flash", datetime(2026, 12, 1, 12, tzinfo=UTC))
print(json.dumps([reviewbot.__file__, str(templating.folder()), prompt, price is not None]))
"""


def test_an_unpacked_wheel_renders_its_prompts(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=gitrepo.environment(PYTHONPATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=True,
    )
    file, folder, prompt, priced = json.loads(done.stdout)
    assert tmp_path / "reviewbot" / "__init__.py" == Path(file)
    assert tmp_path / "reviewbot" / "templates" == Path(folder)
    assert "Mind the gap." in prompt
    assert priced is True


def test_an_unpacked_wheel_reviews(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    repo = gitrepo.init(tmp_path / "repo", environ=gitrepo.environment(PYTHONPATH=str(tmp_path / "site")))
    repo.commit({"a.py": "print(undefined)\n"})
    for format_ in ("html", "json"):
        done = subprocess.run(
            [sys.executable, "-m", "reviewbot", "review", "--format", format_],
            cwd=repo.path,
            env=dict(repo.environ),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Undefined name" in done.stdout


def test_a_checkout_renders_its_prompts(tmp_path: Path) -> None:
    """As in an editable install, where the build back-end puts no templates into the package."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=gitrepo.environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(ROOT / "templates") == json.loads(done.stdout)[1]
    assert not (ROOT / "reviewbot" / "templates").exists()


def test_gitlab_finds_only_its_components_among_the_templates() -> None:
    """GitLab reads templates/NAME.yml and templates/NAME/template.yml as CI/CD components."""
    for path in [*(ROOT / "templates").glob("*.yml"), *(ROOT / "templates").glob("*/template.yml")]:
        assert "spec:" in path.read_text("utf-8").split("\n---", 1)[0], path
    for folder in ("prompts", "reports", "comments", "ci"):
        assert not (ROOT / "templates" / folder / "template.yml").exists()
        assert all(path.suffix == ".j2" for path in (ROOT / "templates" / folder).glob("*"))
