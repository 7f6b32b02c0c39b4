"""One attempt: a request in the endpoint's form over the wire, and a whole completion or a fault back."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from types import ModuleType

from reviewbot.domain.endpoint import ClientOptions, Endpoint, ModelOptions
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.wire import WireRequest
from reviewbot.errors import WireError
from reviewbot.llm import stream
from reviewbot.llm.faults import Fault, FaultKind, of_status
from reviewbot.llm.forms import Form, Forms
from reviewbot.llm.providers import deepseek, openai
from reviewbot.llm.retry import asked_wait_s
from reviewbot.ports import Wire, WireResponse

_OK = 200
_REFUSED = 400
_OVERLOADED = "insufficient_system_resource"
_LONGEST_ERROR_S = 10.0


class Exchange:
    """Talks to one endpoint, and remembers which forms it takes."""

    def __init__(self, endpoint: Endpoint, wire: Wire, options: ClientOptions, now: Callable[[], datetime]) -> None:
        self.endpoint = endpoint
        self._wire = wire
        self._options = options
        self._now = now
        self._provider: ModuleType = deepseek if endpoint.host.endswith("deepseek.com") else openai
        self._forms = Forms(self._provider.FORMATS)
        self._url = f"{endpoint.base_url.rstrip('/')}/chat/completions"

    async def send(
        self, prompt: Prompt, model: ModelOptions, key: str | None, deadline_at: float, count: Callable[[], None]
    ) -> stream.Answer:
        """Send a prompt. ``count`` is called before each request that leaves. Raises Fault."""
        refused: Fault | None = None
        for form in self._forms.candidates():
            count()
            try:
                answer = await self._once(prompt, model, key, form, deadline_at)
            except Fault as fault:
                if fault.status != _REFUSED:
                    raise
                refused = refused or fault
                continue
            self._forms.worked(form)
            return answer
        raise refused or Fault(FaultKind.REQUEST, "no form is left to ask in")

    async def _once(
        self, prompt: Prompt, model: ModelOptions, key: str | None, form: Form, deadline_at: float
    ) -> stream.Answer:
        loop = asyncio.get_running_loop()
        limits = stream.Limits(
            first_s=self._options.first_content_s, idle_s=self._options.idle_s, deadline_at=deadline_at
        )
        request = WireRequest(
            url=self._url,
            body=json.dumps(self._provider.body(prompt, model, form)).encode(),
            headers=_headers(prompt, key),
            connect_timeout_s=self._options.connect_timeout_s,
        )
        head_by = min(loop.time() + self._options.first_content_s, deadline_at)
        with _translated(self.endpoint.host):
            async with _opened(self._wire, request, head_by) as response:
                if response.status != _OK:
                    raise await self._refusal(response, deadline_at)
                answer = await stream.read(response, limits, self._provider.completion)
        _check(answer.completion)
        return answer

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
        message = f"{self.endpoint.host} answered {response.status}: {said or 'without a word'}"
        if kind is FaultKind.KEY:
            message += ". Check REVIEWBOT_API_KEY (or DEEPSEEK_API_KEY, OPENAI_API_KEY) for this endpoint"
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Fault(kind, message, wait_s=asked_wait_s(headers, self._now()), status=response.status)


def _headers(prompt: Prompt, key: str | None) -> Mapping[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream, application/json",
        "x-reviewbot-task": prompt.task.value,
    }
    if prompt.repair:
        headers["x-reviewbot-repair"] = "1"
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return headers


@asynccontextmanager
async def _opened(wire: Wire, request: WireRequest, head_by: float) -> AsyncIterator[WireResponse]:
    """Send, and wait for the answer's head no longer than until ``head_by``."""
    context = wire.send(request)
    async with asyncio.timeout_at(head_by):
        response = await context.__aenter__()
    try:
        yield response
    except BaseException as error:
        if not await context.__aexit__(type(error), error, error.__traceback__):
            raise
    else:
        await context.__aexit__(None, None, None)


@contextmanager
def _translated(host: str) -> Iterator[None]:
    """Turn what the wire and the clock raise into faults."""
    try:
        yield
    except WireError as error:
        if not error.passing:
            raise Fault(FaultKind.ADDRESS, str(error)) from error
        message = f"{host} cannot be reached or broke off: {error}"
        raise Fault(FaultKind.BROKEN if error.connected else FaultKind.UNREACHABLE, message) from error
    except TimeoutError as error:
        raise Fault(FaultKind.TIMEOUT, f"{host} gave no answer in time") from error


def _check(completion: Completion) -> None:
    """Refuse answers that are complete in form only."""
    if completion.finish_reason == _OVERLOADED:
        raise Fault(FaultKind.SERVER, "the provider ran out of resources during the answer")
    if not completion.text.strip():
        raise Fault(FaultKind.EMPTY, f"the answer is empty (finish reason {completion.finish_reason})")
