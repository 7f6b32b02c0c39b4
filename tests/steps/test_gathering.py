"""Which texts are read for what stands around, and how much of them."""

from collections.abc import Mapping

from steps.context_scene import Sources, index, patch

from reviewbot.domain.outline import Definition, Outline, Outliner
from reviewbot.steps import gathering


def test_only_changed_files_of_known_languages_are_read() -> None:
    after = {"a.py": "def f(): ...\n", "b.pyi": "x: int\n", "notes.md": "text\n", "c.go": "package c\n"}
    sources = Sources(after)
    assert ["a.py", "b.pyi"] == sorted(index(patch({}, after), sources).layouts)
    assert ["a.py", "b.pyi"] == sorted(sources.read)


def test_another_outliner_gets_the_texts_of_its_languages_and_of_their_tests() -> None:
    asked: list[Mapping[str, str]] = []

    def outline(texts: Mapping[str, str]) -> dict[str, Outline]:
        asked.append(texts)
        return {path: Outline(definitions=(Definition(name="F", start=1, end=1, header="F"),)) for path in texts}

    after = {"a.py": "def f(): ...\n", "c.go": "package c\n"}
    sources = Sources(after, {"c_test.go": "package c // its tests\n", "d_test.go": "package d\n"})
    outliner = Outliner(suffixes=(".go",), outline=outline)
    found = gathering.index(patch({}, after).files, sources, outliner, str)
    assert [{"c.go": "package c\n"}, {"c_test.go": "package c // its tests\n"}] == asked
    assert ["a.py", "c.go", "c_test.go"] == sorted(found.layouts)
    assert ["f", "F"] == list(found.sites)


def test_a_test_that_is_changed_itself_is_read_as_it_will_be() -> None:
    after = {"a.py": "def f(): ...\n", "test_a.py": "def test_new(): ...\n"}
    found = index(patch({}, after), Sources(after, {"test_a.py": "def test_old(): ...\n"}))
    assert "test_new" in found.sites
    assert ["test_new"] == [item.name for item in found.layouts["test_a.py"].outline.definitions]


def test_a_text_that_is_not_known_or_too_long_has_no_context() -> None:
    long = "x = 1\n" * (gathering.MOST_FILE_BYTES // 6 + 1)
    change = patch({}, {"a.py": "def f(): ...\n", "gone.py": "x\n", "long.py": "x\n"})
    found = index(change, Sources({"a.py": "def f(): ...\n", "long.py": long}))
    assert ["a.py"] == list(found.layouts)


def test_reading_ends_where_it_would_be_too_much() -> None:
    size = gathering.MOST_FILE_BYTES - 1
    fitting = gathering.MOST_BYTES // size
    texts = {f"m{at:02}.py": "#" * size for at in range(fitting + 3)}
    sources = Sources(texts)
    found = index(patch({}, dict.fromkeys(texts, "x\n")), sources)
    assert sorted(texts)[:fitting] == list(found.layouts)
    assert sorted(texts)[: fitting + 1] == sources.read


def test_bytes_that_are_no_utf_8_cost_no_line_its_number() -> None:
    change = patch({}, {"a.py": "x\n"})
    found = index(change, Sources({"a.py": "# \udce9t\udce9\ndef f():\n    pass\n"}))
    assert [("f", 2)] == [(item.name, item.start) for item in found.layouts["a.py"].outline.definitions]


def test_without_files_nothing_is_asked_for() -> None:
    sources = Sources({})
    assert {} == index(patch({}, {}), sources).layouts
    assert [] == sources.read
