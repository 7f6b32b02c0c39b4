"""Jobs as JSON: what was spelt is read again, and nothing else is."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from review_queue import JOB

from reviewbot.domain.job import JobKind, ReviewJob
from reviewbot.queue.spelling import MOST_BYTES, MisspeltJobError, read, spelt

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAMES = TEXTS.filter(bool)
NUMBERS = st.integers(1, 2**53)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
JOBS = st.builds(
    ReviewJob,
    id=NAMES,
    kind=st.sampled_from(JobKind),
    forge=st.sampled_from(["gitlab", "github"]),
    server=NAMES,
    project=NAMES,
    project_id=NUMBERS,
    number=NUMBERS,
    head_sha=NAMES,
    target_branch=NAMES,
    at=st.datetimes(datetime(2000, 1, 2), datetime(2100, 1, 1), timezones=ZONES),  # noqa: DTZ001 - zones are drawn
    correlation=NAMES,
    delivery=TEXTS,
    thread=TEXTS,
    note=TEXTS,
    again=st.booleans(),
)


@given(JOBS)
def test_a_job_is_read_as_it_was_spelt(job: ReviewJob) -> None:
    assert job == read(spelt(job))
    assert job == read(spelt(job).encode())


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("id", "", "id of a job: empty"),
        ("id", 7, "id of a job: no text"),
        ("correlation", "a\0b", "correlation of a job: no text"),
        ("project", "\ud800", "project of a job: .*surrogates"),
        ("kind", "rewrite", "kind of a job: 'rewrite'"),
        ("forge", "gitea", "forge of a job: none of gitlab, github"),
        ("forge", ["gitlab"], "forge of a job: no text"),
        ("number", 0, "number of a job: no positive number"),
        ("number", True, "number of a job: no positive number"),
        ("project_id", "7", "project_id of a job: no positive number"),
        ("at", "yesterday", "at of a job: Invalid isoformat"),
        ("at", "2026-11-22T09:00:00", "at of a job: without a time zone"),
        ("again", 1, "again of a job: neither true nor false"),
    ],
)
def test_a_field_that_is_wrong_is_named(field: str, value: object, says: str) -> None:
    fields = json.loads(spelt(JOB))
    with pytest.raises(MisspeltJobError, match=says):
        read(json.dumps(fields | {field: value}))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"id": "a"}', b"\xff"])
def test_what_is_no_job_is_said_to_be_none(text: str | bytes) -> None:
    with pytest.raises(MisspeltJobError, match="a job"):
        read(text)


def test_a_field_too_many_is_refused() -> None:
    with pytest.raises(MisspeltJobError, match="has the fields id, kind"):
        read(json.dumps(json.loads(spelt(JOB)) | {"token": "x"}))


def test_a_job_that_could_not_be_read_is_not_spelt() -> None:
    with pytest.raises(MisspeltJobError, match="without a time zone"):
        spelt(replace(JOB, at=datetime(2026, 1, 1)))  # noqa: DTZ001 - that is what is wrong with it
    with pytest.raises(MisspeltJobError, match="65,536 bytes at most"):
        spelt(replace(JOB, target_branch="b" * MOST_BYTES))


def test_what_is_told_apart_in_the_queue() -> None:
    assert JOB.request == "gitlab:https://gitlab.example/api/v4:7:1"
    assert JOB.place == "gitlab.example/group/app"
    reply = replace(JOB, kind=JobKind.REPLY, thread="t", note="n")
    assert JOB.request == reply.request
    assert len({JOB.subject, reply.subject, replace(reply, thread="u").subject, replace(JOB, number=2).subject}) == 4
    assert ["n", f"{JOB.head_sha} main"] == [reply.version, JOB.version]
    assert JOB.subject == replace(JOB, project="group/renamed", at=datetime(2027, 1, 1, tzinfo=UTC)).subject
