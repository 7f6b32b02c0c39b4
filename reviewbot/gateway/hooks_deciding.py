"""A webhook's headers and bytes → the event that it tells, or a refusal. Nothing here asks anybody, or waits.

Where a job is to be done is told by the configuration. What a webhook says of its own server is only compared: a
stranger's address in it is refused and never called.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from reviewbot.domain.job import JobKind, ReviewJob
from reviewbot.gateway import hooks_github, hooks_gitlab
from reviewbot.gateway.arriving import refused
from reviewbot.gateway.hooks_events import Asked, Event, Skip
from reviewbot.gateway.hooks_reading import Fields, Misread, decoded
from reviewbot.gateway.hooks_rules import GITHUB, Forge, Rules, Secret
from reviewbot.gateway.hooks_signing import proven
from reviewbot.gateway.refusing import Refused

_AHEAD: Final = timedelta(hours=1)
"""How far the forge's clock may be ahead: an event of next week would make all until then look old."""
_NAME: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
_IDS: Final = {"github": "x-github-delivery", "gitlab": "idempotency-key"}
"""What names a delivery in the forge's own list. ``X-Gitlab-Event-UUID`` does not: all that one request of a user's
brings about has the same."""


def told(forge: str, headers: Mapping[str, str], body: bytes, rules: Rules, now: datetime) -> Event:
    """Give what a webhook tells. Raises Refused for what is not the forge's, not readable, or not of now."""
    secrets = proven(rules.of(forge), headers, body, now.timestamp())
    if not secrets:
        raise _unproven(forge)
    try:
        return _read(forge, headers, decoded(body), rules, secrets, now)
    except Misread as error:
        raise refused(400, "bad_webhook", f"this is no webhook of {forge}'s: {error}") from error


def job_of(
    forge: str, server: Forge, asked: Asked, body: bytes, made: tuple[str, str], reply: tuple[str, str] | None = None
) -> ReviewJob:
    """Make the job; ``made`` is its id and its correlation, ``reply`` the thread and the note to answer."""
    request, (thread, note) = asked.request, reply or ("", "")
    return ReviewJob(
        id=made[0],
        kind=JobKind.REVIEW if reply is None else JobKind.REPLY,
        forge=forge,
        server=server.api_url,
        project=request.project,
        project_id=request.project_id,
        number=request.number,
        head_sha=request.head_sha,
        target_branch=request.target_branch,
        at=request.at,
        correlation=made[1],
        # Not the forge's id, which no signature of GitHub's covers: whoever sends the same bytes again under another
        # id has sent the same. A forge that sends something again sends the same bytes, too.
        delivery=hashlib.sha256(body).hexdigest(),
        thread=thread,
        note=note,
        again=asked.again,
    )


def name_of(forge: str, headers: Mapping[str, str]) -> str | None:
    """Give the forge's own id of a delivery, by which people find it there; None for one that cannot stand in a log."""
    given = headers.get(_IDS[forge], "")
    return given if _NAME.fullmatch(given) else None


def _read(
    forge: str, headers: Mapping[str, str], body: Fields, rules: Rules, secrets: Sequence[Secret], now: datetime
) -> Event:
    reader = hooks_github if forge == GITHUB else hooks_gitlab
    project = reader.project(body)
    if project is not None and not any(secret.covers(project) for secret in secrets):
        raise _unproven(forge)
    event = hooks_github.read(headers.get("x-github-event", ""), body) if forge == GITHUB else hooks_gitlab.read(body)
    if isinstance(event, Skip):
        return event
    if not _is_of(reader.address(body), event.request.project, rules.forges[forge], forge):
        message = f"this webhook is of another server than the configured one: see shown_url of [webhooks.{forge}]"
        raise refused(403, "other_server", message)
    _check_age(event.request.at, now, rules.max_age_s)
    return event


def _is_of(address: str, project: str, server: Forge, forge: str) -> bool:
    """Tell whether a project's address is on a server. The scheme may be another one, behind a proxy."""
    shown = urlsplit(server.shown_url)
    middle = "/repos/" if forge == GITHUB else "/"
    expected = f"{shown.netloc}{shown.path.rstrip('/')}{middle}{project}"
    try:
        found = urlsplit(address)
    except ValueError:
        return False
    return f"{found.netloc}{found.path}".lower() == expected.lower() and not found.query and not found.fragment


def _check_age(at: datetime, now: datetime, max_age_s: float) -> None:
    if now - at > timedelta(seconds=max_age_s):
        hours = max_age_s / 3_600
        raise refused(400, "too_old", f"this happened more than {hours:g} hours ago: push again, or set max_age_h")
    if at - now > _AHEAD:
        raise refused(400, "too_new", "this is to happen in the future: compare the clocks")


def _unproven(forge: str) -> Refused:
    """Refuse a forged webhook. Which of its parts is wrong is not said."""
    wanted = "X-Hub-Signature-256" if forge == GITHUB else "X-Gitlab-Token or webhook-signature"
    late = "" if forge == GITHUB else ", or it was signed more than five minutes ago by this machine's clock"
    message = f"this webhook's {wanted} fits no secret that is configured for its project{late}"
    return refused(401, "unproven", message)
