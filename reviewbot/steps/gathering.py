"""Files under review → the outlines that what stands around their hunks is told from.

Bounded: in the size of a file, and in all that is read, in the order of the patch. What is beyond has no
context, and is reviewed all the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from reviewbot.domain.outline import Outline, Outliner
from reviewbot.domain.patch import FilePatch
from reviewbot.ports import Sources
from reviewbot.steps import outlining, surrounding
from reviewbot.steps.surrounding import Index

MOST_FILE_BYTES = 1_000_000
"""A longer file is generated, or meant to keep us busy."""
MOST_BYTES = 8_000_000
"""About as many as a parser reads in two seconds."""


def index(files: Sequence[FilePatch], sources: Sources, outliner: Outliner, hide: Callable[[str], str]) -> Index:
    """Read the new texts of changed files, and their tests on the trusted side, and index what they define.

    ``hide`` takes the secrets out of what will be told.
    """
    suffixes = (*outlining.SUFFIXES, *outliner.suffixes)
    known = [file for file in files if file.hunks and file.path.endswith(suffixes)]
    changed = _within((file.path, sources.new_text(file)) for file in known)
    names = surrounding.names_of_tests(known)
    tests = sources.trusted_files(names) if names else {}
    untouched = _within((path, tests[path]) for path in sorted(tests) if path not in changed)
    return surrounding.index(_outlines(changed, outliner), _outlines(untouched, outliner), hide)


def _within(found: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Decode the texts until there are too many of them."""
    texts: dict[str, str] = {}
    left = MOST_BYTES
    for path, data in found:
        if data is None or len(data) > MOST_FILE_BYTES:
            continue
        left -= len(data)
        if left < 0:
            break
        # No parser takes surrogates; lines keep their numbers.
        texts[path] = data.decode("utf-8", "replace")
    return texts


def _outlines(texts: Mapping[str, str], outliner: Outliner) -> dict[str, Outline]:
    others = {path: text for path, text in texts.items() if path.endswith(outliner.suffixes)}
    return {**outlining.python(texts), **(outliner.outline(others) if others else {})}
