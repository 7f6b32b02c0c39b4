"""Where the files of a report are in the repository."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.coverage import CoverageReport, FileCoverage
from reviewbot.steps import mapping
from reviewbot.steps.mapping import Mapped, Tree


def report(*paths: str, roots: tuple[str, ...] = (), name: str = "coverage.xml") -> CoverageReport:
    files = tuple(FileCoverage(path=path, measured=2, covered=2) for path in paths)
    return CoverageReport(format="lcov", name=name, files=files, roots=roots)


def mapped(found: CoverageReport, *tree: str, roots: tuple[str, ...] = (), top: str = "/checkout") -> Mapped:
    return mapping.mapped(found, Tree(paths=frozenset(tree), tops=(top,)), roots)


def test_a_path_of_the_repository_is_itself() -> None:
    assert {"src/a.py": "src/a.py"} == mapped(report("src/a.py"), "src/a.py", "a.py", "lib/src/a.py").paths


@pytest.mark.parametrize(
    ("spelt", "real"),
    [
        ("./src/a.py", "src/a.py"), ("src\\a.py", "src/a.py"), ("src/x/../a.py", "src/a.py"),
        ("/checkout/src/a.py", "src/a.py"), ("/build/ws/src/a.py", "src/a.py"), ("C:\\ws\\src\\a.py", "src/a.py"),
        ("example.org/mod/src/a.py", "src/a.py"), ("a.py", "src/a.py"), ("/app/a.py", "src/a.py"),
    ],
)  # fmt: skip
def test_spellings_of_other_places_are_found(spelt: str, real: str) -> None:
    assert {spelt: real} == mapped(report(spelt), "src/a.py", "src/b.py", "README.md").paths


def test_folders_that_the_report_names_are_put_before_its_paths() -> None:
    found = report("app/m.py", roots=("/build/ws/src",))
    result = mapped(found, "src/app/m.py", "lib/app/m.py", "app/m.py")
    assert ({"app/m.py": "src/app/m.py"}, ("src",)) == (result.paths, result.scopes)


def test_of_several_folders_the_one_that_has_the_file_is_taken() -> None:
    found = report("m.py", "n.py", roots=("/checkout/src", "/checkout/lib"))
    result = mapped(found, "src/m.py", "lib/n.py")
    assert ({"m.py": "src/m.py", "n.py": "lib/n.py"}, ("src", "lib")) == (result.paths, result.scopes)


def test_all_files_of_a_report_decide_together() -> None:
    result = mapped(report("a/m.py", "a/n.py"), "src/a/m.py", "src/a/n.py", "lib/a/m.py")
    assert {"a/m.py": "src/a/m.py", "a/n.py": "src/a/n.py"} == result.paths


def test_where_nothing_decides_a_file_is_left_open() -> None:
    result = mapped(report("a/m.py"), "src/a/m.py", "lib/a/m.py")
    assert ({}, {"a/m.py": ("lib/a/m.py", "src/a/m.py")}) == (result.paths, result.unclear)


def test_a_configured_folder_decides() -> None:
    result = mapped(report("a/m.py"), "src/a/m.py", "lib/a/m.py", roots=("lib/",))
    assert {"a/m.py": "lib/a/m.py"} == result.paths


@pytest.mark.parametrize(
    ("name", "real"), [("one/coverage/lcov.info", "one/src/a.js"), ("two/lcov.info", "two/src/a.js")]
)
def test_the_folder_that_the_report_lies_in_decides_between_equals(name: str, real: str) -> None:
    assert {"src/a.js": real} == mapped(report("src/a.js", name=name), "one/src/a.js", "two/src/a.js").paths


def test_a_checkout_that_is_called_like_a_folder_in_it_misleads_nobody() -> None:
    result = mapped(report("/ci/app/m.py", "/ci/app/n.py", "/ci/app/app/m.py"), "m.py", "n.py", "app/m.py")
    assert {"/ci/app/m.py": "m.py", "/ci/app/n.py": "n.py", "/ci/app/app/m.py": "app/m.py"} == result.paths


def test_files_of_the_checkout_that_are_not_the_repositorys_are_nothing() -> None:
    result = mapped(report("/checkout/.venv/site-packages/a/m.py"), "a/m.py", "m.py")
    assert ({}, {}) == (result.paths, result.unclear)


def test_a_bare_name_in_common_is_chance_unless_most_files_say_the_same() -> None:
    library = [f"/usr/lib/python3/{name}.py" for name in "xyz"]
    result = mapped(report(*library, "/usr/lib/python3/json/utils.py"), "app/utils.py")
    assert {} == result.paths
    assert {"/app/m.py": "m.py"} == mapped(report("/app/m.py", "/usr/lib/x.py"), "m.py").paths


def test_several_modules_of_one_report_are_found() -> None:
    result = mapped(report("com/x/A.java", "com/y/B.java"), "one/src/com/x/A.java", "two/src/com/y/B.java")
    assert {"com/x/A.java": "one/src/com/x/A.java", "com/y/B.java": "two/src/com/y/B.java"} == result.paths


def test_a_name_that_too_many_files_have_follows_the_others() -> None:
    many = [f"web/p{number}/index.js" for number in range(100)]
    result = mapped(report("/ci/web/p7/index.js", "/ci/web/app.js"), *many, "web/app.js")
    assert {"/ci/web/p7/index.js": "web/p7/index.js", "/ci/web/app.js": "web/app.js"} == result.paths


def test_case_is_ignored_only_where_one_file_is_meant() -> None:
    one = mapped(report("SRC/A.py"), "src/a.py")
    two = mapped(report("SRC/A.py"), "src/a.py", "Src/a.py")
    assert ({"SRC/A.py": "src/a.py"}, 1) == (one.paths, len(one.notes))
    assert ({}, {"SRC/A.py": ("Src/a.py", "src/a.py")}) == (two.paths, two.unclear)


def test_the_right_case_wins() -> None:
    result = mapped(report("src/a.py", "src/A.py"), "src/a.py", "src/A.py")
    assert ({"src/a.py": "src/a.py", "src/A.py": "src/A.py"}, ()) == (result.paths, result.notes)


@pytest.mark.parametrize(
    ("roots", "scopes"),
    [(("/checkout",), ("",)), (("/ws/src",), ("src",)), (("/ws",), ("",)), (("/",), ("",)), (("src",), ("src",))],
)
def test_the_reports_folders_are_found_in_the_repository(roots: tuple[str, ...], scopes: tuple[str, ...]) -> None:
    prefix = "" if roots == ("src",) else "/checkout/src/" if roots == ("/checkout",) else "/ws/src/"
    assert scopes == mapped(report(f"{prefix}a.py", roots=roots), "src/a.py").scopes


@pytest.mark.parametrize("spelt", ["", "/", "..", "../../a.py", "a//b", ".", "\\", "C:", "a.py/"])
def test_no_spelling_breaks_anything(spelt: str) -> None:
    assert set(mapped(report(spelt), "a.py", "b").paths.values()) <= {"a.py", "b"}


SEGMENT = st.sampled_from(["a", "b", "src", "m.py", "n.py", "index.js"])
PATH = st.lists(SEGMENT, min_size=1, max_size=4).map("/".join)


@given(st.frozensets(PATH, min_size=1, max_size=8), st.sampled_from(["", "/ci/", "D:\\w\\", "/x/src/", "./"]))
def test_a_whole_tree_under_any_prefix_is_found_exactly(tree: frozenset[str], prefix: str) -> None:
    result = mapped(report(*(prefix + path for path in sorted(tree))), *tree)
    assert {prefix + path: path for path in tree} == result.paths


@given(st.frozensets(PATH, max_size=6), st.lists(PATH, max_size=6, unique=True), st.lists(PATH, max_size=2))
def test_what_is_found_is_there_and_found_by_its_name(tree: frozenset[str], paths: list[str], roots: list[str]) -> None:
    result = mapped(report(*paths, roots=tuple(roots)), *tree)
    assert set(result.paths.values()) <= tree
    assert all(spelt.rpartition("/")[2] == real.rpartition("/")[2] for spelt, real in result.paths.items())
    assert not result.paths.keys() & result.unclear.keys()
