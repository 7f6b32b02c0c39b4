"""Twenty good tests among sixty are kept, and no other."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from proving import sixty
from proving.scene import Project, ScriptedModel, drafting, project

from reviewbot.domain.candidate import CandidateStatus, Filter, Kind, Proved, by_path
from reviewbot.domain.events import Progress
from reviewbot.domain.prompt import Prompt, Task
from reviewbot.proving import prove

PROPOSED = sixty.proposed()
ALL = [each for three in PROPOSED.values() for each in three]
REFUSAL = json.dumps({"accept": False, "reason": "the test is wrong", "evidence": None})


def script(prompt: Prompt) -> str:
    """Answer by the gap that the request names."""
    if prompt.task is Task.VERIFY:
        return REFUSAL
    user = prompt.messages[1].content
    module = re.search(r"Source: shop/(\w+)\.py", user)
    name = re.search(r"Definition: (\w+)", user)
    assert module is not None
    assert name is not None
    three = PROPOSED[f"{module[1]}.{name[1]}"]
    return json.dumps({"tests": [{"path": each.path, "code": each.code, "targets": [], "why": ""} for each in three]})


def ran(folder: Path) -> tuple[Project, Proved, list[Progress]]:
    """Prove the tests of all sixty."""
    shop, seen = project(folder, sixty.base(), sixty.head()), list[Progress]()
    drafted = drafting(ScriptedModel(script), seen)
    return shop, asyncio.run(prove(drafted, shop.gaps(sixty.missing()), shop.bench(test_s=10.0), time_s=600.0)), seen


def test_there_are_sixty_of_which_twenty_are_good() -> None:
    assert (60, 20) == (len(ALL), sum(each.stage is None for each in ALL))


def every_candidate_is_stopped_by_the_filter_that_is_for_it(proved: Proved) -> None:
    expected = {each.path: each.stage for each in ALL}
    assert expected == {each.candidate.path: each.filter for each in proved.tests}


def exactly_the_twenty_good_ones_are_kept(proved: Proved) -> None:
    kept = {each.candidate.path for each in proved.tests if each.status is CandidateStatus.PROVEN}
    assert {each.path for each in ALL if each.stage is None} == kept
    assert kept == {candidate.path for file in proved.files for candidate in file.made_of}


def every_rejection_has_its_reason(proved: Proved) -> None:
    rejected = [each for each in proved.tests if each.status is CandidateStatus.REJECTED]
    assert 40 == len(rejected)
    assert all(each.reason for each in rejected)


def what_is_kept_is_one_new_file_for_each_module(shop: Project, proved: Proved) -> None:
    modules = sorted({gap.module for gap in sixty.GAPS})
    assert [f"tests/test_{module}_gaps.py" for module in modules] == [file.path for file in proved.files]
    assert set() == {file.path for file in proved.files} & set(shop.head.names)


def all_that_was_asked_for_is_covered_in_the_end(shop: Project, proved: Proved) -> None:
    gaps = shop.gaps(sixty.missing())
    asked = frozenset(point for gap in gaps for point in gap.points)
    assert by_path(asked) == by_path(proved.covered)
    assert () == proved.unreached


def what_tests_new_functions_is_specific_to_the_change(proved: Proved) -> None:
    kinds = {each.kind for each in proved.tests if each.status is CandidateStatus.PROVEN}
    assert {Kind.SPECIFIC} == kinds


def the_project_is_as_it_was(shop: Project, proved: Proved) -> None:
    assert proved.processes > 200
    texts = {name: (shop.head.folder / name).read_text() for name in shop.head.names}
    assert texts == dict(sixty.head())
    assert set(shop.head.names) == {
        path.relative_to(shop.head.folder).as_posix() for path in shop.head.folder.rglob("*") if path.is_file()
    }


def progress_is_told_gap_by_gap(proved: Proved, seen: list[Progress]) -> None:
    del proved
    assert [(done, 20) for done in range(21)] == [(progress.done, progress.total) for progress in seen]


@pytest.mark.parametrize("stage", [stage for stage in Filter if stage is not Filter.MINIMISED])
def test_there_is_a_bad_candidate_for_each_filter(stage: Filter) -> None:
    assert any(each.stage is stage for each in ALL)


def the_scratch_folder_holds_only_copies(shop: Project, proved: Proved) -> None:
    assert proved.files
    assert all((Path(place) / "shop/tax.py").is_file() for place in shop.scratch.iterdir())


def test_of_sixty_candidates_the_twenty_good_ones_are_kept(tmp_path: Path) -> None:
    """Check all of one run in one test: the run takes a minute, and tests of one module may land on several workers."""
    shop, proved, seen = ran(tmp_path)
    every_candidate_is_stopped_by_the_filter_that_is_for_it(proved)
    exactly_the_twenty_good_ones_are_kept(proved)
    every_rejection_has_its_reason(proved)
    what_is_kept_is_one_new_file_for_each_module(shop, proved)
    all_that_was_asked_for_is_covered_in_the_end(shop, proved)
    what_tests_new_functions_is_specific_to_the_change(proved)
    the_project_is_as_it_was(shop, proved)
    progress_is_told_gap_by_gap(proved, seen)
    the_scratch_folder_holds_only_copies(shop, proved)
