"""Texts → outlines, through `reviewbot.repository.grammars` in a process of its own.

Without ast-grep, and for whatever that process did not come to, there are no outlines: then a review
shows less around its hunks, and is no worse otherwise.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from reviewbot.domain.outline import Call, Definition, Outline, ordered

_LANGUAGES: Final = {
    ".js": "javascript", ".jsx": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx",
    ".go": "go", ".java": "java", ".rs": "rust", ".kt": "kotlin", ".kts": "kotlin",
    ".c": "c", ".h": "cpp", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hh": "cpp", ".hpp": "cpp",
    ".cs": "csharp", ".rb": "ruby", ".php": "php",
}  # fmt: skip
SUFFIXES: Final = tuple(_LANGUAGES)
_TIMEOUT_S: Final = 20.0
_MOST_MEMORY_BYTES: Final = 1_500_000_000


class _Rows(BaseModel):
    definitions: list[tuple[str, int, int, str]]
    calls: list[tuple[str, int, str]]


_REQUEST: Final = TypeAdapter(dict[str, tuple[str, str]])
_LINE: Final = TypeAdapter(tuple[int, _Rows])


def language(path: str) -> str:
    """Name the grammar of a file that has one of the `SUFFIXES`."""
    return _LANGUAGES[path[path.rfind(".") :]]


def by_grammar(
    texts: Mapping[str, str], timeout_s: float = _TIMEOUT_S, memory_bytes: int = _MOST_MEMORY_BYTES
) -> dict[str, Outline]:
    """Outline the files whose language a grammar knows, by path; the texts are free of surrogates.

    The process gets the texts and nothing else: no environment, no key, no argument of a stranger's.
    """
    known = [path for path in texts if path.endswith(SUFFIXES)]
    if not known:
        return {}
    asked = {str(at): (language(path), texts[path]) for at, path in enumerate(known)}
    program = str(Path(__file__).with_name("grammars.py"))
    answer = _run([sys.executable, "-I", program, str(memory_bytes)], _REQUEST.dump_json(asked), timeout_s)
    return {known[at]: _outline(rows) for at, rows in lines(answer) if 0 <= at < len(known)}


def _run(command: list[str], request: bytes, timeout_s: float) -> bytes:
    """Give what the process wrote until it ended, whichever way."""
    try:
        return subprocess.run(
            command, input=request, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, timeout=timeout_s,
            check=False,
        ).stdout  # fmt: skip
    except subprocess.TimeoutExpired as error:
        return error.stdout or b""
    except OSError:
        return b""


def lines(answer: bytes) -> Iterator[tuple[int, _Rows]]:
    """Read what the process wrote, each line with the number of its text, up to where it was cut off."""
    for line in answer.splitlines():
        try:
            yield _LINE.validate_json(line)
        except ValidationError:
            return


def _outline(rows: _Rows) -> Outline:
    return ordered(
        (Definition(name=name, start=start, end=end, header=header) for name, start, end, header in rows.definitions),
        (Call(name=name, line=line, receiver=receiver) for name, line, receiver in rows.calls),
    )
