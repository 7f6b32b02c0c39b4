"""The rules of webhooks, as the operator writes them, and as they change."""

import asyncio
from pathlib import Path

import pytest

from reviewbot.errors import UsageError
from reviewbot.gateway.hooks_rules import Choice, Forge, Rules, Secret
from reviewbot.wiring.gateway.hooks import load
from reviewbot.wiring.gateway.queueing import Hooks
from reviewbot.wiring.surroundings import real_world

FIRST, SECOND = "first-" * 4, "second-" * 4
REDIS = {"REVIEWBOT_REDIS_URL": "redis://redis:6379/0"}


def rules(tmp_path: Path, text: str = "", **environ: str) -> Rules:
    path = tmp_path / "operator.toml"
    path.write_text(text)
    return load({"REVIEWBOT_CONFIG": str(path), **REDIS, **environ})


def test_without_anything_webhooks_are_off_and_nothing_is_wanted() -> None:
    found = load({})
    assert ((), Choice(), 5_000_000, 86_400) == (
        found.secrets,
        found.choice,
        found.max_body_bytes,
        found.max_age_s,
    )


def test_the_forges_addresses_are_those_of_the_workers(tmp_path: Path) -> None:
    found = rules(
        tmp_path,
        '[webhooks.gitlab]\nshown_url = "https://git.example"\naccounts = ["Bot"]\n',
        REVIEWBOT_GITLAB_URL="http://gitlab.internal:8080/",
        REVIEWBOT_GITHUB_API_URL="https://github.example/api/v3/",
    )
    hub = "https://github.example/api/v3"
    assert {
        "gitlab": Forge(
            api_url="http://gitlab.internal:8080/api/v4",
            shown_url="https://git.example",
            accounts=frozenset({"bot"}),
        ),
        "github": Forge(api_url=hub, shown_url=hub),
    } == found.forges


def test_secrets_come_from_variables_and_files_and_add_up(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(f"# of the shop\n\ngitlab:Shop/*={SECOND}\n")
    found = rules(
        tmp_path,
        f'[webhooks]\nsecrets_file = "{file}"\nsecrets_env = "MINE"\n',
        REVIEWBOT_WEBHOOK_SECRETS=f"gitlab={FIRST}, github={FIRST}=",
        REVIEWBOT_WEBHOOK_SECRETS_FILE=str(file),
        MINE=f"github={SECOND}",
    )
    assert (
        Secret(forge="gitlab", value=FIRST),
        Secret(forge="github", value=f"{FIRST}="),
        Secret(forge="github", value=SECOND),
        Secret(forge="gitlab", value=SECOND, projects="shop/*"),
    ) == found.secrets


def test_no_secret_shows_where_rules_are_shown(tmp_path: Path) -> None:
    assert FIRST not in repr(rules(tmp_path, REVIEWBOT_WEBHOOK_SECRETS=f"gitlab={FIRST}"))


def test_all_of_the_table_counts(tmp_path: Path) -> None:
    text = """
[webhooks]
max_body_bytes = 1000
max_age_h = 2
drafts = true
bots = true
ignore_projects = ["Sandbox/*"]
ignore_branches = ["release/*"]
ignore_labels = ["No"]
ask_labels = []
"""
    found = rules(tmp_path, text)
    assert (1_000, 7_200) == (found.max_body_bytes, found.max_age_s)
    assert (
        Choice(
            drafts=True,
            bots=True,
            ignore_projects=("sandbox/*",),
            ignore_branches=("release/*",),
            ignore_labels=("no",),
            ask_labels=(),
        )
        == found.choice
    )


@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        ("webhooks = 1", {}, "is a table"),
        (f'[webhooks]\nsecrets_env = "gitlab={FIRST}"', {}, "names no variable"),
        ('[webhooks]\nsecrets_env = "NOT_SET"', {}, "names no variable"),
        ("[webhooks]\nignore_project = []", {}, "did you mean ignore_projects"),
        ("[webhooks]\nmax_body_bytes = 30_000_000", {}, "max_body_bytes"),
        ("[webhooks.gitlab]\nurl = 'x'", {}, r"webhooks\.gitlab.* has no key url"),
        ("[webhooks]\ngitlab = 1", {}, "is a table"),
        ("", {"REVIEWBOT_GITLAB_URL": "foo"}, "REVIEWBOT_GITLAB_URL is 'foo'.*such as https://gitlab.example"),
        ("", {"REVIEWBOT_GITHUB_API_URL": "foo"}, "REVIEWBOT_GITHUB_API_URL is 'foo'"),
        ("", {"REVIEWBOT_WEBHOOK_SECRETS": FIRST}, "entry 1 does not begin with gitlab="),
        ("", {"REVIEWBOT_WEBHOOK_SECRETS": f"bitbucket={FIRST}"}, "entry 1 does not begin with gitlab="),
        ("", {"REVIEWBOT_WEBHOOK_SECRETS": f"gitlab={FIRST},github=short"}, "entry 2 is no secret of at least 16"),
        ("", {"REVIEWBOT_WEBHOOK_SECRETS": "gitlab=whsec_" + "!" * 20}, "signing token"),
        ("", {"REVIEWBOT_WEBHOOK_SECRETS_FILE": "nowhere"}, "nowhere cannot be read"),
        (
            "",
            {"REVIEWBOT_WEBHOOK_SECRETS": f"gitlab={FIRST}", "REVIEWBOT_REDIS_URL": ""},
            "set REVIEWBOT_REDIS_URL",
        ),
    ],
)
def test_what_is_not_valid_is_said_with_what_to_do(
    tmp_path: Path, text: str, environ: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        rules(tmp_path, text, **environ)
    assert FIRST not in str(raised.value)


def test_rules_that_change_are_in_force_when_two_looks_agree_and_broken_ones_never(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second, third = (Rules(forges={}, max_body_bytes=number) for number in (1, 2, 3))
    held: list[Rules | UsageError] = [first]

    def found() -> Rules:
        if isinstance(held[0], UsageError):
            raise held[0]
        return held[0]

    hooks = Hooks(found, real_world())

    def after(*seen: Rules | UsageError) -> Rules:
        for each in seen:
            held[0] = each
            asyncio.run(hooks.look())
        return hooks.rules()

    broken = UsageError("half written")
    assert [first, first, third, third] == [after(second), after(third), after(third), after(broken, broken)]
    assert 1 == sum("half written" in message for message in caplog.messages)
    assert second == after(second, second)
