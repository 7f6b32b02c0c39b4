"""Puts a load on the whole request client, or on bare httpx in the same pools: what its layers are measured against."""

import asyncio
import json

import load

from reviewbot.domain.endpoint import ApiKey, ClientOptions, Endpoint, ModelOptions
from reviewbot.domain.prompt import Message, Prompt, Task
from reviewbot.domain.wire import WireRequest
from reviewbot.errors import ReviewbotError
from reviewbot.llm.sse import EventReader
from reviewbot.llm.wires.httpx_shards import HttpxWire
from reviewbot.ports import WireResponse
from reviewbot.wiring.clients import ClientPlan, open_client
from reviewbot.wiring.surroundings import real_world

MODEL = ModelOptions(name="fake", max_tokens=400)


def prompt(number: int) -> Prompt:
    """Make a prompt that is like no other."""
    messages = (Message(role="system", content="answer"), Message(role="user", content=f"{number} " + "x" * 2_000))
    return Prompt(task=Task.REPLY, messages=messages, prompt_tokens=500)


async def _whole(wanted: load.Load) -> load.Figures:
    options = ClientOptions(concurrency=wanted.at_once, idle_s=2.0, first_content_s=5.0, deadline_s=120.0)
    keys = tuple(ApiKey(value=key) for key in wanted.keys)
    plan = ClientPlan(endpoint=Endpoint(base_url=wanted.url, keys=keys), model="fake", options=options)
    async with open_client(plan, real_world(), lambda _: None) as client:

        async def one(number: int) -> str:
            try:
                answer = await client.complete(prompt(number), MODEL)
            except ReviewbotError as error:
                return type(error).__name__
            except Exception as error:  # noqa: BLE001 - what must not come out is counted
                return f"foreign {type(error).__name__}"
            return "ok" if answer.text == wanted.text else "short"

        return await load.put_on(wanted, one)


async def _bare(wanted: load.Load) -> load.Figures:
    """Ask with httpx alone, in the same pools: read and parse, as much as any caller must do."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {wanted.keys[0]}"}
    async with HttpxWire(wanted.at_once) as wire:

        async def one(number: int) -> str:
            messages = [{"role": each.role, "content": each.content} for each in prompt(number).messages]
            body = json.dumps({"model": "fake", "messages": messages, "stream": True}).encode()
            request = WireRequest(url=f"{wanted.url}/chat/completions", body=body, headers=headers)
            async with wire.send(request) as response:
                text = await (_body(response) if wanted.plain else _events(response))
            return "ok" if text == wanted.text else "short"

        return await load.put_on(wanted, one)


async def _body(response: WireResponse) -> str:
    data = b"".join([piece async for piece in response.pieces()])
    text: str = json.loads(data)["choices"][0]["message"]["content"]
    return text


async def _events(response: WireResponse) -> str:
    reader = EventReader()
    parts: list[str] = []
    async for piece in response.pieces():
        deltas = (json.loads(event)["choices"][0]["delta"] for event in reader.feed(piece) if event != b"[DONE]")
        parts.extend(delta.get("content") or "" for delta in deltas)
    return "".join(parts)


if __name__ == "__main__":
    asked = load.wanted(("reviewbot", "httpx"))
    load.tell(asyncio.run(_whole(asked) if asked.client == "reviewbot" else _bare(asked)))
