"""What of this machine a job can see."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from reviewbot.sandbox.orders import LANDLOCK, Bind

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_ETC = (
    "alternatives", "fonts", "gai.conf", "group", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias",
    "localtime", "magic", "mime.types", "nsswitch.conf", "os-release", "passwd", "protocols", "python3", "python3.11",
    "python3.12", "python3.13", "python3.14", "services", "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
"""Of /etc, where passwords of services can lie in any other file."""


def binds(level: str, readable: Iterable[str], writable: Iterable[str], place: Path) -> tuple[Bind, ...]:
    """Give everything that a job can see, parents before what lies below them.

    ``place`` holds folders ``tmp`` and ``shm``, which stand for /tmp and /dev/shm inside. What does not exist is left
    out.
    """
    named = [*SYSTEM, *(f"/etc/{name}" for name in _ETC), *readable]
    found = [Bind(source=path, target=path) for path in _existing(named)]
    found += [Bind(source=path, target=path, writable=True) for path in writable]
    if level != LANDLOCK:
        found += [
            Bind(source=str(place / "tmp"), target="/tmp", writable=True),  # noqa: S108 - the name inside
            Bind(source=str(place / "shm"), target="/dev/shm", writable=True),  # noqa: S108 - the name inside
        ]
    return tuple(sorted(found, key=lambda bind: (bind.target.count("/"), bind.writable)))


def links() -> tuple[tuple[str, str], ...]:
    """Give the system's folders that are links on this machine, as /bin is to usr/bin."""
    return tuple((str(Path(path).readlink()), path) for path in SYSTEM if Path(path).is_symlink())


def _existing(paths: Iterable[str]) -> Iterator[str]:
    """Give paths once each, and none below another; a link in ``SYSTEM`` is remade inside by `links`."""
    found = {path for path in map(os.path.normpath, paths) if Path(path).exists()}
    found -= {path for path in SYSTEM if Path(path).is_symlink()}
    return (path for path in sorted(found) if not any(str(parent) in found for parent in Path(path).parents))
