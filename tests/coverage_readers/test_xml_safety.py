"""XML reports that are meant to do harm, or are not whole."""

from pathlib import Path

import pytest
from coverage_readers.report_files import DATA, all_told, everything

from reviewbot.coverage import finding, gathering
from reviewbot.coverage.gathering import Gathered
from reviewbot.errors import UsageError

BODY = '<coverage line-rate="1"><class filename="a.py"><line number="1" hits="1"/></class></coverage>'
LAUGHS = (
    '<!DOCTYPE coverage [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    '<coverage line-rate="1"><source>&b;</source></coverage>'
)
REPORTS = [path for path in sorted(DATA.iterdir()) if path.suffix == ".xml"]


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "coverage.xml"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        f'<!DOCTYPE coverage [<!ENTITY file SYSTEM "other.xml">]>{BODY}',
        f'<!DOCTYPE coverage [<!ENTITY % more SYSTEM "other.dtd"> %more;]>{BODY}',
    ],
)
def test_a_report_that_declares_entities_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it declares the entity"):
        finding.read(written(tmp_path, text), everything)


def test_an_external_document_type_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "coverage.dtd").write_text("this would be an error <")
    path = written(tmp_path, f'<!DOCTYPE coverage SYSTEM "{(tmp_path / "coverage.dtd").as_uri()}">{BODY}')
    assert {"a.py": ([1], [], {})} == all_told(finding.read(path, everything))


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.name)
def test_a_report_cut_off_anywhere_is_told_with_its_line(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes().rstrip()
    for length in range(600, len(whole), 97):
        cut = tmp_path / path.name
        cut.write_bytes(whole[:length])
        with pytest.raises(
            UsageError, match=rf"{path.name}: line {whole[:length].count(10) + 1}: .*The report is damaged"
        ):
            finding.read(cut, everything)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_declared_encoding_holds(encoding: str, tmp_path: Path) -> None:
    body = BODY.replace("a.py", "caf\u00e9.py")
    text = body if encoding == "utf-8-sig" else f'<?xml version="1.0" encoding="{encoding}"?>{body}'
    report = finding.read(written(tmp_path, text, encoding), everything)
    assert {"caf\u00e9.py": ([1], [], {})} == all_told(report)


@pytest.mark.parametrize("encoding", ["klingon", "shift_jis"])
def test_an_encoding_that_cannot_be_read_is_told(encoding: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"coverage.xml: (up to )?line 1: "):
        finding.read(written(tmp_path, f'<?xml version="1.0" encoding="{encoding}"?>{BODY}'), everything)


def test_files_may_not_have_more_lines_than_memory_is_given_to() -> None:
    files = Gathered()
    far = gathering.mask([gathering.HIGHEST_LINE])
    for number in range(49):
        files.add(f"{number}.py", far, 0)
    with pytest.raises(ValueError, match="its files have more than 500,000,000 lines"):
        files.add("one more.py", far, 0)


def test_the_same_file_again_takes_no_more_room() -> None:
    files = Gathered()
    far = gathering.mask([gathering.HIGHEST_LINE])
    for _ in range(60):
        files.add("a.py", far, 0)
    assert (far,) == tuple(file.measured for file in files.files())
