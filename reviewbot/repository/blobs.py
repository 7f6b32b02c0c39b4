"""Blobs by id, through one ``git cat-file --batch``."""

import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from reviewbot.repository.git import Git


class Blobs:
    """A running ``git cat-file``; use it in a ``with`` block. Threads may share it."""

    def __init__(self, git: Git, extra: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=git.folder,
            env={**git.environ, **extra},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # git died, and what it was asked last is still on its way
                self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()

    def read(self, blob: str) -> bytes | None:
        """Give a blob's bytes, or None if it is not there (a partial clone)."""
        with self._lock:  # one question and its answer at a time
            return self._asked(blob)

    def _asked(self, blob: str) -> bytes | None:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            return None
        try:
            stdin.write(blob.encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            return None
        head = stdout.readline().split()
        if len(head) != 3:  # noqa: PLR2004 - "<id> <type> <size>", or "<id> missing"
            return None
        data = stdout.read(int(head[2]))
        stdout.read(1)
        return data
