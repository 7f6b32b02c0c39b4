"""Token estimates learn from what the provider counted."""

from pathlib import Path

import pytest

from reviewbot.llm.calibration import Calibration, load, save


def test_nothing_is_corrected_before_enough_was_seen() -> None:
    calibration = Calibration()
    calibration.observe(500, 900)
    assert calibration.correct(1_000) == 1_000


def test_the_ratio_of_all_answers_corrects_the_next_estimate() -> None:
    calibration = Calibration()
    calibration.observe(1_000, 1_100)
    calibration.observe(1_000, 1_300)
    assert calibration.ratio == pytest.approx(1.2)
    assert calibration.correct(100) == 120


def test_an_answer_without_usage_teaches_nothing() -> None:
    calibration = Calibration(1.5)
    calibration.observe(5_000, 0)
    assert calibration.ratio == 1.5


def test_a_mad_count_is_bounded() -> None:
    calibration = Calibration()
    calibration.observe(1_000, 1_000_000)
    assert calibration.ratio == 2.0


def test_the_next_run_starts_from_what_this_one_found(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    calibration = Calibration()
    calibration.observe(10_000, 9_000)
    save(folder, "m", calibration)
    save(folder, "other", Calibration(1.25))
    assert load(folder, "m").ratio == pytest.approx(0.9)
    assert load(folder, "other").ratio == 1.25
    assert load(folder, "unknown").ratio == 1.0
    assert load(None, "m").ratio == 1.0


@pytest.mark.parametrize("text", ["", "[]", '{"m": "x"}', "{"])
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "token-ratios.json").write_text(text)
    assert load(tmp_path, "m").ratio == 1.0


def test_a_folder_that_cannot_be_written_loses_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    save(file / "cache", "m", Calibration())
    save(None, "m", Calibration())
    assert file.read_text() == ""
