"""What people start with: one blocking client that sends a request, waits for the whole answer, and sends the next."""

import json
from collections.abc import Callable, Sequence

import httpx

from reviewbot.domain.endpoint import Endpoint, ModelOptions
from reviewbot.domain.prompt import Prompt
from reviewbot.llm.forms import Form
from reviewbot.llm.providers import deepseek, openai

_TIMEOUT_S = 120.0
_LONGEST_S = 120.0
"""After which no further request is begun: an endpoint may take minutes for one."""


def answers_per_minute(
    endpoint: Endpoint, prompts: Sequence[Prompt], model: ModelOptions, clock: Callable[[], float]
) -> float | None:
    """Ask one prompt after the other, and give the answers a minute; None where none came."""
    answered = 0
    with httpx.Client(timeout=_TIMEOUT_S, headers=_headers(endpoint)) as client:
        began = clock()
        for prompt in prompts:
            answered += _asked(client, endpoint, prompt, model)
            if clock() - began > _LONGEST_S:
                break
        elapsed_s = clock() - began
    return 60 * answered / elapsed_s if answered and elapsed_s > 0 else None


def _headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    if endpoint.keys:
        headers["authorization"] = f"Bearer {endpoint.keys[0].value}"
    return headers


def _asked(client: httpx.Client, endpoint: Endpoint, prompt: Prompt, model: ModelOptions) -> bool:
    provider = deepseek if endpoint.host.endswith("deepseek.com") else openai
    body = provider.body(prompt, model, Form("text", usage=False)) | {"stream": False}
    url = f"{endpoint.base_url.rstrip('/')}/chat/completions"
    task = {"x-reviewbot-task": prompt.task.value}
    try:
        response = client.post(url, content=json.dumps(body).encode(), headers=task)
        return response.is_success and bool(provider.completion(response.content).text)
    except (httpx.HTTPError, ValueError):
        return False
