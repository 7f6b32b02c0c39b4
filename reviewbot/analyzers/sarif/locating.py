"""Which file of the change a SARIF location means: tools write relative, based and absolute URIs."""

import posixpath
import re
from collections.abc import Container, Iterator
from itertools import islice
from typing import Final
from urllib.parse import unquote

from reviewbot.analyzers.sarif.log import ArtifactLocation, Run

_SCHEME: Final = re.compile(r"file://[^/]*", re.IGNORECASE)
_DRIVE: Final = re.compile(r"/?[A-Za-z]:/")
_SLASH: Final = re.compile("/")
_MOST_BASES: Final = 20
"""Bounds for hostile logs; real ones name one or two bases, and paths that a file system can hold."""
_LONGEST_PATH: Final = 4096


def spoken_of(run: Run) -> frozenset[str]:
    """Give the path of every file that a run mentions, as the tool wrote it."""
    return frozenset(path for location in _mentioned(run) if (path := resolved(location, run)))


def _mentioned(run: Run) -> Iterator[ArtifactLocation]:
    yield from (artifact.location for artifact in run.artifacts if artifact.location)
    for result in run.results:
        yield from (location.physical_location.artifact_location for location in result.locations)


def resolved(location: ArtifactLocation, run: Run) -> str | None:
    """Follow index and named bases to a path: relative to the sources, or absolute."""
    if location.uri is None and 0 <= location.index < len(run.artifacts):
        location = run.artifacts[location.index].location or location
    if location.uri is None:
        return None
    path = _path(location.uri)
    for _ in range(_MOST_BASES):
        base = run.original_uri_base_ids.get(location.uri_base_id or "")
        if base is None or _is_absolute(path):
            break
        # The root of the sources is where the repository lies: an absolute one says no more than that.
        if base.uri and not _is_absolute(_path(base.uri)):
            path = posixpath.join(_path(base.uri), path)
        location = base
    return _below_base(posixpath.normpath(path), run)


def match(path: str, known: Container[str]) -> str | None:
    """Find the file of the change: the same path, or of an absolute one the longest that ends it."""
    if not _is_absolute(path):
        return path if path in known else None
    if len(path) > _LONGEST_PATH:
        return None
    endings = (path[slash.end() :] for slash in _SLASH.finditer(path))
    return next((ending for ending in endings if ending in known), None)


def _below_base(path: str, run: Run) -> str:
    bases = [_path(base.uri) for base in islice(run.original_uri_base_ids.values(), _MOST_BASES) if base.uri]
    inside = [base for base in bases if _is_absolute(base) and path.startswith(base.rstrip("/") + "/")]
    longest = max(inside, key=len, default="").rstrip("/")
    return path[len(longest) + 1 :] if longest else path


def _path(uri: str) -> str:
    return unquote(_SCHEME.sub("", uri, count=1), errors="surrogateescape").replace("\\", "/")


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or _DRIVE.match(path) is not None
