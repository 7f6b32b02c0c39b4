"""Outlines of other languages than Python, through ast-grep's grammars in a process of their own."""

import json
import subprocess
import sys
from pathlib import Path

import gitrepo
import pytest
from repository.languages import SAMPLES, Sample

from reviewbot.domain.outline import Outline
from reviewbot.repository import grammars, outlines

HOSTILE_JAVA = "a<" * 40_000
"""A few kilobytes that make the Java grammar take gigabytes."""


def definitions(outline: Outline) -> tuple[str, ...]:
    return tuple(f"{item.name} {item.start}-{item.end} {' '.join(item.header.split())}" for item in outline.definitions)


def calls(outline: Outline) -> tuple[str, ...]:
    return tuple(f"{call.receiver}.{call.name} {call.line}" for call in outline.calls)


@pytest.fixture(scope="module")
def found() -> dict[str, Outline]:
    return outlines.by_grammar({path: sample.text for path, sample in SAMPLES.items()})


@pytest.mark.parametrize(("path", "sample"), SAMPLES.items())
def test_each_language_gives_its_definitions_and_calls(path: str, sample: Sample, found: dict[str, Outline]) -> None:
    assert sample.definitions == definitions(found[path])
    assert sorted(sample.calls) == sorted(calls(found[path]))


def test_every_language_has_its_sample() -> None:
    assert {outlines.language(path) for path in SAMPLES} == {outlines.language(f"a{end}") for end in outlines.SUFFIXES}


def test_text_that_no_grammar_knows_is_not_asked_about() -> None:
    assert {} == outlines.by_grammar({"a.py": "def f(): ...", "README": "x", "go": "package a"})


def test_faulty_source_gives_what_can_be_read() -> None:
    found = outlines.by_grammar({"a.js": "function g() { h() }\nfunction f( {\n}}}\n", "b.js": ""})
    assert "g" in {item.name for item in found["a.js"].definitions}
    assert Outline() == found["b.js"]


def test_places_count_characters_and_lines_of_any_script() -> None:
    (item,) = outlines.by_grammar({"a.js": "// é😀\nfunction größe(a = '😀') { ü.f(1) }\n"})["a.js"].definitions
    assert (2, "function größe(a = '😀')") == (item.start, item.header.strip())


def test_a_file_that_ends_the_process_costs_what_comes_after_it_and_nothing_else() -> None:
    texts = {"a.js": "function f() {}\n", "b.java": HOSTILE_JAVA, "c.js": "function g() {}\n"}
    found = outlines.by_grammar(texts, memory_bytes=400_000_000)
    assert ["a.js"] == list(found)


def test_a_process_that_takes_too_long_is_ended() -> None:
    assert {} == outlines.by_grammar({"a.js": "f()\n"}, timeout_s=0.0)


def test_an_answer_that_was_cut_off_counts_up_to_there() -> None:
    whole = json.dumps([0, grammars.outline("go", "package a\nfunc F() {}\n")]).encode()
    assert [0] == [at for at, _ in outlines.lines(whole + b"\n" + whole[:20])]
    assert [] == list(outlines.lines(b""))


# The program itself, read as it runs


def test_the_program_answers_line_by_line_within_the_memory_that_it_is_told() -> None:
    request = {"0": ["javascript", "f()"], "7": ["go", "package a\nfunc F() {}\n"]}
    command = [sys.executable, "-m", "reviewbot.repository.grammars", "1500000000"]
    environ = gitrepo.environment(PYTHONPATH=str(Path(grammars.__file__).parents[2]))
    done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, env=environ, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [[0, {"definitions": [], "calls": [["f", 1, ""]]}], [7, grammars.outline(*request["7"])]] == answers


@pytest.mark.parametrize(("path", "sample"), SAMPLES.items())
def test_every_kind_that_is_looked_for_exists_in_its_grammar(path: str, sample: Sample) -> None:
    rows = grammars.outline(outlines.language(path), sample.text)
    assert sorted(sample.definitions) == sorted(
        f"{name} {start}-{end} {' '.join(str(header).split())}" for name, start, end, header in rows["definitions"]
    )


def test_what_has_no_name_is_passed_over() -> None:
    text = "(function () {})();\nexport default class { run() {} }\nx[1]();\n"
    rows = grammars.outline("javascript", text)
    assert ["run"] == [row[0] for row in rows["definitions"]]
    assert [] == [row for row in rows["calls"] if row[0] != "x"]
    assert [] == grammars.outline("c", "struct { int a; } x;\n")["definitions"]


def test_a_long_header_is_cut() -> None:
    (row,) = grammars.outline("javascript", f"function f({', '.join(f'a{at}' for at in range(900))}) {{}}")[
        "definitions"
    ]
    assert 1_000 == len(str(row[3]))


def test_the_program_imports_nothing_of_ours() -> None:
    text = Path(grammars.__file__).read_text("utf-8")
    assert "import reviewbot" not in text
    assert "from reviewbot" not in text
