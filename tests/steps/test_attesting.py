"""What a process printed is believed only with the secret, and only in the agreed form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.trial import Attested, Failure, Measured, Ran
from reviewbot.steps.attesting import attested

SECRET = "5ec2e7" * 5
FAILURE = {"id": "t.py::test_a", "own": True, "message": "assert 1 == 2", "text": "..."}
SAID = {
    "collected": 2,
    "passed": 1,
    "skipped": 0,
    "failures": [FAILURE],
    "errors": [],
    "measured": {"a.py": {"lines": [1, 2], "taken": [[1, 2]], "untaken": [[1, -3]]}},
}
FOUND = Attested(
    collected=2,
    passed=1,
    skipped=0,
    failures=(Failure(id="t.py::test_a", own=True, message="assert 1 == 2", text="..."),),
    measured={"a.py": Measured(lines=frozenset({1, 2}), taken=frozenset({(1, 2)}), untaken=frozenset({(1, -3)}))},
)


def printed(said: object, secret: str = SECRET) -> bytes:
    return f"..\n{secret} {json.dumps(said)}\n1 passed\n".encode()


def test_the_line_with_the_secret_is_read() -> None:
    assert FOUND == attested(printed(SAID), SECRET)
    assert {"t.py::test_a"} == FOUND.failing


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1 passed\n",
        printed(SAID, "0" * 30),
        printed(SAID) + printed(SAID),
        b"x" + printed(SAID)[3:],
        SECRET.encode() + b" {",
        SECRET.encode() + b" " + b"[" * 100_000,
        printed([]),
        printed({**SAID, "passed": -1}),
        printed({**SAID, "passed": "2"}),
        printed({**SAID, "passed": True}),
        printed({**SAID, "passed": 1e400}),
        printed({**SAID, "more": 1}),
        printed({**SAID, "failures": [{}]}),
        printed({**SAID, "measured": {"a.py": {"lines": ["1"], "taken": [], "untaken": []}}}),
        printed({**SAID, "measured": {"a.py": {"lines": [1], "taken": [[1]], "untaken": []}}}),
        printed({**SAID, "measured": {"a.py": {"lines": [10**12], "taken": [], "untaken": []}}}),
    ],
)
def test_anything_else_is_not_believed(data: bytes) -> None:
    assert None is attested(data, SECRET)


def test_long_texts_are_cut() -> None:
    said = attested(printed({**SAID, "failures": [{**FAILURE, "text": "x" * 9_000}]}), SECRET)
    assert said is not None
    assert 4_000 == len(said.failures[0].text)


@given(st.binary())
def test_no_bytes_are_believed_without_the_secret(data: bytes) -> None:
    assert None is attested(data, SECRET)


def ran(*, exit_code: int | None = 0, collected: int = 1, passed: int = 1, failures: int = 0, errors: int = 0) -> Ran:
    one = Failure(id="x", own=False, message="")
    said = Attested(
        collected=collected, passed=passed, skipped=0, failures=(one,) * failures, errors=(one,) * errors
    )  # fmt: skip
    return Ran(attested=said, exit_code=exit_code, timed_out=False, wall_s=0.1)


def test_a_run_passes_only_if_report_and_exit_code_agree() -> None:
    assert ran().passes
    assert not ran(exit_code=1).passes
    assert not ran(exit_code=None).passes
    assert not ran(collected=2).passes
    assert not ran(collected=0, passed=0).passes
    assert not ran(failures=1).passes
    assert not ran(errors=1).passes
    assert not Ran(attested=None, exit_code=0, timed_out=False, wall_s=0.1).passes
