"""A file of keys that a secret manager mounts and rewrites: read again when it changes, so that keys rotate."""

import logging
from collections.abc import Callable
from pathlib import Path

from reviewbot.domain.endpoint import ApiKey
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import UsageError

_LOG = logging.getLogger("reviewbot")
_LOOK_S = 1.0
_Signature = tuple[int, int, int]


class KeysFile:
    """Keys in a file. What it says while it is being written, or is away, is no reason to lose the keys of before."""

    def __init__(self, path: Path, parse: Callable[[str], tuple[ApiKey, ...]], world: Surroundings) -> None:
        """Take how its text is read; a ValueError of ``parse`` is not shown, for it may quote the text."""
        self._path = path
        self._parse = parse
        self._world = world
        self._signature: _Signature | None = None
        self._looked_s = float("-inf")
        self._complained = False

    def __repr__(self) -> str:
        return f"KeysFile({self._path})"

    def read(self) -> tuple[ApiKey, ...]:
        """Read it at the start. Raises UsageError where it holds no keys."""
        self._looked_s = self._world.monotonic()
        try:
            signature = self._look()
            keys = self._parse(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            # From None, and without the message: a parser's may quote the line that it did not understand.
            message = f"the keys file {self._path} cannot be read ({type(error).__name__}): check that it is mounted"
            raise UsageError(message) from None
        if not keys:
            message = f"the keys file {self._path} holds no key"
            raise UsageError(message)
        self._signature = signature
        return keys

    def changed(self) -> tuple[ApiKey, ...] | None:
        """Give the new keys where the file changed since; looked at once a second at most."""
        now_s = self._world.monotonic()
        if now_s < self._looked_s + _LOOK_S:
            return None
        self._looked_s = now_s
        try:
            # Looked at before it is read: what is written in between shows the next time.
            signature = self._look()
            if signature == self._signature:
                return None
            keys = self._parse(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, UsageError) as error:
            self._complain(type(error).__name__)
            return None
        if not keys:
            self._complain("it is empty")
            return None
        self._signature, self._complained = signature, False
        return keys

    def _look(self) -> _Signature:
        # Follows links: Kubernetes changes a mounted secret by pointing a link to another folder.
        seen = self._path.stat()
        return seen.st_mtime_ns, seen.st_ino, seen.st_size

    def _complain(self, why: str) -> None:
        if not self._complained:
            _LOG.warning("keys file %s cannot be read again (%s): the keys of before stay in use", self._path, why)
        self._complained = True
