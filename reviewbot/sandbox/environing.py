"""The environment of jobs: what is needed is let in, all else stays out."""

from collections.abc import Mapping
from typing import Final

_KEPT: Final = frozenset({"PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "TZ", "VIRTUAL_ENV"})


def scrubbed(environ: Mapping[str, str], *, hash_seed: int = 0) -> Mapping[str, str]:
    """Give an environment without keys for a job; HOME and TMPDIR are set by the sandbox.

    No list of names that look like keys would be complete, so only names that are known to hold none pass.
    ``hash_seed`` is PYTHONHASHSEED, 0 to 4294967295. No ``.pyc`` files are written: Python believes one whose source
    has the same length and second of change, as that of a mutant can have.
    """
    kept = {name: value for name, value in environ.items() if name in _KEPT}
    return {**kept, "PYTHONHASHSEED": str(hash_seed), "PYTHONDONTWRITEBYTECODE": "1"}
