"""Templates: our own by default, an override of the project where there is one, always in the sandbox."""

from pathlib import Path

import pytest
from jinja2 import Environment, TemplateNotFound, UndefinedError
from jinja2.exceptions import SecurityError

from reviewbot import templating
from reviewbot.errors import UsageError

ROOT = Path(__file__).parents[1]
NAME = "prompts/review.system.j2"


def overriding(**texts: str) -> Environment:
    known = {name.replace("_", "/", 1).replace("_", "."): text for name, text in texts.items()}
    return templating.environment(known.get)


def test_the_checkouts_templates_are_found() -> None:
    assert ROOT / "templates" == templating.folder()


def test_our_own_template_is_used_where_there_is_no_override() -> None:
    own = (ROOT / "templates" / NAME).read_text("utf-8")
    for environment in (templating.environment(), templating.environment(lambda _: None)):
        assert "You review one part of a code change" in environment.get_template(NAME).render(instructions="")
    assert "You review one part of a code change" in own


def test_an_override_wins_and_the_others_stay() -> None:
    environment = overriding(prompts_review_system_j2="Mine: {{ instructions }}")
    assert "Mine: x" == environment.get_template(NAME).render(instructions="x")
    assert "prompts/review.user.j2" == environment.get_template("prompts/review.user.j2").name


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{{ nope }}", "an overridden template cannot be used: 'nope' is undefined"),
        ("x\n{% for %}", "an overridden template cannot be used: prompts/review.system.j2, line 2: "),
        ("{{ ().__class__.__mro__ }}", "access to attribute '__class__' of 'tuple' object is unsafe"),
        ("{{ [].append(1) }}", "unsafe"),
        ("{% include 'nope' %}", "an overridden template cannot be used: nope"),
        ("{{ 1 / 0 }}", "an overridden template cannot be used: division by zero"),
    ],
)
def test_a_fault_in_an_override_is_the_users_to_mend(text: str, fault: str) -> None:
    with pytest.raises(UsageError, match="an overridden template cannot be used") as caught:
        overriding(prompts_review_system_j2=text).get_template(NAME).render()
    assert fault in str(caught.value)


def test_a_fault_without_an_override_is_ours() -> None:
    with pytest.raises(UndefinedError):
        templating.environment(lambda _: None).get_template(NAME).render()
    with pytest.raises(TemplateNotFound):
        templating.environment().get_template("prompts/nope.j2")
    with pytest.raises(SecurityError):
        templating.environment().from_string("{{ ''.__class__.__mro__ }}").render()


def test_what_is_escaped_is_told_by_the_caller() -> None:
    assert "<" == templating.environment().from_string("{{ '<' }}").render()
    assert "&lt;" == templating.environment(autoescape=True).from_string("{{ '<' }}").render()


def test_missing_templates_mean_a_broken_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templating, "__file__", str(tmp_path / "reviewbot" / "templating.py"))
    with pytest.raises(FileNotFoundError, match="reinstall reviewbot"):
        templating.folder()
    (tmp_path / "templates" / "prompts").mkdir(parents=True)
    assert tmp_path / "templates" == templating.folder()
    (tmp_path / "reviewbot" / "templates" / "prompts").mkdir(parents=True)
    assert tmp_path / "reviewbot" / "templates" == templating.folder()
