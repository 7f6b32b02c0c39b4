"""Which files steer a run, in which order, and what each of them may say."""

from collections.abc import Mapping
from pathlib import Path

import gitrepo
import pytest

from reviewbot.errors import UsageError
from reviewbot.repository.git import Git, locate
from reviewbot.repository.sources import WorkTreeTrust
from reviewbot.settings.layers import Effective
from reviewbot.wiring import configuration
from reviewbot.wiring.operator import read as read_operator


@pytest.fixture
def git(tmp_path: Path) -> Git:
    repo = gitrepo.init(tmp_path / "repo")
    return locate(repo.path, repo.environ)


def effective(
    git: Git | None,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Effective:
    trust = None if git is None else WorkTreeTrust(git)
    return configuration.effective(flags or {}, environ or {}, trust=trust, git=git, config=config)


def write(git: Git, name: str, text: str) -> Path:
    path = git.folder / name
    path.write_text(text, "utf-8")
    return path


def test_flags_environment_operator_project_and_defaults_stand_in_this_order(git: Git, tmp_path: Path) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text("max_comments = 3\nfail_on = 'low'\n[model]\nname = 'operators'\n[client]\nattempts = 3\n")
    write(git, ".reviewbot.toml", "[client]\nattempts = 4\nidle_s = 4\n[model]\nname = 'dot'\n")
    write(git, "pyproject.toml", "[tool.reviewbot.client]\nidle_s = 5\ndeadline_s = 5\n")
    environ = {"REVIEWBOT_CONFIG": str(operator), "REVIEWBOT_MODEL": "variables", "REVIEWBOT_CONCURRENCY": "2"}
    found = effective(git, {"max_comments": 1}, environ)
    settings = found.settings
    assert (1, "variables", 2, "low", 3, 4.0, 5.0, 30.0) == (
        settings.max_comments,
        settings.model.name,
        settings.client.concurrency,
        settings.fail_on,
        settings.client.attempts,
        settings.client.idle_s,
        settings.client.deadline_s,
        settings.client.connect_timeout_s,
    )
    keys = (
        "max_comments", "model.name", "fail_on", "client.idle_s", "client.deadline_s", "client.connect_timeout_s",
    )  # fmt: skip
    assert ["command line", "environment", str(operator), ".reviewbot.toml", "pyproject.toml", "default"] == [
        found.origins[key] for key in keys
    ]


def test_a_given_file_stands_for_the_projects_files(git: Git, tmp_path: Path) -> None:
    write(git, ".reviewbot.toml", "max_comments = 1\n")
    given = tmp_path / "given.toml"
    given.write_text("fail_on = 'low'\n")
    settings = effective(git, config=given).settings
    assert ("low", 10) == (settings.fail_on, settings.max_comments)


def test_a_given_project_file_is_read_by_its_table(git: Git) -> None:
    path = write(git, "pyproject.toml", "[project]\nname = 'x'\n[tool.reviewbot]\nfail_on = 'low'\n")
    assert "low" == effective(git, config=path).settings.fail_on
    path.write_text("[project]\nname = 'x'\n")
    assert "never" == effective(git, config=path).settings.fail_on


def test_an_operators_endpoint_is_taken_and_its_model_is_no_providers(git: Git, tmp_path: Path) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text('[endpoint]\nbase_url = "https://models.example.org/v1"\n')
    environ = {"REVIEWBOT_CONFIG": str(operator), "OPENAI_API_KEY": "x"}
    assert "https://models.example.org/v1" == read_operator(environ).base_url
    assert "deepseek-flash" == effective(git, environ=environ).settings.model.name
    del environ["REVIEWBOT_CONFIG"]
    assert read_operator(environ).base_url is None
    assert "gpt-5-mini" == effective(git, environ=environ).settings.model.name


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[endpoint]\nbase_url = "http://x"\napi_key = "k"\n', "[endpoint] knows base_url alone, not api_key"),
        ('endpoint = "http://x"\n', "endpoint is a table: write [endpoint], and in it base_url"),
        ("[endpoint]\nbase_url = 5\n", "endpoint.base_url is no text, but 5"),
        ("[endpoint\n", "is no valid TOML"),
        ("failon = 'low'\n", "there is no setting 'failon'; did you mean 'fail_on'?"),
    ],
)
def test_faults_of_an_operators_file_name_it(git: Git, tmp_path: Path, text: str, fault: str) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text(text)
    with pytest.raises(UsageError) as caught:
        effective(git, environ={"REVIEWBOT_CONFIG": str(operator)})
    assert str(caught.value).startswith(str(operator))
    assert fault in str(caught.value)


@pytest.mark.parametrize("data", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_named(git: Git, tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "some.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UsageError, match=r"the configuration file .*some\.toml cannot be read"):
        effective(git, config=path)
    with pytest.raises(UsageError, match=r"the configuration file .*some\.toml cannot be read"):
        effective(git, environ={"REVIEWBOT_CONFIG": str(path)})


def test_without_a_repository_there_is_no_projects_file() -> None:
    assert {"default"} == set(effective(None).origins.values())
