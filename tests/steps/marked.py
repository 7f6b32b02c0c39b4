"""Marks to be written and read by the tests of `reviewbot.steps.marking`."""

import zlib
from dataclasses import replace

from steps.posting_scene import BOT, HEAD, UNSIGNED, claim, request

from reviewbot.domain.finding import Finding
from reviewbot.domain.request import Account, ChangeRequest
from reviewbot.domain.thread import Marked, Note, SummaryMark, Thread, ThreadKind
from reviewbot.steps import marking
from reviewbot.steps.marking import Signer

FINGERPRINT = "0123456789abcdef" * 2


def finding(**changes: object) -> Finding:
    """Build a finding as it is before it is anchored."""
    made = claim("x = 1", suggestion="x = 2", rule="F821", fingerprint=FINGERPRINT)
    return replace(made, **changes)  # type: ignore[arg-type] # fields are given by name


def summary_mark(*findings: Finding) -> SummaryMark:
    """Build what a summary tells of its run."""
    return SummaryMark(
        found=(),
        head_sha=HEAD, base_sha="b" * 40, digest="d" * 32, done=True, findings=findings, recipe="deepseek 1"
    )  # fmt: skip


def thread(body: str, author: Account = BOT) -> Thread:
    """Build a thread with one note."""
    return Thread(id="t1", kind=ThreadKind.INLINE, notes=(Note(id="n1", author=author, body=body),))


def read(
    body: str, own: Account = BOT, signer: Signer = UNSIGNED, asked: ChangeRequest | None = None
) -> tuple[Marked, ...]:
    """Read one thread that the bot itself has opened."""
    return marking.read([thread(body, own)], own, signer, asked or request())


def read_one(body: str, own: Account = BOT, signer: Signer = UNSIGNED) -> Finding | None:
    """Read the only mark."""
    (marked,) = read(body, own, signer)
    (mark,) = marked.marks
    assert FINGERPRINT == mark.fingerprint
    return mark.finding


def noise(length: int, seed: int = 0) -> str:
    """Give text that does not pack: Chinese characters without a pattern."""
    numbers = (zlib.crc32(f"{seed} {number}".encode()) for number in range(length))
    return "".join(chr(0x4E00 + number % 0x4000) for number in numbers)
