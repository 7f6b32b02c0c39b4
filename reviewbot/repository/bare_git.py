"""Git on a store that no one has checked out: an environment in which nothing of a repository runs, under a watch."""

import base64
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from reviewbot.errors import ForgeError, ReviewbotError

REMOTE = "origin"
_LOOK_S = 0.1
"""How often a running git is looked at."""
_FIXED = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    # Nothing but the web's protocols: ext:: would run a command, and file:// read this machine.
    "GIT_ALLOW_PROTOCOL": "http:https",
}
_CONFIG = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    # One pack for each fetch: its size can be watched, and a pack says that what it leaves out can be had.
    ("fetch.unpackLimit", "1"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.fsckObjects", "true"),
    # Old defects that stand in the history of many projects; Gitaly lets the same ones pass.
    ("fetch.fsck.badTimezone", "ignore"),
    ("fetch.fsck.missingSpaceBeforeDate", "ignore"),
    ("fetch.fsck.zeroPaddedFilemode", "ignore"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "30"),
)
_PARTIAL = ((f"remote.{REMOTE}.promisor", "true"), (f"remote.{REMOTE}.partialCloneFilter", "blob:none"))
"""What is not there is fetched when it is read. Told by the environment alone, so that it can be left untold."""
_REFUSED = re.compile(
    r"could not read (?:Username|Password) for|Authentication failed for|"  # 401
    r"The requested URL returned error: 40[13]\b|"
    r"repository '.*' not found"  # 404, which forges say for what a token may not see
)
"""Of what git says last (its http.c and remote-curl.c), all that the forge's answer to the token leads to."""
_UNREACHED = re.compile(r"unable to access '.*': (?:Failed to connect|Could not resolve|Couldn't connect)")


class Halted(ReviewbotError):  # noqa: N818 - nothing is wrong
    """Somebody wants this stopped; it is no failure."""


class FetchError(ForgeError):
    """The forge did not give what was to be fetched."""


class RefusedError(FetchError):
    """The forge does not believe the token, or shows it no such project."""


class TooLargeError(FetchError):
    """More than may be fetched for one review: another attempt would end the same way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a running git is held to."""

    clock: Callable[[], float]
    deadline: float
    """On that clock, in seconds."""
    max_bytes: int
    """By which the store may grow."""
    halted: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A bare repository that holds what one review reads, for the length of a block."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    """For git in it: takes no setting but ours, and may fetch what is missing. Holds the forge's token."""


def variables(url: str, authorization: str | None, *, partial: bool = True) -> Mapping[str, str]:
    """Give the variables under which git may be run in a store of that address.

    ``authorization`` is a header's value. It goes into the environment, for that address's host alone: an argument
    could be read by every process of the machine, and what is on disk outlives the job.
    """
    config = [*_CONFIG, *(_PARTIAL if partial else ())]
    if authorization is not None:
        parts = urlsplit(url)
        config.append((f"http.{parts.scheme}://{parts.netloc}/.extraHeader", f"Authorization: {authorization}"))
    told = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config):
        told |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {**_FIXED, **told}


def basic(user: str, token: str) -> str:
    """Give the value of a header that carries a token as a password: what both forges want of git."""
    return f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"


def local(store: Store, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> bytes:
    """Run a command that reads what is there and fetches nothing. Raises FetchError."""
    environ = {**store.environ, **(environ or {}), "GIT_ALLOW_PROTOCOL": "none"}
    done = subprocess.run(
        ["git", *arguments], cwd=store.folder, env=environ, input=stdin, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise FetchError(_last_words(done.stderr, arguments[0]))
    return done.stdout


def watched(store: Store, watch: Watch, *arguments: str, stdin: bytes = b"") -> None:
    """Run a command that may take long, and end it with all that it started when it takes too much.

    Raises Halted, TooLargeError, RefusedError or FetchError.
    """
    before = size(store.folder)
    left = set(_unfinished(store.folder))
    process = subprocess.Popen(
        ["git", *arguments],
        cwd=store.folder,
        env=dict(store.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        told = _followed(process, stdin, store.folder, watch, before)
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            for path in set(_unfinished(store.folder)) - left:
                path.unlink(missing_ok=True)
    if process.returncode != 0:
        words = _last_words(told, arguments[0])
        if _REFUSED.search(words):
            message = f"the forge refuses the token, or there is no such project for it (git says: {words})"
            raise RefusedError(message)
        if _UNREACHED.search(words):
            words = (
                "the forge's git server cannot be reached. Check REVIEWBOT_GITLAB_URL or REVIEWBOT_GITHUB_API_URL, and "
                f"that this worker may go there (git says: {words})"
            )
        raise FetchError(words)


def _followed(process: "subprocess.Popen[bytes]", stdin: bytes, folder: Path, watch: Watch, before: int) -> bytes:
    sent: bytes | None = stdin
    while True:
        try:
            _, told = process.communicate(sent, timeout=_LOOK_S)
        except subprocess.TimeoutExpired:
            sent = None  # is kept by communicate, and goes on being sent
            _look(folder, watch, before)
        else:
            _too_large(folder, watch, before)
            return told


def _look(folder: Path, watch: Watch, before: int) -> None:
    if watch.halted():
        message = "stopped"
        raise Halted(message)
    _too_large(folder, watch, before)
    if watch.clock() > watch.deadline:
        message = "the forge did not give the change in time: it is slow, or the project is too large for the limit"
        raise FetchError(message)


def _too_large(folder: Path, watch: Watch, before: int) -> None:
    if size(folder) - before > watch.max_bytes:
        message = (
            f"the change takes more than the {watch.max_bytes / 1e6:,.0f} MB that may be fetched for one review: "
            "review it in a pipeline"
        )
        raise TooLargeError(message)


def size(folder: Path) -> int:
    """Give the bytes of all files in a folder; what goes while they are counted is not counted."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(f"{parent}/{name}").st_size
    return total


def _unfinished(folder: Path) -> list[Path]:
    """List packs that are not complete yet: whoever is killed leaves one."""
    return list((folder / "objects" / "pack").glob("tmp_*"))


def _last_words(told: bytes, command: str) -> str:
    lines = told.decode("utf-8", "replace").strip().splitlines()
    worst = [line for line in lines if line.startswith(("fatal: ", "error: ", "remote: "))]
    return (worst or lines or [f"git {command} failed"])[-1]
