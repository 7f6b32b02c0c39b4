"""``POST /webhooks/gitlab`` and ``/webhooks/github``: what the forges tell becomes jobs in the queue.

Answered as soon as the job is in Redis. What is left alone is answered with 202 as well: GitLab switches a webhook off
that is refused a few times, and most of what it tells is nothing to review.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reviewbot.gateway import hooks_deciding, hooks_threads
from reviewbot.gateway.answering import Left
from reviewbot.gateway.arriving import body_of, headers_once, refused
from reviewbot.gateway.hooks_events import Asked, Change, Comment, Event, Skip, chosen, ignored
from reviewbot.gateway.hooks_rules import GITHUB, GITLAB, Rules
from reviewbot.gateway.hooks_threads import OwnThreads
from reviewbot.gateway.house import House
from reviewbot.gateway.refusing import Refused
from reviewbot.queue.connecting import QueueDownError
from reviewbot.queue.intake import Intake
from reviewbot.queue.outcomes import Admission

_LOG = logging.getLogger("reviewbot")
_ACCEPTED: Final = 202
_AGAIN_S: Final = "30"
_LEFT: Final = 499
_COUNTING: Final = (
    "idempotency-key", "webhook-id", "webhook-signature", "webhook-timestamp", "x-github-delivery", "x-github-event",
    "x-gitlab-token", "x-hub-signature-256",
)  # fmt: skip
"""Headers that decide something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where webhooks leave what they bring."""

    intake: Intake
    threads: OwnThreads


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What webhooks are taken with."""

    house: House
    rules: Callable[[], Rules]
    """As they are at that moment."""
    desk: "Desk | None"
    """None without a Redis: then webhooks are off."""
    new_id: Callable[[], str]
    """Makes the id of a job, which nobody else makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of a webhook."""

    correlation: str
    """The id under which it is found in every log, up to the posted comment."""
    outcome: str
    """``queued``, ``superseding``, ``duplicate``, ``outdated`` or ``skipped``."""
    reason: str

    @property
    def fields(self) -> Mapping[str, object]:
        """As it is answered."""
        return {"id": self.correlation, "outcome": self.outcome, "reason": self.reason}


def routes(parts: Parts) -> list[Route]:
    """Give the addresses for forges."""
    return [Route(f"/webhooks/{forge}", _Hook(forge, parts).answer, methods=["POST"]) for forge in (GITLAB, GITHUB)]


class _Hook:
    """One forge's address."""

    def __init__(self, forge: str, parts: Parts) -> None:
        self._forge = forge
        self._parts = parts

    async def answer(self, request: HttpRequest) -> Response:
        """Answer a webhook. Raises Refused."""
        house = self._parts.house
        began, made_id = house.world.monotonic(), self._parts.new_id()
        try:
            headers = headers_once(request, _COUNTING)
            correlation = hooks_deciding.name_of(self._forge, headers) or made_id
            place, told = await self._taken(request, headers, (made_id, correlation))
        except Refused as error:
            _LOG.warning("webhook of %s refused with %d: %s", self._forge, error.refusal.status, error)
            raise
        except Left:
            return Response(status_code=_LEFT)
        took_ms = 1_000 * (house.world.monotonic() - began)
        _LOG.info(
            "webhook %s of %s%s: %s (%s), %.0f ms", correlation, self._forge, place, told.outcome, told.reason, took_ms
        )
        return JSONResponse(told.fields, _ACCEPTED, {"x-request-id": correlation, "cache-control": "no-store"})

    async def _taken(self, request: HttpRequest, headers: Mapping[str, str], made: tuple[str, str]) -> tuple[str, Told]:
        """Read a webhook and do what it asks for; give which request it is of, for the log. Raises Refused."""
        rules, desk, house = self._parts.rules(), self._parts.desk, self._parts.house
        if desk is None or not rules.of(self._forge):
            message = f"webhooks of {self._forge} are off here: see docs/webhooks.md for how to let them in"
            raise refused(404, "off", message)
        body = await body_of(request, headers, rules.max_body_bytes, house.tenancy.rules.body_s)
        event = hooks_deciding.told(self._forge, headers, body, rules, house.world.now())
        try:
            told = await self._done(event, rules, body, made, desk)
        except QueueDownError as error:
            _LOG.warning("webhook %s: %s", made[1], error)
            message = "the queue does not answer: send this again"
            raise refused(503, "queue_down", message, {"retry-after": _AGAIN_S}) from error
        place = "" if isinstance(event, Skip) else f" {event.request.project} {event.request.number}"
        return place, told

    async def _done(self, event: Event, rules: Rules, body: bytes, made: tuple[str, str], desk: Desk) -> Told:
        asked: Asked | Skip
        reply: tuple[str, str] | None = None
        if isinstance(event, Comment):
            asked = await self._heard(event, rules, desk)
            reply = event.thread, event.note
        else:
            asked = chosen(event, rules.choice) if isinstance(event, Change) else event
        if isinstance(asked, Skip):
            return Told(correlation=made[1], outcome="skipped", reason=asked.reason)
        job = hooks_deciding.job_of(self._forge, rules.forges[self._forge], asked, body, made, reply)
        enqueued = await desk.intake.enqueue(job)
        if enqueued.admission is Admission.REFUSED:
            raise refused(429, "project_full", enqueued.reason, {"retry-after": _AGAIN_S})
        word = "queued" if enqueued.admission is Admission.FRESH else enqueued.admission.value
        return Told(correlation=made[1], outcome=word, reason=enqueued.reason)

    async def _heard(self, comment: Comment, rules: Rules, desk: Desk) -> Asked | Skip:
        """Say whether a comment is to be answered, and take note of the bot's own."""
        server = rules.forges[self._forge]
        place = f"{server.api_url} {comment.request.project_id}"
        if hooks_threads.is_own(comment.text, comment.author, server):
            if comment.thread and hooks_threads.opens(comment.text, comment.author, server):
                await desk.threads.add(place, comment.thread)
            return Skip(reason="it is the bot's own comment")
        why = _silence(comment, rules)
        if why is not None:
            return why
        if not await desk.threads.has(place, comment.thread):
            return Skip(reason="it is in no thread of the bot's")
        return Asked(request=comment.request)


def _silence(comment: Comment, rules: Rules) -> Skip | None:
    """Say why a comment is not to be answered whatever thread it is in; None where it may be."""
    if comment.by_bot:
        return Skip(reason="it is a bot's comment")
    if not comment.thread or comment.first:
        return Skip(reason="it is no answer in a thread")
    if not comment.request.open:
        return Skip(reason="its request is not open")
    return ignored(comment.request, rules.choice)
