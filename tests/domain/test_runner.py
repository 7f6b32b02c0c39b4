"""Markup that is printed in a CI job commands nothing."""

import html

import pytest

from reviewbot.domain.runner import uncommanded


@pytest.mark.parametrize("command", ["::add-mask::x", "  ::error::x", "\t##[group]x", "##vso[task.x]", "##teamcity[x"])
def test_a_line_that_a_runner_would_obey_reads_the_same_and_is_none(command: str) -> None:
    text = f"<pre>\n{command}\na::b\n</pre>"
    made = uncommanded(text)
    assert html.unescape(made) == text
    assert not any(line.strip().startswith(("::", "##")) for line in made.split("\n"))


def test_other_lines_stay_as_they_are() -> None:
    assert uncommanded("a { color: red }\n# title\nx::y") == "a { color: red }\n# title\nx::y"
