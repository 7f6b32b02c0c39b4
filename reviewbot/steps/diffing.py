"""Diff text → Patch. Three doors: a bare diff, git's own text beside git's own file list, and what a forge shows."""

from collections.abc import Sequence
from dataclasses import replace

from reviewbot.domain.patch import FilePatch, Hunk, Patch, Status
from reviewbot.domain.request import ForgeFile
from reviewbot.errors import UsageError
from reviewbot.steps import heading, hunking
from reviewbot.steps.listing import Entry
from reviewbot.steps.splitting import Section, split

_MADE_UP_NAMES = "--- a/f\n+++ b/f\n"


def bare(data: bytes) -> Patch:
    """Parse a diff without its repository.

    A file whose text does not add up is kept with its defect and without hunks. Raises UsageError
    where the text is no diff at all.
    """
    return Patch(files=tuple(_bare_file(section) for section in split(data)))


def listed(entries: Sequence[Entry], data: bytes) -> Patch:
    """Parse git's text for the files that git listed, in the same order.

    git's list gives path, status and mode: in the text they are ambiguous. A file whose text does not
    match is kept with its defect; if the text has another number of files, all are.
    """
    sections = list(split(data))
    if len(sections) != len(entries):
        reason = f"git lists {len(entries)} files but its text shows {len(sections)}"
        return Patch(files=tuple(_file(entry, (), reason, binary=False) for entry in entries))
    return Patch(files=tuple(_listed_file(*pair) for pair in zip(entries, sections, strict=True)))


def shown(files: Sequence[ForgeFile]) -> Patch:
    """Read the files that a forge shows: hunks by file, where it gives them. What it withholds is a defect."""
    return Patch(files=tuple(_shown_file(file) for file in files))


def _shown_file(file: ForgeFile) -> FilePatch:
    status = Status.ADDED if file.old_path is None else Status.MODIFIED
    if file.old_path not in {None, file.path}:
        status = Status.RENAMED
    head = FilePatch(path=file.path, old_path=file.old_path, status=status, binary=file.withheld == "binary")
    if not file.hunks:
        return replace(head, defect=file.withheld and f"the forge withholds its diff: {file.withheld}")
    text = (_MADE_UP_NAMES + file.hunks.removesuffix("\n") + "\n").encode("utf-8", "surrogateescape")
    try:
        sections = list(split(text))
    except UsageError as error:
        return replace(head, defect=str(error))
    if len(sections) != 1:
        return replace(head, defect="the forge's text of it holds several files")
    parsed, defect = _hunks(sections[0])
    return replace(head, hunks=parsed, defect=defect)


def _bare_file(section: Section) -> FilePatch:
    head = heading.read(section)
    if head is None:
        shown = (section.git_line or b"a file without a name")[:200].decode("utf-8", "backslashreplace")
        head = FilePatch(path=shown, old_path=shown, status=Status.MODIFIED)
        section.defect = section.defect or "its path cannot be made out"
    parsed, defect = _hunks(section)
    return replace(head, binary=head.binary and not parsed, hunks=parsed, defect=defect)


def _listed_file(entry: Entry, section: Section) -> FilePatch:
    parsed, defect = _hunks(section)
    binary = entry.binary if entry.binary is not None else b"Binary files " in section.header
    file = _file(entry, parsed, defect, binary=binary)
    counts = (len(file.added), len(file.removed))
    if defect is None and not binary and entry.counts is not None and counts != entry.counts:
        reason = f"git counts +{entry.counts[0]} -{entry.counts[1]}, its text shows +{counts[0]} -{counts[1]}"
        return _file(entry, (), reason, binary=False)
    return file


def _hunks(section: Section) -> tuple[tuple[Hunk, ...], str | None]:
    if section.defect is not None:
        return (), section.defect
    try:
        return hunking.hunks(section), None
    except hunking.MismatchError as error:
        return (), str(error)


def _file(entry: Entry, hunks: tuple[Hunk, ...], defect: str | None, *, binary: bool) -> FilePatch:
    return FilePatch(
        path=entry.path,
        old_path=entry.old_path,
        status=entry.status,
        binary=binary,
        old_mode=entry.old_mode,
        new_mode=entry.new_mode,
        old_blob=entry.old_blob,
        new_blob=entry.new_blob,
        hunks=hunks,
        defect=defect,
    )
