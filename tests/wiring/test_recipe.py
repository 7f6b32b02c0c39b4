"""The recipe of a review: with another one nothing of an earlier run is built upon."""

from collections.abc import Mapping
from pathlib import Path

import gitrepo
import pytest

from reviewbot.repository.git import locate
from reviewbot.repository.sources import Trust, WorkTreeTrust
from reviewbot.settings.layers import Layer, combine
from reviewbot.wiring import policies, publishing

NONE: Mapping[str, object] = {}


def recipe(values: Mapping[str, object] = NONE, *, engine: str = "llm", trust: Trust | None = None) -> str:
    settings = combine([Layer("test", values)]).settings
    return publishing.recipe(settings, policies.policy(settings, engine, ()), engine, trust)


@pytest.mark.parametrize(
    "values",
    [
        {"instructions": "Money is in cents."},
        {"language": "German"},
        {"rules": [{"paths": ["api/"], "instructions": "Every route checks the tenant."}]},
        {"rules": [{"paths": ["docs/"], "severity_at_most": "low"}]},
        {"chunks.context_tokens": 0},
        {"filter.ignore": ["docs/"]},
        {"model.name": "another"},
        {"model.verify.name": "another"},
        {"review.verify": False},
        {"review.style": True},
    ],
)
def test_what_shapes_a_review_changes_its_recipe(values: dict[str, object]) -> None:
    assert recipe() == recipe()
    assert recipe(values) != recipe()


def test_what_only_shows_or_sends_it_does_not() -> None:
    assert recipe({"max_comments": 3, "fail_on": "high", "client.concurrency": 2}) == recipe()


def test_a_review_by_static_rules_has_no_use_for_a_models_settings() -> None:
    assert recipe({"model.verify.name": "another", "instructions": "Be kind."}, engine="static") == recipe(
        engine="static"
    )


def test_a_verify_prompt_of_the_projects_own_changes_the_recipe(tmp_path: Path) -> None:
    repo = gitrepo.init(tmp_path)
    repo.write(".reviewbot/templates/prompts/verify.system.j2", "Accept nothing.")
    assert recipe(trust=WorkTreeTrust(locate(repo.path, repo.environ))) != recipe()
