"""138 diffs with their truth, which was computed from blobs and not by a parser (`tests/data/diffs`)."""

import json
from pathlib import Path
from typing import Any

import pytest

from reviewbot.domain.patch import FilePatch
from reviewbot.steps import diffing

CASES = sorted((Path(__file__).parents[1] / "data" / "diffs").glob("*.json"))
STATUS = {"A": "added", "M": "modified", "D": "deleted", "R": "renamed"}
UNREADABLE = {
    "combined_merge_c": "a combined diff of a merge has no two sides: give the diff against one parent",
    "combined_merge_cc": "a combined diff of a merge has no two sides: give the diff against one parent",
    "truncated_mid_hunk": "the text ends inside a hunk: it was cut off",
}
"""By their notes these cannot be read: a file with a defect and no lines is the right answer."""

Stated = tuple[str, str | None, str, bool, list[tuple[str, int | None, int | None, str]]]


def _truth(file: dict[str, Any]) -> Stated:
    lines = [(line["kind"], line["old"], line["new"], line["text"]) for hunk in file["hunks"] for line in hunk["lines"]]
    old_path = None if file["status"] == "A" else file["old_path"]
    return STATUS[file["status"]], old_path, file["new_path"] or file["old_path"], file["is_binary"], lines


def _parsed(file: FilePatch) -> Stated:
    lines = [(line.kind, line.old, line.new, line.text) for hunk in file.hunks for line in hunk.lines()]
    return file.status.value, file.old_path, file.path, file.binary, lines


def test_all_cases_are_there() -> None:
    assert len(CASES) == 138


@pytest.mark.parametrize("case", [case for case in CASES if case.stem not in UNREADABLE], ids=lambda case: case.stem)
def test_a_bare_diff_gives_exactly_the_truth(case: Path) -> None:
    truth = json.loads(case.read_text(encoding="utf-8"))
    files = diffing.bare(case.with_suffix(".diff").read_bytes()).files
    assert [None] * len(files) == [file.defect for file in files]
    assert [_truth(file) for file in truth["files"]] == [_parsed(file) for file in files]


@pytest.mark.parametrize(("name", "reason"), UNREADABLE.items())
def test_what_cannot_be_read_is_a_file_with_a_defect_and_no_lines(name: str, reason: str) -> None:
    case = next(case for case in CASES if case.stem == name)
    assert json.loads(case.read_text(encoding="utf-8"))["note"]
    (file,) = diffing.bare(case.with_suffix(".diff").read_bytes()).files
    assert (reason, ()) == (file.defect, file.hunks)
