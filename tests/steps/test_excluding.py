"""What coverage.py is told to leave out, by its files."""

import pytest

from reviewbot.steps import excluding

WANTED = ("def __repr__", "if debug:")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[tool.coverage.report]\nexclude_also = ["def __repr__", "if debug:"]\n'),
        ("pyproject.toml", '[tool.coverage.report]\nexclude_lines = """def __repr__\nif debug:"""\n'),
        (".coveragerc", "[report]\nexclude_lines =\n    def __repr__\n    if debug:\n"),
        ("setup.cfg", "[coverage:report]\nexclude_also =\n    def __repr__\n    if debug:\n    (\n"),
        ("tox.ini", "[coverage:report]\nexclude_lines = def __repr__\nexclude_also = if debug:\n"),
    ],
)
def test_patterns_are_read_from_every_file_that_may_hold_them(name: str, text: str) -> None:
    assert WANTED == excluding.patterns({name: text.encode()})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", b"["),
        ("pyproject.toml", b"tool = 1"),
        ("pyproject.toml", b"[tool.coverage.report]\nexclude_also = 1\n"),
        (".coveragerc", b"no section"),
        ("setup.cfg", b"\xff"),
        ("tox.ini", b"[coverage:report]\nx = %(y)s\n"),
    ],
)
def test_what_cannot_be_read_leaves_nothing_out(name: str, text: bytes) -> None:
    assert () == excluding.patterns({name: text})
