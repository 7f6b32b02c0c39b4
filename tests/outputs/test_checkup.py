"""The answer of ``doctor``, as text and as JSON."""

import json

from reviewbot.domain.checkup import Check, Health
from reviewbot.outputs import checkup

CHECKS = (
    Check(name="change", health=Health.GOOD, finding="main with topic: 2 files"),
    Check(name="key 1a2b", health=Health.BAD, finding="refused\n\x1b[31mred", advice="make a new key", exit_code=4),
    Check(name="token", health=Health.DOUBTFUL, finding="it only reads"),
    Check(name="cache", health=Health.ABSENT, finding="none"),
)


def test_each_check_is_a_line_with_its_advice_below() -> None:
    assert (
        "ok    change    main with topic: 2 files\n"
        "FAIL  key 1a2b  refused\\n\\x1b[31mred\n"
        "                → make a new key\n"
        "warn  token     it only reads\n"
        "-     cache     none\n"
        "\n"
        "1 check failed, 1 warning\n"
    ) == checkup.as_text(CHECKS)


def test_the_last_line_sums_up() -> None:
    assert "ready to review\n" == checkup.as_text(CHECKS[:1]).splitlines(keepends=True)[-1]
    assert "ready to review, with 1 warning\n" == checkup.as_text(CHECKS[2:]).splitlines(keepends=True)[-1]
    assert "1 check failed\n" == checkup.as_text(CHECKS[:2]).splitlines(keepends=True)[-1]


def test_as_json_every_check_has_every_field() -> None:
    rows = json.loads(checkup.as_json(CHECKS))
    assert ["ok", "failed", "warning", "not used"] == [row["health"] for row in rows]
    assert {"name": "change", "health": "ok", "finding": "main with topic: 2 files", "advice": ""} == rows[0]
