"""What a Python says of itself, asked in this process."""

import json
import sys

import pytest

from reviewbot.proving import inquiry


def test_modules_are_those_built_in_on_the_path_and_installed() -> None:
    names = inquiry.modules()
    assert {"sys", "os", "json", "pytest", "coverage", "jinja2"} <= set(names)
    assert "no_such_module" not in names
    assert sorted(names) == names


def test_a_module_is_known_without_being_imported() -> None:
    assert inquiry.has("coverage")
    assert not inquiry.has("no_such_module")
    assert inquiry.has("this")
    assert "this" not in sys.modules


def test_plugins_are_switched_off_only_where_they_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    assert ["--no-cov", "-n0"] == inquiry.options()
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert [] == inquiry.options()


def test_all_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    inquiry.main()
    said = json.loads(capsys.readouterr().out)
    assert {"modules", "missing", "options", "formats"} == set(said)
    assert ([], True) == (said["missing"], said["formats"])
