"""Where new tests may stand, and what they may import and leave behind."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from proving.scene import Project, project
from proving.shop import GRADE, HEAD, answering, given, only, proved, suite

from reviewbot.domain.candidate import CandidateStatus, Filter, by_path


def test_a_file_that_there_is_already_is_never_overwritten(shop: Project) -> None:
    judged = only(proved(shop, answering(given(GRADE, path="./tests/test_shop.py"))))
    assert ("tests/test_shop_gaps.py", CandidateStatus.PROVEN) == (judged.candidate.path, judged.status)


@pytest.mark.parametrize("path", ["shop/cart.py", "conftest.py", "tests/conftest.py", "/x/test_a.py", "../test_a.py"])
def test_a_path_that_is_no_new_test_is_refused(shop: Project, path: str) -> None:
    found = proved(shop, answering(given(GRADE, path=path)), attempts=1)
    assert [Filter.STATIC] == [judged.filter for judged in found.tests]


def test_a_project_with_sources_in_a_folder_of_their_own_is_imported_from_the_copy(tmp_path: Path) -> None:
    files: Mapping[str, str] = {
        f"src/{name}" if name.startswith("shop/") else name: text for name, text in HEAD.items()
    }
    made = project(tmp_path, {"a.txt": ""}, files)
    model = answering(given(GRADE))
    found = proved(made, model, gaps=made.gaps({"src/shop/cart.py": ["grade"]}))
    assert "Source: src/shop/cart.py (imported as shop.cart)" in model.users[0]
    assert {"src/shop/cart.py": (3, 4, 5)} == by_path(found.covered)


def test_a_folder_without_an_init_file_can_be_imported_all_the_same(tmp_path: Path) -> None:
    files = {f"app/{name}": text for name, text in HEAD.items() if name.startswith("shop/c")}
    made = project(tmp_path, {"a.txt": ""}, files)
    code = GRADE.replace("shop.cart", "app.shop.cart")
    found = proved(made, answering(given(code)), gaps=made.gaps({"app/shop/cart.py": ["grade"]}))
    assert CandidateStatus.PROVEN is only(found).status


def test_what_the_projects_own_suite_leaves_behind_is_held_against_nobody(tmp_path: Path) -> None:
    line = "from pathlib import Path\n\n\ndef test_log():\n    assert Path('log.txt').write_text('x') == 1\n"
    made = suite(tmp_path, tests__test_log_py=line)
    both = line.replace(".write_text('x') == 1", ".touch() is None") + "\n\n" + GRADE
    other = both.replace("log.txt", "other.txt")
    found = proved(made, answering(given(both, other)), attempts=1)
    by_file = {judged.filter: judged.reason for judged in found.tests}
    assert {None: None, Filter.PASSES: "it leaves the project altered: other.txt"} == by_file


def test_the_time_that_processes_took_is_told(shop: Project) -> None:
    started = time.monotonic()
    found = proved(shop, answering(given(GRADE)), workers=1)
    assert found.processes >= 12
    assert 0 < found.processes_s < time.monotonic() - started
