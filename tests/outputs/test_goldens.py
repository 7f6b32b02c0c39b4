"""Every output of the rich report, byte for byte; `update_golden.py` writes the files anew."""

import subprocess
import sys
from pathlib import Path

import pytest

NAMES = [
    "quiet.md",
    "quiet.txt",
    "report.annotations",
    "report.ansi",
    "report.codequality.json",
    "report.html",
    "report.json",
    "report.junit.xml",
    "report.md",
    "report.sarif",
    "report.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_output_is_as_its_golden_file(name: str, rendered: dict[str, str], golden: Path) -> None:
    assert rendered[name] == (golden / name).read_bytes().decode()


def test_every_document_has_a_golden_file_and_no_file_is_left_over(rendered: dict[str, str], golden: Path) -> None:
    assert sorted(rendered) == NAMES == sorted(path.name for path in golden.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_utf8_and_ends_with_one_newline(name: str, rendered: dict[str, str]) -> None:
    assert rendered[name].encode().endswith(b"\n")
    assert not rendered[name].endswith("\n\n")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "report.json"])
def test_no_document_for_people_shows_a_secret(name: str, rendered: dict[str, str]) -> None:
    assert "R4nd0mL00k1ngT0k3n" not in rendered[name]


def test_outputs_are_loaded_one_by_one() -> None:
    code = "import sys, reviewbot.outputs.json; print({'rich', 'pygments', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
