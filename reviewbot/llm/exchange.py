"""One attempt: a request in the endpoint's form over the wire, and a whole completion or a fault back."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from types import ModuleType, TracebackType

from reviewbot.domain.call import Call
from reviewbot.domain.endpoint import ClientOptions, Endpoint, ModelOptions
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.wire import WireRequest
from reviewbot.errors import WireError
from reviewbot.llm import relaying, stream, tallying
from reviewbot.llm.faults import Fault, FaultKind, of_status
from reviewbot.llm.forms import Form, Forms
from reviewbot.llm.ports import Wire, WireResponse
from reviewbot.llm.providers import deepseek, openai
from reviewbot.llm.retry import asked_wait_s
from reviewbot.llm.tape import Tape
from reviewbot.llm.wire import read_code

_OK = 200
_REFUSED = 400
_AS_IT_IS = Form("as it is", usage=False)
_LONGEST_ERROR_S = 10.0
_NO_MONEY = "insufficient_quota"
"""OpenAI's code for it, which comes with 429, as if waiting would help; our gateway answers with it, too."""


class Exchange:
    """Talks to one endpoint, and remembers which forms it takes."""

    def __init__(self, endpoint: Endpoint, wire: Wire, options: ClientOptions, now: Callable[[], datetime]) -> None:
        self.endpoint = endpoint
        self._wire = wire
        self._options = options
        self._now = now
        self._provider: ModuleType = deepseek if endpoint.host.endswith("deepseek.com") else openai
        self._forms = Forms(self._provider.FORMATS)
        self._relay_forms = Forms((_AS_IT_IS.answer,))
        self._url = f"{endpoint.base_url.rstrip('/')}/chat/completions"

    async def send(
        self, prompt: Prompt, model: ModelOptions, key: str | None, deadline_at: float, count: Callable[[], None]
    ) -> stream.Answer:
        """Send a prompt. ``count`` is called before each request that leaves. Raises Fault."""

        def outgoing(form: Form) -> WireRequest:
            body = json.dumps(self._provider.body(prompt, model, form)).encode()
            return self._request(body, _prompt_headers(prompt), key)

        async def read(_: Form, response: WireResponse, limits: stream.Limits) -> stream.Answer:
            return await stream.read(response, limits, self._provider.completion)

        answer = await self._in_a_form(self._forms, outgoing, read, deadline_at, count)
        _check(answer.completion)
        return answer

    async def relay(
        self, call: Call, model: str, key: str | None, deadline_at: float, count: Callable[[], None], tape: Tape
    ) -> stream.Answer:
        """Pass a request on, and its answer to the tape as it comes. ``count`` as above. Raises Fault."""
        unasked = call.streamed and not call.usage

        def outgoing(form: Form) -> WireRequest:
            body = relaying.body_for(call, model, usage=unasked and form.usage)
            return self._request(body, dict(call.headers), key)

        async def read(form: Form, response: WireResponse, limits: stream.Limits) -> stream.Answer:
            return await relaying.relay(response, limits, tape, call, withhold=unasked and form.usage)

        if unasked:
            return await self._in_a_form(self._relay_forms, outgoing, read, deadline_at, count)
        count()
        return await self._once(outgoing(_AS_IT_IS), partial(read, _AS_IT_IS), deadline_at)

    async def _in_a_form(
        self,
        forms: Forms,
        outgoing: Callable[[Form], WireRequest],
        read: Callable[[Form, WireResponse, stream.Limits], Awaitable[stream.Answer]],
        deadline_at: float,
        count: Callable[[], None],
    ) -> stream.Answer:
        """Ask in the strictest form that the endpoint does not refuse."""
        refused: Fault | None = None
        for form in forms.candidates():
            count()
            try:
                answer = await self._once(outgoing(form), partial(read, form), deadline_at)
            except Fault as fault:
                if fault.status != _REFUSED:
                    raise
                refused = refused or fault
                continue
            forms.worked(form)
            return answer
        raise refused or Fault(FaultKind.REQUEST, "no form is left to ask in")

    def _request(self, body: bytes, headers: Mapping[str, str], key: str | None) -> WireRequest:
        known = {"content-type": "application/json", "accept": "text/event-stream, application/json", **headers}
        if key is not None:
            known["authorization"] = f"Bearer {key}"
        return WireRequest(url=self._url, body=body, headers=known, connect_timeout_s=self._options.connect_timeout_s)

    async def _once(
        self,
        request: WireRequest,
        read: Callable[[WireResponse, stream.Limits], Awaitable[stream.Answer]],
        deadline_at: float,
    ) -> stream.Answer:
        limits = stream.Limits(
            first_s=self._options.first_content_s, idle_s=self._options.idle_s, deadline_at=deadline_at
        )
        head_by = min(asyncio.get_running_loop().time() + self._options.first_content_s, deadline_at)
        try:
            async with _Opened(self._wire, request, head_by) as response:
                if response.status != _OK:
                    raise await self._refusal(response, deadline_at)
                return await read(response, limits)
        except (WireError, TimeoutError) as error:
            raise _translated(error, self.endpoint.host) from error

    async def _refusal(self, response: WireResponse, deadline_at: float) -> Fault:
        """Make a fault of an error's answer, with the provider's own words."""
        limits = stream.Limits(first_s=_LONGEST_ERROR_S, deadline_at=deadline_at)
        try:
            body = await stream.whole(response.pieces(), limits)
        except (TimeoutError, WireError, Fault):
            body = b""
        for each in self.endpoint.keys:
            body = body.replace(each.value.encode(), b"[key]")  # some providers echo the key that they refuse
        said = self._provider.error_message(body)
        kind = of_status(response.status)
        if kind is FaultKind.RATE and read_code(body) == _NO_MONEY:
            kind = FaultKind.BALANCE
        message = f"{self.endpoint.host} answered {response.status}: {said or 'without a word'}"
        if kind is FaultKind.KEY:
            message += ". Check REVIEWBOT_API_KEY (or DEEPSEEK_API_KEY, OPENAI_API_KEY) for this endpoint"
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Fault(kind, message, wait_s=asked_wait_s(headers, self._now()), status=response.status)


def _prompt_headers(prompt: Prompt) -> Mapping[str, str]:
    repair = {"x-reviewbot-repair": "1"} if prompt.repair else {}
    return {"x-reviewbot-task": prompt.task.value, **repair}


class _Opened:
    """Sends, and waits for the answer's head no longer than until ``head_by``."""

    def __init__(self, wire: Wire, request: WireRequest, head_by: float) -> None:
        self._context = wire.send(request)
        self._head_by = head_by

    async def __aenter__(self) -> WireResponse:
        async with asyncio.timeout_at(self._head_by):
            return await self._context.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._context.__aexit__(kind, error, trace)


def _translated(error: WireError | TimeoutError, host: str) -> Fault:
    """Make a fault of what the wire or the clock raised."""
    if isinstance(error, TimeoutError):
        return Fault(FaultKind.TIMEOUT, f"{host} gave no answer in time")
    if not error.passing:
        return Fault(FaultKind.ADDRESS, str(error))
    message = f"{host} cannot be reached or broke off: {error}"
    return Fault(FaultKind.BROKEN if error.connected else FaultKind.UNREACHABLE, message)


def _check(completion: Completion) -> None:
    """Refuse answers that are complete in form only."""
    if completion.finish_reason == tallying.OVERLOADED:
        raise Fault(FaultKind.SERVER, "the provider ran out of resources during the answer")
    if not completion.text.strip():
        raise Fault(FaultKind.EMPTY, f"the answer is empty (finish reason {completion.finish_reason})")
