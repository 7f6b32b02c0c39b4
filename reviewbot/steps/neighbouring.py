"""A project's files → where its tests stand, which of them are nearest to a source, and what new ones are called."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

_TEST = re.compile(r"(test_.+|.+_test)\.py")
_DEFAULT = "tests"
_LONGEST_PATH = 200
_PLAIN = re.compile(r"[\w./ +-]+")


def tests(paths: Collection[str]) -> tuple[str, ...]:
    """Pick out the test files, by pytest's own default names."""
    return tuple(sorted(path for path in paths if _TEST.fullmatch(_name(path))))


def nearest(source: str, known: Sequence[str]) -> tuple[str, ...]:
    """Order test files by how near they are to a source: its own, then those of its neighbours, then others."""
    stem = _stem(source)
    near = set(_folder(source).split("/"))

    def distance(test: str) -> tuple[bool, int, str]:
        return _subject(test) != stem, -len(near & set(_folder(test).split("/"))), test

    return tuple(sorted(known, key=distance))


def home(source: str, known: Sequence[str], paths: Collection[str]) -> str:
    """Give the folder where the project would keep tests of a source; ``known`` are its test files.

    That is where the source's own tests are, else those of modules beside it, else most tests of all.
    """
    stem, folder = _stem(source), _folder(source)
    own = [test for test in known if _subject(test) == stem]
    if own:
        return _folder(nearest(source, own)[0])
    beside = {_stem(path) for path in paths if path.endswith(".py") and _folder(path) == folder}
    counted = Counter(_folder(test) for test in known if _subject(test) in beside)
    counted = counted or Counter(_folder(test) for test in known)
    return counted.most_common(1)[0][0] if counted else _DEFAULT


def free(folder: str, stem: str, taken: Collection[str]) -> str:
    """Find a name for a new test file."""
    names = {_name(path) for path in taken}
    stem = stem.removeprefix("test_").removesuffix("_test")
    endings = ("", "_gaps", *(f"_gaps_{number}" for number in range(2, len(names) + 3)))
    name = next(f"test_{stem}{ending}.py" for ending in endings if f"test_{stem}{ending}.py" not in names)
    return name if folder in {"", "."} else f"{folder}/{name}"


def is_taken(path: str, names: Collection[str]) -> bool:
    """Tell whether there is a file of that base name, wherever it stands.

    No two test files may share one: without ``__init__.py`` beside them pytest could not import both.
    """
    return any(_name(name) == _name(path) for name in names)


def fault(path: str, folders: Collection[str]) -> str | None:
    """Say why a model's path for a new test is refused, or None; ``folders`` are those that hold tests."""
    if not _PLAIN.fullmatch(path) or len(path) > _LONGEST_PATH or path.startswith("/"):
        return "its path is not a plain relative one"
    if any(part in {"", ".", ".."} or part.startswith((".", "-")) for part in path.split("/")):
        return "its path leads out of the project, or into a hidden folder"
    if not _TEST.fullmatch(_name(path)):
        return "its name is not that of a test: test_<module>.py"
    folder = _folder(path)
    if not any(folder == known or (known and folder.startswith(f"{known}/")) for known in folders):
        return f"it does not stand in a folder of tests: {', '.join(sorted(folders))}"
    return None


def stem_of(path: str) -> str:
    """Give the name of what a source or a test is about: ``cart`` for ``shop/cart.py`` and ``tests/test_cart.py``."""
    return _subject(path) if _TEST.fullmatch(_name(path)) else _stem(path)


def folders_of(known: Sequence[str]) -> frozenset[str]:
    """Give the folders that hold test files."""
    return frozenset(_folder(test) for test in known)


def _subject(test: str) -> str:
    return _name(test).removesuffix(".py").removeprefix("test_").removesuffix("_test")


def _stem(source: str) -> str:
    stem = _name(source).removesuffix(".py")
    return _name(_folder(source)) or stem if stem == "__init__" else stem


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
