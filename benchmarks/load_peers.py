"""Puts a load on a peer, in the interpreter that has it: openai-python, or the Router of litellm.

All with 5 retries, which served them best, and 5 s for an attempt. The Router comes twice: as ``litellm`` with its own
cooldowns, and as ``litellm-steady`` without any, which serves it best here. openai-python knows one key a client; of
several, each has a client in turn.
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, Protocol

import load

_RETRIES = 5
_ATTEMPT_S = 5.0
_WHOLE_S = 120.0


class _Ask(Protocol):
    """Sends one request, the same for both peers."""

    async def __call__(self, number: int, messages: Sequence[object], *, stream: bool) -> Any:  # noqa: ANN401 - of a library that is not installed here
        """Give what the library gives."""


def _attempt_s(wanted: load.Load) -> float:
    """Give the time for an attempt: short where answers may hang, long where a busy client is only slow."""
    return _WHOLE_S if wanted.warm else _ATTEMPT_S


def _openai(wanted: load.Load) -> _Ask:
    openai = importlib.import_module("openai")
    clients = [
        openai.AsyncOpenAI(api_key=key, base_url=wanted.url, max_retries=_RETRIES, timeout=_attempt_s(wanted))
        for key in wanted.keys
    ]

    async def ask(number: int, messages: Sequence[object], *, stream: bool) -> Any:  # noqa: ANN401
        client = clients[number % len(clients)]
        return await client.chat.completions.create(model="fake", messages=messages, stream=stream)

    return ask


def _litellm(wanted: load.Load) -> _Ask:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # noqa: TID251 - litellm reads it; else it asks the network
    # The fake server says the same word over and over, which litellm else takes for a model gone wrong.
    os.environ["REPEATED_STREAMING_CHUNK_LIMIT"] = "1000000"  # noqa: TID251
    litellm: Any = importlib.import_module("litellm")
    litellm.suppress_debug_info = True
    shared = {"model": "openai/fake", "api_base": wanted.url, "timeout": _attempt_s(wanted)}
    router = litellm.Router(
        model_list=[{"model_name": "fake", "litellm_params": {**shared, "api_key": key}} for key in wanted.keys],
        num_retries=_RETRIES,
        timeout=_attempt_s(wanted),
        disable_cooldowns=wanted.client == "litellm-steady",
    )

    async def ask(number: int, messages: Sequence[object], *, stream: bool) -> Any:  # noqa: ANN401
        del number
        return await router.acompletion(model="fake", messages=messages, stream=stream)

    return ask


async def _text(ask: _Ask, number: int, *, plain: bool) -> str:
    """Give the whole text, or nothing where it did not end as it ought to."""
    messages = [{"role": "system", "content": "answer"}, {"role": "user", "content": f"{number} " + "x" * 2_000}]
    answer = await ask(number, messages, stream=not plain)
    if plain:
        return answer.choices[0].message.content or ""
    parts, finished = [], False
    async for chunk in answer:
        for choice in chunk.choices:
            parts.append(choice.delta.content or "")
            finished = finished or bool(choice.finish_reason)
    return "".join(parts) if finished else ""


async def _loaded(wanted: load.Load) -> load.Figures:
    ask = _openai(wanted) if wanted.client == "openai" else _litellm(wanted)

    async def one(number: int) -> str:
        try:
            text = await asyncio.wait_for(_text(ask, number, plain=wanted.plain), _WHOLE_S)
        except Exception as error:  # noqa: BLE001 - whatever comes out is counted by its name
            return type(error).__name__
        return "ok" if text == wanted.text else "short"

    return await load.put_on(wanted, one)


if __name__ == "__main__":
    load.tell(asyncio.run(_loaded(load.wanted(("openai", "litellm", "litellm-steady")))))
    sys.stdout.flush()
    os._exit(0)  # litellm leaves threads behind that wait for the network
