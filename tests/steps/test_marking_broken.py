"""Marks that somebody has broken or forged: never an error, and never believed."""

import json
import tracemalloc
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

import pytest
from steps.marked import FINGERPRINT, noise, read, read_one, summary_mark
from steps.posting_scene import HEAD, SIGNED, UNSIGNED, request

from reviewbot.steps import marking


def packed(text: bytes) -> str:
    return b64encode(zlib.compress(text), b"._").decode().rstrip("=")


BROKEN: Mapping[str, str] = {
    "nothing": "",
    "no base64": "!!!!",
    "not ours": "AAAA",
    "plain base64": b64encode(b"{}").decode(),
    "beyond ASCII": "dätä",
    "a lone letter": "A",
    "torn": packed(b'{"path": "a.py"}' * 50)[:-9],
    "not UTF-8": packed(b"\xff\xfe"),
    "no JSON": packed(b"{"),
    "another form": packed(b"[]"),
    "deep": packed(b"[" * 100_000),
    "unknown severity": packed(b'{"path":"a","side":"RIGHT","quote":"","severity":"dire"}'),
    "a bomb": packed(b" " * 100_000_000),
    "too long": "A" * 100_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_mark_still_prevents_a_duplicate(name: str) -> None:
    mark = f"<!-- reviewbot:v1 finding fp={FINGERPRINT} data={BROKEN[name]} sig=- -->"
    assert read_one(mark) is None
    (marked,) = read(f"<!-- reviewbot:v1 summary head={HEAD} data={BROKEN[name]} sig=- -->")
    assert (True, None) == (marked.is_summary, marked.summary)


def test_a_bomb_is_not_unpacked() -> None:
    mark = f"<!-- reviewbot:v1 finding fp={FINGERPRINT} data={packed(b' ' * 40_000_000)} sig=- -->"
    tracemalloc.start()
    assert read_one(mark) is None
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000


def test_more_data_than_any_mark_has_is_not_looked_at() -> None:
    told: dict[str, str | None] = {
        "path": "a.py",
        "side": "RIGHT",
        "quote": "",
        "severity": "low",
        "confidence": "low",
        "category": "bug",
    }
    told |= {"rule": None, "source": "llm", "title": "T"}
    assert read_one(_mark(json.dumps(told))) is not None
    assert read_one(_mark(json.dumps({**told, "body": noise(40_000)}))) is None


def _mark(text: str) -> str:
    return f"<!-- reviewbot:v1 finding fp={FINGERPRINT} data={packed(text.encode())} sig=- -->"


@pytest.mark.parametrize(
    "mark",
    [
        f"<!-- reviewbot:v1 finding fp={FINGERPRINT} data=abc",
        f"<!-- reviewbot:v1 finding fp={FINGERPRINT} -->",
        f"<!-- reviewbot:v1 finding sig=ü fp={FINGERPRINT} -->",
    ],
)
def test_a_truncated_mark_still_prevents_a_duplicate(mark: str) -> None:
    assert read_one(mark, signer=SIGNED) is None


@pytest.mark.parametrize(
    "body",
    [
        "<!-- reviewbot:v1 finding fp=abc data= sig=- -->",
        f"<!-- reviewbot:v1 finding fp={FINGERPRINT.upper()} data= sig=- -->",
        f"<!-- reviewbot:v2 finding fp={FINGERPRINT} data= sig=- -->",
        f"<!-- reviewbot:v1 other fp={FINGERPRINT} data= sig=- -->",
        f"    <!-- reviewbot:v1 finding fp={FINGERPRINT} data= sig=- -->",
    ],
)
def test_what_only_looks_like_a_mark_is_none(body: str) -> None:
    assert () == read(body)


def test_a_comment_of_nothing_but_marks_is_read_up_to_a_bound() -> None:
    (marked,) = read("\n".join(f"<!-- reviewbot:v1 finding fp={number:032x} -->" for number in range(20_000)))
    assert 300 == len(marked.marks)


def test_a_summary_with_a_head_that_is_no_commit_is_not_believed_to_be_of_one() -> None:
    mark = marking.of_summary(replace(summary_mark(), head_sha="HEAD"), UNSIGNED, request())
    (marked,) = read(mark)
    assert (True, None) == (marked.is_summary, marked.summary)


def test_a_signer_shows_no_secret() -> None:
    assert "Signer()" == repr(SIGNED)
    assert "-" == UNSIGNED.sign("text")
    assert not UNSIGNED.verifies("text", "-")
