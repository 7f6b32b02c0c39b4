"""``POST /v1/chat/completions``: from a request's bytes to its answer."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.types import Receive, Scope, Send

from reviewbot.domain.call import Call
from reviewbot.domain.served import Served
from reviewbot.domain.tenant import Tenant
from reviewbot.domain.usage import TokenUsage
from reviewbot.errors import ReviewbotError
from reviewbot.gateway import asking
from reviewbot.gateway.answering import Answering, Left, refuse
from reviewbot.gateway.house import House, Tenancy, UnderWay
from reviewbot.gateway.identifying import headers_of, identify, request_id
from reviewbot.gateway.refusing import Refusal, Refused, model_not_allowed, of_error, reject
from reviewbot.llm.orders import Relayed
from reviewbot.llm.telling import Record

_JSON: Final = "application/json"
_BUG: Final = 500
_LEFT: Final = 499
"""nginx's word for a client that closed its connection."""
_STOPPED: Final = 503


class Completing:
    """The endpoint as an ASGI app."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        house = self._house
        name = request_id(scope, house.new_id)
        visit = Visit(house, name, scope, Answering(receive, send, {"x-request-id": name}, house.world.monotonic))
        house.visits.add(visit.under_way)
        try:
            await visit.serve(receive)
        except Refused as refused:
            visit.ended(refused.refusal.status, refused.refusal.code)
            await refuse(send, refused.refusal, {"x-request-id": name})
        except Left:
            visit.ended(visit.answering.status or _LEFT, "client_left")
            abort = scope.get("state", {}).get("abort")
            if abort is not None:
                abort()  # what nobody takes would be kept for as long as the connection lasts
        except asyncio.CancelledError:
            visit.ended(visit.answering.status or _STOPPED, "stopping")
            raise
        except Exception:
            visit.ended(visit.answering.status or _BUG, "bug")
            raise
        finally:
            house.visits.discard(visit.under_way)


class Visit:
    """One request, and what is known of it so far."""

    def __init__(self, house: House, name: str, scope: Scope, answering: Answering) -> None:
        self.answering = answering
        self.under_way = UnderWay()
        self._house = house
        self._name = name
        self._scope = scope
        self._at = house.world.now()
        self._started = house.world.monotonic()
        self._tenant: Tenant | None = None
        self._call: Call | None = None
        self._relayed: Relayed | None = None
        self._record: Record | None = None

    async def serve(self, receive: Receive) -> None:
        """Check the request, and answer it. Raises Refused and Left."""
        house, tenancy = self._house, self._house.tenancy
        headers = headers_of(self._scope)
        self._tenant = tenant = identify(self._scope, headers, tenancy)
        self.under_way.tenant = tenant.name
        _check_type(headers)
        body = await read_body(
            receive, headers.get("content-length", ""), tenancy.rules.max_body_bytes, tenancy.rules.body_s
        )
        self._call = call = asking.read(body, headers, house.count)
        self.under_way.streaming = call.streamed
        if not tenant.may_ask(call.model):
            raise model_not_allowed(call.model)
        try:
            await house.rates.admit(tenant, call.prompt_tokens)
        except ReviewbotError as error:
            raise Refused(of_error(error)) from error
        try:
            await self._answer(tenancy, tenant, call)
        finally:
            await house.rates.settle(tenant, call.prompt_tokens, self._used)

    async def _answer(self, tenancy: Tenancy, tenant: Tenant, call: Call) -> None:
        client = tenancy.clients[tenant.name]
        try:
            self._relayed = await self.answering.answer(lambda listen: client.relay(call, listen, self._watch))
        except ReviewbotError:
            # It broke off after its first bytes; the stream says so.
            broke = self.answering.broke
            self.ended(self.answering.status or 0, None if broke is None else broke.code)
        else:
            self.ended(self.answering.status or 0, None)

    def _watch(self, record: Record) -> None:
        self._record = record

    @property
    def _used(self) -> int:
        if self._relayed is None or self._relayed.source != "miss":
            return 0
        usage = self._relayed.completion.usage
        # Where the provider does not tell, what was taken for it at first stands.
        return usage.prompt_tokens + usage.completion_tokens or (0 if self._call is None else self._call.prompt_tokens)

    def ended(self, status: int, error: str | None) -> None:
        """Tell of the request."""
        call, record, relayed, first_at = self._call, self._record, self._relayed, self.answering.first_at
        paid = relayed is not None and relayed.source == "miss"
        self._house.heard(
            Served(
                at=self._at,
                request_id=self._name,
                path=self._scope["path"],
                tenant=None if self._tenant is None else self._tenant.name,
                task=None if call is None else call.task,
                model=None if call is None else call.model,
                parameters=() if call is None else call.parameters,
                status=status,
                source=None if relayed is None else relayed.source,
                key_id=None if record is None else record.key_id,
                answered_by=None if relayed is None else relayed.completion.model,
                cost_usd=None if relayed is None else relayed.cost_usd,
                attempts=0 if record is None else record.attempts,
                streamed=call is not None and call.streamed,
                error=error,
                usage=relayed.completion.usage if relayed is not None and paid else TokenUsage(),
                latency_s=self._house.world.monotonic() - self._started,
                ttft_s=None if first_at is None else first_at - self._started,
            )
        )


def _check_type(headers: Mapping[str, str]) -> None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        # A page of a stranger can make a browser send anything but this without being asked first.
        reject("the body is to be sent with 'Content-Type: application/json'", None, "unsupported_media", 415)
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        reject("compressed bodies are not taken: send it as it is", None, "unsupported_media", 415)


async def read_body(receive: Receive, declared: str, limit: int, within_s: float) -> bytes:
    """Read a request's body; ``declared`` is its length as its head has it, if it does.

    Raises Refused where it is too long or too slow, and Left where it ends early. What of it was not read then is
    thrown away as it comes, so that the refusal can be heard.
    """
    parts: list[bytes] = []
    size = int(declared) if declared.isdecimal() and int(declared) > limit else 0
    try:
        async with asyncio.timeout(within_s):
            more = True
            while more and size <= limit:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Left
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                more = message.get("more_body", False)
    except TimeoutError as error:
        raise _too_slow(within_s) from error
    if size > limit:
        reject(f"the body is longer than {limit:,} bytes", None, "body_too_long", 413)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_slow(within_s: float) -> Refused:
    message, headers = f"the body was not there within {within_s:.0f} s", {"connection": "close"}
    return Refused(Refusal(status=408, message=message, code="body_too_slow", headers=headers))
